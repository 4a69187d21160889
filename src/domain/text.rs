//! How texts are compared: one function each for what is stored, for what is equal, and for what comes first. Names to log in
//! with, limits, filters and lists all use them.

use std::borrow::Cow;
use std::cmp::Ordering;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// The text in Unicode's form NFC, in which it is stored: an å typed on a Mac is the same as any other.
pub fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { ComposingNormalizerBorrowed::new_nfc().normalize(text) }
}

/// The text without regard to case: equal for texts that differ in case alone, `ß` and `ss` included. Upper case first, since
/// that folds letters together which have one lower case each.
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let upper: String = composed(text).chars().flat_map(char::to_uppercase).collect();
    let lower: String = upper.chars().flat_map(char::to_lowercase).collect();
    composed(&lower).into_owned()
}

/// Which text comes first in a list: without regard to case or accents, but with æ, ø and å behind z, as in Danish. Texts
/// that differ in nothing else are ordered by case, so that the order is always the same.
pub fn compare(one: &str, other: &str) -> Ordering {
    order_key(one).cmp(&order_key(other)).then_with(|| one.cmp(other))
}

fn order_key(text: &str) -> String {
    let folded = folded(text);
    if folded.is_ascii() {
        return folded;
    }
    let mut key = String::with_capacity(folded.len());
    for letter in folded.chars() {
        match letter {
            'æ' | 'ä' => key.push('{'),
            'ø' | 'ö' => key.push('|'),
            'å' => key.push('}'),
            letter if letter.is_ascii() => key.push(letter),
            letter => key.extend(base(letter)),
        }
    }
    key
}

/// A letter without its accents.
fn base(letter: char) -> impl Iterator<Item = char> {
    let mut bytes = [0; 4];
    let text = DecomposingNormalizerBorrowed::new_nfd().normalize(letter.encode_utf8(&mut bytes)).into_owned();
    let is_accent = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    text.chars().filter(move |c| !is_accent(c)).collect::<Vec<_>>().into_iter()
}

/// Whether a text has a character that nobody sees. A joiner between letters or signs beyond ASCII shapes them, as in an emoji
/// of a family or in Persian, and is seen.
pub fn has_invisible(text: &str) -> bool {
    if text.is_ascii() {
        return text.chars().any(is_invisible);
    }
    let letters: Vec<char> = text.chars().collect();
    let shapes = |at: usize| {
        let beyond_ascii = |c: Option<&char>| c.is_some_and(|c| !c.is_ascii() && !is_invisible(*c));
        matches!(letters[at], '\u{200c}' | '\u{200d}')
            && beyond_ascii(at.checked_sub(1).and_then(|before| letters.get(before)))
            && beyond_ascii(letters.get(at + 1))
    };
    (0..letters.len()).any(|at| is_invisible(letters[at]) && !shapes(at))
}

/// Whether a character is seen by nobody, but makes texts differ: controls, joiners, marks of direction, byte order marks.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Control characters have no place in any text of the API, but for line ends and tabs.
pub fn is_refused(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

/// Whether [`super::fields::Fields::required_lines`] takes this text.
pub fn is_text_within(text: &str, min: usize, max: usize) -> bool {
    // In bytes first: counting characters is rarely needed.
    let length = if text.len() <= max { text.len() } else { text.chars().count() };
    length >= min && length <= max && !text.chars().any(is_refused)
}

/// A number as it is dialled: blanks in it are only written.
pub fn dialled(number: &str) -> String {
    number.replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_in_case_or_form_alone_are_equal() {
        for (one, other) in [
            ("Ærø@Example.com", "ærØ@example.COM"),
            ("Åse", "a\u{30a}SE"),
            ("straße", "STRASSE"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("Bo", "bO"),
        ] {
            assert_eq!(folded(one), folded(other), "{one}");
        }
        assert_ne!(folded("Åse"), folded("Ase"));
        assert_eq!(composed("A\u{30a}"), "Å");
    }

    #[test]
    fn lists_are_in_danish_order() {
        let mut names =
            ["Åge", "Zoe", "Østen", "anders", "Ærø", "Anders", "André", "Andrea", "Gry", "Ömer", "bo", "Ängla"];
        names.sort_by(|one, other| compare(one, other));
        let expected =
            ["Anders", "anders", "André", "Andrea", "bo", "Gry", "Zoe", "Ängla", "Ærø", "Ömer", "Østen", "Åge"];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_joiner_is_seen_where_it_shapes_its_neighbours_and_nowhere_else() {
        assert!(!has_invisible("Bø \u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}") && !has_invisible("می\u{200c}خواهم"));
        for text in ["B\u{200d}o", "\u{200d}Bø", "Bø\u{200d}", "ø\u{200d}\u{200d}ø", "ø\u{200b}ø", "Bo\n", "\u{feff}"]
        {
            assert!(has_invisible(text), "{text:?}");
        }
    }

    #[test]
    fn what_nobody_sees_is_known() {
        for c in ['\0', '\n', '\u{200b}', '\u{202e}', '\u{feff}', '\u{ad}', '\u{2066}', '\u{e0041}'] {
            assert!(is_invisible(c), "{c:?}");
        }
        for c in ['a', ' ', 'å', '\u{a0}', '😀', '–'] {
            assert!(!is_invisible(c), "{c:?}");
        }
    }
}
