//! A restore that was killed after its rows were written, and before the database got its name: the next run begins anew
//! in the same file, because that file keeps the hub's token.

use rusqlite::params;

use crate::db::{Subject, WriteTx};
use crate::domain::audit::Action;
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::error::Result;
use crate::store::mirrored_tables::{MIRRORED_TABLES, MirroredTable};
use crate::store::{audit, high};

/// The mirrored tables, those that refer to others first.
fn tables() -> impl Iterator<Item = &'static MirroredTable> {
    MIRRORED_TABLES.iter().rev()
}

/// The rows that an earlier run had written, each with its table.
pub struct EarlierRun(Vec<(&'static str, Subject)>);

impl EarlierRun {
    /// Removes them. The audit trail keeps their entries, since it is append-only.
    pub fn clear(tx: &mut WriteTx) -> Result<EarlierRun> {
        let mut rows = vec![];
        for table in tables() {
            let customer = if table.t == Table::Customer { "id" } else { "customer" };
            // Only of an object of the PBX the section depends on what it is.
            let text = if table.t == Table::PbxObject { "object" } else { "null" };
            let mut statement = tx.conn.prepare(&format!("select id, {customer}, {text} from {}", table.name))?;
            let mut found = statement.query([])?;
            while let Some(row) = found.next()? {
                let (object, customer, text): (Id, Id, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let section = table.section_of(text.as_deref());
                rows.push((table.name, Subject { section, object, customer: Some(customer) }));
            }
        }
        if !rows.is_empty() {
            // The triggers let rows go only within a numbered write.
            let change = tx.change()?;
            high::keep(tx, change)?;
            for table in tables() {
                tx.conn.execute(&format!("delete from {}", table.name), [])?;
            }
        }
        Ok(EarlierRun(rows))
    }

    /// Records the delete of what this run has not written again.
    pub fn record_removed(self, tx: &mut WriteTx) -> Result<()> {
        for (table, subject) in self.0 {
            let sql = format!("select exists (select 1 from {table} where id = ?1)");
            let is_there: bool = tx.conn.prepare_cached(&sql)?.query_row(params![subject.object], |row| row.get(0))?;
            if !is_there {
                let description = "Removed: an earlier run of the restore had written it";
                let change = audit::Change { subject, action: Action::Delete, description, before: None, after: None };
                audit::append(tx, &change)?;
            }
        }
        Ok(())
    }
}
