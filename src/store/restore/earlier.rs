//! A restore that was killed after its rows were written, and before the database got its name: the next run begins anew
//! in the same file, because that file keeps the hub's token.

use rusqlite::params;

use crate::db::{Subject, WriteTx};
use crate::domain::audit::{Action, CUSTOMERS, EMPLOYEES, MOBILE_CONFIGS, QUEUES};
use crate::domain::id::Id;
use crate::error::Result;
use crate::store::audit;

/// The mirrored tables, those that refer to others first, each with the column that names the customer.
const TABLES: [(&str, &str, &str); 4] = [
    ("mobile_configs", MOBILE_CONFIGS, "customer"),
    ("employees", EMPLOYEES, "customer"),
    ("queues", QUEUES, "customer"),
    ("customers", CUSTOMERS, "id"),
];

/// The rows that an earlier run had written, each with its table.
pub struct EarlierRun(Vec<(&'static str, Subject)>);

impl EarlierRun {
    /// Removes them. The audit trail keeps their entries, since it is append-only.
    pub fn clear(tx: &mut WriteTx) -> Result<EarlierRun> {
        let mut rows = vec![];
        for (table, section, customer) in TABLES {
            let mut statement = tx.conn.prepare(&format!("select id, {customer} from {table}"))?;
            let found = statement.query_map([], |row| Ok((row.get::<_, Id>(0)?, row.get::<_, Id>(1)?)))?;
            for found in found {
                let (object, customer) = found?;
                rows.push((table, Subject { section, object, customer: Some(customer) }));
            }
        }
        if !rows.is_empty() {
            // The triggers let rows go only within a numbered write.
            tx.change()?;
            for (table, ..) in TABLES {
                tx.conn.execute(&format!("delete from {table}"), [])?;
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
