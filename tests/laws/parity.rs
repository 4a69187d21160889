//! Parity: whichever way a change comes in, it gets the same verdict and leaves the same rows.
//!
//! By design an import may do more, and a proposal less: what an import may write ([`Said::is_for_import`]), and what a
//! proposal refuses (secrets, unknown properties, a `deleteDate`), has a test of its own below. An import tells all faults of
//! a document at once: where a call is refused it must name the same faults, and may name more.

use proptest::collection::vec;
use proptest::strategy::Strategy;
use serde_json::{Value, json};
use telecomx_local::domain::mirror::Table;

use crate::changes::{Change, Said, change};
use crate::play::{Law, shortened, work_in_memory};
use crate::values;
use crate::ways::{ThreeWays, Verdict, post, propose};
use crate::world::{BAKERY, MANAGER, NOBODY, document_of, export_of, object};

#[test]
fn a_change_is_judged_alike_whichever_way_it_comes_in() {
    let law =
        Law { name: "parity", cases: 200, steps: || vec(change(), 4..=16).boxed(), run: |_, changes| compare(changes) };
    law.holds();
}

fn compare(changes: &[Change]) -> Result<(), String> {
    let ways = ThreeWays::new();
    for change in changes {
        let document = document_of(&ways.by_http);
        if !change.prepare(&ways, &document) {
            make(&ways, change.said(&document))?;
        }
        let expected = export_of(&ways.by_http);
        for (way, app) in ways.all() {
            let found = export_of(app);
            if found != expected {
                return Err(format!(
                    "{} by HTTP and by {way}\n{}",
                    first_difference(&expected, &found),
                    describe(change)
                ));
            }
        }
    }
    Ok(())
}

/// Makes a change in three ways, and compares the verdicts.
fn make(ways: &ThreeWays, said: Said) -> Result<(), String> {
    let (by_http, answer) = match (&said.call, &said.id) {
        (Some(call), _) => ways.call(call),
        // What no call writes comes to the first world by proposal, too.
        (None, Some(id)) => (propose(&ways.by_http, said.table, id, &said.patch), Value::Null),
        (None, None) => unreachable!("only a call gives an id"),
    };
    let by_http = if said.is_of_address { by_http.below("addresses") } else { by_http };
    // What the API gave an id has the same in the other worlds.
    let made = answer["_id"].as_str().unwrap_or(NOBODY).to_owned();
    let said = said.with_new_address(&made);
    let id = said.id.clone().unwrap_or(made);
    let by_proposal = said.normal(ways.propose(said.table, &id, &said.patch));
    let told = |way: &str, verdict: &Verdict| {
        let what =
            json!({ "table": said.list, "id": id, "patch": said.patch, "call": said.call.as_ref().map(|it| &it.path) });
        let what = shortened(&what.to_string());
        let difference = difference(&by_http, verdict);
        format!("{} by HTTP and by {way}: {difference}\n{by_http:?}\n{verdict:?}\nof {what}", said.list)
    };
    // The last address cannot be removed, and if it is used there are two reasons.
    let is_last = said.is_of_address && said.patch["addresses"] == json!([]);
    let is_same =
        |verdict: &Verdict| *verdict == by_http || is_last && !verdict.is_accepted() && !by_http.is_accepted();
    if !is_same(&by_proposal) {
        return Err(told("proposal", &by_proposal));
    }
    if !said.is_for_import() {
        let by_import = said.normal(ways.import(said.list, &said.whole(&id)));
        if !is_same(&by_import) && !is_the_same_of_a_document(&by_http, &by_import) {
            return Err(told("import", &by_import));
        }
    }
    Ok(())
}

/// Whether an import refuses what a call has refused for the same reasons.
///
/// A call stops at the first kind of fault, and a document is read whole: an import may name more. A call looks whose the
/// object is before it looks at the content, and an import the other way round. Of an object whose customer cannot be read,
/// an import names no more than that.
fn is_the_same_of_a_document(call: &Verdict, import: &Verdict) -> bool {
    if call.is_accepted() || import.is_accepted() {
        return false;
    }
    let is_of = |verdict: &Verdict, names: &[&str]| verdict.0.iter().all(|(_, path)| names.contains(&&path[..]));
    let names_more = import.0.is_superset(&call.0);
    let looks_at_content_first = is_of(call, &["customer", "not_found"]) && import.0.is_disjoint(&call.0);
    let cannot_read_customer = is_of(import, &["customer"]) && import.0.is_subset(&call.0);
    names_more || looks_at_content_first || cannot_read_customer
}

impl Said {
    /// The whole object as the change would make it.
    pub fn whole(&self, id: &str) -> Value {
        let mut object = if self.stored.is_null() { json!({}) } else { self.stored.clone() };
        if self.table == Table::Employee && self.moves() {
            // A move leaves behind what belongs to the customer before.
            object["address"] = Value::Null;
            object["organizationResellers"] = json!([]);
        }
        lay_over(&mut object, &self.patch);
        object["_id"] = json!(id);
        object
    }

    fn moves(&self) -> bool {
        let customer = &self.patch["customer"];
        !self.stored.is_null() && customer.is_string() && *customer != self.stored["customer"]
    }

    /// An import may write what is deleted: it is how a document says that it is. An update deletes employees only.
    fn is_for_import(&self) -> bool {
        let is_update = self.table == Table::Employee && !self.stored.is_null();
        self.stored["state"] == "DELETED" || self.patch["state"] == "DELETED" && !is_update
    }

    /// The verdict in the words of the call: an address stands below its customer, and an employee whose config is given is
    /// not found as such.
    fn normal(&self, verdict: Verdict) -> Verdict {
        if self.is_of_address {
            return verdict.below("addresses");
        }
        let rename = |(status, path): (u64, String)| match (self.table, &path[..]) {
            (Table::MobileConfig, "_id") => (status, "not_found".to_owned()),
            _ => (status, path),
        };
        Verdict(verdict.0.into_iter().map(rename).collect())
    }

    fn with_new_address(self, id: &str) -> Said {
        let patch = self.patch.to_string().replace("\"$new\"", &json!(id).to_string());
        Said { patch: serde_json::from_str(&patch).unwrap(), ..self }
    }
}

/// As an update is laid over what is stored: objects property by property; null leaves them, and whose it is, as they are.
fn lay_over(object: &mut Value, patch: &Value) {
    for (name, value) in patch.as_object().unwrap() {
        match object.get_mut(name) {
            Some(old) if old.is_object() && value.is_object() => lay_over(old, value),
            Some(old) if value.is_null() && (old.is_object() || name == "customer") => {}
            _ => object[name] = value.clone(),
        }
    }
}

/// What one verdict has and the other has not.
fn difference(a: &Verdict, b: &Verdict) -> String {
    let only = |a: &Verdict, b: &Verdict| {
        let only = a.0.difference(&b.0).map(|(status, path)| format!("{} {path}", status_name(*status)));
        let only = only.collect::<Vec<_>>().join(", ");
        if a.is_accepted() { "accepted".to_owned() } else { only }
    };
    format!("[{}] / [{}]", only(a, b), only(b, a))
}

/// In letters: faults are told apart by their words.
fn status_name(status: u64) -> &'static str {
    match status {
        400 => "bad request",
        403 => "forbidden",
        404 => "not found",
        409 => "conflict",
        413 => "too large",
        422 => "invalid",
        500.. => "broken",
        _ => "refused",
    }
}

fn describe(change: &Change) -> String {
    shortened(&format!("{change:?}"))
}

/// Which rows differ.
fn first_difference(a: &str, b: &str) -> String {
    let lines = a.lines().zip(b.lines()).find(|(a, b)| a != b);
    let (a, b) = lines.unwrap_or_default();
    let names = |line: &str| serde_json::from_str::<Value>(line.trim_end_matches(',')).unwrap_or_default();
    let (left, right) = (names(a), names(b));
    let differing =
        left.as_object().into_iter().flatten().filter(|(name, value)| right.get(name.as_str()) != Some(value));
    let differing: Vec<&str> = differing.map(|(name, _)| name.as_str()).collect();

    format!("another row ({})\n{}\n{}\n", differing.join(" "), shortened(a), shortened(b))
}

#[test]
fn every_documented_property_has_values_and_every_property_with_values_is_documented() {
    work_in_memory();
    let ways = ThreeWays::new();
    let document = ways.by_http.nobody().get("/openapi.json").ok();
    let schemas = &document["components"]["schemas"];
    let tables = [
        ("EmployeeWrite", values::of_employee()),
        ("CustomerWrite", values::of_customer()),
        ("AddressWrite", values::of_address()),
    ];
    for (schema, properties) in tables {
        let (mut documented, mut known) = (vec![], vec![]);
        paths(&schemas[schema], "", &mut documented);
        known.extend(properties.iter().map(|property| property.path.to_owned()));
        documented.sort();
        known.sort();
        assert_eq!(documented, known, "{schema}: a property without values is one whose three ways nobody compares");
        let good = properties.iter().all(|property| !property.good.is_empty());
        assert!(good, "{schema}: a property without an acceptable value");
    }
}

/// The paths of all properties of a schema, those of objects in it included.
fn paths(schema: &Value, prefix: &str, found: &mut Vec<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        found.push(format!("{prefix}{name}"));
        paths(property, &format!("{prefix}{name}."), found);
    }
}

#[test]
fn a_proposal_gives_no_secrets_and_sets_nothing_that_is_no_property() {
    work_in_memory();
    let ways = ThreeWays::new();
    let before = export_of(&ways.by_proposal);
    let patches = [
        json!({ "password": "Passw0rd1234" }),
        json!({ "passwordHash": "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g" }),
        json!({ "authenticatorKey": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" }),
        json!({ "title": "Baker", "colour": "red" }),
    ];
    for patch in patches {
        let verdict = ways.propose(Table::Employee, MANAGER, &patch);
        assert_eq!(verdict, Verdict::refused(400, "bad_request"), "{patch}");
    }
    assert_eq!(
        ways.propose(Table::Customer, BAKERY, &json!({ "colour": "red" })),
        Verdict::refused(400, "bad_request")
    );
    assert_eq!(export_of(&ways.by_proposal), before);
}

#[test]
fn only_an_import_puts_a_delete_off() {
    work_in_memory();
    let ways = ThreeWays::new();
    let before = export_of(&ways.by_proposal);
    for date in [json!("2030-01-01"), json!(7), json!("")] {
        let patch = json!({ "deleteDate": date });
        let call = post(format!("/employee/{MANAGER}"), &patch);
        assert!(ways.call(&call).0.is_accepted(), "a call ignores {date}");
        let _ = ways.propose(Table::Employee, MANAGER, &patch);
        assert_eq!(
            [export_of(&ways.by_http), export_of(&ways.by_proposal)],
            [before.clone(), before.clone()],
            "{date}"
        );
    }
    let mut manager = object(&document_of(&ways.by_import), "employees", MANAGER).unwrap().clone();
    manager["deleteDate"] = json!("2030-01-01");
    assert!(ways.import("employees", &manager).is_accepted());
    assert!(export_of(&ways.by_import).contains("2030-01-01"));
}

#[test]
fn an_import_deletes_and_brings_back() {
    work_in_memory();
    let ways = ThreeWays::new();
    let manager = object(&document_of(&ways.by_import), "employees", MANAGER).unwrap().clone();
    for state in ["DELETED", "ENABLED"] {
        let mut changed = manager.clone();
        changed["state"] = json!(state);
        assert!(ways.import("employees", &changed).is_accepted(), "{state}");
        assert_eq!(object(&document_of(&ways.by_import), "employees", MANAGER).unwrap()["state"], state);
    }
}
