//! The newest versions of the apps (api:pbx:app:version).

use schemars::JsonSchema;
use serde::Serialize;

/// An app that has an older version offers an update.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AppVersions {
    /// Of the desktop app; `0.0.0`: none is known.
    #[schemars(example = &"0.0.0")]
    pub desktop: String,
    /// Of the app for iOS; `0.0.0`: none is known.
    #[schemars(example = &"0.0.0")]
    pub ios: String,
    /// Of the app for Android; `0.0.0`: none is known.
    #[schemars(example = &"0.0.0")]
    pub android: String,
}

impl Default for AppVersions {
    fn default() -> AppVersions {
        let none = || "0.0.0".to_owned();
        AppVersions { desktop: none(), ios: none(), android: none() }
    }
}

impl AppVersions {
    /// Reads `desktop=6.1.0,ios=5.2.0`; the error is the part that cannot be read.
    pub fn parse(text: &str) -> Result<AppVersions, String> {
        let mut versions = AppVersions::default();
        let mut given = vec![];
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, version) = part.split_once('=').unwrap_or((part, ""));
            let target = match name.trim() {
                "desktop" => &mut versions.desktop,
                "ios" => &mut versions.ios,
                "android" => &mut versions.android,
                _ => return Err(part.to_owned()),
            };
            let version = version.trim();
            let is_version = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
            if given.contains(&name.trim()) || !(1..=50).contains(&version.len()) || !version.chars().all(is_version) {
                return Err(part.to_owned());
            }
            given.push(name.trim());
            version.clone_into(target);
        }
        Ok(versions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_by_the_names_of_the_apps() {
        let versions = AppVersions::parse(" ios=5.2.0-rc1, desktop = 6.1 ,").unwrap();
        assert_eq!(versions, AppVersions { desktop: "6.1".into(), ios: "5.2.0-rc1".into(), ..AppVersions::default() });
        assert_eq!(AppVersions::parse(""), Ok(AppVersions::default()));
        for wrong in ["6.1.0", "desktop=", "desktop", "web=1", "ios=1,ios=2", "ios=1 2", "ios=1=2", "=1"] {
            assert!(AppVersions::parse(wrong).is_err(), "{wrong}");
        }
    }
}
