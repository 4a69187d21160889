//! Contents of mobile configs, each kept once: configs and audit entries refer to them.

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, Params, params};

use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::{Hash, digest};
use crate::domain::mobile_config::ContentKey;
use crate::error::Result;
use crate::files::mutants::{Mutant, is_on};

/// The key of this content, which is put there if it is not yet. One whose text was edited by hand gets it back.
pub fn key_of(tx: &mut WriteTx, text: &str) -> Result<ContentKey> {
    let digest = digest(text.as_bytes());
    let known: Option<(i64, bool)> = tx
        .conn
        .prepare_cached("select id, text = ?2 from contents where digest = ?1")?
        .query_row(params![digest, text], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((id, is_sound)) = known {
        if !is_sound {
            tx.conn.prepare_cached("update contents set text = ?2 where id = ?1")?.execute(params![id, text])?;
        }
        return Ok(ContentKey { id, digest });
    }
    let id = tx
        .conn
        .prepare_cached("insert into contents (digest, text) values (?1, ?2) returning id")?
        .query_row(params![digest, text], |row| row.get(0))?;
    Ok(ContentKey { id, digest })
}

/// The text of a content. An error when it is gone, which only an edit by hand can bring about.
pub fn text(tx: &ReadTx, key: ContentKey) -> Result<String> {
    text_of(tx, key.id)
}

/// The same by its id alone.
pub fn text_of(tx: &ReadTx, id: i64) -> Result<String> {
    let mut statement = tx.conn.prepare_cached("select text from contents where id = ?1")?;
    Ok(statement.query_row([id], |row| row.get(0))?)
}

/// Digests of contents that are held at once: some 5 MB.
const KNOWN_MAX: usize = 65_536;

/// Which contents are not what they were, and the digests of those that were looked up last.
pub struct Contents {
    unsound: HashSet<i64>,
    known: HashMap<i64, Hash>,
}

impl Contents {
    /// The digest of a content whose text still has it.
    pub fn sound(&mut self, tx: &ReadTx, id: i64) -> Result<Option<Hash>> {
        if self.unsound.contains(&id) { Ok(None) } else { self.digest(tx, id) }
    }

    /// The digest that a content was recorded with.
    pub fn digest(&mut self, tx: &ReadTx, id: i64) -> Result<Option<Hash>> {
        if let Some(known) = self.known.get(&id) {
            return Ok(Some(*known));
        }
        let mut statement = tx.conn.prepare_cached("select digest from contents where id = ?1")?;
        let found = statement.query_row([id], |row| row.get(0)).optional()?;
        found.iter().for_each(|digest| self.hold(id, *digest));
        Ok(found)
    }

    fn hold(&mut self, id: i64, digest: Hash) {
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(id, digest);
    }
}

/// Computes the digest of each content, once for all configs and entries that refer to it.
pub fn check(tx: &ReadTx) -> Result<Contents> {
    let mut statement = tx.conn.prepare("select id, digest, text from contents")?;
    let mut rows = statement.query([])?;
    let mut found = Contents { unsound: HashSet::new(), known: HashMap::new() };
    while let Some(row) = rows.next()? {
        let (id, recorded): (i64, Hash) = (row.get(0)?, row.get(1)?);
        if row.get_ref(2)?.as_bytes().is_ok_and(|text| digest(text) == recorded) {
            found.hold(id, recorded);
        } else {
            found.unsound.insert(id);
        }
    }
    Ok(found)
}

/// Everything that refers to contents, and the same of what was written behind a write (`?1`) and an audit entry (`?2`).
const REFERENCES: [&str; 3] = [
    "select content from mobile_configs",
    "select content_before from audit where content_before is not null",
    "select content_after from audit where content_after is not null",
];
const NEWER_REFERENCES: &str = "
    select content from mobile_configs_by_write where chg > ?1
    union all select content_before from audit where seq > ?2 and content_before is not null
    union all select content_after from audit where seq > ?2 and content_after is not null";
/// Contents that are removed in one write.
const STEP: usize = 200;

/// The contents that nothing referred to when it was looked at.
pub struct Unreferenced {
    ids: Vec<i64>,
    /// The newest write and the newest audit entry of that time.
    high: i64,
    seq: i64,
}

/// Finds the contents that nothing refers to. Reads the whole audit trail.
pub fn unreferenced(tx: &ReadTx) -> Result<Unreferenced> {
    let mut marks = Marks::default();
    for sql in REFERENCES {
        if is_on(Mutant::ReferencesNotCounted) && sql.contains("from audit") {
            continue;
        }
        mark_all(tx, sql, [], &mut marks)?;
    }
    let mut statement = tx.conn.prepare("select id from contents order by id")?;
    let ids = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let sql = "select (select high from feed), (select coalesce(max(seq), 0) from audit)";
    let (high, seq) = tx.conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Unreferenced { ids: marks.unmarked(ids), high, seq })
}

fn mark_all(tx: &ReadTx, sql: &str, values: impl Params, marks: &mut Marks) -> Result<()> {
    let mut statement = tx.conn.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        marks.mark(row.get(0)?);
    }
    Ok(())
}

impl Unreferenced {
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// Removes the next few of `found`, but for those that something has come to refer to since; the rest of them.
pub fn remove_step(tx: &mut WriteTx, mut found: Unreferenced) -> Result<Unreferenced> {
    let mut marks = Marks::default();
    mark_all(tx, NEWER_REFERENCES, [found.high, found.seq], &mut marks)?;
    let step = found.ids.split_off(found.ids.len().saturating_sub(STEP));
    for id in marks.unmarked(step) {
        tx.conn.prepare_cached("delete from contents where id = ?1")?.execute([id])?;
    }
    Ok(found)
}

/// Removes all contents that nothing refers to, in this write.
pub fn sweep(tx: &mut WriteTx) -> Result<()> {
    let mut found = unreferenced(tx)?;
    while !found.is_empty() {
        found = remove_step(tx, found)?;
    }
    Ok(())
}

/// The contents that something refers to, a bit each: ids are small numbers.
#[derive(Default)]
struct Marks(Vec<u64>);

impl Marks {
    fn mark(&mut self, id: i64) {
        let Some((word, bit)) = place(id) else { return };
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= bit;
        }
    }

    /// Those of `ids` that were not marked. What is no id of a content is left alone.
    fn unmarked(&self, ids: Vec<i64>) -> Vec<i64> {
        let is_unmarked =
            |id: &i64| place(*id).is_some_and(|(word, bit)| self.0.get(word).is_none_or(|bits| bits & bit == 0));
        ids.into_iter().filter(is_unmarked).collect()
    }
}

/// The word and the bit of an id; `None`: it is not one that SQLite gives.
fn place(id: i64) -> Option<(usize, u64)> {
    let id = u64::try_from(id).ok().filter(|id| *id < MARKS_MAX).and_then(|id| usize::try_from(id).ok())?;
    Some((id / 64, 1 << (id % 64)))
}

/// Ids are given one behind the other: a larger one was put in by hand, and takes no memory.
const MARKS_MAX: u64 = 1 << 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_marked_stays_and_all_else_goes(
            ids in prop::collection::hash_set(1i64..500, 0..200),
            marked in prop::collection::vec(1i64..600, 0..200),
        ) {
            let mut marks = Marks::default();
            marked.iter().for_each(|id| marks.mark(*id));
            let swept: HashSet<i64> = marks.unmarked(ids.iter().copied().collect()).into_iter().collect();
            let marked: HashSet<i64> = marked.into_iter().collect();
            prop_assert_eq!(swept, ids.difference(&marked).copied().collect::<HashSet<i64>>());
        }
    }

    #[test]
    fn what_is_no_id_is_left_alone() {
        let mut marks = Marks::default();
        marks.mark(-1);
        assert_eq!(marks.unmarked(vec![-1, 0, i64::MAX]), [0]);
    }
}
