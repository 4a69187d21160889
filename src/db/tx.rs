//! What a closure behind one of the two doors is given.

use std::cell::OnceCell;
use std::ops::Deref;

use rusqlite::Connection;

use super::notices::{ChangeNotice, Notices, Subject};
use super::under_way::UnderWay;
use crate::clock::Clock;
use crate::domain::access::Actor;
use crate::domain::audit::{Action, Hash};
use crate::domain::chance;
use crate::domain::time::Time;
use crate::error::{Error, Result};

/// A read snapshot.
pub struct ReadTx<'c> {
    pub conn: &'c Connection,
    pub now: Time,
}

/// Runs `work` on one snapshot.
pub(super) fn snapshot<T>(conn: &Connection, clock: &Clock, work: impl FnOnce(&ReadTx) -> Result<T>) -> Result<T> {
    conn.prepare_cached("begin")?.execute([])?;
    let result = work(&ReadTx { conn, now: clock.now() });
    conn.prepare_cached("rollback")?.execute([])?;
    result
}

/// Who writes, and from where: nothing is written by nobody.
#[derive(Clone, Debug)]
pub struct Author {
    /// `None`: the system itself, the command line, or an operator of the hub.
    pub actor: Option<Actor>,
    /// Of who writes without being an actor here.
    pub called: Option<String>,
    /// SHA-256 of the token that the caller presented.
    pub token: Option<Hash>,
    /// Address of the caller, or `command line`, `import`, `system`.
    pub source: String,
    /// X-Request-Id; empty outside HTTP.
    pub request: String,
    /// The change takes access away from somebody: it is made on a full disk too, in the room that is kept back.
    pub takes_access_away: bool,
}

impl Author {
    /// The program itself, on its own account.
    pub fn system(source: &str) -> Author {
        Author {
            actor: None,
            called: None,
            token: None,
            source: source.into(),
            request: String::new(),
            takes_access_away: false,
        }
    }

    /// Somebody at the hub.
    pub fn at_hub(name: &str) -> Author {
        Author { called: Some(name.into()), ..Author::system("hub") }
    }

    /// Whether the change is refused on a full disk: a caller asks for it, and it does not take access away.
    pub fn needs_free_room(&self) -> bool {
        (self.actor.is_some() || self.called.is_some()) && !self.takes_access_away
    }

    pub fn name(&self) -> &str {
        let called = || self.called.as_deref().unwrap_or("System");
        self.actor.as_ref().map_or_else(called, |actor| &actor.name)
    }
}

/// What the next write builds on. Kept in memory, restored when a request fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counters {
    /// Number of the newest write.
    pub high: i64,
    /// Place and hash of the newest audit entry.
    pub audit_seq: i64,
    pub audit_hash: Hash,
}

/// What a request that fails still writes, after everything else of it is rolled back.
type AfterRollback = Box<dyn FnOnce(&mut WriteTx) -> Result<()> + Send>;

/// One request's part of the shared write transaction.
pub struct WriteTx<'c> {
    read: ReadTx<'c>,
    pub author: Author,
    /// Given on first use: a write that records nothing has none, and takes no number from those of a seed.
    operation: OnceCell<String>,
    pub(super) counters: Counters,
    under_way: UnderWay,
    /// Number of this write, once it has touched a mirrored row.
    change: Option<i64>,
    pub(super) after_rollback: Option<AfterRollback>,
    /// Set when who may log in, or as what, has changed: sessions in memory are read again.
    pub(super) identities_changed: bool,
    /// What it has changed so far; `None` while nobody wants to know.
    pub(super) notices: Option<Notices>,
}

impl Drop for WriteTx<'_> {
    /// Between two writes nothing mirrored is written.
    fn drop(&mut self) {
        self.under_way.end();
    }
}

impl<'c> Deref for WriteTx<'c> {
    type Target = ReadTx<'c>;

    fn deref(&self) -> &ReadTx<'c> {
        &self.read
    }
}

impl<'c> WriteTx<'c> {
    pub(super) fn new(
        conn: &'c Connection,
        under_way: &UnderWay,
        now: Time,
        author: Author,
        counters: Counters,
    ) -> WriteTx<'c> {
        under_way.end();
        WriteTx {
            read: ReadTx { conn, now },
            author,
            operation: OnceCell::new(),
            counters,
            under_way: under_way.clone(),
            change: None,
            after_rollback: None,
            identities_changed: false,
            notices: None,
        }
    }

    /// Id of this write, shared by all its audit entries.
    pub fn operation(&self) -> &str {
        self.operation.get_or_init(|| chance::uuid().to_string())
    }

    /// The number of this write, which every mirrored row it touches must carry. Taken on first use.
    pub fn change(&mut self) -> Result<i64> {
        if let Some(change) = self.change {
            return Ok(change);
        }
        let next = self.counters.high.checked_add(1);
        let change =
            next.ok_or_else(|| Error::internal("the number of the newest write was edited by hand: restore a backup"))?;
        self.under_way.begin(change);
        self.counters.high = change;
        self.change = Some(change);
        Ok(change)
    }

    /// The number of the newest write, which may be this one.
    pub fn newest_write(&self) -> i64 {
        self.counters.high
    }

    /// References are checked at the commit only: rows may be written in any order.
    pub fn defer_foreign_keys(&self) -> Result<()> {
        self.conn.pragma_update(None, "defer_foreign_keys", true)?;
        Ok(())
    }

    /// Whether this write has touched a mirrored row.
    pub fn has_changed(&self) -> bool {
        self.change.is_some()
    }

    /// Place and hash of the newest audit entry: what the next one builds on.
    pub fn audit_head(&self) -> (i64, Hash) {
        (self.counters.audit_seq, self.counters.audit_hash)
    }

    pub fn set_audit_head(&mut self, seq: i64, hash: Hash) {
        self.counters.audit_seq = seq;
        self.counters.audit_hash = hash;
    }

    /// Who may log in, or as what, changes with this write.
    pub fn identities_change(&mut self) {
        self.identities_changed = true;
    }

    /// Tells of an accepted change once it is committed.
    pub fn notice(&mut self, subject: Subject, action: Action) {
        if let Some(notices) = &mut self.notices {
            let author = self.author.actor.as_ref().filter(|actor| actor.is_employee());
            let author = author.map(|actor| (actor.employee, actor.customer));
            notices.push(ChangeNotice { subject, action, author });
        }
    }

    /// Has `work` done if this request fails, after everything else of it is rolled back. The last one given counts.
    pub fn after_rollback(&mut self, work: impl FnOnce(&mut WriteTx) -> Result<()> + Send + 'static) {
        self.after_rollback = Some(Box::new(work));
    }
}
