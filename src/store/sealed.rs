//! What in the database is sealed with the key file, and lost without it.

use super::{credentials, platform, sync_state};
use crate::db::ReadTx;
use crate::error::Result;

/// In words, such as `2 authenticator keys and the token for the hub`; `None` when nothing would be lost. Remembered answers
/// to repeated requests are sealed too, but serve for a day only.
pub fn describe(tx: &ReadTx) -> Result<Option<String>> {
    let keys = match credentials::totp_keys(tx)?.len() {
        0 => None,
        1 => Some("1 authenticator key".to_owned()),
        count => Some(format!("{count} authenticator keys")),
    };
    let token = sync_state::enrolment(tx)?.map(|_| "the token for the hub".to_owned());
    let platform = platform::connection(tx)?.map(|_| "the credential for the platform".to_owned());
    let sealed: Vec<String> = [keys, token, platform].into_iter().flatten().collect();
    Ok((!sealed.is_empty()).then(|| sealed.join(" and ")))
}
