//! Events as they happen, to whoever has subscribed to them. Knows no transport.

mod changes;
pub mod registry;
pub mod streams;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::{
    broadcast,
    mpsc::{Receiver, Sender, channel},
};

use crate::auth::session_cache::Identity;
use crate::clock::Clock;
use crate::db::{Db, NoticeBoard, Notices};
use crate::domain::audit::CUSTOMERS;
use crate::domain::realtime::{Event, Subscription};
use crate::error::{Error, Result};
use changes::told;
use registry::{Audience, Number, Outlet, Recipient, Registry, Sent};
use streams::{Streams, Told};

/// As many commits and events wait to be told. Of more it is only told that there were more.
const QUEUE_MAX: usize = 1_024;
/// A listener that has taken nothing for so long is cut off.
const STALLED_MS: i64 = 20_000;

/// What waits to be told.
pub enum News {
    Changes(Notices),
    Event(Event),
}

impl News {
    /// Whether who may hear what can be another one after this: the tree of customers may have changed.
    pub fn moves_customers(&self) -> bool {
        match self {
            News::Event(_) => false,
            News::Changes(notices) => {
                notices.is_incomplete || notices.changes.iter().any(|change| change.subject.section == CUSTOMERS)
            }
        }
    }
}

/// The queue's end.
pub struct Queue {
    news: Receiver<News>,
    is_overfull: Arc<AtomicBool>,
    /// Comes behind what was lost.
    held: Option<News>,
}

impl Queue {
    /// The next news; `None` at the end.
    pub async fn next(&mut self) -> Option<News> {
        if let Some(held) = self.held.take() {
            return Some(held);
        }
        let news = self.news.recv().await?;
        if !self.is_overfull.swap(false, Ordering::AcqRel) {
            return Some(news);
        }
        self.held = Some(news).filter(|news| matches!(news, News::Event(_)));
        Some(News::Changes(Notices::of_everything()))
    }
}

/// Who listens, and what they are told.
pub struct Realtime {
    registry: Mutex<Registry>,
    queue: Sender<News>,
    board: Arc<NoticeBoard>,
    clock: Clock,
    /// Somebody has subscribed since the listeners were last looked at: what it may hear can have changed meanwhile.
    is_to_look: AtomicBool,
    /// Who listens by server-sent events.
    pub streams: Streams,
}

impl Realtime {
    /// The commits of `db` are among the news from now on.
    pub fn start(db: &Db) -> (Realtime, Queue) {
        let (queue, news) = channel(QUEUE_MAX);
        let is_overfull = Arc::new(AtomicBool::new(false));
        let (commits, lost) = (queue.clone(), is_overfull.clone());
        db.notices().attach(move |notices| {
            if commits.try_send(News::Changes(notices)).is_err() {
                lost.store(true, Ordering::Release);
            }
        });
        let realtime = Realtime {
            registry: Mutex::default(),
            queue,
            board: db.notices().clone(),
            clock: db.clock().clone(),
            is_to_look: AtomicBool::new(false),
            streams: Streams::default(),
        };
        (realtime, Queue { news, is_overfull, held: None })
    }

    /// One more who listens by server-sent events; `None` when the server ends. Whoever leaves calls [`Realtime::settle`].
    pub fn listen(&self) -> Option<broadcast::Receiver<Told>> {
        let registry = self.registry();
        let news = self.streams.enter();
        self.want(&registry);
        news
    }

    /// Looks again whether anybody listens.
    pub fn settle(&self) {
        self.want(&self.registry());
    }

    /// Commits are collected while somebody listens.
    fn want(&self, registry: &Registry) {
        self.board.want(registry.has_subscriptions() || self.streams.is_heard());
    }

    /// Has an event told to whoever has subscribed to it. 503 when too many wait.
    pub fn publish(&self, event: Event) -> Result<()> {
        self.queue.try_send(News::Event(event)).map_err(|_| Error::Busy)
    }

    /// The listeners. What is done with them is short: others wait.
    pub fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Registry::enter`].
    pub fn enter(&self, number: Number, outlet: impl FnOnce() -> Arc<dyn Outlet>, address: Arc<str>) {
        self.registry().enter(number, outlet, address, self.clock.uptime());
    }

    /// As [`Registry::identify`].
    pub fn identify(&self, number: Number, identity: Arc<Identity>, token: Option<Box<str>>) {
        let mut registry = self.registry();
        registry.identify(number, identity, token);
        self.want(&registry);
    }

    /// As [`Registry::subscribe`].
    pub fn subscribe(&self, number: Number, subscription: Subscription) -> Result<()> {
        let mut registry = self.registry();
        registry.subscribe(number, subscription)?;
        self.want(&registry);
        self.is_to_look.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether what the listeners may hear is to be looked at again.
    pub fn is_to_look(&self) -> bool {
        self.is_to_look.swap(false, Ordering::AcqRel)
    }

    /// Tells the news.
    pub fn tell(&self, news: News) {
        match news {
            News::Event(event) => {
                let mut recipients = self.registry().recipients(&event, Audience::Everywhere);
                recipients.extend(self.registry().recipients(&event, Audience::OfCustomer));
                self.send(&event, &recipients);
            }
            News::Changes(notices) => self.tell_changes(notices),
        }
    }

    fn tell_changes(&self, notices: Notices) {
        let notices = Arc::new(notices);
        self.streams.tell(Told::Changes(notices.clone()));
        let Some(told) = told(&notices) else {
            let readers = self.registry().readers();
            return self.send(&Event::reload(None), &readers);
        };
        let rounds = [(told.to_customers, Audience::OfCustomer), (told.to_all, Audience::Everywhere)];
        for (events, audience) in rounds {
            for event in &events {
                let recipients = self.registry().recipients(event, audience);
                self.send(event, &recipients);
            }
        }
    }

    fn send(&self, event: &Event, recipients: &[Recipient]) {
        let payloads: [Option<Value>; 2] = [false, true].map(|is_administrator| {
            let is_needed = recipients.iter().any(|recipient| recipient.is_administrator == is_administrator);
            is_needed.then(|| event.payload(is_administrator))
        });
        let mut behind = vec![];
        for recipient in recipients {
            let Some(payload) = &payloads[usize::from(recipient.is_administrator)] else { continue };
            if recipient.outlet.send(event.kind.name(), payload) == Sent::Full {
                behind.push(recipient.number);
            }
        }
        if !behind.is_empty() {
            self.registry().note_behind(&behind, self.clock.uptime());
        }
    }

    /// One round of what falls due: who is behind is told to read again. Cuts off who takes nothing any more, and returns who has
    /// not been authenticated within `patience_ms`.
    pub fn step(&self, patience_ms: i64) -> Vec<Number> {
        let now = self.clock.uptime();
        let stalled = self.registry().catch_up(now.plus_ms(-STALLED_MS));
        for number in stalled {
            if let Some(outlet) = self.leave(number) {
                outlet.close();
            }
        }
        self.registry().strangers(now.plus_ms(-patience_ms))
    }

    /// Takes a listener out.
    pub fn leave(&self, number: Number) -> Option<Arc<dyn Outlet>> {
        let mut registry = self.registry();
        let outlet = registry.leave(number);
        self.want(&registry);
        outlet
    }

    /// Takes all out.
    pub fn clear(&self) -> Vec<Arc<dyn Outlet>> {
        let mut registry = self.registry();
        let all = registry.clear();
        self.want(&registry);
        all
    }
}
