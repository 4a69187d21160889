//! Strikes secrets out of text that leaves the machine, such as lines of the log. It strikes out too much rather than too
//! little: a reader misses a word, nobody finds a token.

const STRUCK: &str = "***";

/// Names of what is secret, in lower case: what follows one of them with `=` or `:` is struck out.
const NAMES: [&str; 13] = [
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "authorization",
    "cookie",
    "apikey",
    "api_key",
    "api-key",
    "authenticator",
    "code",
    "otpauth",
];

/// Shortest run of hex digits that may be a token, an enrolment code or a key. The parts of a UUID are shorter.
const HEX_MIN: usize = 32;
/// Shortest run of capitals and the digits 2 to 7 that may be an authenticator key.
const BASE32_MIN: usize = 16;
/// Shortest run of letters, digits and the marks of base64 that may be a key, when it has letters of both cases and digits.
const BASE64_MIN: usize = 32;

/// `text` without what may be a secret.
pub fn redacted(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut pending = Pending::None;
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end_matches(char::is_whitespace);
        let gap = &word[bare.len()..];
        if bare.is_empty() {
            kept.push_str(gap);
            continue;
        }
        kept.push_str(&pending.redact(bare));
        kept.push_str(gap);
    }
    kept
}

/// What is to be struck out of the words that follow.
#[derive(Clone, Copy, PartialEq)]
enum Pending {
    None,
    /// The next word, if it begins with `=` or `:`: a name was the end of the one before.
    Separated,
    /// The next word: a name and `=` or `:` were the end of the one before.
    Word,
    /// Everything up to this quotation mark.
    Quoted(char),
}

impl Pending {
    fn redact(&mut self, word: &str) -> String {
        if *self == Pending::Separated {
            *self = Pending::None;
            if word.starts_with(['=', ':']) {
                return self.redact_value(word, 1);
            }
        }
        match *self {
            Pending::Quoted(mark) => {
                if word.contains(mark) {
                    *self = Pending::None;
                }
                String::new()
            }
            Pending::Word => {
                // The scheme of an Authorization header stands before its secret.
                let is_scheme = is_scheme(word);
                *self = if is_scheme { Pending::Word } else { Pending::behind(word) };
                if is_scheme { word.to_owned() } else { STRUCK.to_owned() }
            }
            Pending::None if is_scheme(word) => {
                *self = Pending::Word;
                word.to_owned()
            }
            Pending::None | Pending::Separated => match named_secret(word) {
                Some(at) => self.redact_value(word, at),
                None => {
                    let lower = word.to_ascii_lowercase();
                    if NAMES.iter().any(|name| lower.trim_end_matches(['"', '\'']).ends_with(name)) {
                        *self = Pending::Separated;
                    }
                    without_runs(&without_userinfo(word))
                }
            },
        }
    }

    /// A word with a secret from `at` on, or behind the word when nothing is there.
    fn redact_value(&mut self, word: &str, at: usize) -> String {
        let (name, value) = word.split_at(at);
        *self = Pending::behind(value);
        if value.is_empty() {
            *self = Pending::Word;
            return name.to_owned();
        }
        format!("{name}{STRUCK}")
    }

    /// After a value that may have begun a quotation without ending it.
    fn behind(value: &str) -> Pending {
        match value.chars().find(|c| matches!(c, '"' | '\'')) {
            Some(mark) if value.matches(mark).count() == 1 => Pending::Quoted(mark),
            _ => Pending::None,
        }
    }
}

fn is_scheme(word: &str) -> bool {
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric()).trim_end_matches(':');
    word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic")
}

/// Where the value of the first secret begins that the word names: behind `password=`, `"token":` or `hub_token: `.
fn named_secret(word: &str) -> Option<usize> {
    // Lower-casing ASCII alone keeps the places of all characters.
    let lower = word.to_ascii_lowercase();
    let value_behind = |end: usize| {
        let rest = lower[end..].trim_start_matches(|c: char| c.is_alphanumeric() || "_-[]\"'\\".contains(c));
        rest.starts_with(['=', ':']).then(|| lower.len() - rest.len() + 1)
    };
    let values = NAMES.iter().flat_map(|name| {
        let lower = &lower;
        lower.match_indices(name).filter_map(move |(at, name)| value_behind(at + name.len()))
    });
    values.min()
}

/// Without user name and password of a URL.
fn without_userinfo(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority].rfind('@') {
        Some(at) => format!("{scheme}://{STRUCK}{}", &rest[at..]),
        None => word.to_owned(),
    }
}

/// Without runs of characters that are as long and as random as a secret.
fn without_runs(word: &str) -> String {
    let is_run = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '_' | '=');
    let mut kept = String::new();
    let mut rest = word;
    while !rest.is_empty() {
        let run = rest.find(|c| !is_run(c)).unwrap_or(rest.len());
        kept.push_str(if is_secret(&rest[..run]) { STRUCK } else { &rest[..run] });
        rest = &rest[run..];
        let other = rest.find(is_run).unwrap_or(rest.len());
        kept.push_str(&rest[..other]);
        rest = &rest[other..];
    }
    kept
}

fn is_secret(run: &str) -> bool {
    let all = |is: fn(char) -> bool| run.chars().all(is);
    let any = |is: fn(char) -> bool| run.chars().any(is);
    let is_hex = run.len() >= HEX_MIN && all(|c| c.is_ascii_hexdigit());
    let is_base32 = run.len() >= BASE32_MIN && all(|c| c.is_ascii_uppercase() || matches!(c, '2'..='7' | '='));
    let is_base64 = run.len() >= BASE64_MIN
        && any(|c| c.is_ascii_digit())
        && any(|c| c.is_ascii_lowercase())
        && any(|c| c.is_ascii_uppercase());
    is_hex || is_base32 || is_base64
}

/// `postgres://***@host/database` of `postgres://user:password@host/database`.
pub fn strike_userinfo(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://***{}", &rest[at..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn secrets_are_struck_out_however_they_are_named() {
        for text in [
            format!("Authorization: Bearer {TOKEN}"),
            format!("authorization=\"Basic SECRET\" for {TOKEN}"),
            "password=SECRET".into(),
            "password = SECRET".into(),
            "password: \"SECRET SECRET SECRET\" and more".into(),
            r#"{"user":"a","password":"SECRET"}"#.into(),
            r#"{\"password\":\"SECRET\"}"#.into(),
            "the new_password='SECRET SECRET'".into(),
            "GET /employees?token=SECRET&limit=1".into(),
            "X-Api-Key: SECRET".into(),
            "otpauth://totp/Anna?secret=SECRET".into(),
            "postgres://hub:SECRET@db.example.com/hub".into(),
            "https://SECRET@hub.example.com:8444/a?b".into(),
            format!("{TOKEN} is not known"),
            format!("code {}.{}", &TOKEN[..32], &TOKEN[..32]),
            "key JBSWY3DPEHPK3PXP".into(),
            "Cookie: token=SECRET".into(),
            "AKfbQ9zXw1L0aBcDeFgHiJkLmNoPqRsT".into(),
        ] {
            let kept = redacted(&text);
            let has_run = kept.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| run.len() > 15);
            assert!(!kept.contains("SECRET") && !has_run, "{text}: {kept}");
        }
        assert_eq!(redacted("password=\"a b c\" then"), "password=***   then");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in [
            "",
            "  the hub cannot be reached: io error  ",
            "a request 7d0c8f54-2f53-4b5e-9a37-0a4d6f3b8e21 took 5 ms",
            "listening on https://127.0.0.1:8080/docs/",
            "e00000000000000000000001 was not found\n\tat 3",
            "2027-01-31T12:00:00Z WARN not mirrored wait_s=5",
            "smørrebrød på æøå ÆØÅ",
        ] {
            assert_eq!(redacted(text), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_token_is_left_in_any_text(before in ".{0,40}", after in ".{0,40}") {
            let text = format!("{before} {TOKEN} {after}");
            proptest::prop_assert!(!redacted(&text).contains(TOKEN));
        }
    }

    #[test]
    fn a_password_in_a_url_is_struck_out() {
        assert_eq!(strike_userinfo("smtps://me:pass@mail.example.com:465/x"), "smtps://***@mail.example.com:465/x");
        assert_eq!(strike_userinfo("https://a.example.com/x@y"), "https://a.example.com/x@y");
        assert_eq!(strike_userinfo("postgres://u:p@ss@h/d?x=1"), "postgres://***@h/d?x=1");
        assert_eq!(strike_userinfo("/a/path"), "/a/path");
    }
}
