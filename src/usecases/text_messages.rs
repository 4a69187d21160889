//! Text messages (api:sms:send): checked, and kept in the outbox, because there is no gateway here.

use serde_json::{Map, Value, json};

use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{Actor, Level};
use crate::domain::fields::{Fields, read_body};
use crate::domain::id::Id;
use crate::domain::outbox::OutboxKind;
use crate::domain::pbx::{Group, Kind, PbxObject};
use crate::error::{Check, Error, Result};
use crate::store::outbox::{self, NewEntry};
use crate::store::{customers, employees, pbx};

pub const TYPES: &[&str] = &["SMS", "SMSFLASH", "MMS"];
/// The longest message, in characters, and the most recipients.
pub const MESSAGE_MAX: usize = 2_000;
const RECIPIENTS_MAX: usize = 1_000;
/// The longest sender, in characters.
pub const FROM_MAX: usize = 11;

struct Given {
    kind: String,
    message: String,
    from: Option<String>,
    to: Vec<String>,
    group: Option<Id>,
}

/// Keeps a message; how many it goes to. 403 `access_denied` for a sender that is given below MANAGER, 404 `from`, 404 `message`,
/// 404 `to`, 422 `type`, `message`, `from`, `to` and `group`.
pub fn send(tx: &mut WriteTx, actor: &Actor, body: &Map<String, Value>) -> Result<usize> {
    let given = read_body(body, read)?;
    if given.from.is_some() && actor.level < Level::Manager {
        return Err(Error::access_denied());
    }
    let from = match given.from {
        Some(from) => from,
        None => own_number(tx, actor)?.ok_or_else(|| Error::not_found("from", "from is required"))?,
    };
    let mut to = match given.group {
        Some(group) => members_of(tx, actor, group)?,
        None => given.to,
    };
    let mut seen = std::collections::HashSet::new();
    to.retain(|number| seen.insert(number.clone()));
    let content = json!({ "type": given.kind, "message": given.message, "from": from, "to": to, "group": given.group });
    let content = content.as_object().cloned().unwrap_or_default();
    let entry = NewEntry {
        kind: OutboxKind::Sms,
        customer: actor.customer,
        employee: Some(actor.employee),
        content: &content,
        error: None,
    };
    outbox::insert(tx, &entry)?;
    Ok(to.len())
}

fn read(fields: &mut Fields) -> Given {
    fields.require(&["message"]);
    let (mut kind, mut message, mut from) = ("SMS".to_owned(), String::new(), None);
    let parse = |name: &str| TYPES.contains(&name).then(|| name.to_owned());
    fields.choice("type", parse, TYPES, &mut kind);
    fields.required_lines("message", 1, MESSAGE_MAX, &mut message);
    fields.text_within("from", 1, FROM_MAX, &mut from);
    let group = fields.id("group");
    let is_given = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    match (is_given(fields.value("to")), is_given(fields.value("group"))) {
        (false, false) => fields.fault("to", Check::Required, "to is required"),
        (true, true) => fields.fault("group", Check::Enum, "give to or group, not both"),
        _ => {}
    }
    Given { kind, message, from, to: read_numbers(fields), group }
}

/// `to`: one number, or a list of them.
fn read_numbers(fields: &mut Fields) -> Vec<String> {
    let list = match fields.value("to") {
        None | Some(Value::Null) => return vec![],
        Some(Value::String(one)) => vec![Some(one.as_str())],
        Some(Value::Array(list)) => list.iter().map(Value::as_str).collect(),
        Some(_) => {
            fields.fault("to", Check::Type, "to must be a number, or an array of numbers");
            return vec![];
        }
    };
    if list.is_empty() || list.len() > RECIPIENTS_MAX {
        let check = if list.is_empty() { Check::Min } else { Check::Max };
        fields.fault("to", check, format!("to must have from 1 to {RECIPIENTS_MAX} numbers"));
        return vec![];
    }
    let numbers: Option<Vec<String>> = list.into_iter().map(|text| text.and_then(number)).collect();
    if numbers.is_none() {
        fields.fault("to", Check::Format, "to must hold phone numbers, such as +4570305050");
    }
    numbers.unwrap_or_default()
}

/// A phone number without what it is only written with.
fn number(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|c| !" -()".contains(*c)).collect();
    let digits = text.strip_prefix('+').unwrap_or(&text);
    ((3..=15).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit())).then_some(text)
}

/// The number that a message comes from when none is given: the caller's own, else the customer's.
fn own_number(tx: &ReadTx, actor: &Actor) -> Result<Option<String>> {
    let own = employees::find(tx, actor.employee)?.and_then(|employee| employee.sms_number);
    Ok(own.or(customers::find(tx, actor.customer)?.and_then(|customer| customer.phone_number)))
}

/// The numbers of the employees whose extensions are in a group. PERSONAL writes to groups that it controls.
fn members_of(tx: &ReadTx, actor: &Actor, id: Id) -> Result<Vec<String>> {
    let wrong = |message: &str| Error::invalid("group", Check::Enum, message);
    let group: Group = match pbx::find(tx, id)? {
        Some(PbxObject::Group(group)) if group.customer == actor.customer => group,
        _ => return Err(wrong("Group not found")),
    };
    let own = pbx::of_employee(tx, actor.employee, Some(Kind::Extension))?;
    if actor.level < Level::Viewer && !own.iter().any(|own| group.controllers.contains(&own.id())) {
        return Err(wrong("Group not found"));
    }
    let mut numbers = vec![];
    for member in group.members {
        let employee = pbx::find(tx, member)?.and_then(|extension| extension.references().employee);
        let employee = employee.map(|id| employees::find_live(tx, id)).transpose()?.flatten();
        numbers.extend(employee.and_then(|employee| employee.sms_number));
    }
    if numbers.is_empty() { Err(wrong("Nobody in the group has an smsNumber")) } else { Ok(numbers) }
}
