//! Text that is kept as it came, and may be read later.

use serde_json::Value;

/// How deep serde_json reads.
const DEPTH_MAX: usize = 127;

/// Whether JSON text, of which only the form is known to be right, can be read as a value: serde_json then refuses half
/// characters (a lone `\ud800`), what is nested deeper than 127, and objects that pass for its own inner ones
/// (`$serde_json::private::…`).
///
/// Nearly no text has an escape, a dollar, or so many brackets that it could be deep: that is seen at a glance.
pub fn is_readable(text: &str) -> bool {
    let brackets = || text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
    let is_plain = !text.contains('\\') && !text.contains('$') && brackets() <= DEPTH_MAX;
    is_plain || serde_json::from_str::<Value>(text).is_ok()
}

/// Whether a property has its default, and is left out of a rendering.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_readable_can_be_read_and_nothing_else_is() {
        let nested = |depth: usize| format!("{}1{}", "[{\"a\":".repeat(depth / 2), "}]".repeat(depth / 2));
        let wide = format!("[{}]", vec![r#"{"a":[]}"#; 500].join(","));
        for (text, is) in [
            (&*nested(126), true),
            (&nested(128), false),
            (&format!("[{}]", nested(126)), true),
            (&wide, true),
            (&format!(r#"["{}"]"#, "[".repeat(500)), true),
            (&format!(r#"["{}",{}]"#, "]".repeat(500), nested(128)), false),
            (r#"{"a":"\ud800"}"#, false),
            (r#"{"\uD800":1}"#, false),
            (r#"{"a":"\ud83d\ude00 \u00e6 \"[\""}"#, true),
            (r#"{"a":"\\ud800"}"#, true),
            (r#"{"$serde_json::private::Number":"x"}"#, false),
            (r#"{"\u0024serde_json::private::RawValue":"{"}"#, false),
            ("1e999999", true),
        ] {
            assert_eq!((is_readable(text), serde_json::from_str::<Value>(text).is_ok()), (is, is), "{text}");
        }
    }
}
