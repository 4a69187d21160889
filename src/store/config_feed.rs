//! The mobile configs in the order of their last write, as the feed reads them (`mobile_configs_by_write`).
//!
//! An index of SQLite's would be written in two more places with every copy: where the config was, and where it is now. Here every
//! [`RUN`] entries of the audit trail the configs that they name are added at once; until then the view finds these configs by the
//! entries themselves. So code that writes a config appends its audit entry afterwards, or calls [`add`]. An entry of the feed
//! whose config has been written again since leads nowhere, and is removed a step at a time.

use rusqlite::params;

use crate::db::{ReadTx, WriteTx};
use crate::error::Result;

/// Entries of the audit trail whose configs are added at once: as many are looked through at most to find those of today. The view
/// has the same number.
const RUN: i64 = 128;
/// Entries that are looked through for those that can be removed, each time. By half more than are added: of many configs, about
/// twice as many lead nowhere at most.
const STEP: i64 = RUN + RUN / 2;

/// Takes note of the newest entry of the audit trail.
pub fn note(tx: &mut WriteTx, seq: i64) -> Result<()> {
    if seq % RUN != 0 {
        return Ok(());
    }
    // Somebody may have cut off entries that were added: the configs of those in their place are added too.
    tx.conn
        .prepare_cached(
            "insert or ignore into mobile_config_feed (chg, id)
             select m.chg, m.id from audit a cross join mobile_configs m on m.id = a.object
             where a.seq > coalesce((select min(seq, ?1 - ?2) from mobile_config_feed_state), 0)
                and a.section = 'PbxAppMobileConfigs'
             order by 1, 2",
        )?
        .execute([seq, RUN])?;
    let sql = "insert into mobile_config_feed_state (id, seq, swept_chg, swept_id) values (1, ?1, 0, '')
        on conflict (id) do update set seq = ?1";
    tx.conn.prepare_cached(sql)?.execute([seq])?;
    sweep(tx)
}

/// Adds a config that was numbered anew and has no entry of the audit trail for it.
pub fn add(tx: &WriteTx, id: &str) -> Result<()> {
    let sql = "insert or ignore into mobile_config_feed (chg, id) select chg, id from mobile_configs where id = ?1";
    tx.conn.prepare_cached(sql)?.execute([id])?;
    Ok(())
}

/// Removes those of the next few entries that lead nowhere; behind the last one it begins anew.
fn sweep(tx: &WriteTx) -> Result<()> {
    let place = "select swept_chg, swept_id from mobile_config_feed_state";
    let place: (i64, String) = tx.conn.prepare_cached(place)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    // The place is bound: compared with a column, SQLite would look through all of its write.
    let mut statement = tx.conn.prepare_cached(
        "select f.chg, f.id, not exists (select 1 from mobile_configs m where m.id = f.id and m.chg = f.chg)
         from mobile_config_feed f where (f.chg, f.id) > (?1, ?2) order by f.chg, f.id limit ?3",
    )?;
    let found =
        statement.query_map(params![place.0, place.1, STEP], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let found: Vec<(i64, String, bool)> = found.collect::<rusqlite::Result<_>>()?;
    let mut remove = tx.conn.prepare_cached("delete from mobile_config_feed where chg = ?1 and id = ?2")?;
    for (chg, id, _) in found.iter().filter(|(_, _, leads_nowhere)| *leads_nowhere) {
        remove.execute(params![chg, id])?;
    }
    let is_whole_step = i64::try_from(found.len()).is_ok_and(|length| length == STEP);
    let (chg, id) = found.last().filter(|_| is_whole_step).map_or((0, ""), |(chg, id, _)| (*chg, id));
    let sql = "update mobile_config_feed_state set swept_chg = ?1, swept_id = ?2";
    tx.conn.prepare_cached(sql)?.execute(params![chg, id])?;
    Ok(())
}

/// Whether the feed has an entry of a write later than all that rows and tombstones carry.
pub fn is_ahead(tx: &ReadTx, carried: i64) -> Result<bool> {
    let sql = "select coalesce(max(chg), 0) > ?1 from mobile_config_feed";
    Ok(tx.conn.query_row(sql, [carried], |row| row.get(0))?)
}

/// The configs that the feed does not find: somebody has taken away what leads to them.
pub fn lost(tx: &ReadTx) -> Result<Vec<String>> {
    let mut statement = tx.conn.prepare(
        "select id from mobile_configs m where not exists (select 1 from mobile_config_feed f where f.chg = m.chg and f.id = m.id)
            and not exists (select 1 from mobile_configs_recent r where r.id = m.id) order by id",
    )?;
    let found = statement.query_map([], |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}
