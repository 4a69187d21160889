//! `doctor`

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

use super::Store;
use crate::clock::Clock;
use crate::db::{ReadOnly, ReadTx, SCHEMA_VERSION};
use crate::error::{Error, Result as DomainResult};
use crate::login;
use crate::secrets::{Sealer, key_path};
use crate::store::audit::{self, Verdict};
use crate::store::health;

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    /// What is wrong; `None` when nothing is.
    wrong: Option<String>,
    detail: String,
}

pub fn run(store: &Store) -> Result<ExitCode, String> {
    let path = store.path()?;
    let database = ReadOnly::open(&path, Clock::default())?;
    let mut findings = database.read(examine).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    findings.push(database.read(|tx| authenticator_keys(tx, &path)).map_err(|error| error.to_string())?);
    findings.push(rights(&path));
    let key = key_path(&path);
    if key.exists() {
        findings.push(rights(&key));
    }
    println!("{} (schema {SCHEMA_VERSION})", path.display());
    for finding in &findings {
        match &finding.wrong {
            None => println!("ok     {}: {}", finding.what, finding.detail),
            Some(wrong) => println!("WRONG  {}: {wrong}", finding.what),
        }
    }
    let wrong = findings.iter().filter(|finding| finding.wrong.is_some()).count();
    if wrong == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    Err(format!(
        "{wrong} of {} checks failed: keep this file, and go back to a backup if it cannot be explained",
        findings.len()
    ))
}

fn examine(tx: &ReadTx) -> DomainResult<Vec<Finding>> {
    let verdict = audit::verify(tx, |_| {})?;
    let trail = match verdict {
        Verdict::Intact { entries, .. } => {
            Finding { what: "audit trail", wrong: None, detail: format!("{entries} entries") }
        }
        Verdict::Broken { seq, reason } => Finding {
            what: "audit trail",
            wrong: Some(format!("broken at entry {seq}: {reason}")),
            detail: String::new(),
        },
    };
    let mut findings: Vec<Finding> = health::examine(tx)?
        .into_iter()
        .map(|check| Finding { what: check.what, wrong: check.wrong, detail: check.detail })
        .collect();
    findings.push(trail);
    Ok(findings)
}

/// Whether the key file is the one that the database was used with.
fn authenticator_keys(tx: &ReadTx, path: &Path) -> DomainResult<Finding> {
    let sealer = Sealer::read(path).map_err(Error::internal)?;
    let (all, lost) = login::count_authenticator_keys(tx, sealer.as_ref())?;
    let key = key_path(path);
    let wrong = (lost > 0).then(|| {
        let why = if sealer.is_some() { "is another one" } else { "is missing" };
        format!("{} {why}: {lost} of {all} cannot be opened; put the right file back", key.display())
    });
    Ok(Finding { what: "authenticator keys", wrong, detail: format!("{all} opened") })
}

fn rights(path: &Path) -> Finding {
    let detail = path.display().to_string();
    let mode = std::fs::metadata(path).map_or(0, |data| data.permissions().mode() & 0o777);
    let wrong = (mode & 0o077 != 0).then(|| format!("{detail} can be used by others (mode {mode:o}): chmod 600 it"));
    Finding { what: "rights", wrong, detail }
}
