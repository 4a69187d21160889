//! What in the database is sealed with the key file, and lost without it.

use rusqlite::params;

use super::{credentials, platform, sync_state};
use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::error::Result;

/// Where a sealed value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SealedPlace {
    /// Of an employee.
    AuthenticatorKey(Id),
    HubToken,
    PlatformCredential,
    /// Of an operation, by its number.
    PlatformPassword(i64),
    /// Of a session, by the hash of its token.
    PlatformToken(Hash),
}

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

/// All of them, except remembered answers.
pub fn values(tx: &ReadTx) -> Result<Vec<(SealedPlace, Vec<u8>)>> {
    let keys = credentials::totp_keys(tx)?;
    let mut values: Vec<_> = keys.into_iter().map(|(id, key)| (SealedPlace::AuthenticatorKey(id), key)).collect();
    values.extend(sync_state::enrolment(tx)?.map(|enrolment| (SealedPlace::HubToken, enrolment.token)));
    values.extend(platform::connection(tx)?.map(|found| (SealedPlace::PlatformCredential, found.credential)));
    let mut passwords = tx.conn.prepare("select seq, secret from platform_operations where secret is not null")?;
    for row in passwords.query_map([], |row| Ok((SealedPlace::PlatformPassword(row.get(0)?), row.get(1)?)))? {
        values.push(row?);
    }
    let sql = "select token_hash, platform_token from sessions where platform_token is not null";
    let mut tokens = tx.conn.prepare(sql)?;
    for row in tokens.query_map([], |row| Ok((SealedPlace::PlatformToken(row.get(0)?), row.get(1)?)))? {
        values.push(row?);
    }
    Ok(values)
}

/// Replaces one by another sealing of it.
pub fn replace(tx: &mut WriteTx, place: &SealedPlace, value: &[u8]) -> Result<()> {
    match place {
        SealedPlace::AuthenticatorKey(id) => {
            tx.conn.execute("update credentials set totp_key = ?2 where employee = ?1", params![id, value])
        }
        SealedPlace::HubToken => tx.conn.execute("update sync_state set token = ?1", [value]),
        SealedPlace::PlatformCredential => tx.conn.execute("update platform set credential = ?1", [value]),
        SealedPlace::PlatformPassword(seq) => {
            tx.conn.execute("update platform_operations set secret = ?2 where seq = ?1", params![seq, value])
        }
        SealedPlace::PlatformToken(session) => {
            tx.conn.execute("update sessions set platform_token = ?2 where token_hash = ?1", params![session, value])
        }
    }?;
    Ok(())
}

/// Forgets the remembered answers; returns how many. What they are found by is made with the key, so none can be found with another.
pub fn forget_answers(tx: &mut WriteTx) -> Result<usize> {
    Ok(tx.conn.execute("delete from idempotency_keys", [])?)
}

#[cfg(test)]
mod tests {
    use crate::clock::Clock;
    use crate::db::Exclusive;

    /// Binary columns: those that are sealed, behind a `+`, and those that hold hashes and the like.
    const BINARY: &[&str] = &[
        "+credentials.totp_key",
        "+idempotency_keys.answer",
        "+platform.credential",
        "+platform_operations.secret",
        "+sessions.platform_token",
        "+sync_state.token",
        "audit.digest_after",
        "audit.digest_before",
        "audit.hash",
        "audit_left.digest",
        "audit_segments.digest",
        "audit_segments.hash",
        "audit_segments.left",
        "audit_start.hash",
        "contents.digest",
        "enrolment_attempt.code_hash",
        "idempotency_keys.fingerprint",
        "idempotency_keys.key_hash",
        "password_resets.token_hash",
        "platform_bases.hash",
        "platform_tokens.token_hash",
        "sessions.parent_session",
        "sessions.parent_token",
        "sessions.token_hash",
        "tokens.token_hash",
    ];

    #[test]
    fn every_binary_column_is_known_to_be_sealed_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let database = Exclusive::open(&folder.path().join("a.db"), Clock::default()).unwrap();
        let sql = "select t.name || '.' || c.name from sqlite_schema t, pragma_table_info(t.name) c
                   where t.type = 'table' and lower(c.type) = 'blob' order by 1";
        let found = database.read(|tx| {
            let mut statement = tx.conn.prepare(sql)?;
            let names = statement.query_map([], |row| row.get(0))?;
            Ok(names.collect::<rusqlite::Result<Vec<String>>>()?)
        });
        let mut known: Vec<String> = BINARY.iter().map(|name| name.trim_start_matches('+').to_owned()).collect();
        known.sort();
        assert_eq!(found.unwrap(), known, "a new one that is sealed belongs into values() and replace() too");
    }
}
