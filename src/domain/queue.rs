//! Queues: reference data of the PBX, read through `/pbx/app/queues` and `/pbx/queue`, written by import.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fields::Fields;
use super::id::Id;
use super::json::is_default;

/// How a queue chooses whom it calls (api:pbx:queue:get).
const STRATEGIES: [&str; 6] = ["CONCURRENT", "ROUND_ROBIN", "SEQUENTIAL", "LONGEST_IDLE", "LEAST_CALLS", "RANDOM"];

/// Properties whose types the documentation does not show (api:pbx:queue:get, api:pbx:queue:create).
pub const AS_GIVEN: [&str; 11] = [
    "startAudio",
    "redirect",
    "notes",
    "strategy",
    "musicOnHold",
    "whenAllMembersBusyGoto",
    "whenNoMembersGoto",
    "whenTimeoutGoto",
    "maxWaitTime",
    "announcePosition",
    "announceWaitTime",
];

/// The longest service level: a day, in seconds.
const SECONDS_MAX: i64 = 86_400;

/// `{ "_id", "customer", "name", "number", … }`; what has its default is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    #[serde(rename = "_id")]
    pub id: Id,
    pub customer: Id,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Employees join and leave it by themselves.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dynamic: bool,
    /// Seconds within which calls are to be answered; 0: none are set.
    #[serde(default, skip_serializing_if = "is_default")]
    pub service_level: i64,
    /// Seconds after which a call has waited for too long; 0: none are set.
    #[serde(default, skip_serializing_if = "is_default")]
    pub service_level_critical: i64,
    /// Queues of a higher priority are answered first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub priority: i64,
    /// The last member cannot leave it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lock_last_member: bool,
    /// The properties that are stored as given, by their names.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Queue {
    /// The names of its properties.
    pub fn properties() -> Vec<&'static str> {
        let own = [
            "_id",
            "customer",
            "name",
            "number",
            "dynamic",
            "serviceLevel",
            "serviceLevelCritical",
            "priority",
            "lockLastMember",
        ];
        [&own[..], &AS_GIVEN].concat()
    }

    pub fn new(id: Id, customer: Id, name: &str) -> Queue {
        Queue {
            id,
            customer,
            name: name.to_owned(),
            number: None,
            dynamic: false,
            service_level: 0,
            service_level_critical: 0,
            priority: 0,
            lock_last_member: false,
            more: Map::new(),
        }
    }

    /// Reads a queue of an import; `None` when it names no customer or has no id.
    pub fn read(fields: &mut Fields) -> Option<Queue> {
        fields.require(&["_id", "customer", "name"]);
        let (id, customer) = (fields.id("_id"), fields.id("customer"));
        let mut queue = Queue::new(id?, customer?, "");
        queue.apply(fields);
        Some(queue)
    }

    /// Takes over the properties that are given; the rest stays.
    pub fn apply(&mut self, fields: &mut Fields) {
        fields.required_text("name", 1, 200, &mut self.name);
        fields.text_within("number", 1, 50, &mut self.number);
        fields.flag("dynamic", &mut self.dynamic);
        fields.number_within("serviceLevel", 0..=SECONDS_MAX, &mut self.service_level);
        fields.number_within("serviceLevelCritical", 0..=SECONDS_MAX, &mut self.service_level_critical);
        fields.number_within("priority", -1_000..=1_000, &mut self.priority);
        fields.flag("lockLastMember", &mut self.lock_last_member);
        let mut strategy = String::new();
        if fields.value("strategy").is_some_and(|strategy| !strategy.is_null()) {
            let known = |name: &str| STRATEGIES.contains(&name).then(|| name.to_owned());
            fields.choice("strategy", known, &STRATEGIES, &mut strategy);
        }
        fields.as_given(&AS_GIVEN, &mut self.more);
    }
}
