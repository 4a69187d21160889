//! Origins that come from another hub, or go to one.

use rusqlite::{Connection, named_params, params};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{origins, orphaned_rows, proposals, rows};
use crate::domain::mirror::Table;
use crate::error::{Error, Result};
use crate::sync::hub::migration::{Arrival, Checksum, Delivery, FinishMove, Phase, Quarantined};
use crate::sync::hub::{Origin, rules};

/// All that is put aside.
pub fn aside(conn: &Connection, origin: &str) -> Result<Vec<Quarantined>> {
    let mut statement = conn.prepare(
        "select t, id, rev, chg, v, code, detail, first_seen, tries from quarantine where origin = ?1 order by t, id",
    )?;
    let mut found = statement.query([origin])?;
    let mut all = vec![];
    while let Some(row) = found.next()? {
        let v: Option<String> = row.get(4)?;
        all.push(Quarantined {
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

pub fn step(tx: &Connection, origin: &str, to: &Phase) -> Result<Origin> {
    let found = origins::get(tx, origin)?;
    rules::check_step(&found.phase, to)?;
    let sql = "update origins set phase = ?2, moved_to = ?3 where origin = ?1";
    tx.execute(sql, params![origin, to.name(), to.target()])?;
    if to.hub().is_some() {
        // It is there, whole: that was compared.
        orphaned_rows::clear(tx, &found)?;
        tx.execute("update origins set quarantined = 0 where origin = ?1", [origin])?;
    }
    origins::get(tx, origin)
}

/// Of one that has moved away and comes back, what was announced of its rows holds no longer.
pub fn arrive(tx: &Connection, announced: &Origin) -> Result<Arrival> {
    let arrival = rules::arrival(origins::find(tx, &announced.origin)?.as_ref(), announced)?;
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

pub fn deliver(tx: &Connection, origin: &str, delivery: &Delivery) -> Result<()> {
    rules::check_arriving(&origins::get(tx, origin)?)?;
    if delivery.clears {
        tx.execute("delete from quarantine where origin = ?1", [origin])?;
        tx.execute("delete from proposals where origin = ?1", [origin])?;
        tx.execute("delete from texts where n in (select text from lost_tail where origin = ?1)", [origin])?;
        tx.execute("delete from lost_tail where origin = ?1", [origin])?;
    }
    rows::apply(tx, origin, &delivery.rows)?;
    orphaned_rows::add(tx, origin, &delivery.lost)?;
    for aside in &delivery.aside {
        tx.prepare_cached(
            "insert into quarantine (origin, t, id, rev, chg, v, code, detail, first_seen, tries)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            origin,
            aside.t,
            aside.id,
            aside.rev,
            aside.chg,
            aside.v.as_ref().map(|v| v.get()),
            aside.code,
            aside.detail,
            aside.first_seen,
            aside.tries
        ])?;
    }
    delivery.proposals.iter().try_for_each(|filed| proposals::add(tx, origin, filed))
}

pub fn settle(tx: &Connection, settling: &FinishMove) -> Result<()> {
    let announced = &settling.origin;
    let found = origins::get(tx, &announced.origin)?;
    if rules::settles(&found, settling, &tally(tx, &announced.origin)?)? {
        put_head(tx, announced)?;
        tx.execute("delete from texts where n in (select text from staged where origin = ?1)", [&announced.origin])?;
        tx.execute("delete from staged where origin = ?1", [&announced.origin])?;
        tx.execute("delete from staged_parts where origin = ?1", [&announced.origin])?;
    }
    Ok(())
}

fn tally(tx: &Connection, origin: &str) -> Result<Checksum> {
    let count = |table: &str| {
        tx.query_row(&format!("select count(*) from {table} where origin = ?1"), [origin], |row| row.get(0))
    };
    let [aside, proposals, lost] = [count("quarantine")?, count("proposals")?, count("lost_tail")?];
    let mut tally = Checksum { aside, proposals, lost, ..Checksum::default() };
    let mut statement = tx.prepare("select t, id, rev, chg, v from mirror join texts on n = text where origin = ?1")?;
    let mut found = statement.query([origin])?;
    while let Some(row) = found.next()? {
        let table = Table::from_number(row.get(0)?).ok_or_else(|| Error::internal("no such table"))?;
        let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        tally.add(table, text(1)?, [row.get(2)?, row.get(3)?], text(4)?);
    }
    Ok(tally)
}

fn put_head(tx: &Connection, announced: &Origin) -> Result<()> {
    tx.execute(
        "update origins set name = :name, token_hash = :token, enrolled_at = :enrolled_at, epoch_n = :epoch_n,
            epoch = :epoch, acked = :acked, attempt = :attempt, high = :high, stable = 0, last_seen = :last_seen,
            status = :status, resets = :resets, parent_n = :parent, locked = :locked, quarantined = :quarantined,
            audit_seq = :audit_seq, audit_hash = :audit_hash, audit_differs = :audit_differs, phase = 'here'
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
        },
    )?;
    Ok(())
}
