//! What a check of the database has found, and how to mend it.

use rusqlite::Params;

use crate::db::ReadTx;
use crate::error::Result;

/// What is wrong, if anything, and what to report when nothing is.
pub type Finding = (Option<String>, String);

/// How many objects a finding names.
const NAMED_MAX: usize = 5;

/// The objects that break one law in the same way.
pub struct Offenders {
    /// Such as `live customers below a reseller that is deleted`.
    what: &'static str,
    /// What to do about them, as one sentence.
    mend: &'static str,
    count: usize,
    /// The first few.
    named: Vec<String>,
}

impl Offenders {
    pub fn new(what: &'static str, mend: &'static str) -> Offenders {
        Offenders { what, mend, count: 0, named: vec![] }
    }

    /// The objects that `sql` selects, by their first column.
    pub fn select(
        tx: &ReadTx,
        (what, mend): (&'static str, &'static str),
        sql: &str,
        params: impl Params,
    ) -> Result<Offenders> {
        let mut offenders = Offenders::new(what, mend);
        let mut statement = tx.conn.prepare(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_bytes().unwrap_or_default();
            offenders.add(|| String::from_utf8_lossy(name).into_owned());
        }
        Ok(offenders)
    }

    pub fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(name());
        }
    }

    /// `2 live customers without an address (c1, c2): give each …`
    fn describe(&self) -> Option<String> {
        let more = if self.count > self.named.len() { ", …" } else { "" };
        let Offenders { what, mend, count, named } = self;
        (*count > 0).then(|| format!("{count} {what} ({}{more}): {mend}", named.join(", ")))
    }
}

/// What is wrong with all of them; `detail` when nothing is.
pub fn finding<'o>(offenders: impl IntoIterator<Item = &'o Offenders>, detail: &str) -> Finding {
    let wrong: Vec<String> = offenders.into_iter().filter_map(Offenders::describe).collect();
    ((!wrong.is_empty()).then(|| wrong.join("; ")), detail.to_owned())
}
