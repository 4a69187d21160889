//! Queues, their members, extensions and groups.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::domain::id::Id;
use crate::domain::pbx::{Extension, Group, QueueMember, Rights};
use crate::domain::queue::Queue;
use crate::domain::schema::Nullable;
use crate::domain::time::Time;
use crate::usecases::pbx::extensions::Sight;

/// Who answers the calls of a queue.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "QueueMember")]
pub struct MemberView {
    #[serde(rename = "_id")]
    id: Id,
    /// The extension; null for a number outside.
    extension: Option<Id>,
    /// The number outside; null for an extension.
    #[schemars(example = ())]
    number: Option<String>,
    /// Name of the extension.
    #[schemars(example = "Anna Manager")]
    name: String,
    /// The first priorities are called first.
    #[schemars(range(min = 1, max = 20), example = 1)]
    priority: i64,
    /// How many calls it has answered; here there are none.
    #[schemars(example = 0)]
    calls: i64,
    /// How long it has spoken in all, in seconds.
    #[schemars(example = 0)]
    seconds: i64,
    /// When its last call ended; null before the first one.
    #[schemars(example = ())]
    last_call_ended: Option<Time>,
    /// Only MANAGER and up take it out of the queue.
    #[schemars(example = false)]
    permanent: bool,
}

impl From<QueueMember> for MemberView {
    /// A member without a PBX behind it: no call has come.
    fn from(member: QueueMember) -> MemberView {
        MemberView {
            id: member.id,
            extension: member.extension,
            number: member.number,
            name: member.name,
            priority: member.priority,
            calls: 0,
            seconds: 0,
            last_call_ended: None,
            permanent: member.permanent,
        }
    }
}

/// Members of a queue: by priority, those of one priority by name.
#[derive(Serialize, JsonSchema)]
pub struct QueueMembers(pub Vec<MemberView>);

/// Who is to join a queue: `extension`, or `number`; or the properties of a member to be changed: the rest stays.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({"extension": "b00000000000000000000406", "priority": 2}))]
pub struct QueueMemberWrite {
    /// The extension that is to join; ignored in a change. Below MANAGER one's own, or one of a group that gives `queueMember`.
    pub extension: Option<Nullable<Id>>,
    /// A number outside that is to join, or that of an extension; ignored in a change.
    #[schemars(length(min = 1, max = 50), example = ())]
    pub number: Option<Nullable<String>>,
    /// The first priorities are called first; 1 when it is never given.
    #[schemars(range(min = 1, max = 20), example = 2)]
    pub priority: Option<i64>,
    /// Only MANAGER and up take it out of the queue. Ignored below MANAGER.
    pub permanent: Option<bool>,
}

/// A queue. Properties that the documentation does not describe are answered as they were imported.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Queue")]
pub struct QueueView {
    #[serde(rename = "_id")]
    id: Id,
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["QUEUE"]), example = &"QUEUE")]
    kind: &'static str,
    customer: Id,
    /// Name.
    #[schemars(example = &"Orders")]
    name: String,
    /// Number that the queue is called on.
    #[schemars(example = "801")]
    number: Option<String>,
    /// Employees join and leave the queue by themselves.
    dynamic: bool,
    /// Seconds within which calls are to be answered; 0: none are set.
    #[schemars(example = 20)]
    service_level: i64,
    /// Seconds after which a call has waited for too long; 0: none are set.
    #[schemars(example = 60)]
    service_level_critical: i64,
    /// Queues of a higher priority are answered first.
    #[schemars(example = 0)]
    priority: i64,
    /// The last member cannot leave it.
    lock_last_member: bool,
    /// Members; only when they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<MemberView>>,
    /// Calls that wait, of which there are none here; only when they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Value>>")]
    callers: Option<[Value; 0]>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl QueueView {
    pub fn of(queue: Queue, members: Option<Vec<QueueMember>>, callers: bool) -> QueueView {
        QueueView {
            id: queue.id,
            kind: "QUEUE",
            customer: queue.customer,
            name: queue.name,
            number: queue.number,
            dynamic: queue.dynamic,
            service_level: queue.service_level,
            service_level_critical: queue.service_level_critical,
            priority: queue.priority,
            lock_last_member: queue.lock_last_member,
            members: members.map(|members| members.into_iter().map(MemberView::from).collect()),
            callers: callers.then_some([]),
            more: queue.more,
        }
    }
}

/// An extension. Of the extensions of others PERSONAL sees `_id`, `type`, `customer`, `name` and `number`. Properties that the
/// documentation does not describe are answered as they were imported.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Extension")]
pub struct ExtensionView {
    #[serde(rename = "_id")]
    id: Id,
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["EXTENSION"]), example = &"EXTENSION")]
    kind: &'static str,
    customer: Id,
    /// Name.
    #[schemars(example = "Anna Manager")]
    name: String,
    /// Number that it is called on.
    #[schemars(example = "402")]
    number: String,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    employee: Option<Id>,
    /// The employee is called on this one first.
    #[serde(skip_serializing_if = "Option::is_none")]
    primary: Option<bool>,
    /// It is shown in the phone book.
    #[serde(skip_serializing_if = "Option::is_none")]
    phonebook: Option<bool>,
    /// Notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "At the counter")]
    notes: Option<String>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl ExtensionView {
    pub fn of(extension: Extension, sight: Sight) -> ExtensionView {
        let is_whole = sight == Sight::Whole;
        ExtensionView {
            id: extension.id,
            kind: "EXTENSION",
            customer: extension.customer,
            name: extension.name,
            number: extension.number,
            employee: extension.employee.filter(|_| is_whole),
            primary: is_whole.then_some(extension.primary),
            phonebook: is_whole.then_some(extension.phonebook),
            notes: extension.notes.filter(|_| is_whole),
            more: if is_whole { extension.more } else { Map::new() },
        }
    }
}

/// A group: who is called together, and what its controllers may do with its members' calls. Properties that the documentation does
/// not describe are answered as they were imported.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Group")]
pub struct GroupView {
    #[serde(rename = "_id")]
    id: Id,
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["GROUP"]), example = &"GROUP")]
    kind: &'static str,
    customer: Id,
    /// Name.
    #[schemars(example = &"Shop")]
    name: String,
    /// Number that the group is called on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "701")]
    number: Option<String>,
    /// Notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<String>,
    /// Extensions that are called together: ids, or with `expandExtension` objects.
    members: Vec<Value>,
    /// Extensions whose employees have the rights: ids, or with `expandExtension` objects.
    controllers: Vec<Value>,
    #[serde(flatten)]
    rights: Rights,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl GroupView {
    /// `render` makes of an extension's id what is answered.
    pub fn of(group: Group, render: impl Fn(Id) -> Value) -> GroupView {
        let rights = group.rights();
        let mut more = group.more;
        more.retain(|name, _| Group::AS_GIVEN.contains(&name.as_str()));
        GroupView {
            id: group.id,
            kind: "GROUP",
            customer: group.customer,
            name: group.name,
            number: group.number,
            notes: group.notes,
            members: group.members.into_iter().map(&render).collect(),
            controllers: group.controllers.into_iter().map(&render).collect(),
            rights,
            more,
        }
    }
}

/// What a page of extensions or groups says of itself.
#[derive(JsonSchema)]
pub struct PbxPageHead {
    /// How many were skipped.
    #[schemars(range(min = 0), extend("default" = 0), example = 0)]
    pub offset: i64,
    /// The most that this page may hold.
    #[schemars(range(min = 1, max = 1000), extend("default" = 50), example = 50)]
    pub limit: i64,
    /// How many there are in all, whatever `offset` and `limit` are.
    #[schemars(range(min = 0), example = 1)]
    pub total: i64,
}

/// A page of extensions.
#[derive(JsonSchema)]
pub struct ExtensionPage {
    #[schemars(flatten)]
    pub page: PbxPageHead,
    #[schemars(length(max = 1000))]
    pub extensions: Vec<ExtensionView>,
}

/// A page of groups.
#[derive(JsonSchema)]
pub struct GroupPage {
    #[schemars(flatten)]
    pub page: PbxPageHead,
    #[schemars(length(max = 1000))]
    pub groups: Vec<GroupView>,
}

/// What the caller may do with the extensions of the groups that it controls, by the id of the extension.
#[derive(Serialize, JsonSchema)]
pub struct Permissions(pub BTreeMap<String, Rights>);
