//! The newest accepted entry on each object, while the audit trail is walked: in memory, and of many objects in a scratch database,
//! so that a proof of any trail needs little memory.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, named_params, params};
use sha2::{Digest as _, Sha256};

use super::mirrored_tables::of_section;
use crate::db::scratch::Scratch;
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::error::Result;

/// Objects that are held in memory: some 10 MB.
const IN_MEMORY: usize = 65_536;

const SCHEMA: &str = "
    create table newest (t integer not null, object text not null, seq integer not null, digest blob, section text not null,
        primary key (t, object)) strict, without rowid";

/// What the newest entry on an object says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub seq: i64,
    /// Of the object after the entry; `None`: it was deleted.
    pub digest: Option<Hash>,
    pub section: &'static str,
}

#[derive(Default)]
pub struct Newest {
    recent: HashMap<(Table, Id), Left>,
    /// The others; what is recent counts.
    spilled: Option<Scratch>,
}

impl Newest {
    /// Adds an accepted entry; entries come in the order of their numbers. An entry that changed nothing counts too.
    pub fn note(&mut self, seq: i64, section: &str, object: Id, digest: Option<Hash>) -> Result<()> {
        let Some((table, section)) = place_of(section) else { return Ok(()) };
        self.recent.insert((table, object), Left { seq, digest, section });
        if self.recent.len() >= IN_MEMORY { self.spill() } else { Ok(()) }
    }

    /// Moves what is in memory to the scratch database. Where that fails nothing is lost.
    fn spill(&mut self) -> Result<()> {
        let scratch = match self.spilled.take() {
            Some(scratch) => scratch,
            None => Scratch::with_schema(SCHEMA)?,
        };
        let scratch = self.spilled.insert(scratch);
        let mut recent: Vec<_> = self.recent.iter().collect();
        recent.sort_unstable_by_key(|(key, _)| **key);
        scratch.run(|conn| {
            let mut insert = conn.prepare_cached(
                "insert or replace into newest (t, object, seq, digest, section) values (:t, :object, :seq, :digest, :section)",
            )?;
            for ((table, object), Left { seq, digest, section }) in recent {
                insert.execute(named_params! {
                    ":t": table.number(), ":object": object, ":seq": seq, ":digest": digest, ":section": section
                })?;
            }
            Ok(())
        })?;
        self.recent.clear();
        Ok(())
    }

    /// Once some entries are in the scratch database, moves the rest there.
    fn settle(&mut self) -> Result<()> {
        if self.spilled.is_some() && !self.recent.is_empty() { self.spill() } else { Ok(()) }
    }

    /// Takes out the newest entry on an object.
    pub fn take(&mut self, table: Table, object: Id) -> Result<Option<Left>> {
        self.settle()?;
        let Some(scratch) = &self.spilled else { return Ok(self.recent.remove(&(table, object))) };
        let sql = "delete from newest where t = ?1 and object = ?2 returning t, object, seq, digest, section";
        scratch.run(|conn| {
            let mut statement = conn.prepare_cached(sql)?;
            Ok(statement.query_row(params![table.number(), object], read).optional()?.map(|(_, left)| left))
        })
    }

    /// Calls `each` with what is left of every object that was not deleted, until it returns `false`. In the order of tables and ids,
    /// or of the entries.
    fn each(&self, by_entry: bool, mut each: impl FnMut(Table, Id, Left) -> bool) -> Result<()> {
        let Some(scratch) = &self.spilled else {
            let mut all: Vec<_> = self.recent.iter().filter(|(_, left)| left.digest.is_some()).collect();
            all.sort_unstable_by_key(|(key, left)| (if by_entry { left.seq } else { 0 }, **key));
            let _ = all.into_iter().all(|((table, object), left)| each(*table, *object, *left));
            return Ok(());
        };
        let order = if by_entry { "seq, t, object" } else { "t, object" };
        let sql =
            format!("select t, object, seq, digest, section from newest where digest is not null order by {order}");
        scratch.run(|conn| {
            let mut statement = conn.prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let ((table, object), left) = read(row)?;
                if !each(table, object, left) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Calls `each` with what is left of the objects that were not taken out, in the order of their entries, until it returns `false`.
    pub fn each_left(mut self, each: impl FnMut(Table, Id, Left) -> bool) -> Result<()> {
        self.settle()?;
        self.each(true, each)
    }

    /// SHA-256 over what is left of every object that was not deleted, in the order of tables and ids.
    pub fn digest(&mut self) -> Result<Hash> {
        self.settle()?;
        let mut sum = Sha256::new();
        self.each(false, |_, object, Left { seq, digest, section }| {
            sum.update(section.as_bytes());
            object.with_str(|object| sum.update(object.as_bytes()));
            sum.update(seq.to_be_bytes());
            sum.update(digest.unwrap_or_default());
            true
        })?;
        Ok(sum.finalize().into())
    }
}

/// The table of a section of the trail, and the section's name.
fn place_of(section: &str) -> Option<(Table, &'static str)> {
    let table = of_section(section)?;
    let name = table.sections.iter().find(|known| **known == section)?;
    Some((table.t, name))
}

/// A row of what was spilled.
fn read(row: &Row) -> rusqlite::Result<((Table, Id), Left)> {
    let table = Table::from_number(row.get(0)?).ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let section = place_of(row.get_ref(4)?.as_str()?).map_or("", |(_, section)| section);
    Ok(((table, row.get(1)?), Left { seq: row.get(2)?, digest: row.get(3)?, section }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::{EMPLOYEES, MOBILE_CONFIGS};

    fn id(n: u64) -> Id {
        format!("{n:024x}").parse().unwrap()
    }

    /// Entries on 50 objects of two tables, some deleted, some many times; spilled after each of `spills`.
    fn noted(spills: &[i64]) -> Newest {
        let mut newest = Newest::default();
        for seq in 1..500_i64 {
            let n = (seq * 7919 % 50).unsigned_abs();
            let section = if n % 3 == 0 { EMPLOYEES } else { MOBILE_CONFIGS };
            let digest = (seq % 11 != 0).then_some([u8::try_from(seq % 251).unwrap(); 32]);
            newest.note(seq, section, id(n), digest).unwrap();
            if spills.contains(&seq) {
                newest.spill().unwrap();
            }
        }
        newest
    }

    #[test]
    fn a_scratch_database_that_fails_is_no_object_without_an_entry() {
        let mut newest = noted(&[]);
        newest.spilled = Some(Scratch::with_schema("").unwrap());
        assert!(newest.take(Table::MobileConfig, id(1)).is_err());
        assert!(newest.digest().is_err());
    }

    #[test]
    fn what_was_spilled_is_as_what_is_in_memory() {
        for spills in [&[1][..], &[100, 200], &[499], &[3, 4, 5, 480]] {
            let (mut one, mut other) = (noted(&[]), noted(spills));
            assert_eq!(one.digest().unwrap(), other.digest().unwrap(), "{spills:?}");
            for n in (0..60).step_by(2) {
                for table in [Table::Employee, Table::MobileConfig, Table::Queue] {
                    assert_eq!(one.take(table, id(n)).unwrap(), other.take(table, id(n)).unwrap(), "{n}");
                }
            }
            assert_eq!(one.digest().unwrap(), other.digest().unwrap(), "{spills:?}");
            let all = |newest: Newest| {
                let mut all = vec![];
                newest
                    .each_left(|table, object, left| {
                        all.push((table, object, left));
                        all.len() < 20
                    })
                    .unwrap();
                all
            };
            let left = all(one);
            assert_eq!(left.len(), 20);
            assert!(left.is_sorted_by_key(|(.., left)| left.seq));
            assert_eq!(left, all(other), "{spills:?}");
        }
    }
}
