//! Mails go out over SMTP, on a thread of their own. Letters, which have secrets in them, are in memory alone: what a stopped server had
//! not handed over is not handed over later, and the outbox says so.

mod smtp;

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::db::{Author, Db};
use crate::domain::outbox::Letter;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::store::outbox;
use crate::sync::background::lock;
use smtp::{Failure, Transport};
pub use smtp::{MailServer, Security};

/// How many letters wait at most.
const WAITING_MAX: usize = 200;
/// The delays before a letter is tried again; behind the last one it is given up. A link is good for half an hour.
const DELAYS: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(15), Duration::from_secs(120), Duration::from_secs(600)];
/// What stands in the outbox until a mail is handed over.
pub const WAITING: &str = "not handed over yet";
const STOPPED: &str = "the server was stopped before the mail was handed over";
/// While nothing waits, the thread waits to be told.
const IDLE: Duration = Duration::from_secs(24 * 3_600);

/// The way to the mail server.
pub struct Mailer {
    /// `None`: there is no mail server.
    letters: Option<Mutex<Option<SyncSender<Letter>>>>,
    ended: Mutex<Option<Receiver<()>>>,
    db: Arc<Db>,
}

impl Mailer {
    /// Starts the thread, if there is a mail server.
    pub fn start(db: Arc<Db>, server: Option<&MailServer>) -> anyhow::Result<Mailer> {
        let Some(server) = server else {
            return Ok(Mailer { letters: None, ended: Mutex::new(None), db });
        };
        let (letters, received) = sync_channel(WAITING_MAX);
        let (running, ended) = std::sync::mpsc::channel::<()>();
        let post = Post { db: db.clone(), transport: Transport::new(server)?, waiting: VecDeque::new() };
        std::thread::Builder::new().name("mail".into()).spawn(move || {
            let _running = running;
            post.run(&received);
        })?;
        Ok(Mailer { letters: Some(Mutex::new(Some(letters))), ended: Mutex::new(Some(ended)), db })
    }

    /// Whether mails leave this server.
    pub fn is_on(&self) -> bool {
        self.letters.is_some()
    }

    /// Has a letter handed over to the mail server, if there is one. When too many wait, this one is given up.
    pub async fn hand_over(&self, letter: Letter) {
        let Some(letters) = &self.letters else { return };
        let (entry, made) = (letter.entry, letter.at);
        let sent = match lock(letters).as_ref() {
            Some(letters) => letters.try_send(letter),
            None => return,
        };
        let why = match sent {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => "too many mails wait",
            Err(TrySendError::Disconnected(_)) => "the thread of the mails has ended: see the log",
        };
        tracing::warn!("a mail is not handed over: {why}");
        let noted = self.db.write(author(), move |tx| outbox::note(tx, entry, made, None, Some(why)));
        if let Err(error) = noted.await {
            tracing::warn!(%error, "what came of a mail could not be noted");
        }
    }

    /// Has the thread end; waits for a moment. What waits is not handed over.
    pub fn end(&self) {
        let Some(letters) = &self.letters else { return };
        lock(letters).take();
        if let Some(ended) = lock(&self.ended).take() {
            let _ = ended.recv_timeout(Duration::from_secs(1));
        }
    }
}

/// At the start: what a server that is gone had not handed over.
pub async fn give_up_old(db: &Db) -> Result<()> {
    db.write(author(), |tx| outbox::give_up(tx, WAITING, STOPPED)).await
}

fn author() -> Author {
    Author::system("mail")
}

struct Waiting {
    letter: Letter,
    tries: usize,
    due: Instant,
}

/// The thread.
struct Post {
    db: Arc<Db>,
    transport: Transport,
    waiting: VecDeque<Waiting>,
}

impl Post {
    fn run(mut self, letters: &Receiver<Letter>) {
        loop {
            let next = self.waiting.iter().map(|waiting| waiting.due).min();
            let pause = next.map_or(IDLE, |due| due.saturating_duration_since(Instant::now()));
            match letters.recv_timeout(pause) {
                Ok(letter) if self.waiting.len() < WAITING_MAX => {
                    self.waiting.push_back(Waiting { letter, tries: 0, due: Instant::now() });
                }
                Ok(letter) => self.note(&letter, None, Some("too many mails wait")),
                Err(RecvTimeoutError::Timeout) => self.send_due(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Tries one of those that are due.
    fn send_due(&mut self) {
        let now = Instant::now();
        let Some(place) = self.waiting.iter().position(|waiting| waiting.due <= now) else { return };
        let Some(mut waiting) = self.waiting.remove(place) else { return };
        let letter = &waiting.letter;
        match self.transport.send(letter, self.db.clock().now()) {
            Ok(()) => self.note(letter, Some(self.db.clock().now()), None),
            Err(Failure { why, is_final }) => {
                tracing::warn!(entry = letter.entry, "a mail was not handed over: {why}");
                let delay = DELAYS.get(waiting.tries).filter(|_| !is_final);
                match delay {
                    None => self.note(letter, None, Some(&why)),
                    Some(delay) => {
                        waiting.tries += 1;
                        waiting.due = Instant::now() + *delay;
                        self.waiting.push_back(waiting);
                    }
                }
            }
        }
    }

    fn note(&self, letter: &Letter, sent_at: Option<Time>, why: Option<&str>) {
        let (entry, made, why) = (letter.entry, letter.at, why.map(str::to_owned));
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let noted = runtime.map_err(|error| Error::Internal(Box::new(error))).and_then(|runtime| {
            let note = self.db.write(author(), move |tx| outbox::note(tx, entry, made, sent_at, why.as_deref()));
            runtime.block_on(note)
        });
        if let Err(error) = noted {
            tracing::warn!(%error, "what came of a mail could not be noted");
        }
    }
}
