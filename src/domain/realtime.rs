//! What a client can listen to, and what it then hears. The platform's page on realtime shows the channels; the names of
//! events but one, and what is in them, are inferred (docs/realtime.md).

use serde_json::{Map, Value, json};
use strum::{EnumString, IntoStaticStr, VariantNames};

use super::audit::{Action, CUSTOMERS, EMPLOYEES, MOBILE_CONFIGS, QUEUES};
use super::fields::{Fields, read_body};
use super::id::Id;
use crate::error::{Check, Error, Result};

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "UPPERCASE")]
pub enum Kind {
    Config,
    Call,
    Register,
    Pbx,
    Realtime,
}

impl Kind {
    pub const NAMES: &'static [&'static str] = Kind::VARIANTS;

    pub fn parse(name: &str) -> Option<Kind> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Several kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    const ALL: Kinds = Kinds(u8::MAX);

    fn of(kinds: impl IntoIterator<Item = Kind>) -> Kinds {
        Kinds(kinds.into_iter().fold(0, |all, kind| all | 1 << kind as u8))
    }

    pub fn contain(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

/// Whose events are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Customer(Id),
    /// Of all customers, and of none: the channels of administrators.
    Everywhere,
}

/// What a client wants to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub scope: Scope,
    pub kinds: Kinds,
    /// Only events of these names; `None`: of any.
    pub events: Option<Box<[String]>>,
}

/// The names of an array, and how long each may be.
const NAMES_MAX: usize = 64;

/// The names of all channels: `type` of a subscription.
const CHANNELS: [&str; 8] =
    ["CONFIG", "PBX", "ADMIN", "ADMIN:CONFIG", "ADMIN:CALL", "ADMIN:REGISTER", "ADMIN:PBX", "ADMIN:REALTIME"];

impl Subscription {
    /// What a client has sent with `subscribe`. 404 for what is missing, 422 for what is malformed, with the property's name.
    pub fn parse(data: &Value) -> Result<Subscription> {
        let data = data.as_object().ok_or_else(|| Error::bad_request("Request not valid"))?;
        read_body(data, |fields| {
            fields.require(&["type"]);
            let mut channel = CHANNELS[0];
            let known = |name: &str| CHANNELS.into_iter().find(|known| *known == name);
            fields.choice("type", known, &CHANNELS, &mut channel);
            let events = names(fields, "events");
            let (scope, kinds) = match channel.strip_prefix("ADMIN") {
                Some("") => (Scope::Everywhere, types(fields)),
                Some(kind) => (Scope::Everywhere, Kinds::of(Kind::parse(kind.trim_start_matches(':')))),
                None => {
                    fields.require(&["customer"]);
                    let customer = fields.id("customer").unwrap_or(Id::ZERO);
                    (Scope::Customer(customer), Kinds::of(Kind::parse(channel)))
                }
            };
            Subscription { scope, kinds, events: events.map(Vec::into_boxed_slice) }
        })
    }

    /// Whether an event of this kind and name is wanted.
    pub fn wants(&self, kind: Kind, name: &str) -> bool {
        let is_named = |events: &[String]| events.iter().any(|event| event == name);
        self.kinds.contain(kind) && (name == RELOAD || self.events.as_deref().is_none_or(is_named))
    }
}

/// The kinds under `types`; all when none are given.
fn types(fields: &mut Fields) -> Kinds {
    let Some(names) = names(fields, "types") else { return Kinds::ALL };
    let kinds: Option<Vec<Kind>> = names.iter().map(|name| Kind::parse(name)).collect();
    if kinds.is_none() {
        fields.fault("types", Check::Enum, format!("types must be among {}", Kind::NAMES.join(", ")));
    }
    Kinds::of(kinds.unwrap_or_default())
}

/// An array of short names; `None` when it is not given.
fn names(fields: &mut Fields, name: &str) -> Option<Vec<String>> {
    let given = fields.value(name).filter(|value| !value.is_null())?;
    let text = |value: &Value| value.as_str().filter(|text| text.len() <= NAMES_MAX).map(str::to_owned);
    let all = given.as_array().filter(|all| all.len() <= NAMES_MAX).map(|all| all.iter().map(text).collect());
    let all: Option<Vec<String>> = all.flatten();
    if all.is_none() {
        fields.fault(name, Check::Type, format!("{name} must be an array of at most {NAMES_MAX} names"));
    }
    all
}

/// What to do about what could not be told: read again.
pub const RELOAD: &str = "CONFIG_RELOAD";

/// The events of kind CONFIG that are known. The first was seen on the platform; the others are named after it.
pub const EVENT_TYPES: [&str; 14] = [
    "EMPLOYEE_PRESENCE_CHANGED",
    "CUSTOMER_CREATED",
    "CUSTOMER_CHANGED",
    "CUSTOMER_DELETED",
    "EMPLOYEE_CREATED",
    "EMPLOYEE_CHANGED",
    "EMPLOYEE_DELETED",
    "MOBILE_CONFIG_CREATED",
    "MOBILE_CONFIG_CHANGED",
    "MOBILE_CONFIG_DELETED",
    "QUEUE_CREATED",
    "QUEUE_CHANGED",
    "QUEUE_DELETED",
    RELOAD,
];

/// The event of kind CONFIG that tells of a change; `None` for what no list shows, such as a new token.
pub fn event_type(section: &str, action: Action) -> Option<&'static str> {
    let object = match section {
        CUSTOMERS => "CUSTOMER",
        EMPLOYEES => "EMPLOYEE",
        MOBILE_CONFIGS => "MOBILE_CONFIG",
        QUEUES => "QUEUE",
        _ => return None,
    };
    let what = match Action::what(action.name()) {
        "CREATE" => "CREATED",
        "UPDATE" => "CHANGED",
        "DELETE" => "DELETED",
        _ => return None,
    };
    EVENT_TYPES.into_iter().find(|name| name.strip_prefix(object).and_then(|rest| rest.strip_prefix('_')) == Some(what))
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub kind: Kind,
    pub name: String,
    pub customer: Option<Id>,
    /// Of the object that it is about.
    pub id: Option<Id>,
    pub data: Option<Value>,
    /// Who caused it.
    pub employee: Option<Id>,
    /// The employee is not the customer's own: only administrators are told who it was.
    pub hides_employee: bool,
}

impl Event {
    /// Has the listeners of a customer, or all, read everything again.
    pub fn reload(customer: Option<Id>) -> Event {
        Event {
            kind: Kind::Config,
            name: RELOAD.into(),
            customer,
            id: None,
            data: None,
            employee: None,
            hides_employee: false,
        }
    }

    /// As it is sent. `inferred` says that the form is not the platform's documented one.
    pub fn payload(&self, for_administrators: bool) -> Value {
        let employee = self.employee.filter(|_| for_administrators || !self.hides_employee);
        let ids = [("customer", self.customer), ("id", self.id), ("employee", employee)];
        let mut payload = Map::from_iter([("type".to_owned(), json!(self.name))]);
        payload.extend(ids.into_iter().filter_map(|(name, id)| Some((name.to_owned(), json!(id?)))));
        payload.extend(self.data.clone().map(|data| ("data".to_owned(), data)));
        payload.insert("inferred".into(), true.into());
        Value::Object(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUSTOMER: &str = "c00000000000000000000001";

    fn parse(data: Value) -> Result<Subscription, Vec<(String, Check)>> {
        Subscription::parse(&data).map_err(|error| match error {
            Error::Invalid(faults) => faults.into_iter().map(|fault| (fault.path, fault.check)).collect(),
            _ => vec![],
        })
    }

    #[test]
    fn the_channels_of_the_page_can_be_subscribed_to_and_no_others() {
        let of = |kinds: &[Kind]| Kinds::of(kinds.iter().copied());
        let own = Scope::Customer(CUSTOMER.parse().unwrap());
        for (data, scope, kinds) in [
            (json!({ "type": "CONFIG", "customer": CUSTOMER }), own, of(&[Kind::Config])),
            (json!({ "type": "PBX", "customer": CUSTOMER }), own, of(&[Kind::Pbx])),
            (json!({ "type": "ADMIN" }), Scope::Everywhere, Kinds::ALL),
            (json!({ "type": "ADMIN", "types": ["CALL", "PBX"] }), Scope::Everywhere, of(&[Kind::Call, Kind::Pbx])),
            (json!({ "type": "ADMIN:REALTIME" }), Scope::Everywhere, of(&[Kind::Realtime])),
        ] {
            let parsed = parse(data.clone()).unwrap();
            assert_eq!((parsed.scope, parsed.kinds, parsed.events), (scope, kinds, None), "{data}");
        }
        for (data, path, check) in [
            (json!({}), "type", Check::Required),
            (json!({ "type": "CALL" }), "type", Check::Enum),
            (json!({ "type": 1 }), "type", Check::Type),
            (json!({ "type": "CONFIG" }), "customer", Check::Required),
            (json!({ "type": "CONFIG", "customer": "x" }), "customer", Check::Format),
            (json!({ "type": "ADMIN", "types": ["X"] }), "types", Check::Enum),
            (json!({ "type": "PBX", "customer": CUSTOMER, "events": "X" }), "events", Check::Type),
            (json!({ "type": "PBX", "customer": CUSTOMER, "events": vec!["X"; 65] }), "events", Check::Type),
        ] {
            let faults = parse(data.clone()).unwrap_err();
            assert!(faults.contains(&(path.to_owned(), check)), "{data}: {faults:?}");
        }
        assert_eq!(parse(json!("x")), Err(vec![]));
    }

    #[test]
    fn a_subscription_to_named_events_hears_these_and_that_it_must_read_again() {
        let all = parse(json!({ "type": "CONFIG", "customer": CUSTOMER })).unwrap();
        let some =
            parse(json!({ "type": "CONFIG", "customer": CUSTOMER, "events": ["MOBILE_CONFIG_CHANGED"] })).unwrap();
        let heard = |subscription: &Subscription| {
            ["MOBILE_CONFIG_CHANGED", "QUEUE_CHANGED", RELOAD].map(|name| subscription.wants(Kind::Config, name))
        };
        assert_eq!((heard(&all), heard(&some)), ([true; 3], [true, false, true]));
        assert!(!all.wants(Kind::Pbx, "CALL_START"));
    }

    #[test]
    fn changes_are_named_by_the_pattern_of_the_one_name_that_was_seen() {
        assert_eq!(event_type(MOBILE_CONFIGS, Action::Copy), Some("MOBILE_CONFIG_CHANGED"));
        assert_eq!(event_type(EMPLOYEES, Action::Delete), Some("EMPLOYEE_DELETED"));
        assert_eq!(event_type(CUSTOMERS, Action::Create), Some("CUSTOMER_CREATED"));
        assert_eq!(event_type(QUEUES, Action::Update), Some("QUEUE_CHANGED"));
        assert_eq!(event_type(EMPLOYEES, Action::CreateToken), None);
        assert_eq!(event_type("Hub", Action::Update), None);
    }
}
