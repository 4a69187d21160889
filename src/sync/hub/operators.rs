//! Operators: the people and programs at the centre, each with a level and a token of its own. Pure: both stores and the
//! calls of the hub decide by it.

use serde::Serialize;

use crate::domain::proposal::HubLevel;
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};

/// The operator whose token is in the hub's token file.
pub const ADMINISTRATOR: &str = "administrator";
/// Whoever runs a command on the hub's machine.
pub const COMMAND_LINE: &str = "command line";
/// A server that does something with its own origin.
pub const SERVER: &str = "server";

/// The longest name of an operator, in characters.
const NAME_MAX: usize = 64;
/// The longest author of a proposal, in characters.
const AUTHOR_MAX: usize = 200;

/// Somebody who may call the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Operator {
    pub name: String,
    pub level: HubLevel,
    /// `None`: the administrator, who is there from the start.
    pub added_at: Option<Time>,
    /// When its token was last replaced.
    pub rotated_at: Option<Time>,
}

impl Operator {
    pub fn administrator() -> Operator {
        Operator { name: ADMINISTRATOR.into(), level: HubLevel::Administer, added_at: None, rotated_at: None }
    }

    /// 403 `level` unless the operator has at least the level that a call needs.
    pub fn check_level(&self, needed: HubLevel) -> Result<()> {
        if self.level >= needed {
            return Ok(());
        }
        let message = format!(
            "This call needs the level {}, and {} has {}: use another token, or ask an administrator of the hub",
            needed.name(),
            self.name,
            self.level.name()
        );
        Err(Error::Forbidden { code: "level", message: message.into() })
    }

    /// The author of a proposal that this operator files. An operator is always the author itself: an error when the
    /// proposal names another. The administrator's token is shared by programs that act for people, so that a given author is kept,
    /// behind the name of the account.
    pub fn author(&self, given: Option<&str>) -> Result<String> {
        match given.map(str::trim).filter(|given| !given.is_empty() && *given != self.name) {
            None => Ok(self.name.clone()),
            Some(given) if self.name == ADMINISTRATOR => {
                let author = format!("{ADMINISTRATOR} for {given}");
                Ok(author.chars().take(AUTHOR_MAX).collect())
            }
            Some(_) => {
                let message =
                    format!("author is always the operator who files the proposal, {}: leave it out", self.name);
                Err(Error::bad_request(message))
            }
        }
    }
}

/// 422 `name` when an operator cannot be called so: the audit trail must not take it for somebody else.
pub fn check_operator_name(name: &str) -> Result<()> {
    let is_allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+' | ' ');
    let length = name.chars().count();
    if length == 0 || length > NAME_MAX || name.trim() != name || !name.chars().all(is_allowed) {
        let message = format!("name must be 1 to {NAME_MAX} letters, digits, spaces inside, or any of . - _ @ +");
        return Err(Error::invalid("name", Check::Format, message));
    }
    let folded = name.to_lowercase();
    for reserved in [ADMINISTRATOR, COMMAND_LINE, SERVER] {
        if folded == reserved || folded.starts_with(&format!("{reserved} ")) {
            let message = format!("{reserved} has a meaning of its own in the audit trail: choose another name");
            return Err(Error::invalid("name", Check::Unique, message));
        }
    }
    Ok(())
}

/// 409 `operator`: there is one of this name.
pub fn operator_exists(name: &str) -> Error {
    Error::conflict("operator", format!("There is an operator {name}: choose another name, or rotate its token"))
}

/// 404 `operator`.
pub fn operator_not_found() -> Error {
    Error::not_found("operator", "There is no operator of this name: see hub operator list")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn olga(level: HubLevel) -> Operator {
        Operator { name: "olga".into(), level, ..Operator::administrator() }
    }

    #[test]
    fn a_level_includes_the_levels_below_it() {
        for (i, has) in HubLevel::ALL.into_iter().enumerate() {
            for (j, needed) in HubLevel::ALL.into_iter().enumerate() {
                assert_eq!(olga(has).check_level(needed).is_ok(), i >= j, "{has:?} {needed:?}");
            }
        }
        let refused = olga(HubLevel::Read).check_level(HubLevel::Propose).unwrap_err();
        assert!(matches!(refused, Error::Forbidden { code: "level", .. }));
    }

    #[test]
    fn an_operator_files_under_no_other_name_and_the_administrator_under_its_own_first() {
        let olga = olga(HubLevel::Administer);
        assert_eq!(olga.author(None).unwrap(), "olga");
        assert_eq!(olga.author(Some(" olga ")).unwrap(), "olga");
        assert!(olga.author(Some("rosa")).is_err() && olga.author(Some("administrator")).is_err());
        let administrator = Operator::administrator();
        assert_eq!(administrator.author(None).unwrap(), "administrator");
        assert_eq!(administrator.author(Some("olga")).unwrap(), "administrator for olga");
    }

    #[test]
    fn no_operator_can_be_taken_for_somebody_else_in_the_audit_trail() {
        for name in ["olga", "Olga Berg", "o.b-c_d@example.com+1", "Ülkü", "Administratorin"] {
            assert!(check_operator_name(name).is_ok(), "{name}");
        }
        let long = "x".repeat(NAME_MAX + 1);
        for name in
            ["", " olga", "olga\n", "a\u{0}b", "a/b", "administrator", "Administrator for olga", "Command Line", &long]
        {
            assert!(check_operator_name(name).is_err(), "{name}");
        }
    }
}
