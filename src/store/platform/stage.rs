//! What was read of a list, until the list is known to be whole: in a temporary file, for it may be long.

use rusqlite::params;

use crate::db::scratch::Scratch;
use crate::error::Result;

const SCHEMA: &str = "create table objects (place integer primary key, object text not null)";

pub struct Stage {
    scratch: Scratch,
    count: usize,
}

impl Stage {
    pub fn new() -> Result<Stage> {
        Ok(Stage { scratch: Scratch::with_schema(SCHEMA)?, count: 0 })
    }

    /// Adds an object as it was sent.
    pub fn add(&mut self, object: &str) -> Result<()> {
        self.scratch.run(|conn| {
            let sql = "insert into objects (place, object) values (?1, ?2)";
            conn.prepare_cached(sql)?.execute(params![self.count as i64, object])
        })?;
        self.count += 1;
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Calls `each` with every object, in order.
    pub fn each(&self, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
        self.scratch.run(|conn| {
            let mut statement = conn.prepare("select object from objects order by place")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if let Err(error) = each(row.get_ref(0)?.as_str()?) {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        })?
    }
}
