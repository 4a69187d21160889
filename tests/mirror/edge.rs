//! An edge of a simulation, on a file of its own, and what is done on it.

use std::path::PathBuf;
use std::sync::Arc;

use telecomx_local::clock::Clock;
use telecomx_local::db::{Author, Db, WriteTx};
use telecomx_local::domain::mirror::Position;
use telecomx_local::domain::proposal::HubLevel;
use telecomx_local::error::{Error, Result};
use telecomx_local::store::feed::{self, FeedCursor};
use telecomx_local::store::{quarantine, sync_state};
use telecomx_local::sync::edge::session::SyncSession;
use uuid::Uuid;

use crate::chance::Chance;
use crate::drive::block_on;
use crate::skew::REFUSED;
use crate::world::{EMPLOYEES, POOL, Rows, change, copy_database, employee, template};

const DAY_MS: i64 = 24 * 3_600_000;

pub struct SimulatedEdge {
    path: PathBuf,
    clock: Clock,
    running: Option<(Arc<Db>, SyncSession)>,
    images: Vec<PathBuf>,
    /// The image it was put back to last.
    restored: Option<PathBuf>,
    /// It was put back to one image and then to another: to a hub that is two edges.
    pub is_torn: bool,
    is_full: bool,
}

impl SimulatedEdge {
    /// A new edge that has just been enrolled.
    pub fn enrolled(path: PathBuf, origin: &str, epoch: Uuid) -> SimulatedEdge {
        std::fs::copy(template(), &path).unwrap();
        let edge = SimulatedEdge::on(path);
        let enrolment = sync_state::Enrolment { hub: "simulated".into(), origin: origin.into(), token: vec![] };
        edge.write(move |tx| sync_state::enroll(tx, &enrolment, &Position::new(epoch))).unwrap();
        edge
    }

    fn on(path: PathBuf) -> SimulatedEdge {
        let (clock, images) = (Clock::default(), vec![]);
        let mut edge =
            SimulatedEdge { path, clock, running: None, images, restored: None, is_torn: false, is_full: false };
        edge.start();
        edge
    }

    fn start(&mut self) {
        self.is_full = false;
        let db = Arc::new(Db::open(&self.path, self.clock.clone()).unwrap());
        self.running = Some((db.clone(), SyncSession::new(db, HubLevel::Administer)));
    }

    pub fn db(&self) -> Arc<Db> {
        self.running.as_ref().unwrap().0.clone()
    }

    pub fn edge(&mut self) -> &mut SyncSession {
        &mut self.running.as_mut().unwrap().1
    }

    pub fn write<T: Send + 'static>(&self, work: impl FnOnce(&mut WriteTx) -> Result<T> + Send + 'static) -> Result<T> {
        block_on(self.db().write(Author::system("test"), work))
    }

    /// Killed, and started again: what was under way is forgotten. Now and then the database is opened anew too; what it
    /// would find on the disk is what it has.
    pub fn crash(&mut self, chance: &mut Chance) {
        if chance.below(4) == 0 {
            self.running = None;
            self.start();
        } else {
            let db = self.db();
            self.running = Some((db.clone(), SyncSession::new(db, HubLevel::Administer)));
        }
    }

    /// A copy of the disk as it is.
    fn image(&mut self, name: &str) -> PathBuf {
        let image = self.path.with_extension(name);
        assert!(!image.exists());
        copy_database(&self.path, &image);
        image
    }

    pub fn keep_image(&mut self, chance: &mut Chance) {
        let image = self.image(&format!("image{}", chance.number()));
        self.images.push(image);
    }

    /// Restored from an image that was kept, if there is one.
    pub fn restore(&mut self, chance: &mut Chance) {
        if self.images.is_empty() {
            return;
        }
        let image = self.images[chance.below(self.images.len() as u64) as usize].clone();
        self.running = None;
        // Elsewhere: a connection of the one that is gone may still be closing.
        self.path = self.path.with_extension(format!("restored{}", chance.number()));
        copy_database(&image, &self.path);
        self.is_torn |= self.restored.replace(image.clone()).is_some_and(|other| other != image);
        self.start();
    }

    /// A second machine with the same disk.
    pub fn cloned(&mut self, chance: &mut Chance) -> SimulatedEdge {
        SimulatedEdge::on(self.image(&format!("clone{}", chance.number())))
    }

    /// Whether `error` is that of a disk that is full here.
    pub fn expects(&self, error: &Error) -> bool {
        self.is_full && matches!(error, Error::StorageFull)
    }

    /// Changes one object or several, in one write. With the disk full, nothing changes.
    pub fn work(&self, chance: &mut Chance) {
        let count = if chance.below(5) == 0 { 1 + chance.below(EMPLOYEES) } else { 1 };
        let steps: Vec<(u64, u64, u64)> =
            (0..count).map(|_| (chance.below(POOL), chance.below(6), chance.number())).collect();
        let before = self.is_full.then(|| self.rows());
        let written = self.write(move |tx| {
            for (n, what, mark) in &steps {
                change(tx, employee(*n), *what, *mark)?;
            }
            Ok(())
        });
        if let Err(error) = written {
            assert!(self.expects(&error), "{error}");
            assert!(Some(self.rows()) == before, "a full disk changed something");
        }
    }

    /// One write of which the mirror cannot take one row: what is stored is not readable, or not to the hub's liking.
    pub fn poison(&self, chance: &mut Chance) {
        let (n, other, mark) = (chance.below(EMPLOYEES), chance.below(EMPLOYEES), chance.number());
        // Not UTF-8.
        let content = ["cast(x'5bff5d' as text)".into(), format!("'[{{\"type\":\"{REFUSED}\"}}]'")];
        let content = content[chance.below(2) as usize].clone();
        let written = self.write(move |tx| {
            change(tx, employee(n), 2, mark)?;
            let chg = tx.change()?;
            let content = put_content(tx, &content)?;
            let sql = "update mobile_configs set content = ?1, chg = ?2 where id = ?3";
            tx.conn.execute(sql, (content, chg, employee(n)))?;
            if other == n { Ok(()) } else { change(tx, employee(other), mark % 3, mark) }
        });
        assert!(written.is_ok_and(|()| true) || self.is_full);
    }

    /// One write of two rows: the config of employee `n` is not readable afterwards.
    pub fn make_unreadable(&self, n: u64, other: u64) {
        let written = self.write(move |tx| {
            change(tx, employee(n), 2, 1)?;
            let content = put_content(tx, "cast(x'5bff5d' as text)")?;
            let sql = "update mobile_configs set content = ?1 where id = ?2";
            tx.conn.execute(sql, (content, employee(n)))?;
            change(tx, employee(other), 2, 2)
        });
        written.unwrap();
    }

    /// Has the row of some entry of the quarantine tried again, or gives it up.
    pub fn resolve_quarantine(&self, chance: &mut Chance) {
        let entries = self.db().read(quarantine::list).unwrap();
        if entries.is_empty() {
            return;
        }
        let id = entries[chance.below(entries.len() as u64) as usize].id;
        let how = [quarantine::retry, quarantine::drop][chance.below(2) as usize];
        if let Err(error) = self.write(move |tx| how(tx, id)) {
            assert!(self.expects(&error), "{error}");
        }
    }

    /// Gives what is in quarantine content that nothing is wrong with.
    pub fn mend(&self, chance: &mut Chance) {
        for entry in self.db().read(quarantine::list).unwrap() {
            let (id, mark, is_skewed) = (entry.row.parse().unwrap(), chance.number(), entry.code == "unknown_table");
            let mended = self.write(move |tx| match is_skewed {
                true => quarantine::retry(tx, entry.id),
                false => change(tx, id, 2, mark),
            });
            mended.unwrap();
        }
    }

    /// Takes all the room there is for what the engine remembers.
    pub fn fill(&mut self, chance: &mut Chance) {
        self.limit(true);
        for _ in 0..200 {
            let attempt = chance.uuid();
            if self.write(move |tx| sync_state::record_attempt(tx, attempt, 0)).is_err() {
                return;
            }
        }
    }

    /// From now on the database may not grow, or may again.
    pub fn limit(&mut self, is_full: bool) {
        self.is_full = is_full;
        let set = self.write(move |tx| {
            let pages: i64 = tx.conn.query_row("pragma page_count", [], |row| row.get(0))?;
            let most = if is_full { pages } else { 1 << 30 };
            if !is_full {
                tx.conn.execute("delete from attempts where n = 0", [])?;
            }
            Ok(tx.conn.query_row(&format!("pragma max_page_count = {most}"), [], |_| Ok(()))?)
        });
        set.unwrap();
    }

    /// Its clock shows another time: days off, or decades.
    pub fn jump(&self, chance: &mut Chance) {
        let factor = if chance.below(4) == 0 { 100 } else { 1 };
        self.clock.jump_ms((chance.below(400) as i64 - 200) * factor * DAY_MS);
    }

    /// It goes on with the same hub at another address.
    pub fn repoint(&self) {
        let repointed = self.write(|tx| sync_state::set_hub(tx, "https://elsewhere.example.com"));
        assert!(repointed.is_ok_and(|()| true) || self.is_full);
    }

    /// What it holds now, and can tell.
    pub fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        let read = self.db().read(|tx| {
            feed::rows(tx, &FeedCursor::after_write(0), i64::MAX, |row, _| {
                if let Some(v) = row.v {
                    rows.insert((row.t, row.id), (row.rev, row.chg, v.get().into_owned()));
                }
                Ok(true)
            })
        });
        read.unwrap();
        rows
    }

    pub fn count(&self, sql: &str) -> i64 {
        self.db().read(|tx| Ok(tx.conn.query_row(sql, [], |row| row.get(0))?)).unwrap()
    }
}

/// Puts a content there that no rule would let in, as `sql` gives it; returns its key.
fn put_content(tx: &WriteTx, sql: &str) -> Result<i64> {
    let put =
        format!("insert into contents (digest, text) values (sha256({sql}), {sql}) on conflict (digest) do nothing");
    tx.conn.execute(&put, [])?;
    Ok(tx.conn.query_row(&format!("select id from contents where digest = sha256({sql})"), [], |row| row.get(0))?)
}
