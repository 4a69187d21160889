//! What was changed here is done at the platform once, whatever happens to the answer, and what is refused is put back.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use telecomx_local::domain::platform::OperationState::{self, Conflict, Refused};
use telecomx_local::platform::outcome;
use telecomx_local::usecases::employees;

use super::double::{Ask, Double, End, OWN, Reply};
use super::local::Local;
use super::odd::{ANNA, BAKERY, BO, FIA, SALES, platform, set};

/// A local side that holds what the platform does.
fn connected() -> (Double, Local) {
    let double = platform();
    let mut local = Local::of(&double.url);
    local.round();
    double.asked();
    (double, local)
}

fn at_platform(double: &Double, employee: &str, name: &str) -> Value {
    double.change(|world| world.employees[employee][name].clone())
}

fn states(local: &Local) -> Vec<OperationState> {
    local.operations().into_iter().map(|operation| operation.state).collect()
}

/// How often something was asked to be changed.
fn changes(double: &Double) -> usize {
    let is_change = |call: &&String| !call.starts_with("GET") && !call.contains("/auth/");
    double.asked().iter().filter(is_change).count()
}

#[test]
fn an_operation_whose_answer_was_lost_is_seen_to_be_done_and_is_not_sent_again() {
    type Loss = fn(&Ask, Reply) -> Reply;
    let losses: [(&str, Loss); 5] = [
        ("cut", |_, reply| Reply { end: End::Cut(0), ..reply }),
        ("half", |_, reply| Reply { end: End::Cut(reply.body.len() / 2), ..reply }),
        ("500", |_, _| Reply { status: 500, ..Reply::html() }),
        ("502", |_, _| Reply { status: 502, ..Reply::html() }),
        ("HTML", |_, _| Reply::html()),
    ];
    for (what, loss) in losses {
        let (double, mut local) = connected();
        local.update_employee(ANNA, json!({ "title": "Baker" }));
        let zoe = local.create_employee(BAKERY, "Zoe");
        local.copy(ANNA, BO);
        local.delete_employee(FIA);
        double.be_odd(
            move |ask: &Ask, reply: Reply| {
                if ask.method == "GET" || ask.path.starts_with("/auth") { reply } else { loss(ask, reply) }
            },
        );
        // Each is sent, and its answer is lost; then each is found to be done.
        for _ in 0..6 {
            local.round();
        }
        let asked = double.asked();
        let sent: Vec<_> = asked.iter().filter(|call| !call.starts_with("GET") && !call.contains("auth")).collect();
        // The copy is onto what it is already, so that it need not be sent.
        assert_eq!(sent.len(), 3, "{what}: {sent:?}");
        double.be_sound();
        local.round();
        assert_eq!(states(&local), [], "{what}");
        assert_eq!(changes(&double), 0, "{what}");
        assert_eq!(at_platform(&double, ANNA, "title"), "Baker", "{what}");
        let found = double.change(|world| world.employees.values().filter(|it| it["name"] == "Zoe").count());
        assert_eq!(found, 1, "{what}");
        assert!(local.find("employees", &zoe).is_none() && local.find("employees", FIA).is_none(), "{what}");
        let here = local.world()["employees"].as_array().unwrap().iter().filter(|it| it["name"] == "Zoe").count();
        assert_eq!(here, 1, "{what}");
    }
}

#[test]
fn what_somebody_else_answered_on_the_way_is_not_taken_for_done() {
    let (double, mut local) = connected();
    local.update_employee(ANNA, json!({ "title": "Baker" }));
    local.create_employee(BAKERY, "Zoe");
    local.delete_employee(FIA);
    double.is_stood_in_for(|ask: &Ask| (ask.method != "GET" && !ask.path.starts_with("/auth")).then(Reply::html));
    for _ in 0..3 {
        local.round();
    }
    assert_eq!(local.employee(ANNA)["title"], "Baker");
    assert_eq!(at_platform(&double, ANNA, "title"), Value::Null);
    double.be_sound();
    local.round();
    local.round();
    assert_eq!(states(&local), []);
    assert_eq!(at_platform(&double, ANNA, "title"), "Baker");
    assert!(double.change(|world| !world.employees.contains_key(FIA)));
}

#[test]
fn a_customer_whose_delete_is_refused_comes_back_with_all_that_belongs_to_it() {
    let (double, mut local) = connected();
    let before = local.world();
    local.delete_customer(BAKERY);
    assert!(local.find("employees", ANNA).is_none());
    let path = format!("/customer/{BAKERY}");
    double.is_stood_in_for(move |ask: &Ask| ask.changes(&path).then(|| Reply::error(409, "numbers")));
    local.round();
    assert_eq!(states(&local), [Refused]);
    assert_eq!(local.world(), before);
}

#[test]
fn behind_an_employee_in_conflict_what_names_it_waits_and_nothing_is_refused() {
    let (double, mut local) = connected();
    let zoe = local.create_employee(BAKERY, "Zoe");
    local.create_config(&zoe);
    local.copy(&zoe, ANNA);
    local.update_employee(BO, json!({ "title": "Baker" }));
    // Somebody creates her there too, under another name.
    double.change(|world| {
        world.add_employee("e00000000000000000000099", BAKERY, "Zoe");
        world.employees.get_mut("e00000000000000000000099").unwrap()["name"] = json!("Zoe B");
    });
    // What the platform can be asked for of one it does not know.
    let id = zoe.clone();
    double.be_odd(move |ask: &Ask, reply: Reply| match ask.body["_id"] == id.as_str() {
        true => Reply::error(404, "not_found"),
        false => reply,
    });
    local.round();
    local.round();
    let operations = local.operations();
    assert_eq!(operations[0].state, Conflict);
    assert_eq!(operations.len(), 3, "{:?}", states(&local));
    assert!(operations[1..].iter().all(|operation| operation.state == OperationState::Waiting));
    assert_eq!(at_platform(&double, BO, "title"), "Baker", "others go on");
    double.change(|world| world.add_config("e00000000000000000000099", BAKERY, &[]));
    let seq = operations[0].seq;
    local.change(move |tx, _| outcome::decide(tx, seq, true));
    local.round();
    assert_eq!(states(&local), []);
    assert_eq!(at_platform(&double, "e00000000000000000000099", "name"), "Zoe");
    let copied = double.change(|world| world.configs[ANNA]["configs"].clone());
    assert_eq!(copied[0]["items"], json!([]));
    assert_eq!(local.find("mobileConfigs", ANNA).unwrap()["configs"], copied);
}

#[test]
fn a_customer_below_a_reseller_that_is_not_created_yet_waits_for_it() {
    let (double, mut local) = connected();
    let reseller = local.create_customer(OWN, "Below");
    let shop = local.create_customer(&reseller, "Shop");
    local.create_employee(&shop, "Zoe");
    double.is_stood_in_for(|ask: &Ask| {
        (ask.changes("/customer") && ask.body["name"] == "Below").then(|| Reply { status: 500, ..Reply::html() })
    });
    local.round();
    assert_eq!(states(&local).len(), 3);
    double.be_sound();
    local.round();
    assert_eq!(states(&local), []);
    let (reseller, shop) = double.change(|world| {
        let of = |name: &str| world.customers.values().find(|it| it["name"] == name).cloned().unwrap();
        (of("Below"), of("Shop"))
    });
    assert_eq!(shop["parentReseller"], reseller["_id"]);
    let zoe = double.change(|world| world.employees.values().find(|it| it["name"] == "Zoe").cloned().unwrap());
    assert_eq!(zoe["customer"], shop["_id"]);
    local.round();
    assert_eq!(local.customer(shop["_id"].as_str().unwrap())["parentReseller"], reseller["_id"]);
}

#[test]
fn where_both_sides_changed_the_same_field_a_person_decides_and_other_fields_come_together() {
    for is_mine in [true, false] {
        let (double, mut local) = connected();
        local.update_employee(ANNA, json!({ "title": "Baker" }));
        local.update_employee(BO, json!({ "title": "Baker" }));
        set(&double, ANNA, "title", json!("Chief"));
        set(&double, BO, "department", json!("Bakery"));
        local.round();
        assert_eq!(states(&local), [Conflict]);
        assert_eq!(
            (&local.employee(BO)["title"], &local.employee(BO)["department"]),
            (&json!("Baker"), &json!("Bakery"))
        );
        assert_eq!(at_platform(&double, BO, "title"), "Baker");
        assert_eq!(
            (&local.employee(ANNA)["title"], at_platform(&double, ANNA, "title")),
            (&json!("Baker"), json!("Chief"))
        );
        let seq = local.operations()[0].seq;
        local.change(move |tx, _| outcome::decide(tx, seq, is_mine));
        local.round();
        assert_eq!(states(&local), []);
        let expected = if is_mine { "Baker" } else { "Chief" };
        assert_eq!(
            (&local.employee(ANNA)["title"], at_platform(&double, ANNA, "title")),
            (&json!(expected), json!(expected))
        );
    }
}

#[test]
fn a_copy_takes_the_source_as_the_platform_has_it() {
    let (double, mut local) = connected();
    double.change(|world| {
        world.add_queue("a00000000000000000000009", BAKERY, "Milk");
        world.add_config(ANNA, BAKERY, &[("a00000000000000000000009", "Milk"), (SALES, "Sales")]);
    });
    local.copy(ANNA, BO);
    local.round();
    assert_eq!(states(&local), []);
    let copied = double.change(|world| world.configs[BO]["configs"].clone());
    assert_eq!(copied[0]["items"].as_array().unwrap().len(), 2);
    assert_eq!(local.find("mobileConfigs", BO).unwrap()["configs"], copied);
}

#[test]
fn a_config_that_is_read_while_a_colleague_s_delete_is_in_conflict_does_not_name_who_is_gone_here() {
    let (double, mut local) = connected();
    let content = json!([crate::support::world::section("COLLEAGUES", &[(BO, "Bo")])]);
    double.change(|world| world.configs.get_mut(ANNA).unwrap()["configs"] = content);
    local.round();
    local.delete_employee(BO);
    set(&double, BO, "title", json!("Chief"));
    local.round();
    assert_eq!(states(&local), [Conflict]);
    // Her config changes there, and is read.
    double.change(|world| {
        let content = &mut world.configs.get_mut(ANNA).unwrap()["configs"];
        content.as_array_mut().unwrap().push(json!({ "type": "LATER" }));
    });
    local.round();
    let named = |local: &Local| local.find("mobileConfigs", ANNA).unwrap()["configs"][0]["items"].to_string();
    assert!(!named(&local).contains(BO), "{}", named(&local));
    let seq = local.operations()[0].seq;
    local.change(move |tx, _| outcome::decide(tx, seq, false));
    local.round();
    assert!(named(&local).contains(BO), "{}", named(&local));
}

#[test]
fn the_platform_is_told_to_delete_the_extensions_too() {
    let (double, mut local) = connected();
    let fia = FIA.parse().unwrap();
    let delete = employees::Delete { with_extensions: true, ..employees::Delete::default() };
    let deletes = Arc::new(Mutex::new(vec![]));
    let seen = deletes.clone();
    double.be_odd(move |ask: &Ask, reply: Reply| {
        if ask.method == "DELETE" {
            seen.lock().unwrap().push(ask.query.clone());
        }
        reply
    });
    local.change(move |tx, actor| employees::delete(tx, actor, fia, &delete, |_| Ok(())));
    local.round();
    assert_eq!(*deletes.lock().unwrap(), ["deleteExtensions=true"]);
    assert_eq!(states(&local), []);
}
