//! The mirrored tables: the one list from which the feed, the checks of the audit trail and the health checks are made.
//!
//! A further table needs an entry here, its name in [`Table`], and its migration, which makes the view `feed` again with it.

use std::sync::LazyLock;

use rusqlite::{Row, params};

use super::{config_feed, customers, employees, high, mobile_configs, pbx, queues, to_json};
use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::{CUSTOMERS, EMPLOYEES, MOBILE_CONFIGS, QUEUES};
use crate::domain::mirror::Table;
use crate::domain::pbx::{PbxObject, SECTIONS};
use crate::error::{Error, Result};

/// A mirrored table.
pub struct MirroredTable {
    /// Its name on the wire.
    pub t: Table,
    /// Its name in SQL.
    pub name: &'static str,
    /// What its rows are found in by their writes: the table itself, or a view.
    pub by_write: &'static str,
    /// Its sections of the audit trail.
    pub sections: &'static [&'static str],
    /// The columns of an object, the id first.
    pub columns: &'static str,
    /// The columns that the audit trail binds, the id first. Of a mobile config its content, third, and the text of that behind it.
    pub audit_columns: &'static str,
    /// Renders a row in the API's shape, as the feed sends it.
    pub render: fn(&Row) -> Result<String>,
    /// Renders a row of `audit_columns` as the audit trail digests it.
    pub render_for_audit: fn(&Row) -> Result<String>,
    /// Whether a row may be deleted; rows of the other tables stay, with a state.
    pub has_deletes: bool,
}

impl MirroredTable {
    /// The section of one object. `text`: as the audit trail digests it; `None` when the object is gone.
    pub fn section_of(&self, text: Option<&str>) -> &'static str {
        let read = |text| serde_json::from_str(text).ok().and_then(|value| PbxObject::from_value(value).ok());
        match text.filter(|_| self.t == Table::PbxObject).and_then(read) {
            Some(object) => object.kind().section(),
            None => self.sections[0],
        }
    }
}

/// Every mirrored table, in the order of [`Table::ALL`].
pub static MIRRORED_TABLES: [MirroredTable; Table::ALL.len()] = [
    MirroredTable {
        t: Table::Customer,
        name: "customers",
        by_write: "customers",
        sections: &[CUSTOMERS],
        columns: customers::COLUMNS,
        audit_columns: customers::COLUMNS,
        render: |row| to_json(&customers::from_row(row)?),
        render_for_audit: |row| to_json(&customers::from_row(row)?),
        has_deletes: false,
    },
    MirroredTable {
        t: Table::Queue,
        name: "queues",
        by_write: "queues",
        sections: &[QUEUES],
        columns: queues::COLUMNS,
        audit_columns: queues::COLUMNS,
        render: |row| to_json(&queues::from_row(row)?),
        render_for_audit: |row| to_json(&queues::from_row(row)?),
        has_deletes: false,
    },
    MirroredTable {
        t: Table::Employee,
        name: "employees",
        by_write: "employees",
        sections: &[EMPLOYEES],
        columns: employees::COLUMNS,
        audit_columns: employees::COLUMNS,
        render: |row| to_json(&employees::from_row(row)?),
        render_for_audit: |row| to_json(&employees::from_row(row)?),
        has_deletes: false,
    },
    MirroredTable {
        t: Table::MobileConfig,
        name: "mobile_configs",
        by_write: "mobile_configs_by_write",
        sections: &[MOBILE_CONFIGS],
        columns: mobile_configs::COLUMNS,
        audit_columns: mobile_configs::AUDIT_COLUMNS,
        render: |row| utf8(mobile_configs::from_row(row)?.to_json()),
        render_for_audit: |row| Ok(row.get(3)?),
        has_deletes: true,
    },
    MirroredTable {
        t: Table::PbxObject,
        name: "pbx_objects",
        by_write: "pbx_objects",
        sections: SECTIONS,
        columns: pbx::COLUMNS,
        audit_columns: pbx::COLUMNS,
        render: |row| Ok(row.get("object")?),
        render_for_audit: |row| Ok(row.get("object")?),
        has_deletes: true,
    },
];

fn utf8(json: Vec<u8>) -> Result<String> {
    String::from_utf8(json).map_err(|error| Error::Internal(Box::new(error)))
}

/// The entry of a table; `None` for [`Table::Other`].
pub fn of(t: Table) -> Option<&'static MirroredTable> {
    MIRRORED_TABLES.iter().find(|table| table.t == t)
}

/// The table of a section of the audit trail.
pub fn of_section(section: &str) -> Option<&'static MirroredTable> {
    MIRRORED_TABLES.iter().find(|table| table.sections.contains(&section))
}

/// In SQL, everything that carries the number of a write: the mirrored tables, by this name of each, and the tombstones.
fn numbered(name: fn(&MirroredTable) -> &'static str) -> impl Iterator<Item = &'static str> {
    MIRRORED_TABLES.iter().map(name).chain(["tombstones"])
}

/// The highest number that a row or a tombstone carries, or that was kept when one was deleted. Reads every config.
pub fn highest_carried(tx: &ReadTx) -> Result<i64> {
    let parts: Vec<String> =
        numbered(|table| table.name).map(|name| format!("union all select max(chg) from {name}")).collect();
    let sql = format!("select coalesce(max(high), 0) from (select high from feed_kept {})", parts.join(" "));
    Ok(tx.conn.query_row(&sql, [], |row| row.get(0))?)
}

/// How many rows and tombstones carry the number of a write behind `chg`.
pub fn count_behind(tx: &ReadTx, chg: i64) -> Result<u64> {
    static COUNT: LazyLock<String> = LazyLock::new(|| {
        let counts: Vec<String> = numbered(|table| table.by_write)
            .map(|name| format!("(select count(*) from {name} where chg > ?1)"))
            .collect();
        format!("select {}", counts.join(" + "))
    });
    let mut statement = tx.conn.prepare_cached(&COUNT)?;
    Ok(statement.query_row([chg], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

/// Lets the mirror send a row again, unchanged.
pub fn touch(tx: &mut WriteTx, t: Table, id: &str) -> Result<()> {
    let Some(MirroredTable { name, .. }) = of(t) else { return Ok(()) };
    let chg = tx.change()?;
    let sql = format!("update {name} set chg = ?2 where id = ?1");
    if tx.conn.prepare_cached(&sql)?.execute(params![id, chg])? == 0 {
        // The row is gone: nothing else carries the number.
        high::keep(tx, chg)?;
    } else if t == Table::MobileConfig {
        config_feed::add(tx, id)?;
    }
    Ok(())
}
