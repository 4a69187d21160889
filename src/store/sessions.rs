//! Login sessions. Only the SHA-256 of a token is stored.

use rusqlite::{OptionalExtension, named_params, params};

use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::Result;

/// How long a session lives after its last authenticated request.
pub const IDLE_MS: i64 = 15 * 60_000;
/// How long an expired session is remembered, so that its token is answered `expired` and not `invalid`.
const REMEMBERED_MS: i64 = 24 * 3_600_000;

/// What an impersonated session was opened with: it ends with that. By the SHA-256 of its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    Session(Hash),
    /// A machine-to-machine token.
    Token(Hash),
}

impl Parent {
    pub fn token(&self) -> &Hash {
        match self {
            Parent::Session(hash) | Parent::Token(hash) => hash,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Session {
    pub employee: Id,
    pub impersonator: Option<Id>,
    /// Of an impersonated session.
    pub parent: Option<Parent>,
    /// When set, the only address the token is valid from.
    pub ip: Option<String>,
    /// The address it was issued to.
    pub login_ip: String,
    pub persist: bool,
    pub last_used_at: Time,
}

impl Session {
    pub fn is_expired(&self, last_used_at: Time, now: Time) -> bool {
        !self.persist && now > last_used_at.plus_ms(IDLE_MS)
    }
}

pub fn find(tx: &ReadTx, token: &Hash) -> Result<Option<Session>> {
    let mut statement = tx.conn.prepare_cached(
        "select employee, impersonator, ip, login_ip, persist, last_used_at, parent_session, parent_token
         from sessions where token_hash = ?1",
    )?;
    let found = statement.query_row([token], |row| {
        Ok(Session {
            employee: row.get(0)?,
            impersonator: row.get(1)?,
            parent: match row.get(6)? {
                Some(session) => Some(Parent::Session(session)),
                None => row.get::<_, Option<Hash>>(7)?.map(Parent::Token),
            },
            ip: row.get(2)?,
            login_ip: row.get(3)?,
            persist: row.get(4)?,
            last_used_at: row.get(5)?,
        })
    });
    Ok(found.optional()?)
}

pub fn insert(tx: &mut WriteTx, token: &Hash, session: &Session) -> Result<()> {
    let (parent_session, parent_token) = match &session.parent {
        Some(Parent::Session(hash)) => (Some(hash), None),
        Some(Parent::Token(hash)) => (None, Some(hash)),
        None => (None, None),
    };
    tx.conn
        .prepare_cached(
            "insert into sessions (token_hash, employee, impersonator, parent_session, parent_token, ip, login_ip,
                persist, created_at, last_used_at)
             values (:token_hash, :employee, :impersonator, :parent_session, :parent_token, :ip, :login_ip,
                :persist, :now, :now)",
        )?
        .execute(named_params! {
            ":token_hash": token,
            ":employee": session.employee,
            ":impersonator": session.impersonator,
            ":parent_session": parent_session,
            ":parent_token": parent_token,
            ":ip": session.ip,
            ":login_ip": session.login_ip,
            ":persist": session.persist,
            ":now": tx.now,
        })?;
    Ok(())
}

/// Keeps the token that the platform has given to the same login, sealed.
pub fn set_platform_token(tx: &mut WriteTx, token: &Hash, sealed: &[u8]) -> Result<()> {
    tx.conn
        .prepare_cached("update sessions set platform_token = ?2 where token_hash = ?1")?
        .execute(params![token, sealed])?;
    Ok(())
}

/// The platform's token of a session, sealed; `None` for one that was opened without the platform.
pub fn platform_token(tx: &ReadTx, token: &Hash) -> Result<Option<Vec<u8>>> {
    let mut statement = tx.conn.prepare_cached("select platform_token from sessions where token_hash = ?1")?;
    Ok(statement.query_row([token], |row| row.get(0)).optional()?.flatten())
}

/// Ends all sessions of an employee, impersonated ones too.
pub fn delete_of(tx: &mut WriteTx, employee: Id) -> Result<()> {
    delete_but(tx, employee, None)
}

/// As [`delete_of`], but for the session that asks for this write: nobody throws oneself out.
pub fn delete_others_of(tx: &mut WriteTx, employee: Id) -> Result<()> {
    delete_but(tx, employee, tx.author.token)
}

fn delete_but(tx: &mut WriteTx, employee: Id, kept: Option<Hash>) -> Result<()> {
    tx.conn
        .prepare_cached("delete from sessions where (employee = ?1 or impersonator = ?1) and token_hash is not ?2")?
        .execute(params![employee, kept])?;
    tx.identities_change();
    Ok(())
}

/// Ends one session, and those that were opened with it.
pub fn delete(tx: &mut WriteTx, token: &Hash) -> Result<()> {
    tx.conn.prepare_cached("delete from sessions where token_hash = ?1")?.execute([token])?;
    tx.identities_change();
    Ok(())
}

/// Ends all sessions of a customer's employees, impersonated ones too.
pub fn delete_of_customer(tx: &mut WriteTx, customer: Id) -> Result<()> {
    tx.conn
        .prepare_cached(
            "delete from sessions where employee in (select id from employees where customer = ?1)
                or impersonator in (select id from employees where customer = ?1)",
        )?
        .execute([customer])?;
    tx.identities_change();
    Ok(())
}

/// Ends the sessions of an employee that were issued to one address.
pub fn delete_issued_to(tx: &mut WriteTx, employee: Id, login_ip: &str) -> Result<()> {
    tx.conn
        .prepare_cached("delete from sessions where employee = ?1 and login_ip = ?2")?
        .execute(params![employee, login_ip])?;
    tx.identities_change();
    Ok(())
}

/// Notes when a session was last used.
pub fn touch(tx: &mut WriteTx, token: &Hash, last_used_at: Time) -> Result<()> {
    tx.conn
        .prepare_cached("update sessions set last_used_at = max(last_used_at, ?2) where token_hash = ?1")?
        .execute(params![token, last_used_at])?;
    Ok(())
}

/// Lets every session count as used now.
pub fn touch_all(tx: &mut WriteTx) -> Result<()> {
    tx.conn.prepare_cached("update sessions set last_used_at = ?1")?.execute([tx.now])?;
    tx.identities_change();
    Ok(())
}

/// Forgets what expired long ago.
pub fn delete_forgotten(tx: &mut WriteTx, now: Time) -> Result<()> {
    let before = now.plus_ms(-IDLE_MS - REMEMBERED_MS);
    tx.conn.prepare_cached("delete from sessions where not persist and last_used_at < ?1")?.execute([before])?;
    Ok(())
}
