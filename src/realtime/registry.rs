//! Who listens, and to what. Knows no transport: what is sent goes to an [`Outlet`].

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::auth::session_cache::Identity;
use crate::domain::id::Id;
use crate::domain::realtime::{Event, Kind, RELOAD, Scope, Subscription};
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};

/// What became of an event for one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Yes,
    /// As much waits for this listener as may.
    Full,
    /// It has left.
    Gone,
}

/// The way to one listener.
pub trait Outlet: Send + Sync {
    fn send(&self, event: &str, payload: &Value) -> Sent;
    /// Ends the connection, once what waits has been taken.
    fn close(&self);
}

/// The number of a connection.
pub type Number = u64;

/// At most so many subscriptions of one listener.
const SUBSCRIPTIONS_MAX: usize = 100;

struct Listener {
    outlet: Arc<dyn Outlet>,
    address: Arc<str>,
    entered_at: Time,
    identity: Option<Arc<Identity>>,
    /// Of who has shown a token of the platform's, which is asked after again with it.
    token: Option<Box<str>>,
    subscriptions: Vec<Subscription>,
    /// Since when events are lost to it.
    behind_since: Option<Time>,
}

/// What has to be looked at again of a listener: whether its token is still good, and what it may hear.
pub struct Glance {
    pub number: Number,
    pub identity: Arc<Identity>,
    pub address: Arc<str>,
    pub token: Option<Box<str>>,
    pub scopes: Vec<Scope>,
}

/// Somebody to whom an event goes.
pub struct Recipient {
    pub number: Number,
    pub outlet: Arc<dyn Outlet>,
    pub is_administrator: bool,
}

#[derive(Default)]
pub struct Registry {
    listeners: HashMap<Number, Listener>,
    of_customers: HashMap<Id, BTreeSet<Number>>,
    everywhere: BTreeSet<Number>,
}

/// To whom an event of a customer's goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Who listens to the customer, unless it listens to all.
    OfCustomer,
    /// Who listens to all.
    Everywhere,
}

impl Registry {
    /// A connection that has not been authenticated yet. Of no effect when it is known.
    pub fn enter(&mut self, number: Number, outlet: impl FnOnce() -> Arc<dyn Outlet>, address: Arc<str>, now: Time) {
        self.listeners.entry(number).or_insert_with(|| Listener {
            outlet: outlet(),
            address,
            entered_at: now,
            identity: None,
            token: None,
            subscriptions: vec![],
            behind_since: None,
        });
    }

    pub fn leave(&mut self, number: Number) -> Option<Arc<dyn Outlet>> {
        self.unsubscribe(number);
        self.listeners.remove(&number).map(|listener| listener.outlet)
    }

    pub fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    /// Whether anybody has subscribed to anything.
    pub fn has_subscriptions(&self) -> bool {
        !(self.of_customers.is_empty() && self.everywhere.is_empty())
    }

    /// Notes who a listener is. What it has subscribed to as somebody else is over.
    pub fn identify(&mut self, number: Number, identity: Arc<Identity>, token: Option<Box<str>>) {
        self.unsubscribe(number);
        if let Some(listener) = self.listeners.get_mut(&number) {
            listener.identity = Some(identity);
            listener.token = token;
        }
    }

    /// The same listener, as it is known now.
    pub fn renew(&mut self, number: Number, identity: Arc<Identity>) {
        if let Some(listener) = self.listeners.get_mut(&number) {
            listener.identity = Some(identity);
        }
    }

    pub fn identity(&self, number: Number) -> Option<Arc<Identity>> {
        self.listeners.get(&number)?.identity.clone()
    }

    /// Adds a subscription, or replaces the one to the same events. 422 `type` when there are too many.
    pub fn subscribe(&mut self, number: Number, subscription: Subscription) -> Result<()> {
        let Some(listener) = self.listeners.get_mut(&number) else { return Ok(()) };
        let is_same = |known: &Subscription| (known.scope, known.kinds) == (subscription.scope, subscription.kinds);
        let scope = subscription.scope;
        match listener.subscriptions.iter().position(is_same) {
            Some(place) => listener.subscriptions[place] = subscription,
            None if listener.subscriptions.len() >= SUBSCRIPTIONS_MAX => {
                let message = format!("A client has at most {SUBSCRIPTIONS_MAX} subscriptions");
                return Err(Error::invalid("type", Check::Max, message));
            }
            None => listener.subscriptions.push(subscription),
        }
        match scope {
            Scope::Customer(customer) => self.of_customers.entry(customer).or_default().insert(number),
            Scope::Everywhere => self.everywhere.insert(number),
        };
        Ok(())
    }

    fn unsubscribe(&mut self, number: Number) {
        let Some(listener) = self.listeners.get_mut(&number) else { return };
        for subscription in std::mem::take(&mut listener.subscriptions) {
            if let Scope::Customer(customer) = subscription.scope
                && let Some(numbers) = self.of_customers.get_mut(&customer)
            {
                numbers.remove(&number);
                if numbers.is_empty() {
                    self.of_customers.remove(&customer);
                }
            }
        }
        self.everywhere.remove(&number);
    }

    /// Those in an audience who want an event, and are not behind.
    pub fn recipients(&self, event: &Event, audience: Audience) -> Vec<Recipient> {
        let numbers = match audience {
            Audience::Everywhere => Some(&self.everywhere),
            Audience::OfCustomer => event.customer.and_then(|customer| self.of_customers.get(&customer)),
        };
        let wanted = |scope: Scope, listener: &Listener| {
            let mut subscriptions = listener.subscriptions.iter();
            subscriptions.any(|known| known.scope == scope && known.wants(event.kind, &event.name))
        };
        let recipient = |number: &Number| {
            let listener = self.listeners.get(number).filter(|listener| listener.behind_since.is_none())?;
            let is_administrator = wanted(Scope::Everywhere, listener);
            let is_meant = match audience {
                Audience::Everywhere => is_administrator,
                Audience::OfCustomer => !is_administrator && wanted(Scope::Customer(event.customer?), listener),
            };
            is_meant.then(|| Recipient { number: *number, outlet: listener.outlet.clone(), is_administrator })
        };
        numbers.into_iter().flatten().filter_map(recipient).collect()
    }

    /// All who hear of configs.
    pub fn readers(&self) -> Vec<Recipient> {
        let readers = self.listeners.iter().filter(|(_, listener)| listener.reads_configs());
        let readers = readers.filter(|(_, listener)| listener.behind_since.is_none());
        let recipient = |(number, listener): (&Number, &Listener)| Recipient {
            number: *number,
            outlet: listener.outlet.clone(),
            is_administrator: false,
        };
        readers.map(recipient).collect()
    }

    /// An event could not be sent to these: they get no more until they are told to read again.
    pub fn note_behind(&mut self, numbers: &[Number], now: Time) {
        for number in numbers {
            if let Some(listener) = self.listeners.get_mut(number) {
                listener.behind_since.get_or_insert(now);
            }
        }
    }

    /// Tells those who were behind to read again, if they have room. Returns who has had none since before `give_up`.
    pub fn catch_up(&mut self, give_up: Time) -> Vec<Number> {
        let reload = Event::reload(None).payload(false);
        let mut stalled = vec![];
        for (number, listener) in &mut self.listeners {
            let Some(since) = listener.behind_since else { continue };
            let sent = match listener.reads_configs() {
                true => listener.outlet.send(Kind::Config.name(), &reload),
                false => Sent::Yes,
            };
            match sent {
                Sent::Full if since <= give_up => stalled.push(*number),
                Sent::Full => {}
                Sent::Yes | Sent::Gone => listener.behind_since = None,
            }
        }
        stalled
    }

    /// Who has been here since before `give_up`, and has not said who it is.
    pub fn strangers(&self, give_up: Time) -> Vec<Number> {
        let late = self.listeners.iter().filter(|(_, it)| it.identity.is_none() && it.entered_at <= give_up);
        late.map(|(number, _)| *number).collect()
    }

    pub fn look(&self) -> Vec<Glance> {
        let glance = |(number, listener): (&Number, &Listener)| {
            Some(Glance {
                number: *number,
                identity: listener.identity.clone()?,
                address: listener.address.clone(),
                token: listener.token.clone(),
                scopes: listener.subscriptions.iter().map(|subscription| subscription.scope).collect(),
            })
        };
        self.listeners.iter().filter_map(glance).collect()
    }

    /// Takes all out.
    pub fn clear(&mut self) -> Vec<Arc<dyn Outlet>> {
        let all = std::mem::take(self);
        all.listeners.into_values().map(|listener| listener.outlet).collect()
    }
}

impl Listener {
    fn reads_configs(&self) -> bool {
        self.subscriptions.iter().any(|subscription| subscription.wants(Kind::Config, RELOAD))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;

    /// Takes as many events as it has room for.
    #[derive(Default)]
    struct Ear {
        heard: Mutex<Vec<String>>,
        room: Mutex<usize>,
    }

    impl Outlet for Ear {
        fn send(&self, _: &str, payload: &Value) -> Sent {
            let mut room = self.room.lock().unwrap();
            if *room == 0 {
                return Sent::Full;
            }
            *room -= 1;
            self.heard.lock().unwrap().push(payload["type"].as_str().unwrap().to_owned());
            Sent::Yes
        }

        fn close(&self) {}
    }

    const NOW: Time = Time::from_millis(1_000);

    fn enter(registry: &mut Registry, number: Number, subscriptions: &[Value]) -> Arc<Ear> {
        let ear = Arc::new(Ear::default());
        registry.enter(number, || ear.clone(), "192.0.2.1".into(), NOW);
        for subscription in subscriptions {
            registry.subscribe(number, Subscription::parse(subscription).unwrap()).unwrap();
        }
        ear
    }

    fn config_of(customer: i64) -> Value {
        json!({ "type": "CONFIG", "customer": Id::from_number(customer) })
    }

    fn numbers(registry: &Registry, event: &Event, audience: Audience) -> Vec<Number> {
        registry.recipients(event, audience).into_iter().map(|recipient| recipient.number).collect()
    }

    #[test]
    fn an_event_goes_once_to_each_who_wants_it() {
        let mut registry = Registry::default();
        enter(&mut registry, 1, &[config_of(7)]);
        enter(&mut registry, 2, &[config_of(8)]);
        enter(&mut registry, 3, &[config_of(7), json!({ "type": "ADMIN" })]);
        enter(&mut registry, 4, &[json!({ "type": "PBX", "customer": Id::from_number(7) })]);
        let event = Event::reload(Some(Id::from_number(7)));
        assert_eq!(numbers(&registry, &event, Audience::OfCustomer), [1]);
        assert_eq!(numbers(&registry, &event, Audience::Everywhere), [3]);
        registry.leave(1);
        registry.leave(3);
        assert!(numbers(&registry, &event, Audience::OfCustomer).is_empty());
        registry.leave(2);
        registry.leave(4);
        assert!(registry.is_empty() && !registry.has_subscriptions(), "nothing is kept of who has left");
    }

    #[test]
    fn a_listener_has_only_so_many_subscriptions() {
        let mut registry = Registry::default();
        let all: Vec<Value> = (0..SUBSCRIPTIONS_MAX as i64).map(config_of).collect();
        enter(&mut registry, 1, &all);
        let subscribe = |registry: &mut Registry, customer| {
            registry.subscribe(1, Subscription::parse(&config_of(customer)).unwrap())
        };
        assert!(subscribe(&mut registry, 5).is_ok(), "the same again");
        assert!(matches!(subscribe(&mut registry, 1_000), Err(Error::Invalid(_))));
    }

    #[test]
    fn who_was_too_slow_reads_again_and_who_stays_so_is_given_up() {
        let mut registry = Registry::default();
        let ear = enter(&mut registry, 1, &[config_of(7)]);
        let event = Event::reload(Some(Id::from_number(7)));
        registry.note_behind(&[1], NOW);
        assert!(numbers(&registry, &event, Audience::OfCustomer).is_empty(), "it gets nothing more");
        assert!(registry.catch_up(NOW.plus_ms(-1)).is_empty(), "it still has time");
        assert_eq!(registry.catch_up(NOW), [1]);
        *ear.room.lock().unwrap() = 1;
        assert!(registry.catch_up(NOW).is_empty());
        assert_eq!(*ear.heard.lock().unwrap(), [RELOAD]);
        assert_eq!(numbers(&registry, &event, Audience::OfCustomer), [1]);
    }

    #[test]
    fn who_does_not_say_who_it_is_is_a_stranger() {
        let mut registry = Registry::default();
        enter(&mut registry, 1, &[]);
        assert!(registry.strangers(NOW.plus_ms(-1)).is_empty());
        assert_eq!(registry.strangers(NOW), [1]);
    }
}
