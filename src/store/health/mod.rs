//! Laws that hold for every sound database. Each finding names what breaks a law, and says how to mend it.

mod finding;

mod access;
mod configs;
mod pbx;
mod references;

use finding::Finding;

use super::audit_index::fault;
use super::audit_segments;
use super::config_feed;
use super::feed::high;
use super::mirrored_tables::{MIRRORED_TABLES, MirroredTable, highest_carried};
use crate::db::{ReadTx, SCHEMA_VERSION, schema_difference};
use crate::error::Result;

/// One law, and whether it holds.
pub struct HealthCheck {
    pub what: &'static str,
    /// What is wrong; `None` when nothing is.
    pub wrong: Option<String>,
    pub detail: String,
}

type Law = (&'static str, fn(&ReadTx) -> Result<Finding>);

/// Laws in the order in which they are checked.
const LAWS: [Law; 14] = [
    ("file", integrity),
    ("schema", schema),
    ("references", references::foreign_keys),
    ("feed", feed),
    ("stored contents", configs::stored),
    ("audit index", audit_index),
    ("contents", contents),
    ("customers", references::customers),
    ("addresses", references::addresses),
    ("employees", references::employees),
    ("stubs", references::stubs),
    ("mobile configs", configs::check),
    ("pbx objects", pbx::check),
    ("logins", access::check),
];

/// Checks the whole file, which takes seconds for a large one. What cannot be read is wrong.
pub fn examine(tx: &ReadTx) -> Vec<HealthCheck> {
    let check = |(what, law): Law| match law(tx) {
        Ok((wrong, detail)) => HealthCheck { what, wrong, detail },
        Err(error) => HealthCheck { what, wrong: Some(format!("cannot be read: {error}")), detail: String::new() },
    };
    LAWS.map(check).into()
}

/// The schema is the one that the migrations make: nothing is missing, changed or put in.
fn schema(tx: &ReadTx) -> Result<Finding> {
    let wrong = schema_difference(tx.conn)?
        .map(|difference| format!("{difference}: doctor --adopt makes triggers again, a backup has the rest"));
    Ok((wrong, format!("as version {SCHEMA_VERSION} makes it")))
}

/// Whether SQLite finds the pages sound.
pub fn integrity(tx: &ReadTx) -> Result<Finding> {
    let mut statement = tx.conn.prepare("pragma integrity_check(5)")?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let wrong = (lines != ["ok"]).then(|| format!("{}: go back to a backup", lines.join("; ")));
    Ok((wrong, "sound".into()))
}

/// No row is both there and deleted, and the mirror finds each mobile config: so none is newer than the newest write, which is
/// derived from what it finds.
fn feed(tx: &ReadTx) -> Result<Finding> {
    let high = high(tx)?;
    let mut risen = 0;
    for MirroredTable { name, .. } in MIRRORED_TABLES.iter().filter(|table| table.has_deletes) {
        let sql =
            format!("select count(*) from tombstones t join {name} o on o.id = t.id where t.\"table\" = '{name}'");
        risen += tx.conn.query_row(&sql, [], |row| row.get::<_, i64>(0))?;
    }
    let lost = config_feed::lost(tx)?.len();
    let wrong = match (risen, lost) {
        (0, _) if config_feed::is_ahead(tx, highest_carried(tx)?)? => Some(
            "it has an entry of a write that no row carries: numbers were changed by hand; go back to a backup".into(),
        ),
        (0, 0) => None,
        (0, lost) => Some(format!(
            "{lost} mobile configs are not found by their last write, so they are not mirrored: run doctor --adopt"
        )),
        (risen, _) => Some(format!("{risen} rows are both there and deleted: go back to a backup")),
    };
    Ok((wrong, format!("{high} writes")))
}

/// Every entry of the trail is found by its object, its customer and its time.
fn audit_index(tx: &ReadTx) -> Result<Finding> {
    let wrong = fault(tx, audit_segments::start(tx)?.0)?.map(|fault| format!("{fault}: go back to a backup"));
    Ok((wrong, "has every entry".into()))
}

/// How much there is of everything.
pub fn contents(tx: &ReadTx) -> Result<Finding> {
    let count =
        |table: &str| tx.conn.query_row(&format!("select count(*) from {table}"), [], |row| row.get::<_, i64>(0));
    let (customers, employees, queues) = (count("customers")?, count("employees")?, count("queues")?);
    let (configs, objects) = (count("mobile_configs")?, count("pbx_objects")?);
    let mut detail = format!("{customers} customers, {employees} employees, {queues} queues, {configs} mobile configs");
    if objects > 0 {
        detail += &format!(", {objects} objects of the PBX");
    }
    Ok((None, detail))
}
