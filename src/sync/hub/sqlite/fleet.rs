//! The fleet as pages, tags, acknowledged alarms, and tokens that rotate.

use rusqlite::{Connection, named_params, params};

use super::{audit, origins};
use crate::domain::audit::Hash;
use crate::error::{Error, Result};
use crate::sync::hub::alarms::Alarm;
use crate::sync::hub::audit::{AuditNote, Caller, HubAction};
use crate::sync::hub::fleet::{self, FleetCursor, FleetFilter, FleetState};
use crate::sync::hub::origin::Origin;

/// Origins that may match a filter. Of a state this tests only what every origin in it has: the rule itself is
/// [`FleetState::of`].
pub fn candidates(conn: &Connection, filter: &FleetFilter, after: &FleetCursor, limit: i64) -> Result<Vec<Origin>> {
    let mut statement = conn.prepare_cached(&format!(
        "select {} from origins
         where (name, origin) > (:name, :origin)
            and (:tag is null or instr(' ' || tags || ' ', ' ' || :tag || ' ') > 0)
            and (:version is null or substr(status, 1, length(:version)) = :version)
            and (:lag is null or high - acked >= :lag)
            and case :state
                when 'moved' then phase = 'moved'
                when 'moving' then phase in ('leaving', 'arriving')
                when 'locked' then locked
                when 'never_seen' then last_seen is null
                when 'unreachable' then last_seen < :oldest
                when 'quarantine' then quarantined > 0
                when 'ok' then quarantined = 0 and not locked and acked = high
                else true end
         order by name, origin limit :limit",
        origins::COLUMNS
    ))?;
    let rows = statement.query_map(
        named_params! {
            ":name": after.name,
            ":origin": after.origin,
            ":tag": filter.tag,
            ":version": filter.status_prefix(),
            ":lag": filter.lag,
            ":state": filter.state.map(FleetState::name),
            ":oldest": filter.oldest,
            ":limit": limit,
        },
        origins::from_row,
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub fn set_tags(tx: &Connection, origin: &str, tags: &[String], caller: Caller) -> Result<()> {
    let joined = fleet::join_tags(tags)?;
    origins::get(tx, origin)?;
    tx.execute("update origins set tags = ?2 where origin = ?1", [origin, joined.as_str()])?;
    audit::append(tx, AuditNote::new(caller, HubAction::Tag, origin, &joined))
}

pub fn acknowledge(tx: &Connection, origin: &str, alarm: Alarm, why: &str, caller: Caller) -> Result<Origin> {
    let found = origins::get_here(tx, origin)?;
    let acknowledged = fleet::acknowledge(&found, alarm, why, caller.name, caller.now)?;
    let stored = serde_json::to_string(&acknowledged).map_err(|error| Error::Internal(Box::new(error)))?;
    tx.execute("update origins set acknowledged = ?2 where origin = ?1", [origin, stored.as_str()])?;
    if alarm == Alarm::Audit {
        tx.execute("update origins set audit_seq = 0, audit_hash = '', audit_differs = 0 where origin = ?1", [origin])?;
    }
    let detail = fleet::describe_acknowledgement(&found, alarm, why);
    audit::append(tx, AuditNote::new(caller, HubAction::Acknowledge, origin, &detail))?;
    origins::get(tx, origin)
}

pub fn rotate_token(tx: &Connection, origin: &str, token: Hash) -> Result<()> {
    origins::get_here(tx, origin)?;
    tx.execute("update origins set next_token_hash = ?2 where origin = ?1", params![origin, token])?;
    Ok(())
}

pub fn confirm_token(tx: &Connection, origin: &str, token: Hash) -> Result<()> {
    let sql = "update origins set token_hash = next_token_hash, next_token_hash = null
        where origin = ?1 and next_token_hash = ?2";
    tx.execute(sql, params![origin, token])?;
    Ok(())
}
