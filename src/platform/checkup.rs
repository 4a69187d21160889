//! What `doctor` says of the work with the platform.

use std::path::Path;

use super::connect::credential_of;
use super::status::alarm;
use crate::auth::key_file;
use crate::db::ReadTx;
use crate::domain::platform::OperationState;
use crate::error::{Error, Result, in_one_line};
use crate::store::platform::{self, operations};
use crate::sync::edge::checkup::Finding;

/// Whether the credential can be opened, and whether somebody must act; `None` without a platform.
pub fn check(tx: &ReadTx, path: &Path) -> Option<Finding> {
    let found = find(tx, path).unwrap_or_else(|error| Some((Some(format!("cannot be read: {error}")), String::new())));
    found.map(|(wrong, detail)| Finding { what: "platform", wrong, detail })
}

fn find(tx: &ReadTx, path: &Path) -> Result<Option<(Option<String>, String)>> {
    let Some(connection) = platform::connection(tx)? else { return Ok(None) };
    let sealer = key_file::read(path, tx).map_err(|error| Error::Internal(error.into()))?;
    let no_key = || "the key file is missing: put it back, or run platform connect again".to_owned();
    let sealed = match sealer {
        Some(sealer) => credential_of(&connection, &sealer).err().map(|error| in_one_line(error.as_ref())),
        None => Some(no_key()),
    };
    let wrong = match sealed {
        Some(wrong) => Some(wrong),
        None => alarm(tx)?,
    };
    let (waiting, conflicts) =
        (operations::count(tx, OperationState::Waiting)?, operations::count(tx, OperationState::Conflict)?);
    let detail = format!(
        "works with {} ({}): {waiting} changes wait, {conflicts} are in conflict",
        connection.url,
        connection.rules.mode.name()
    );
    Ok(Some((wrong, detail)))
}
