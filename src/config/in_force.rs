//! All settings in one line, for the log of a start. No secret is a setting: secrets are in files that settings name. Of a URL the part
//! that may hold a password is struck out.

use clap::Args as _;
use serde_json::{Map, Value};

use super::Config;
use super::names::NAMES;
use crate::domain::redaction::strike_userinfo;

impl Config {
    /// Every setting by its name, as JSON: its value, and for what is not set the default as the help has it.
    pub fn in_force(&self) -> String {
        let set = serde_json::to_value(self).unwrap_or_default();
        let command = Config::augment_args(clap::Command::new("serve"));
        let all: Map<String, Value> = NAMES
            .iter()
            .map(|name| {
                let value = find(&set, name).cloned().or_else(|| self.resolved(name));
                let help = command.get_arguments().find(|argument| argument.get_id() == name);
                let help = help.and_then(|argument| argument.get_help()).map(ToString::to_string).unwrap_or_default();
                ((*name).to_owned(), without_userinfo(value.unwrap_or_else(|| default_in(&help).into())))
            })
            .collect();
        Value::Object(all).to_string()
    }

    /// What is not set and yet known better than its help can say.
    fn resolved(&self, name: &str) -> Option<Value> {
        match name {
            "db" if !self.is_ephemeral() => self.db().ok().map(|path| path.display().to_string().into()),
            _ => None,
        }
    }
}

/// A setting that is set: at the top, or in the section that its name begins with.
fn find<'s>(set: &'s Value, name: &str) -> Option<&'s Value> {
    let in_section = || {
        let (section, rest) = name.split_once('_')?;
        set.get(section)?.get(rest)
    };
    set.get(name).or_else(in_section)
}

/// `10` of `… [default: 10]`.
fn default_in(help: &str) -> &str {
    help.rsplit_once("[default: ").and_then(|(_, rest)| rest.strip_suffix(']')).unwrap_or("none")
}

/// A text in which the user part of a URL, which may hold a password, is struck out.
fn without_userinfo(value: Value) -> Value {
    match value {
        Value::String(text) => strike_userinfo(&text).into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_named_with_its_value_or_its_default() {
        let config = Config { log_files: Some(3), ..Config::default() };
        let all: Map<String, Value> = serde_json::from_str(&config.in_force()).unwrap();
        assert_eq!(all.keys().map(String::as_str).collect::<Vec<_>>(), NAMES);
        assert_eq!((&all["log_files"], &all["backup_keep"], &all["demo"]), (&3.into(), &"7".into(), &"false".into()));
        assert_eq!(all["listen"], "127.0.0.1:8080");
    }
}
