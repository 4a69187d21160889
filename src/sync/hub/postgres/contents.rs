//! Contents of mobile configs, each kept once for its origin: rows refer to them by their digest.

use std::collections::HashSet;

use deadpool_postgres::Pool;

use super::origins;
use super::tx::{self, Batch, READ, Scope, describe};
use crate::domain::audit::Hash;
use crate::error::{Error, Result};
use crate::sync::hub::stored_text::StoredText;

/// The whole text of a row of `$row`, a table that [`with_content`] joins.
macro_rules! whole_text {
    ($row:literal) => {
        concat!($row, ".head || coalesce(c.v || ", $row, ".tail, '')")
    };
}
pub(super) use whole_text;

/// Joins the content that a row of `$row` refers to.
macro_rules! with_content {
    ($row:literal) => {
        concat!("left join contents c on c.origin = ", $row, ".origin and c.digest = ", $row, ".content")
    };
}
pub(super) use with_content;

/// The whole text of a row of `$row`, where its content cannot be joined.
macro_rules! whole_text_of {
    ($row:literal) => {
        concat!(
            $row,
            ".head || coalesce((select c.v from contents c where c.origin = ",
            $row,
            ".origin and c.digest = ",
            $row,
            ".content) || ",
            $row,
            ".tail, '')"
        )
    };
}
pub(super) use whole_text_of;

/// $2 and $3: arrays of digest and text. A content that was damaged is mended.
const PUT: &str = "
    insert into contents (origin, digest, v) select $1, * from unnest($2::bytea[], $3::text[])
    on conflict (origin, digest) do update set v = excluded.v where contents.v <> excluded.v";
/// Origins of which something was changed since their last sweep.
const UNSWEPT: &str = "select origin from origins where not contents_swept";
const SWEEP: &str = "
    delete from contents c where c.origin = $1
        and not exists (select from mirror r where r.origin = $1 and r.content = c.digest)
        and not exists (select from staged r where r.origin = $1 and r.content = c.digest)
        and not exists (select from quarantine r where r.origin = $1 and r.content = c.digest)
        and not exists (select from lost_tail r where r.origin = $1 and r.content = c.digest)";
const SET_SWEPT: &str = "update origins set contents_swept = true where origin = $1";

/// The contents that rows refer to, each once.
#[derive(Default)]
pub struct Contents<'r> {
    digest: Vec<Vec<u8>>,
    text: Vec<&'r str>,
    seen: HashSet<Hash>,
}

impl<'r> Contents<'r> {
    /// Notes the content of a text, and gives its digest as PostgreSQL takes it.
    pub fn add(&mut self, text: &StoredText<'r>) -> Option<Vec<u8>> {
        let shared = text.shared?;
        if self.seen.insert(shared.digest) {
            self.digest.push(shared.digest.to_vec());
            self.text.push(shared.content);
        }
        Some(shared.digest.to_vec())
    }

    /// Puts there what is not there yet: before the rows that refer to it.
    pub fn put<'p>(&'p self, batch: &mut Batch<'p>, origin: &'p &str) {
        if !self.text.is_empty() {
            batch.add(PUT, &[origin, &self.digest, &self.text]);
        }
    }
}

/// Removes the contents that nothing refers to, of one origin at a time: each is locked meanwhile, so that no push refers to what
/// is being removed.
pub async fn sweep(pool: &Pool) -> Result<()> {
    let answers = tx::at_once(pool, READ, Scope::Fleet, Batch::default().with(UNSWEPT, &[])).await?;
    for row in &answers[0] {
        let origin: &str = row.try_get(0).map_err(describe)?;
        match origins::begin(pool, origin, Batch::default()).await {
            Ok((tx, ..)) => {
                let batch = Batch::default().with(SWEEP, &[&origin]).with(SET_SWEPT, &[&origin]);
                tx.commit(batch).await?;
            }
            // It was removed meanwhile.
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
