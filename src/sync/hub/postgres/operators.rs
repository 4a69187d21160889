//! Operators and their tokens.

use deadpool_postgres::Pool;
use tokio_postgres::Row as SqlRow;

use super::audit;
use super::tx::{self, Batch, READ, Scope, Tx, WRITE, describe};
use crate::domain::audit::Hash;
use crate::domain::proposal::HubLevel;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::hub::audit::{AuditNote, Caller, HubAction};
use crate::sync::hub::operators::{Operator, operator_exists, operator_not_found};

const SET_ADMINISTRATOR: &str = "update hub set admin_hash = $1";
const IS_ADMINISTRATOR: &str = "select exists (select from hub where admin_hash = $1)";
const ADD: &str = "
    insert into operators (name, level, token_hash, added_at) values ($1, $2, $3, $4)
    on conflict do nothing returning name";
const ROTATE: &str = "update operators set token_hash = $2, rotated_at = $3 where name = $1 returning name";
const REMOVE: &str = "delete from operators where name = $1 returning name";
const ALL: &str = "select name, level, added_at, rotated_at from operators order by name";
const OF_TOKEN: &str = "select name, level, added_at, rotated_at from operators where token_hash = $1";

fn from_row(row: &SqlRow) -> Result<Operator> {
    let level: &str = row.try_get(1).map_err(describe)?;
    let time = |column: usize| row.try_get::<_, Option<i64>>(column).map_err(describe);
    Ok(Operator {
        name: row.try_get(0).map_err(describe)?,
        level: HubLevel::parse(level).ok_or_else(|| Error::internal(format!("unknown level {level:?}")))?,
        added_at: time(2)?.map(Time::from_millis),
        rotated_at: time(3)?.map(Time::from_millis),
    })
}

/// Runs a statement that returns a row where it changes something, and records that; `missing` is the error where it
/// changes nothing.
async fn change(pool: &Pool, batch: Batch<'_>, note: AuditNote, missing: impl FnOnce() -> Error) -> Result<()> {
    let (tx, answers) = Tx::begin(pool, WRITE, Scope::Fleet, batch).await?;
    if answers[0].is_empty() { Err(missing()) } else { audit::commit(tx, note).await }
}

/// Sets the administrator's token; with a caller it is a rotation.
pub async fn set_administrator(pool: &Pool, token: Hash, caller: Option<Caller<'_>>) -> Result<()> {
    let hash = token.as_slice();
    let (tx, _) = Tx::begin(pool, WRITE, Scope::Fleet, Batch::default().with(SET_ADMINISTRATOR, &[&hash])).await?;
    match caller {
        Some(caller) => audit::commit(tx, AuditNote::new(caller, HubAction::RotateAdministrator, "", "")).await,
        None => tx.commit(Batch::default()).await.map(drop),
    }
}

pub async fn add(pool: &Pool, name: &str, level: HubLevel, token: Hash, caller: Caller<'_>) -> Result<()> {
    let (level, hash, at) = (level.name(), token.as_slice(), caller.now.millis());
    let note = AuditNote::new(caller, HubAction::AddOperator, "", &format!("{name}, {level}"));
    let batch = Batch::default().with(ADD, &[&name, &level, &hash, &at]);
    change(pool, batch, note, || operator_exists(name)).await
}

pub async fn rotate(pool: &Pool, name: &str, token: Hash, caller: Caller<'_>) -> Result<()> {
    let (hash, at) = (token.as_slice(), caller.now.millis());
    let note = AuditNote::new(caller, HubAction::RotateOperator, "", name);
    change(pool, Batch::default().with(ROTATE, &[&name, &hash, &at]), note, operator_not_found).await
}

pub async fn remove(pool: &Pool, name: &str, caller: Caller<'_>) -> Result<()> {
    let note = AuditNote::new(caller, HubAction::RemoveOperator, "", name);
    change(pool, Batch::default().with(REMOVE, &[&name]), note, operator_not_found).await
}

/// Every operator by name.
pub async fn all(pool: &Pool) -> Result<Vec<Operator>> {
    tx::at_once(pool, READ, Scope::Fleet, Batch::default().with(ALL, &[])).await?[0].iter().map(from_row).collect()
}

/// Who has this token.
pub async fn of_token(pool: &Pool, token: Hash) -> Result<Option<Operator>> {
    let hash = token.as_slice();
    let both = Batch::default().with(IS_ADMINISTRATOR, &[&hash]).with(OF_TOKEN, &[&hash]);
    let answers = tx::at_once(pool, READ, Scope::Fleet, both).await?;
    let is_administrator = answers[0].first().map_or(Ok(false), |row| row.try_get(0)).map_err(describe)?;
    match is_administrator {
        true => Ok(Some(Operator::administrator())),
        false => answers[1].first().map(from_row).transpose(),
    }
}
