//! A small world: a platform with two levels of resellers, two customers with all that they may have, and what is deleted.

use std::sync::LazyLock;

use serde_json::{Value, json};
use telecomx_local::auth::secrets::new_token;
use telecomx_local::db::{Author, WriteTx};
use telecomx_local::error::Result;
use telecomx_local::store::sessions;

use crate::support::{Client, Saved, TestApp};

pub const PLATFORM: &str = "c00000000000000000000001";
pub const RESELLER: &str = "c00000000000000000000002";
pub const SUBRESELLER: &str = "c00000000000000000000003";
pub const BAKERY: &str = "c00000000000000000000004";
pub const LIBRARY: &str = "c00000000000000000000005";
pub const GONE: &str = "c00000000000000000000006";
pub const NOBODY: &str = "f0000000000000000000ffff";
pub const ADMIN: &str = "e00000000000000000000101";
pub const RESELLERS_OWN: &str = "e00000000000000000000201";
pub const OWNER: &str = "e00000000000000000000401";
pub const MANAGER: &str = "e00000000000000000000402";
pub const ORGANIZER: &str = "e00000000000000000000403";
pub const DISABLED: &str = "e00000000000000000000404";
pub const DESK: &str = "e00000000000000000000405";
pub const LEFT: &str = "e00000000000000000000409";
pub const LIBRARIAN: &str = "e00000000000000000000501";
pub const ASSISTANT: &str = "e00000000000000000000502";
pub const ORDERS: &str = "a00000000000000000000401";
pub const WHOLESALE: &str = "a00000000000000000000402";
pub const LOANS: &str = "a00000000000000000000501";
/// The bakery's addresses: the third is nobody's. Then the library's only one.
pub const BAKERY_ADDRESSES: [&str; 3] =
    ["ad0000000000000000000401", "ad0000000000000000000402", "ad0000000000000000000403"];
pub const LIBRARY_ADDRESS: &str = "ad0000000000000000000501";

pub fn address(id: &str, is_primary: bool) -> Value {
    json!({ "_id": id, "primary": is_primary, "address": "Gade 1", "zip": "8000", "city": "Aarhus", "country": "DK" })
}

fn customer(id: &str, parent: Option<&str>, features: &[&str], addresses: Vec<Value>) -> Value {
    let mut customer = json!({ "_id": id, "name": format!("Customer {id}"), "state": "ACTIVE", "addresses": addresses,
        "finance": { "vatNumber": "1", "invoiceMethod": "EMAIL" }, "features": features, "sipUsageLimit": 10 });
    if let Some(parent) = parent {
        customer["parentReseller"] = json!(parent);
    }
    customer
}

fn employee(id: &str, customer: &str, level: &str, more: Value) -> Value {
    let mut employee = json!({ "_id": id, "customer": customer, "accessLevel": level, "name": format!("Employee {id}"),
        "emailAddress": format!("{id}@example.com") });
    employee.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    employee
}

pub fn section(kind: &str, items: &[&str], others: &[&str]) -> Value {
    let of = |ids: &[&str]| ids.iter().map(|id| json!({ "_id": id, "name": format!("Name {id}") })).collect::<Vec<_>>();
    json!({ "type": kind, "items": of(items), "others": of(others) })
}

fn document() -> Value {
    let addresses = |ids: &[&str]| ids.iter().map(|id| address(id, *id == ids[0])).collect::<Vec<_>>();
    let own = |id: &str| vec![address(&id.replacen('c', "d", 1), true)];
    let queue = |id: &str, customer: &str| json!({ "_id": id, "customer": customer, "name": format!("Name {id}") });
    let config = |id: &str, configs: Value| json!({ "_id": id, "configs": configs });
    let mut gone = customer(GONE, Some(RESELLER), &["CUSTOMER"], own(GONE));
    gone["state"] = json!("DELETED");
    let mut world = json!({
        "customers": [
            customer(PLATFORM, None, &["CUSTOMER", "ORGANIZATION"], own(PLATFORM)),
            customer(RESELLER, Some(PLATFORM), &["CUSTOMER", "PBX", "SIP", "MVNO"], own(RESELLER)),
            customer(SUBRESELLER, Some(RESELLER), &["CUSTOMER"], own(SUBRESELLER)),
            customer(BAKERY, Some(RESELLER), &["CUSTOMER", "ORGANIZATION"], addresses(&BAKERY_ADDRESSES)),
            customer(LIBRARY, Some(SUBRESELLER), &["CUSTOMER"], addresses(&[LIBRARY_ADDRESS])),
            gone,
        ],
        "queues": [queue(ORDERS, BAKERY), queue(WHOLESALE, BAKERY), queue(LOANS, LIBRARY)],
        "employees": [
            employee(ADMIN, PLATFORM, "ADMIN", json!({})),
            employee(RESELLERS_OWN, RESELLER, "RESELLER", json!({})),
            employee(OWNER, BAKERY, "OWNER", json!({ "address": BAKERY_ADDRESSES[0], "birthdate": "1975-05-01" })),
            employee(MANAGER, BAKERY, "MANAGER", json!({ "address": BAKERY_ADDRESSES[1] })),
            employee(ORGANIZER, BAKERY, "PERSONAL", json!({ "organizationResellers": [RESELLER] })),
            employee(DISABLED, BAKERY, "PERSONAL", json!({ "state": "DISABLED", "ipRestriction": "192.0.2.1" })),
            employee(DESK, BAKERY, "PERSONAL", json!({ "noEmail": true, "emailAddress": "frontdesk" })),
            employee(LEFT, BAKERY, "PERSONAL", json!({ "state": "DELETED", "address": BAKERY_ADDRESSES[1] })),
            employee(LIBRARIAN, LIBRARY, "MANAGER", json!({ "address": LIBRARY_ADDRESS })),
            employee(ASSISTANT, LIBRARY, "PERSONAL", json!({})),
        ],
        "mobileConfigs": [
            config(OWNER, json!([section("COLLEAGUES", &[MANAGER], &[ORGANIZER]), section("QUEUES", &[ORDERS], &[])])),
            config(MANAGER, json!([section("COLLEAGUES", &[], &[OWNER, MANAGER]), { "type": "LATER", "n": 1.50 }])),
            config(LIBRARIAN, json!([section("COLLEAGUES", &[ASSISTANT], &[]), section("QUEUES", &[], &[LOANS])])),
        ]
    });
    for employee in world["employees"].as_array_mut().unwrap() {
        employee["name"] = json!(format!("Name {}", employee["_id"].as_str().unwrap()));
    }
    world
}

/// The world as files, imported once.
pub fn saved() -> &'static Saved {
    static SAVED: LazyLock<Saved> = LazyLock::new(|| TestApp::with_world(&document()).save());
    &SAVED
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

pub fn write<T: Send + 'static>(
    app: &TestApp,
    author: Author,
    work: impl FnOnce(&mut WriteTx) -> Result<T> + Send + 'static,
) -> Result<T> {
    block_on(app.db.write(author, work))
}

/// Somebody with a session that does not expire, however far the clock is moved.
pub fn client_of(app: &TestApp, employee: &str) -> Client {
    let (token, hash) = new_token().unwrap();
    let session = sessions::Session {
        employee: employee.parse().unwrap(),
        impersonator: None,
        parent: None,
        ip: None,
        login_ip: "127.0.0.1".into(),
        persist: true,
        last_used_at: app.clock.now(),
    };
    write(app, Author::system("test"), move |tx| sessions::insert(tx, &hash, &session)).unwrap();
    app.with_token(&token)
}

/// Everything that is there, but for secrets, as a document.
pub fn document_of(app: &TestApp) -> Value {
    serde_json::from_str(&export_of(app)).unwrap()
}

/// As [`document_of`], but of each object only what others name it by, and what it belongs to.
pub fn outline_of(app: &TestApp) -> Value {
    let sql = "select json_object('mobileConfigs', json('[]'),
        'customers', (select json_group_array(json_object('_id', id, 'addresses', json(addresses)))
            from (select id, addresses from customers order by id)),
        'queues', (select json_group_array(json_object('_id', id, 'customer', customer))
            from (select id, customer from queues order by id)),
        'employees', (select json_group_array(json_object('_id', id, 'customer', customer))
            from (select id, customer from employees order by id)))";
    let text: String = app.db.read(|tx| Ok(tx.conn.query_row(sql, [], |row| row.get(0))?)).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub fn export_of(app: &TestApp) -> String {
    let mut text = Vec::new();
    app.db.read(|tx| telecomx_local::usecases::export::write(tx, None, &mut text)).unwrap();
    String::from_utf8(text).unwrap()
}

/// The object of a list with this id.
pub fn object<'d>(document: &'d Value, list: &str, id: &str) -> Option<&'d Value> {
    document[list].as_array().unwrap().iter().find(|object| object["_id"] == id)
}
