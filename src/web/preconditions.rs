//! Conditions on the version of an object.

use crate::error::{Error, Result};

/// Conditions on the version of an object (RFC 9110, section 13).
#[derive(Clone, Debug)]
pub struct Preconditions {
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
}

impl Preconditions {
    /// Refuses a change of an object at `rev` that was meant for another version: 412.
    pub fn check(&self, rev: i64) -> Result<()> {
        let is_match = self.if_match.as_deref().is_none_or(|tags| names_rev(tags, rev, false));
        let is_unwanted = self.if_none_match.as_deref().is_some_and(|tags| names_rev(tags, rev, true));
        if is_match && !is_unwanted { Ok(()) } else { Err(Error::PreconditionFailed) }
    }

    /// Refuses to make an object that was expected to be there: 412.
    pub fn check_absent(&self) -> Result<()> {
        if self.if_match.is_none() { Ok(()) } else { Err(Error::PreconditionFailed) }
    }
}

/// Whether a list of entity tags names `rev`; weak tags count only in a weak comparison.
pub fn names_rev(tags: &str, rev: i64, weak: bool) -> bool {
    tags.split(',').map(str::trim).any(|tag| {
        let tag = if weak { tag.strip_prefix("W/").unwrap_or(tag) } else { tag };
        tag == "*"
            || tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).is_some_and(|tag| tag == rev.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags_are_compared_as_the_rfc_says() {
        assert!(names_rev("\"7\"", 7, false) && names_rev("*", 7, false) && names_rev("\"1\", \"7\"", 7, false));
        assert!(names_rev("W/\"7\"", 7, true) && !names_rev("W/\"7\"", 7, false));
        assert!(!names_rev("7", 7, true) && !names_rev("\"77\"", 7, true) && !names_rev("", 7, true));
    }
}
