//! What is found in the audit trail by object, customer and time.
//!
//! The trail only grows at its end. So its index is made of runs of entries, each sorted and written at once when its last entry
//! comes: an index of SQLite's would be written in another place for every entry. A search looks into each run, and through the
//! entries behind the last one.

use rusqlite::params;

use crate::db::{ReadTx, WriteTx};
use crate::domain::time::Time;
use crate::error::Result;

/// Entries of a run; the migration that made the tables has the same number.
pub const RUN: i64 = 1024;

/// In SQL: the last entry that is in a run.
pub const INDEXED: &str = "(select coalesce(max(run) + 1, 0) * 1024 from audit_runs)";

/// Notes that entry `seq` was appended: the last one of a run has the run written.
pub fn add(tx: &mut WriteTx, seq: i64) -> Result<()> {
    if seq % RUN != 0 {
        return Ok(());
    }
    let (run, first) = (seq / RUN - 1, seq - RUN + 1);
    for sql in [
        "insert into audit_runs (run, from_at, to_at) select ?1, min(at), max(at) from audit where seq between ?2 and ?3",
        "insert into audit_objects (run, object, seq) select ?1, object, seq from audit where seq between ?2 and ?3 order by 2, 3",
        "insert into audit_customers (run, customer, seq)
            select ?1, coalesce(customer, ''), seq from audit where seq between ?2 and ?3 order by 2, 3",
    ] {
        tx.conn.prepare_cached(sql)?.execute(params![run, first, seq])?;
    }
    Ok(())
}

/// In SQL, for the place behind `from`: the entries of the customer `:customer`, null for none, in columns of `audit`.
pub fn of_customer() -> String {
    source("audit_customers", "customer", "coalesce(:customer, '')")
}

/// The same of the object `:object`.
pub fn of_object() -> String {
    source("audit_objects", "object", ":object")
}

/// Those behind the last run are not chosen by it.
fn source(index: &str, column: &str, key: &str) -> String {
    format!(
        "(select i.seq as hit from audit_runs r cross join {index} i on i.run = r.run and i.{column} = {key}
            union all select seq from audit where seq > {INDEXED}) cross join audit on seq = hit"
    )
}

/// How many entries are of `since` or later.
pub fn count_since(tx: &ReadTx, since: Time) -> Result<i64> {
    let sql = format!(
        "select (select count(*) * 1024 from audit_runs where from_at >= ?1)
            + (select count(*) from audit_runs r cross join audit a on a.seq between r.run * 1024 + 1 and (r.run + 1) * 1024
                where r.from_at < ?1 and r.to_at >= ?1 and a.at >= ?1)
            + (select count(*) from audit where seq > {INDEXED} and at >= ?1)"
    );
    Ok(tx.conn.prepare_cached(&sql)?.query_row([since], |row| row.get(0))?)
}

/// No entry before this number is of `since` or later. Times need not rise along the trail: a clock may have been set back.
pub fn first_since(tx: &ReadTx, since: Time) -> Result<i64> {
    let sql = format!("select coalesce((select min(run) * 1024 from audit_runs where to_at >= ?1), {INDEXED}) + 1");
    Ok(tx.conn.prepare_cached(&sql)?.query_row([since], |row| row.get(0))?)
}

/// What is wrong with the index: it does not have every entry of its runs behind `start` as they are. `None`: nothing.
pub fn fault(tx: &ReadTx, start: i64) -> Result<Option<&'static str>> {
    let runs: bool = tx.conn.query_row(
        "select exists (
            select 1 from audit_runs r where r.run * 1024 >= ?1 and (r.from_at, r.to_at) is not (
                select min(a.at), max(a.at) from audit a where a.seq between r.run * 1024 + 1 and (r.run + 1) * 1024)
            or r.run > ?1 / 1024 and not exists (select 1 from audit_runs p where p.run = r.run - 1))
         or (select coalesce(max(seq), 0) from audit) / 1024 <> max(?1 / 1024, (select coalesce(max(run) + 1, 0) from audit_runs))",
        [start],
        |row| row.get(0),
    )?;
    if runs {
        return Ok(Some("its runs are not those of the entries"));
    }
    for (table, column) in [("audit_objects", "object"), ("audit_customers", "customer")] {
        let sql = format!(
            "select (select count(*) from {table} where seq > ?1) <> max({INDEXED} - ?1, 0) or exists (
                select 1 from {table} i left join audit a on a.seq = i.seq
                where i.seq > ?1 and (coalesce(a.{column}, '') <> i.{column} or a.seq is null or (i.seq - 1) / 1024 <> i.run))"
        );
        if tx.conn.query_row(&sql, [start], |row| row.get(0))? {
            return Ok(Some("an entry is not found by its object or customer"));
        }
    }
    Ok(None)
}
