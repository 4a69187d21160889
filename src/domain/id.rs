//! Object ids: 24 hex characters, accepted in any case, stored and answered in lower case.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use super::chance;

/// The id of a customer, employee, queue, address or change-log entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; 12]);

/// The text was not 24 hex characters.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 24 hex characters")]
pub struct NotAnId;

impl Id {
    /// The id of what there is one of.
    pub const ZERO: Id = Id([0; 12]);

    /// A new id in the platform's form: four bytes of seconds, five random, three counted.
    pub fn new(now: super::time::Time) -> Id {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&(now.seconds() as u32).to_be_bytes());
        bytes[4..9].copy_from_slice(&chance::uuid().as_bytes()[..5]);
        // Where ids are to repeat, chance alone tells them apart: the counter is of all threads.
        let count = if chance::is_seeded() { 0 } else { COUNTER.fetch_add(1, Ordering::Relaxed) };
        bytes[9..].copy_from_slice(&count.to_be_bytes()[1..]);
        Id(bytes)
    }

    /// The id that stands for a number, such as a place in the audit trail.
    pub fn from_number(number: i64) -> Id {
        let mut bytes = [0; 12];
        bytes[4..].copy_from_slice(&number.to_be_bytes());
        Id(bytes)
    }

    /// The id that stands for something known by its hash: the hash's first 24 hex digits.
    pub fn of_hash(hash: &[u8; 32]) -> Id {
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&hash[..12]);
        Id(bytes)
    }

    /// The number behind [`Id::from_number`]; `None` when the id is no such number.
    pub fn to_number(self) -> Option<i64> {
        let (high, low) = self.0.split_at(4);
        let number = i64::from_be_bytes(low.try_into().ok()?);
        (high == [0; 4] && number >= 0).then_some(number)
    }

    fn hex(self) -> [u8; 24] {
        let mut text = [0; 24];
        // It fails only where the length is another one.
        let _ = hex::encode_to_slice(self.0, &mut text);
        text
    }

    /// Calls `f` with the lower-case text, without allocating.
    pub fn with_str<T>(self, f: impl FnOnce(&str) -> T) -> T {
        f(std::str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Id, NotAnId> {
        let mut bytes = [0; 12];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotAnId)?;
        Ok(Id(bytes))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_str(|text| f.write_str(text))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with_str(|text| serializer.serialize_str(text))
    }
}

impl<'de> serde::Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|NotAnId| serde::de::Error::custom("not 24 hex characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_case_is_accepted_and_lower_case_answered() {
        let id: Id = "12345678901234567890ABcd".parse().unwrap();
        assert_eq!(id.to_string(), "12345678901234567890abcd");
    }

    #[test]
    fn only_24_hex_characters_are_an_id() {
        for text in [
            "",
            "1234567890123456789012",
            "12345678901234567890123",
            "1234567890123456789012345",
            "12345678901234567890123g",
            "1234567890123456789012é",
            "+23456789012345678901234",
        ] {
            assert_eq!(text.parse::<Id>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn a_number_comes_back_from_its_id() {
        assert_eq!(Id::from_number(77).to_string(), "00000000000000000000004d");
        assert_eq!(Id::from_number(77).to_number(), Some(77));
        assert_eq!("ffffffff0000000000000001".parse::<Id>().unwrap().to_number(), None);
    }

    #[test]
    fn two_new_ids_differ() {
        let now = crate::domain::time::Time::from_millis(1_700_000_000_000);
        assert_ne!(Id::new(now), Id::new(now));
        assert!(Id::new(now).to_string().starts_with("6553f100"));
    }
}
