//! Points in time: milliseconds since 1970 in UTC, ISO 8601 on the wire.

use chrono::{DateTime, NaiveDate, SecondsFormat};

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(i64);

impl Time {
    pub const fn from_millis(millis: i64) -> Time {
        Time(millis)
    }

    pub const fn millis(self) -> i64 {
        self.0
    }

    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub const fn plus_ms(self, millis: i64) -> Time {
        Time(self.0 + millis)
    }

    /// Reads `2025-01-01T00:00:00.000Z` (any offset) or a date alone, which means its first moment in UTC.
    pub fn parse(text: &str) -> Option<Time> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Some(Time(time.timestamp_millis()));
        }
        Time::parse_date(text)
    }

    /// Reads `YYYY-MM-DD` alone: the first moment of that day in UTC.
    pub fn parse_date(text: &str) -> Option<Time> {
        // chrono also takes "2025-1-1" and "+2025-01-01"; the documented form is ten characters.
        if text.len() != 10 || !text.bytes().all(|c| c.is_ascii_digit() || c == b'-') {
            return None;
        }
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(Time(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis()))
    }
}

impl std::fmt::Display for Time {
    /// `2025-01-01T00:00:00.000Z`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = DateTime::from_timestamp_millis(self.0).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Time::parse(&text).ok_or_else(|| serde::de::Error::custom("not a time, such as 2027-01-31T12:00:00.000Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_milliseconds() {
        assert_eq!(Time::parse("2025-01-01").unwrap().to_string(), "2025-01-01T00:00:00.000Z");
        assert_eq!(Time::parse("2025-01-01T02:00:00.5+02:00").unwrap().to_string(), "2025-01-01T00:00:00.500Z");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in ["", "2025-13-01", "2025-02-30", "2025-1-1", "01-01-2025", "+2025-01-1", "tomorrow"] {
            assert_eq!(Time::parse_date(text), None, "{text}");
        }
    }
}
