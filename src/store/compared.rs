//! The objects of two databases or documents side by side, in a scratch database: documents are in any order, and neither may
//! fit into memory.

use rusqlite::params;

use crate::db::scratch::Scratch;
use crate::domain::id::Id;
use crate::error::Result;

const SCHEMA: &str = "
    create table objects (list integer not null, id text not null, side integer not null, object text not null,
        primary key (list, id, side)) strict, without rowid;
";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    A,
    B,
}

pub struct Compared {
    scratch: Scratch,
}

/// An object as each side has it.
#[derive(Default)]
pub struct Pair {
    pub a: Option<String>,
    pub b: Option<String>,
}

impl Compared {
    pub fn new() -> Result<Compared> {
        Ok(Compared { scratch: Scratch::with_schema(SCHEMA)? })
    }

    /// False when the side has an object of that id in that list already. No secrets: see [`Scratch`].
    pub fn add(&self, side: Side, list: usize, id: Id, object: &str) -> Result<bool> {
        self.scratch.run(|conn| {
            let sql = "insert into objects (list, id, side, object) values (?1, ?2, ?3, ?4) on conflict do nothing";
            Ok(conn.prepare_cached(sql)?.execute(params![list as i64, id, side as i64, object])? > 0)
        })
    }

    /// Calls `each` with every object of a list, in the order of the ids.
    pub fn each(&self, list: usize, mut each: impl FnMut(Id, Pair) -> Result<()>) -> Result<()> {
        self.scratch.run(|conn| {
            let mut statement =
                conn.prepare("select id, side, object from objects where list = ?1 order by list, id, side")?;
            let mut rows = statement.query([list as i64])?;
            let mut open: Option<(Id, Pair)> = None;
            while let Some(row) = rows.next()? {
                let id: Id = row.get(0)?;
                let done = open.take_if(|(before, _)| *before != id);
                if let Some(Err(error)) = done.map(|(id, pair)| each(id, pair)) {
                    return Ok(Err(error));
                }
                let (_, pair) = open.get_or_insert_with(|| (id, Pair::default()));
                let side = if row.get::<_, i64>(1)? == Side::A as i64 { &mut pair.a } else { &mut pair.b };
                *side = Some(row.get(2)?);
            }
            Ok(open.map_or(Ok(()), |(id, pair)| each(id, pair)))
        })?
    }
}
