//! What `doctor` and a diagnosis look at: everything in the database, its key, its token, its clock, and who may read it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::Serialize;

use super::{clock_check, enrolment};
use crate::auth::key_file;
use crate::auth::secrets::key_path;
use crate::db::ReadTx;
use crate::db::upgrade::copies;
use crate::error::{Error, Result};
use crate::store::health::HealthCheck;
use crate::store::sync_state;
use crate::usecases::{examination, login, storage};

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub what: &'static str,
    /// What is wrong; `None` when nothing is.
    pub wrong: Option<String>,
    pub detail: String,
}

/// What is wrong, if anything, and what to report when nothing is.
type Verdict = (Option<String>, String);

impl Finding {
    /// What cannot be read is wrong.
    fn of(what: &'static str, found: Result<Verdict>) -> Finding {
        let (wrong, detail) = found.unwrap_or_else(|error| (Some(format!("cannot be read: {error}")), String::new()));
        Finding { what, wrong, detail }
    }
}

/// Checks all that is in the file at `path`, in one snapshot, and the rights of the files.
pub fn examine(tx: &ReadTx, path: &Path) -> Vec<Finding> {
    let finding = |check: HealthCheck| Finding { what: check.what, wrong: check.wrong, detail: check.detail };
    let mut findings: Vec<Finding> = examination::examine(tx).into_iter().map(finding).collect();
    findings.push(Finding::of("authenticator keys", authenticator_keys(tx, path)));
    let clock = clock_check::read(tx).map(|(clock, hub_ahead_ms)| {
        (clock_check::wrong(&clock, hub_ahead_ms), clock_check::describe(&clock, hub_ahead_ms))
    });
    findings.push(Finding::of("clock", clock));
    findings.extend(hub_token(tx, path).transpose().map(|found| Finding::of("hub token", found)));
    findings.push(Finding::of("room", storage::measure(tx, path).map(|storage| (None, storage.describe()))));
    findings.push(rights(path));
    let key = key_path(path);
    if key.exists() {
        findings.push(rights(&key));
    }
    findings.extend(old_copies(path));
    findings
}

/// The databases that upgrades and rollbacks have left beside it; `None` when there are none.
fn old_copies(path: &Path) -> Option<Finding> {
    let copies: Vec<String> =
        copies(path).iter().map(|copy| format!("{} ({} bytes)", copy.path.display(), copy.bytes)).collect();
    (!copies.is_empty()).then(|| Finding {
        what: "older copies",
        wrong: None,
        detail: format!("{}: remove them once you will not go back (rollback)", copies.join(", ")),
    })
}

/// Whether the token for the hub can be unsealed; `None` without a hub.
fn hub_token(tx: &ReadTx, path: &Path) -> Result<Option<Verdict>> {
    let Some(enrolment) = sync_state::enrolment(tx)? else { return Ok(None) };
    let sealer = key_file::read(path, tx).map_err(|error| Error::Internal(error.into()))?;
    let is_open = sealer.is_some_and(|sealer| enrolment::token(&enrolment, &sealer).is_some());
    let key = key_path(path);
    let wrong = (!is_open)
        .then(|| format!("{} is missing, or another one: put the right file back, or enrol anew", key.display()));
    Ok(Some((wrong, format!("of {} at {}", enrolment.origin, enrolment.hub))))
}

/// Whether the key file is the one that the database was used with.
fn authenticator_keys(tx: &ReadTx, path: &Path) -> Result<Verdict> {
    let sealer = key_file::read(path, tx).map_err(|error| Error::Internal(error.into()))?;
    let (all, lost) = login::count_authenticator_keys(tx, sealer.as_ref())?;
    let key = key_path(path);
    let wrong = (lost > 0).then(|| {
        let why = if sealer.is_some() { "is another one" } else { "is missing" };
        format!("{} {why}: {lost} of {all} cannot be opened; put the right file back", key.display())
    });
    Ok((wrong, format!("{all} opened")))
}

fn rights(path: &Path) -> Finding {
    let detail = path.display().to_string();
    let mode = std::fs::metadata(path).map_or(0, |data| data.permissions().mode() & 0o777);
    let wrong = (mode & 0o077 != 0).then(|| format!("{detail} can be used by others (mode {mode:o}): chmod 600 it"));
    Finding { what: "rights", wrong, detail }
}
