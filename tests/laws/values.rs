//! Values of every property that can be written: acceptable ones, and all kinds of others.

use serde_json::{Map, Value, json};

use crate::world::{
    BAKERY, BAKERY_ADDRESSES, GONE, LIBRARY, LIBRARY_ADDRESS, NOBODY, PLATFORM, RESELLER, SUBRESELLER, address,
};

/// A property, by its path in the object, with values that are acceptable by themselves and others.
pub struct Property {
    pub path: &'static str,
    pub good: Vec<Value>,
    pub bad: Vec<Value>,
}

fn property(path: &'static str, good: Value, bad: Value) -> Property {
    let list = |value: Value| value.as_array().unwrap().clone();
    Property { path, good: list(good), bad: list(bad) }
}

/// Text of `min` to `max` characters; `good` are examples.
fn text(path: &'static str, min: usize, max: usize, good: Value) -> Property {
    let mut property =
        property(path, good, json!([7, ["x"], { "a": 1 }, "x".repeat(max + 1), "contr\u{0}ol", "\u{7f}abcdefgh"]));
    property.good.extend([json!("æ".repeat(max)), json!("Line\nand\ttab æøå \u{1f600}")]);
    if min > 0 {
        property.bad.extend([json!(""), json!("x".repeat(min - 1)), json!(null)]);
    } else {
        property.good.extend([json!(""), json!(null)]);
    }
    property
}

fn flag(path: &'static str) -> Property {
    property(path, json!([true, false]), json!([null, "true", 1, []]))
}

fn choice(path: &'static str, good: Value) -> Property {
    property(path, good, json!([null, "", "OTHER", "enabled", 1, ["PBX"]]))
}

fn count(path: &'static str) -> Property {
    property(path, json!([0, 7, null]), json!([-1, 1.5, "7", true]))
}

/// As `EmployeeWrite` in the API's description has them.
pub fn of_employee() -> Vec<Property> {
    let bad_ids = || json!(["", "12", "G00000000000000000000000", 7, []]);
    vec![
        property("customer", json!([BAKERY, LIBRARY]), json!([GONE, NOBODY, "12", 7, null])),
        choice("accessLevel", json!(["PERSONAL", "VIEWER", "MANAGER", "OWNER", "NO_LOGIN", "ADMIN"])),
        choice("state", json!(["ENABLED", "ENABLED", "DISABLED", "DELETED"])),
        text("name", 1, 200, json!(["Anna", "Bo"])),
        text("title", 0, 1_000, json!(["Baker"])),
        text("department", 0, 1_000, json!(["Shop"])),
        property("address", json!(["$address", BAKERY_ADDRESSES[0], BAKERY_ADDRESSES[2], null]), bad_ids())
            .and_bad(json!([LIBRARY_ADDRESS, NOBODY])),
        choice("language", json!(["da", "en"])),
        flag("primaryContact"),
        property(
            "emailAddress",
            json!(["anna@example.com", "bo@example.com", "reception", null]),
            json!(["", "short"]),
        )
        .and_bad(json!(["a b@example.com", "x@", 7, "E00000000000000000000402@EXAMPLE.COM", "Front Desk", "FRONTDESK"]))
        .and_bad(json!([format!("{}@example.com", "x".repeat(250)), "a\u{0}b@example.com"])),
        flag("noEmail"),
        property("password", json!(["Passw0rd1234"]), json!(["weak", 7, null])),
        flag("revokeTokens"),
        flag("smsValidation"),
        text("smsNumber", 0, 1_000, json!(["+4512345678"])),
        flag("authenticatorValidation"),
        property("ipRestriction", json!(["192.0.2.1", "192.0.2.1,::1", "::ffff:192.0.2.7", "", null]), json!([7, []]))
            .and_bad(json!(["10.0.0.0/8", "host", "192.0.2.1;::1", "1".repeat(1_001)])),
        property("organizationResellers", json!([[RESELLER], [RESELLER, SUBRESELLER], [], [GONE]]), json!([null, "x"]))
            .and_bad(json!([[NOBODY], [RESELLER, NOBODY], ["12"], [7], {}])),
        flag("notifyOnGeneralUsageLimit"),
        flag("notifyOnGeneralUsageLimitReseller"),
        property("birthdate", json!(["1984-02-29", null]), json!(["1983-02-29", "yesterday", "", 7])),
        // Whatever else it is, a call ignores it and an import takes it: that has a test of its own.
        property("deleteDate", json!([null]), json!([])),
    ]
}

/// As `CustomerWrite` has them.
pub fn of_customer() -> Vec<Property> {
    let all = || BAKERY_ADDRESSES.map(|id| address(id, id == BAKERY_ADDRESSES[0]));
    let without =
        |i: usize| all().into_iter().enumerate().filter(|(k, _)| *k != i).map(|(_, it)| it).collect::<Vec<_>>();
    let added = |id: &str| json!([all()[0], all()[1], all()[2], address(id, false)]);
    vec![
        text("name", 1, 200, json!(["Bakery"])),
        choice("state", json!(["ACTIVE", "BLOCKED"])).and_bad(json!(["DELETED"])),
        property(
            "parentReseller",
            json!([RESELLER, SUBRESELLER, PLATFORM, null]),
            json!([GONE, NOBODY, BAKERY, LIBRARY]),
        )
        .and_bad(json!(["12", 7, ""])),
        text("phoneNumber", 0, 1_000, json!(["+4512345678"])),
        text("faxNumber", 0, 1_000, json!(["+4512345679"])),
        text("emailAddress", 0, 1_000, json!(["info@example.com"])),
        text("website", 0, 1_000, json!(["https://example.com"])),
        text("notes", 0, 10_000, json!(["Opens early."])),
        property(
            "addresses",
            json!([all(), added("ad0000000000000000000aaa"), without(2)]),
            json!([[], null, "x", [7]]),
        )
        .and_bad(json!([without(0), without(1), [address(NOBODY, true)], added(BAKERY_ADDRESSES[0])]))
        .and_bad(json!([[address(BAKERY_ADDRESSES[0], true), address(BAKERY_ADDRESSES[1], true)], [{ "_id": "12" }]])),
        text("finance.vatNumber", 0, 1_000, json!(["12345678"])),
        text("finance.accountingSystemId", 0, 1_000, json!(["1004"])),
        text("finance.accountingSystemRef", 0, 1_000, json!(["4"])),
        choice("finance.invoiceMethod", json!(["MAIL", "EMAIL", "ELECTRONIC", null])).without_bad_null(),
        text("finance.emailAddress", 0, 1_000, json!(["invoices@example.com"])),
        property("finance", json!([{}, null]), json!(["x", [], 7])),
        property(
            "features",
            json!([["CUSTOMER"], ["PBX"], ["ORGANIZATION", "CUSTOMER", "CUSTOMER"], []]),
            json!([null]),
        )
        .and_bad(json!([["OTHER"], [7], "PBX", ["pbx"]])),
        choice("authenticationSecurity", json!(["NONE", "SMS", "AUTHENTICATOR"])),
        count("sipUsageLimit"),
        count("mvnoUsageLimit"),
        count("sipChannelLimit"),
        flag("integrations.billing.economic.enabled"),
        flag("integrations.billing.economic.accrual"),
        property("integrations.billing.economic", json!([{}, null]), json!(["x", []])),
        property("integrations.billing", json!([{}, null]), json!(["x", []])),
        property("integrations", json!([{}, null]), json!(["x", [], 7])),
    ]
}

/// As `AddressWrite` has them.
pub fn of_address() -> Vec<Property> {
    vec![
        // Ignored, whatever it is, but in a customer's list.
        property("_id", json!([BAKERY_ADDRESSES[1], NOBODY]), json!([])),
        flag("primary"),
        text("alternativeName", 0, 1_000, json!(["Shop"])),
        text("address", 5, 1_000, json!(["Gade 17"])),
        property("zip", json!(["8000", "0800"]), json!(["", "80", "80000", "SW1A 1AA", 8_000, null, "8\u{0}00"])),
        text("city", 0, 200, json!(["Aarhus", "x"])),
        text("state", 0, 1_000, json!(["NY"])),
        property("country", json!(["DK", "dk", "GB", null]), json!(["D", "DNK", "1K", 7, ""])),
        text("fixedNumber", 0, 1_000, json!(["+4512345678"])),
        text("faxNumber", 0, 1_000, json!(["+4512345679"])),
    ]
}

/// A queue has no schema: no call of the API writes one.
pub fn of_queue() -> Vec<Property> {
    vec![
        property("customer", json!([BAKERY]), json!([LIBRARY, GONE, NOBODY, "12", 7, null])),
        text("name", 1, 200, json!(["Orders", "Sales"])),
        text("number", 1, 50, json!(["801", "802"])).without_bad_null(),
    ]
}

impl Property {
    fn and_bad(mut self, more: Value) -> Property {
        self.bad.extend(more.as_array().unwrap().clone());
        self
    }

    fn without_bad_null(mut self) -> Property {
        self.bad.retain(|value| !value.is_null());
        self.good.push(json!(null));
        self
    }
}

/// Sets the property at a path such as `finance.vatNumber`.
pub fn set(object: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(object.insert(path.to_owned(), value)),
        Some((first, rest)) => {
            let inner = object.entry(first).or_insert_with(|| json!({}));
            if !inner.is_object() {
                *inner = json!({});
            }
            set(inner.as_object_mut().unwrap(), rest, value);
        }
    }
}
