//! What is not deleted although it is gone.

use serde_json::{Value, json};
use telecomx_local::domain::platform::OperationState;

use super::double::{Ask, Double, Reply};
use super::local::Local;
use super::odd::{ANNA, BAKERY, DAIRY, FIA, platform, set};

fn nth(n: usize) -> String {
    format!("e1{n:022}")
}

/// The bakery with so many employees more.
fn large(count: usize) -> Double {
    let double = platform();
    double.change(|world| (0..count).for_each(|n| world.add_employee(&nth(n), BAKERY, &format!("Employee {n}"))));
    double
}

fn employees(local: &Local) -> usize {
    local.world()["employees"].as_array().unwrap().len()
}

#[test]
fn when_very_many_are_gone_at_once_nothing_is_deleted_until_somebody_says_so() {
    let double = large(40);
    let mut local = Local::of(&double.url);
    local.round();
    let before = local.world();
    let taken = double.change(|world| {
        let all = world.employees.clone();
        world.employees.retain(|id, _| !id.starts_with("e10"));
        all
    });
    double.asked();
    assert_eq!(local.round().gone, 0);
    assert_eq!(local.world(), before);
    let guard = local.record().guard.unwrap();
    assert!(guard.contains("40 of 45 employees"), "{guard}");
    let asked = double.asked();
    assert!(!asked.iter().any(|call| call.starts_with("GET /employee/")), "it is not asked after each: {asked:?}");

    // They come back: there is nothing to be said any more.
    let without = double.change(|world| std::mem::replace(&mut world.employees, taken));
    local.round();
    assert_eq!((local.record().guard, local.world()), (None, before));

    // They are gone for good, and somebody says so.
    double.change(|world| world.employees = without);
    local.driver.accepts_deletes = true;
    assert_eq!(local.round().gone, 40);
    assert_eq!((local.record().guard, employees(&local)), (None, 7));
}

#[test]
fn few_that_are_gone_are_asked_for_one_by_one() {
    let double = large(20);
    let mut local = Local::of(&double.url);
    local.round();
    // One is gone, one only hidden from the list, one deleted there, one cannot be seen now, of one the answer is no answer.
    double.change(|world| drop(world.employees.remove(&nth(0))));
    set(&double, &nth(2), "state", json!("DELETED"));
    double.asked();
    double.be_odd(|ask: &Ask, reply: Reply| {
        let hidden: Vec<String> = (0..5).map(nth).collect();
        match ask.path.strip_prefix("/employee/").and_then(|id| hidden.iter().position(|hidden| hidden == id)) {
            Some(3) => return Reply::error(500, "internal_error"),
            Some(4) => return Reply::html(),
            _ => {}
        }
        if !ask.lists_employees_of(BAKERY) {
            return reply;
        }
        reply.with(|page| {
            let list = page["employees"].as_array_mut().unwrap();
            list.retain(|it| !hidden.iter().any(|hidden| it["_id"] == hidden.as_str()));
        })
    });
    // The pages of the double are counted before the hiding: the list is void, and nothing is asked.
    assert_eq!((local.round().gone, local.troubles().len()), (0, 1));
    assert!(!double.asked().iter().any(|call| call.starts_with("GET /employee/")));

    let hidden = double.change(|world| {
        let of = |n| world.employees.get(&nth(n)).cloned();
        (1..5).map(|n| (n, of(n))).collect::<Vec<_>>()
    });
    double.change(|world| (1..5).for_each(|n| drop(world.employees.remove(&nth(n)))));
    double.be_odd(move |ask: &Ask, reply: Reply| {
        let id = ask.path.strip_prefix("/employee/").unwrap_or_default();
        match hidden.iter().find(|(n, _)| nth(*n) == id) {
            Some((1 | 2, Some(employee))) => Reply::json(employee),
            Some((3, _)) => Reply::error(500, "internal_error"),
            Some(_) => Reply::html(),
            None => reply,
        }
    });
    double.asked();
    assert_eq!(local.round().gone, 2);
    let asked = double.asked();
    for n in 0..5 {
        assert_eq!(asked.iter().filter(|call| **call == format!("GET /employee/{}", nth(n))).count(), 1, "{asked:?}");
        let is_gone = n == 0 || n == 2;
        assert_eq!(local.find("employees", &nth(n)).is_none(), is_gone, "{n}");
    }
    assert_eq!(local.record().guard, None);
}

#[test]
fn an_account_that_loses_access_to_one_customer_deletes_nothing_and_goes_on_with_the_others() {
    for (lists, says) in [(403, "out of the account's reach"), (404, "missing at the platform")] {
        let double = large(12);
        let mut local = Local::of(&double.url);
        local.round();
        let before = local.world();
        set(&double, FIA, "title", json!("Chief"));
        double.is_stood_in_for(move |ask: &Ask| {
            let is_of_bakery = [BAKERY, ANNA].iter().any(|id| ask.path.ends_with(id));
            let is_of_bakery = is_of_bakery || ask.has(&format!("customer={BAKERY}"));
            is_of_bakery.then(|| Reply::error(lists, "access_denied"))
        });
        double.be_odd(|ask: &Ask, reply: Reply| match ask.is_get("/customer") {
            true => Reply::json(&page_without(reply, BAKERY)),
            false => reply,
        });
        assert_eq!(local.round().gone, 0);
        let guard = local.record().guard.unwrap();
        assert!(guard.contains(says) && guard.contains(BAKERY), "{guard}");
        let mut now = local.world();
        assert_eq!(local.employee(FIA)["title"], "Chief");
        for employee in now["employees"].as_array_mut().unwrap() {
            employee.as_object_mut().unwrap().remove("title");
        }
        assert_eq!(now, before);
        // What is changed here on it waits, and holds up nobody else.
        local.update_employee(ANNA, json!({ "title": "Baker" }));
        local.update_employee(FIA, json!({ "department": "Cheese" }));
        local.round();
        let left: Vec<_> = local.operations().into_iter().map(|it| (it.target.to_string(), it.state)).collect();
        let state = if lists == 403 { OperationState::Waiting } else { OperationState::Refused };
        assert_eq!(left, [(ANNA.to_owned(), state)]);
        assert!(local.find("employees", ANNA).is_some(), "one that is refused is not deleted: that is for the guard");
        assert_eq!(double.change(|world| world.employees[FIA]["department"].clone()), "Cheese");
        double.be_sound();
        local.round();
        assert_eq!(local.record().guard, None);
        let title = double.change(|world| world.employees[ANNA]["title"].clone());
        assert_eq!(title, if lists == 403 { json!("Baker") } else { Value::Null });
        assert_eq!(local.employee(ANNA)["title"], title, "both sides have the same");
    }
}

fn page_without(reply: Reply, customer: &str) -> Value {
    let mut page = reply.value();
    let list = page["customers"].as_array_mut().unwrap();
    list.retain(|it| it["_id"] != customer);
    page["total"] = json!(list.len());
    page
}

#[test]
fn a_customer_whose_queues_may_not_be_listed_does_not_hide_those_of_others() {
    let double = platform();
    double.change(|world| {
        world.add_queue("a00000000000000000000002", DAIRY, "Milk");
    });
    double.be_odd(|ask: &Ask, reply: Reply| {
        let is_it = ask.is_get("/pbx/dialplan") && ask.has(&format!("customer={BAKERY}"));
        if is_it { Reply::error(403, "access_denied") } else { reply }
    });
    let mut local = Local::of(&double.url);
    local.round();
    assert!(local.find("queues", "a00000000000000000000002").is_some(), "{}", local.world()["queues"]);
}
