//! The audit trail as a test looks at it.

use super::TestApp;

/// One entry of the trail.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub action: String,
    pub outcome: String,
    pub section: String,
    pub object: String,
    pub customer: Option<String>,
    pub operation: String,
    pub request: String,
    pub impersonator: Option<String>,
}

impl TestApp {
    /// All entries, oldest first.
    pub fn audit(&self) -> Vec<Entry> {
        let sql = "select action, outcome, section, object, operation, request, impersonator, customer from audit order by seq";
        let entries = self.db.read(|tx| {
            let mut statement = tx.conn.prepare(sql)?;
            let rows = statement.query_map([], |row| {
                Ok(Entry {
                    action: row.get(0)?,
                    outcome: row.get(1)?,
                    section: row.get(2)?,
                    object: row.get(3)?,
                    operation: row.get(4)?,
                    request: row.get(5)?,
                    impersonator: row.get(6)?,
                    customer: row.get(7)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
        });
        entries.unwrap()
    }

    /// What `work` adds to the trail.
    pub fn audited<T>(&self, work: impl FnOnce() -> T) -> (T, Vec<Entry>) {
        let before = self.audit().len();
        let result = work();
        (result, self.audit().split_off(before))
    }

    /// The number of the newest write, as the feed has it.
    pub fn newest_write(&self) -> i64 {
        self.db.read(|tx| Ok(tx.conn.query_row("select high from feed", [], |row| row.get(0))?)).unwrap()
    }
}
