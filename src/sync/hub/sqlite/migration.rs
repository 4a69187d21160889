//! Origins that arrive from another hub, or move to one.

use rusqlite::{Connection, named_params, params};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{audit, origins, orphaned_rows, proposals, quarantine, rows};
use crate::domain::mirror::Table;
use crate::error::{Error, Result};
use crate::sync::hub::audit::{AuditNote, Caller, HubAction};
use crate::sync::hub::migration::{self, Arrival, Checksum, Delivery, FinishMove, QuarantinedRow};
use crate::sync::hub::origin::{Origin, Phase};

/// Every quarantined row, as it is stored.
pub fn quarantined_rows(conn: &Connection, origin: &str) -> Result<Vec<QuarantinedRow>> {
    let mut statement = conn.prepare(
        "select t, id, rev, chg, v, code, detail, first_seen, tries from whole_quarantine
         where origin = ?1 order by t, id",
    )?;
    let mut found = statement.query([origin])?;
    let mut all = vec![];
    while let Some(row) = found.next()? {
        let v: Option<String> = row.get(4)?;
        all.push(QuarantinedRow {
            t: row.get(0)?,
            id: row.get(1)?,
            rev: row.get(2)?,
            chg: row.get(3)?,
            v: v.map(RawValue::from_string).transpose().map_err(|error| Error::Internal(Box::new(error)))?,
            code: row.get(5)?,
            detail: row.get(6)?,
            first_seen: row.get(7)?,
            tries: row.get(8)?,
        });
    }
    Ok(all)
}

/// Changes the phase of an origin.
pub fn change_phase(tx: &Connection, origin: &str, to: &Phase, caller: Caller) -> Result<Origin> {
    let found = origins::get(tx, origin)?;
    migration::check_phase_change(&found.phase, to)?;
    let sql = "update origins set phase = ?2, moved_to = ?3 where origin = ?1";
    tx.execute(sql, params![origin, to.name(), to.target()])?;
    if to.hub().is_some() {
        // The other hub has all of it: the checksums were equal.
        orphaned_rows::clear(tx, &found)?;
        tx.execute("update origins set quarantined = 0 where origin = ?1", [origin])?;
    }
    audit::append(tx, AuditNote::new(caller, HubAction::Move, origin, &to.describe()))?;
    origins::get(tx, origin)
}

/// Begins an arrival. An origin that had moved away and comes back loses the head that it had here.
pub fn arrive(tx: &Connection, announced: &Origin) -> Result<Arrival> {
    let arrival = migration::judge_arrival(origins::find(tx, &announced.origin)?.as_ref(), announced)?;
    if arrival == Arrival::Begun {
        tx.execute(
            "insert into origins (origin, name, token_hash, enrolled_at, attempt, phase)
             values (?1, ?2, ?3, ?4, ?5, 'arriving')
             on conflict (origin) do update set name = excluded.name, token_hash = excluded.token_hash,
                enrolled_at = excluded.enrolled_at, attempt = excluded.attempt, phase = excluded.phase, moved_to = null,
                epoch_n = null, epoch = null, acked = 0, stable = 0",
            params![announced.origin, announced.name, announced.token, announced.enrolled_at, Uuid::nil().to_string()],
        )?;
    }
    Ok(arrival)
}

/// Stores a delivery.
pub fn deliver(tx: &Connection, origin: &str, delivery: &Delivery) -> Result<()> {
    migration::check_arriving(&origins::get(tx, origin)?)?;
    if delivery.clears {
        tx.execute("delete from quarantine where origin = ?1", [origin])?;
        tx.execute("delete from proposals where origin = ?1", [origin])?;
        tx.execute("delete from texts where n in (select text from lost_tail where origin = ?1)", [origin])?;
        tx.execute("delete from lost_tail where origin = ?1", [origin])?;
    }
    rows::apply(tx, origin, &delivery.rows)?;
    orphaned_rows::add(tx, origin, &delivery.orphaned_rows)?;
    quarantine::add(tx, origin, &delivery.quarantined)?;
    delivery.proposals.iter().try_for_each(|record| proposals::insert(tx, origin, record))
}

/// Ends an arrival, and drops what was staged for the origin here before.
pub fn finish_move(tx: &Connection, finish: &FinishMove, caller: Caller) -> Result<()> {
    let announced = &finish.origin;
    let found = origins::get(tx, &announced.origin)?;
    if migration::must_finish(&found, finish, &checksum(tx, &announced.origin)?)? {
        update_origin(tx, announced)?;
        tx.execute("delete from texts where n in (select text from staged where origin = ?1)", [&announced.origin])?;
        tx.execute("delete from staged where origin = ?1", [&announced.origin])?;
        tx.execute("delete from staged_parts where origin = ?1", [&announced.origin])?;
        audit::append(tx, AuditNote::new(caller, HubAction::Move, &announced.origin, "arrived from another hub"))?;
    }
    Ok(())
}

fn checksum(tx: &Connection, origin: &str) -> Result<Checksum> {
    let count = |table: &str| {
        tx.query_row(&format!("select count(*) from {table} where origin = ?1"), [origin], |row| row.get(0))
    };
    let [quarantined, proposals, orphaned] = [count("quarantine")?, count("proposals")?, count("lost_tail")?];
    let mut checksum = Checksum { quarantined, proposals, orphaned, ..Checksum::default() };
    let mut statement =
        tx.prepare("select t, id, rev, chg, v from mirror join whole_texts on n = text where origin = ?1")?;
    let mut found = statement.query([origin])?;
    while let Some(row) = found.next()? {
        let table = Table::from_number(row.get(0)?).ok_or_else(|| Error::internal("no such table"))?;
        let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        checksum.add(table, text(1)?, [row.get(2)?, row.get(3)?], text(4)?);
    }
    Ok(checksum)
}

fn update_origin(tx: &Connection, announced: &Origin) -> Result<()> {
    tx.execute(
        "update origins set name = :name, token_hash = :token, enrolled_at = :enrolled_at, epoch_n = :epoch_n,
            epoch = :epoch, acked = :acked, attempt = :attempt, high = :high, stable = 0, last_seen = :last_seen,
            status = :status, resets = :resets, parent_n = :parent, locked = :locked, quarantined = :quarantined,
            audit_seq = :audit_seq, audit_hash = :audit_hash, audit_differs = :audit_differs, phase = 'here',
            next_token_hash = :next_token, tags = :tags, acknowledged = :acknowledged, rejected = 0,
            used_rows = null, used_bytes = null, over_limit = null
         where origin = :origin",
        named_params! {
            ":origin": announced.origin,
            ":name": announced.name,
            ":token": announced.token,
            ":enrolled_at": announced.enrolled_at,
            ":epoch_n": announced.head.epoch.map(|epoch| epoch.0),
            ":epoch": announced.head.epoch.map(|epoch| epoch.1.to_string()),
            ":acked": announced.head.acked,
            ":attempt": announced.head.attempt.to_string(),
            ":high": announced.high,
            ":last_seen": announced.last_seen,
            ":status": serde_json::to_string(&announced.status).unwrap_or_default(),
            ":resets": announced.resets,
            ":parent": announced.parent,
            ":locked": announced.is_locked,
            ":quarantined": announced.quarantined,
            ":audit_seq": announced.audit.0,
            ":audit_hash": announced.audit.1,
            ":audit_differs": announced.audit_differs,
            ":next_token": announced.next_token,
            ":tags": announced.tags.join(" "),
            ":acknowledged": serde_json::to_string(&announced.acknowledged).unwrap_or_default(),
        },
    )?;
    Ok(())
}
