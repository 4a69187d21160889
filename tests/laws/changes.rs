//! Changes as a caller thinks of them, each said in the three ways.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};
use telecomx_local::domain::mirror::Table;

use crate::values::{self, Property};
use crate::ways::{Call, ThreeWays, Verdict, import_into, post};
use crate::world::{
    ADMIN, ASSISTANT, BAKERY, DESK, DISABLED, GONE, LEFT, LIBRARIAN, LIBRARY, LOANS, MANAGER, NOBODY, ORDERS,
    ORGANIZER, OWNER, PLATFORM, RESELLER, RESELLERS_OWN, SUBRESELLER, WHOLESALE, object, section,
};

/// Properties and the values they are to have.
pub type Patch = Vec<(&'static str, Value)>;

/// One change. Where it names one of several, the index picks among those there are then.
#[derive(Clone, Debug)]
pub enum Change {
    CreateCustomer(Patch),
    UpdateCustomer(Index, Patch),
    CreateAddress(Index, Patch),
    UpdateAddress(Index, Index, Patch),
    RemoveAddress(Index, Index),
    CreateEmployee(Patch),
    UpdateEmployee(Index, Patch),
    /// Of these no call of the API writes any.
    WriteQueue(Index, Patch),
    WriteConfig(Index, Value),
    /// By import in each of the worlds: what is deleted is there for the changes after it.
    DeleteEmployee(Index),
    DeleteCustomer(Index),
}

fn patch_of(properties: Vec<Property>, count: std::ops::RangeInclusive<usize>, good: u32) -> BoxedStrategy<Patch> {
    let one = properties.into_iter().map(|Property { path, good: fine, bad }| {
        let value = if bad.is_empty() {
            select(fine).boxed()
        } else {
            prop_oneof![good => select(fine), 10 - good => select(bad)].boxed()
        };
        value.prop_map(move |value| (path, value)).boxed()
    });
    vec(proptest::strategy::Union::new(one.collect::<Vec<_>>()), count).boxed()
}

/// What only a call has.
const OF_CALLS: [&str; 2] = ["password", "revokeTokens"];

/// Patches; of ten values `good` are acceptable by themselves.
pub fn patch(of: fn() -> Vec<Property>, good: u32) -> BoxedStrategy<Patch> {
    // Secrets are refused in a proposal, and a test of its own says so.
    let properties = of().into_iter().filter(|property| !OF_CALLS.contains(&property.path)).collect();
    patch_of(properties, 1..=3, good)
}

/// Content of mobile configs, with every kind of fault.
pub fn configs() -> BoxedStrategy<Value> {
    let people = [OWNER, MANAGER, ORGANIZER, DISABLED, "$employee", LIBRARIAN, ASSISTANT, LEFT, NOBODY, "12"];
    let queues = [ORDERS, WHOLESALE, "$queue", LOANS, NOBODY, ""];
    let entries = |kind: &'static str, ids: Vec<&'static str>| {
        let some = |ids: &Vec<&'static str>| vec(select(ids.clone()), 0..=2);
        (some(&ids), some(&ids)).prop_map(move |(items, others)| section(kind, &items, &others)).boxed()
    };
    let fine = prop_oneof![entries("COLLEAGUES", people[..5].to_vec()), entries("QUEUES", queues[..3].to_vec())];
    let any = prop_oneof![entries("COLLEAGUES", people.to_vec()), entries("QUEUES", queues.to_vec())];
    let id = OWNER.to_uppercase();
    let odd = vec![
        json!({ "type": "LATER", "n": 1.50, "items": "anything" }),
        json!({ "type": "COLLEAGUES", "items": [{ "_id": id, "name": "Upper case" }], "others": [] }),
        json!({ "type": "COLLEAGUES", "items": [{ "_id": OWNER, "name": "", "extra": [1] }], "others": [], "more": 1 }),
        json!({ "type": "COLLEAGUES", "items": [{ "_id": OWNER, "name": "x".repeat(201) }], "others": [] }),
        json!({ "type": "COLLEAGUES", "items": [{ "_id": OWNER, "name": 7 }], "others": [] }),
        json!({ "type": "COLLEAGUES", "items": [{ "_id": OWNER }], "others": null }),
        json!({ "type": "COLLEAGUES", "items": [] }),
        json!({ "type": "", "items": [], "others": [] }),
        json!({ "type": "a\u{0}b" }),
        json!({ "items": [] }),
        json!(7),
    ];
    let sections = vec(prop_oneof![4 => fine, 2 => any, 1 => select(odd)], 0..=2).prop_map(Value::from);
    let none = vec![json!(null), json!("x"), json!({}), json!("$many")];
    prop_oneof![30 => sections, 1 => select(none)].boxed()
}

pub fn change() -> BoxedStrategy<Change> {
    use Change::*;
    let index = any::<Index>;
    let (customer, employee) = (|| patch(values::of_customer, 5), || patch(values::of_employee, 5));
    let address = || patch(values::of_address, 6);
    prop_oneof![
        2 => customer().prop_map(CreateCustomer),
        6 => (index(), customer()).prop_map(|(at, patch)| UpdateCustomer(at, patch)),
        2 => (index(), address()).prop_map(|(at, patch)| CreateAddress(at, patch)),
        2 => (index(), index(), address()).prop_map(|(at, address, patch)| UpdateAddress(at, address, patch)),
        2 => (index(), index()).prop_map(|(at, address)| RemoveAddress(at, address)),
        3 => employee().prop_map(CreateEmployee),
        8 => (index(), employee()).prop_map(|(at, patch)| UpdateEmployee(at, patch)),
        2 => (index(), patch(values::of_queue, 5)).prop_map(|(at, patch)| WriteQueue(at, patch)),
        6 => (index(), configs()).prop_map(|(at, configs)| WriteConfig(at, configs)),
        1 => index().prop_map(DeleteEmployee),
        1 => index().prop_map(DeleteCustomer),
    ]
    .boxed()
}

/// A change in each of the three ways, ready to be made.
pub struct Said {
    /// None: no call makes such a change.
    pub call: Option<Call>,
    pub table: Table,
    pub list: &'static str,
    /// None: the API gives it one.
    pub id: Option<String>,
    pub patch: Value,
    /// The object before the change; null for one that is made.
    pub stored: Value,
    /// The change is one of an address: what is told of it stands below the customer's.
    pub is_of_address: bool,
}

/// The objects that changes are made to, deleted and unknown ones among them. Who calls is not: it must go on calling.
const CUSTOMERS: [&str; 5] = [BAKERY, LIBRARY, RESELLER, SUBRESELLER, GONE];
const EMPLOYEES: [&str; 9] = [MANAGER, ORGANIZER, OWNER, DISABLED, DESK, LIBRARIAN, ASSISTANT, RESELLERS_OWN, LEFT];

/// One of the world's own, or one that was made since.
fn pick(document: &Value, list: &str, own: &[&str], at: &Index) -> String {
    let made = document[list].as_array().unwrap().iter().map(|object| object["_id"].as_str().unwrap());
    let made = made.filter(|id| !own.contains(id) && ![PLATFORM, ADMIN].contains(id));
    let all: Vec<String> = own.iter().copied().chain(made).map(str::to_owned).collect();
    at.get(&all).clone()
}

/// The body of a patch over `base`.
pub fn body(base: Value, patch: &Patch) -> Map<String, Value> {
    let mut body = base.as_object().unwrap().clone();
    patch.iter().for_each(|(path, value)| values::set(&mut body, path, value.clone()));
    body
}

/// Puts ids in the place of `$address` and the like.
pub fn resolve(value: &Value, document: &Value, customer: &str, at: usize) -> Value {
    let nth = |ids: Vec<&Value>| ids.get(at % ids.len().max(1)).map_or(json!(NOBODY), |id| (*id).clone());
    let of = |list: &str| {
        let found = document[list].as_array().unwrap().iter();
        found.filter(|it| it["customer"] == *customer).map(|it| &it["_id"]).collect::<Vec<_>>()
    };
    let addresses = object(document, "customers", customer).and_then(|found| found["addresses"].as_array());
    let addresses = addresses.into_iter().flatten().map(|address| &address["_id"]).collect();
    let mut text = value.to_string();
    for (name, id) in [("$address", nth(addresses)), ("$employee", nth(of("employees"))), ("$queue", nth(of("queues")))]
    {
        text = text.replace(&json!(name).to_string(), &id.to_string());
    }
    if text.contains("$many") {
        let entry = json!({ "_id": OWNER, "name": "" });
        return json!([{ "type": "COLLEAGUES", "items": vec![entry; 20_001], "others": [] }]);
    }
    serde_json::from_str(&text).unwrap()
}

impl Change {
    /// What it means in a world that is as `document` has it.
    pub fn said(&self, document: &Value) -> Said {
        match self {
            Change::CreateCustomer(patch) => {
                let base = json!({ "name": "New", "parentReseller": RESELLER, "addresses": [
                    crate::world::address("ad0000000000000000000bbb", true)] });
                said(Some("/customer"), Table::Customer, None, body(base, patch), Value::Null)
            }
            Change::UpdateCustomer(at, patch) => {
                let id = pick(document, "customers", &CUSTOMERS, at);
                said(Some("/customer"), Table::Customer, Some(id), body(json!({}), patch), document.clone())
            }
            Change::CreateEmployee(patch) => {
                let base = json!({ "customer": BAKERY, "accessLevel": "PERSONAL", "name": "New" });
                let body = resolve(&body(base, patch).into(), document, BAKERY, 1);
                said(Some("/employee"), Table::Employee, None, body.as_object().unwrap().clone(), Value::Null)
            }
            Change::UpdateEmployee(at, patch) => {
                let id = pick(document, "employees", &EMPLOYEES, at);
                let customer = object(document, "employees", &id).unwrap()["customer"].as_str().unwrap();
                let body = resolve(&body(json!({}), patch).into(), document, customer, 1);
                let body = body.as_object().unwrap().clone();
                said(Some("/employee"), Table::Employee, Some(id), body, document.clone())
            }
            Change::WriteQueue(at, patch) => {
                let id = pick(document, "queues", &[ORDERS, LOANS, "a00000000000000000000999"], at);
                let is_new = object(document, "queues", &id).is_none();
                let base = if is_new { json!({ "customer": BAKERY, "name": "New" }) } else { json!({}) };
                said(None, Table::Queue, Some(id), body(base, patch), document.clone())
            }
            Change::WriteConfig(at, configs) => {
                let id = pick(document, "employees", &EMPLOYEES, at);
                let customer = object(document, "employees", &id).unwrap()["customer"].as_str().unwrap();
                let patch = json!({ "configs": resolve(configs, document, customer, 0) });
                let path = Some("/pbx/app/mobileconfig");
                said(path, Table::MobileConfig, Some(id), patch.as_object().unwrap().clone(), document.clone())
            }
            Change::CreateAddress(..) | Change::UpdateAddress(..) | Change::RemoveAddress(..) => {
                self.of_address(document)
            }
            Change::DeleteEmployee(_) | Change::DeleteCustomer(_) => unreachable!("made in one way only"),
        }
    }

    /// A change of one address: the API has calls for it, the other ways give all addresses of the customer.
    fn of_address(&self, document: &Value) -> Said {
        let (Change::CreateAddress(at, _) | Change::UpdateAddress(at, ..) | Change::RemoveAddress(at, _)) = self else {
            unreachable!("no change of an address")
        };
        let id = pick(document, "customers", &CUSTOMERS, at);
        let mut all = object(document, "customers", &id).unwrap()["addresses"].as_array().unwrap().clone();
        let path = format!("/customer/{id}/address");
        let call = match self {
            Change::CreateAddress(_, patch) => {
                let body = body(json!({ "address": "Gade 9", "zip": "8000", "city": "Aarhus" }), patch);
                lay_address(&mut all, None, &body);
                post(path, &body.into())
            }
            Change::UpdateAddress(_, which, patch) => {
                let (place, body) = (which.index(all.len()), body(json!({}), patch));
                let path = format!("{path}/{}", all[place]["_id"].as_str().unwrap());
                lay_address(&mut all, Some(place), &body);
                post(path, &body.into())
            }
            Change::RemoveAddress(_, which) => {
                let gone = all.remove(which.index(all.len()));
                Call { method: "DELETE", path: format!("{path}/{}", gone["_id"].as_str().unwrap()), body: None }
            }
            _ => unreachable!("no change of an address"),
        };
        let patch = json!({ "addresses": all }).as_object().unwrap().clone();
        let said = said(None, Table::Customer, Some(id), patch, document.clone());
        Said { call: Some(call), is_of_address: true, ..said }
    }

    /// Deletes in each world what is named, if it can be: no change whose verdict is compared.
    pub fn prepare(&self, ways: &ThreeWays, document: &Value) -> bool {
        let (list, id) = match self {
            Change::DeleteEmployee(at) => ("employees", pick(document, "employees", &EMPLOYEES, at)),
            Change::DeleteCustomer(at) => ("customers", pick(document, "customers", &CUSTOMERS, at)),
            _ => return false,
        };
        let mut object = object(document, list, &id).unwrap().clone();
        object["state"] = json!("DELETED");
        for (_, app) in ways.all() {
            let _: Verdict = import_into(app, &json!({ list: [object] }));
        }
        true
    }
}

/// Lays a body over one address of all, or adds it, as the call for it does.
fn lay_address(all: &mut Vec<Value>, place: Option<usize>, body: &Map<String, Value>) {
    let place = place.unwrap_or_else(|| {
        all.push(json!({ "_id": "$new" }));
        all.len() - 1
    });
    if body.get("primary") == Some(&json!(true)) {
        all.iter_mut().for_each(|address| address["primary"] = json!(false));
    }
    let given = body.iter().filter(|(name, _)| *name != "_id").map(|(name, value)| (name.clone(), value.clone()));
    all[place].as_object_mut().unwrap().extend(given);
}

fn said(path: Option<&str>, table: Table, id: Option<String>, patch: Map<String, Value>, document: Value) -> Said {
    let list = match table {
        Table::Customer => "customers",
        Table::Queue => "queues",
        Table::Employee => "employees",
        _ => "mobileConfigs",
    };
    let stored = id.as_deref().and_then(|id| object(&document, list, id)).cloned().unwrap_or_default();
    let patch = Value::from(patch);
    let path = path.map(|path| [path, id.as_deref().unwrap_or_default()].join("/"));
    let call = path.map(|path| post(path.trim_end_matches('/').to_owned(), &patch));
    Said { call, table, list, id, patch, stored, is_of_address: false }
}
