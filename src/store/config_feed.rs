//! The mobile configs in the order of their last write, as the feed reads them (`mobile_configs_by_write`).
//!
//! An index of SQLite's would be written in two more places with every copy: where the config was, and where it is now. Here a
//! run of the audit trail adds the configs that it names at once when it is full; until then they are found by the entries
//! themselves, which the view does. So whoever writes a config appends its entry afterwards, or calls [`add`]. An entry whose
//! config has been written since leads nowhere, and is removed a step at a time.

use rusqlite::params;

use super::audit_index::RUN;
use crate::db::{ReadTx, WriteTx};
use crate::error::Result;

/// Entries that are looked through for those that can be removed, with each run. By half more than a run adds: of the entries
/// that lead nowhere there are at most twice as many as mobile configs.
const STEP: i64 = RUN + RUN / 2;

/// Adds the configs that the run of the audit trail up to entry `last` names, as they are now.
pub fn add_run(tx: &mut WriteTx, last: i64) -> Result<()> {
    tx.conn
        .prepare_cached(
            "insert or ignore into mobile_config_feed (chg, id)
             select m.chg, m.id from audit a cross join mobile_configs m on m.id = a.object
             where a.seq > ?1 and a.seq <= ?2 and a.section = 'PbxAppMobileConfigs' order by 1, 2",
        )?
        .execute([last - RUN, last])?;
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
    let mut statement = tx.conn.prepare_cached(
        "select f.chg, f.id, not exists (select 1 from mobile_configs m where m.id = f.id and m.chg = f.chg)
         from mobile_config_feed f where (f.chg, f.id) > (select chg, id from mobile_config_feed_swept)
         order by f.chg, f.id limit ?1",
    )?;
    let found = statement.query_map([STEP], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let found: Vec<(i64, String, bool)> = found.collect::<rusqlite::Result<_>>()?;
    let mut remove = tx.conn.prepare_cached("delete from mobile_config_feed where chg = ?1 and id = ?2")?;
    for (chg, id, _) in found.iter().filter(|(_, _, leads_nowhere)| *leads_nowhere) {
        remove.execute(params![chg, id])?;
    }
    let is_whole_step = i64::try_from(found.len()).is_ok_and(|length| length == STEP);
    let (chg, id) = found.last().filter(|_| is_whole_step).map_or((0, ""), |(chg, id, _)| (*chg, id));
    tx.conn.prepare_cached("update mobile_config_feed_swept set chg = ?1, id = ?2")?.execute(params![chg, id])?;
    Ok(())
}

/// In SQL: of mobile configs `m`, those that the feed does not find.
const LOST: &str = "not exists (select 1 from mobile_config_feed f where f.chg = m.chg and f.id = m.id)
    and not exists (select 1 from mobile_configs_recent r where r.id = m.id)";

/// How many configs the feed does not find.
pub fn lost(tx: &ReadTx) -> Result<i64> {
    let sql = format!("select count(*) from mobile_configs m where {LOST}");
    Ok(tx.conn.query_row(&sql, [], |row| row.get(0))?)
}

/// Lets the feed find them again.
pub fn complete(tx: &mut WriteTx) -> Result<()> {
    let sql = format!("insert into mobile_config_feed (chg, id) select chg, id from mobile_configs m where {LOST}");
    tx.conn.execute(&sql, [])?;
    Ok(())
}
