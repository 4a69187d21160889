//! Answers that the platform's documentation does not speak of: the object is put aside or the list is void, nothing is deleted or
//! overwritten, it is shown, everything else goes on, and when it ends the next round brings all.

use serde_json::{Value, json};

use super::double::{Ask, Double, End, OWN, Reply};
use super::local::Local;

pub const BAKERY: &str = "c00000000000000000000002";
pub const DAIRY: &str = "c00000000000000000000003";
pub const ANNA: &str = "e00000000000000000000011";
pub const BO: &str = "e00000000000000000000012";
pub const FIA: &str = "e00000000000000000000021";
pub const SALES: &str = "a00000000000000000000001";

/// Two customers: one with two pages of employees, one that stays as it should be.
pub fn platform() -> Double {
    let double = Double::start();
    double.change(|world| {
        world.add_customer(BAKERY, "Bakery", Some(OWN));
        world.add_customer(DAIRY, "Dairy", Some(OWN));
        world.add_queue(SALES, BAKERY, "Sales");
        for (n, name) in ["Anna", "Bo", "Carl", "Dora", "Eva"].into_iter().enumerate() {
            let id = format!("e000000000000000000000{}", n + 11);
            world.add_employee(&id, BAKERY, name);
            world.add_config(&id, BAKERY, &[(SALES, "Sales")]);
        }
        world.add_employee(FIA, DAIRY, "Fia");
        world.add_config(FIA, DAIRY, &[]);
    });
    double
}

pub fn set(double: &Double, employee: &str, name: &str, value: Value) {
    double.change(|world| world.employees.get_mut(employee).unwrap()[name] = value);
}

/// What an oddity comes to.
#[derive(Clone, Copy)]
enum Then {
    /// It is understood, and changes nothing.
    Read,
    /// One object is put aside, with these words in the reason.
    Aside(&'static str),
    /// A list is void, with these words in the trouble.
    Void(&'static str),
}
use Then::{Aside, Read, Void};

/// Plays an oddity: on a local side that is whole, and on one that is empty.
fn play(what: &str, then: Then, oddity: impl FnMut(&Ask, Reply) -> Reply + Send + Clone + 'static) {
    for is_first in [false, true] {
        let double = platform();
        let mut local = Local::of(&double.url);
        if !is_first {
            assert_eq!(local.round().failed, 0, "{what}");
        }
        let before = local.world();
        set(&double, FIA, "title", json!("Chief"));
        double.be_odd(oddity.clone());
        local.round();
        local.round();

        // It is shown.
        let (aside, troubles) = (local.put_aside(), local.troubles());
        match then {
            Read => assert!(aside.is_empty() && troubles.is_empty(), "{what}: {aside:?} {troubles:?}"),
            Aside(why) => {
                // Where nobody has been read yet, the config of one who is put aside is put aside too.
                let is_it = aside.iter().any(|it| it.reason.contains(why)) && aside.len() <= 1 + usize::from(is_first);
                assert!(is_it && troubles.is_empty(), "{what}: {aside:?} {troubles:?}");
                assert!(aside.iter().all(|it| it.reason.len() < 600), "{what}: {aside:?}");
            }
            Void(why) => {
                assert!(troubles.len() == 1 && troubles[0].contains(why), "{what}: {troubles:?} {aside:?}");
                assert!(troubles[0].len() < 600, "{what}: {troubles:?}");
            }
        }
        // Everything else goes on; nothing is deleted, nothing overwritten.
        let mut now = local.world();
        let fia = now["employees"].as_array_mut().unwrap().iter_mut().find(|it| it["_id"] == FIA).unwrap();
        assert_eq!(fia.as_object_mut().unwrap().remove("title"), Some(json!("Chief")), "{what}");
        if !is_first {
            assert_eq!(now, before, "{what}");
        }

        // It ends, and the next round brings all.
        double.be_sound();
        set(&double, ANNA, "title", json!("Baker"));
        local.round();
        assert_eq!((local.put_aside().len(), local.troubles()), (0, vec![]), "{what}");
        let fresh = Local::of(&double.url);
        let mut fresh = fresh;
        fresh.round();
        assert_eq!(local.world(), fresh.world(), "{what}: as one that has seen nothing odd");
        assert_eq!(local.employee(ANNA)["title"], "Baker", "{what}");
        let writes = local.writes();
        assert_eq!((local.round().changed, local.writes()), (0, writes), "{what}: nothing is left to do");
    }
}

/// Changes Anna, as the list of employees has her.
fn anna(change: impl Fn(&mut Value) + Send + Clone + 'static) -> impl FnMut(&Ask, Reply) -> Reply + Send + Clone {
    one(|ask| ask.lists_employees_of(BAKERY) || ask.is_get(&format!("/employee/{ANNA}")), ANNA, change)
}

/// Changes one object, wherever these answers hold it.
fn one(
    is_it: impl Fn(&Ask) -> bool + Send + Clone + 'static,
    id: &'static str,
    change: impl Fn(&mut Value) + Send + Clone + 'static,
) -> impl FnMut(&Ask, Reply) -> Reply + Send + Clone {
    move |ask, reply| {
        if !is_it(ask) || reply.status != 200 {
            return reply;
        }
        reply.with(|value| match value {
            Value::Array(list) => list.iter_mut().filter(|it| it["_id"] == id).for_each(&change),
            object if object["_id"] == id => change(object),
            page => {
                let lists = page.as_object_mut().unwrap().values_mut().filter_map(Value::as_array_mut);
                lists.flatten().filter(|it| it["_id"] == id).for_each(&change);
            }
        })
    }
}

/// Lays `oddity` over the pages of the bakery's employees.
fn employees(
    oddity: impl FnMut(&Ask, Reply) -> Reply + Send + Clone,
) -> impl FnMut(&Ask, Reply) -> Reply + Send + Clone {
    only(|ask| ask.lists_employees_of(BAKERY), oddity)
}

fn configs(oddity: impl FnMut(&Ask, Reply) -> Reply + Send + Clone) -> impl FnMut(&Ask, Reply) -> Reply + Send + Clone {
    only(|ask| ask.lists_configs_of(BAKERY), oddity)
}

fn customers(
    oddity: impl FnMut(&Ask, Reply) -> Reply + Send + Clone,
) -> impl FnMut(&Ask, Reply) -> Reply + Send + Clone {
    // The list alone: first it must have been read.
    only(|ask| ask.is_get("/customer"), oddity)
}

fn only(
    is_it: impl Fn(&Ask) -> bool + Send + Clone,
    mut oddity: impl FnMut(&Ask, Reply) -> Reply + Send + Clone,
) -> impl FnMut(&Ask, Reply) -> Reply + Send + Clone {
    move |ask, reply| if is_it(ask) { oddity(ask, reply) } else { reply }
}

fn html(_: &Ask, _: Reply) -> Reply {
    Reply::html()
}

fn cut(_: &Ask, reply: Reply) -> Reply {
    Reply { end: End::Cut(reply.body.len() / 2), ..reply }
}

fn half_a_json(_: &Ask, mut reply: Reply) -> Reply {
    reply.body.truncate(reply.body.len() / 2);
    reply
}

fn endless(_: &Ask, reply: Reply) -> Reply {
    Reply { body: vec![b'['], end: End::Endless, ..reply }
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[test]
fn what_can_be_understood_all_the_same_changes_nothing() {
    play("upper-case ids", Read, |_: &Ask, reply: Reply| {
        let upper =
            |text: String| ["c0", "e0", "a0"].iter().fold(text, |text, id| text.replace(id, &id.to_uppercase()));
        Reply { body: upper(String::from_utf8(reply.body).unwrap()).into_bytes(), ..reply }
    });
    play("extra fields", Read, anna(|it| it["invented"] = json!({ "a": [null, 1.5] })));
    play(
        "what is optional left out",
        Read,
        anna(|it| {
            let object = it.as_object_mut().unwrap();
            object.remove("state");
            object.remove("customer");
        }),
    );
    play(
        "null for what has no value",
        Read,
        anna(|it| {
            it["title"] = Value::Null;
            it["address"] = Value::Null;
        }),
    );
}

#[test]
fn an_object_that_is_not_understood_is_put_aside_alone() {
    play("an unknown access level", Aside("EMPEROR"), anna(|it| it["accessLevel"] = json!("EMPEROR")));
    play("no access level", Aside("accessLevel"), anna(|it| drop(it.as_object_mut().unwrap().remove("accessLevel"))));
    play("an unknown state", Aside("ASLEEP"), anna(|it| it["state"] = json!("ASLEEP")));
    play("null for a list", Aside("organizationResellers"), anna(|it| it["organizationResellers"] = Value::Null));
    play("no name", Aside("name"), anna(|it| it["name"] = json!(" ")));
    play("an id that is none", Aside("24 hex"), anna(|it| it["_id"] = json!("123")));
    play("control characters in a name", Aside("name"), anna(|it| it["name"] = json!("Anna\u{1b}[2J\u{0}")));
    play("a number for a text", Aside("a string"), anna(|it| it["name"] = json!(7)));
    play("the address of another", Aside("emailAddress"), anna(|it| it["emailAddress"] = json!("bo@example.com")));
    play(
        "a customer that is not there",
        Aside("customer"),
        anna(|it| it["customer"] = json!("c0000000000000000000000f")),
    );
    play("nested too deep", Aside("recursion"), |ask: &Ask, reply: Reply| {
        if !ask.lists_employees_of(BAKERY) {
            return reply;
        }
        let text = String::from_utf8(reply.body).unwrap();
        let deep = format!("\"_id\":\"{ANNA}\",\"deep\":{}", nested(50_000));
        Reply { body: text.replace(&format!("\"_id\":\"{ANNA}\""), &deep).into_bytes(), ..reply }
    });
    let config = |change: fn(&mut Value)| one(|ask| ask.lists_configs_of(BAKERY), ANNA, change);
    play("null for a config's sections", Aside("configs"), config(|it| it["configs"] = Value::Null));
    play("null for a section's items", Aside("items"), config(|it| it["configs"][0]["items"] = Value::Null));
    play("an object for a config's sections", Aside("configs"), config(|it| it["configs"] = json!({})));
    play(
        "a config of more than can be held",
        Aside("bytes"),
        config(|it| it["configs"][0]["more"] = json!("x".repeat(5 << 20))),
    );
    let customer = |change: fn(&mut Value)| one(|ask| ask.is_get("/customer"), BAKERY, change);
    play("null for a customer's addresses", Aside("addresses"), customer(|it| it["addresses"] = Value::Null));
    play("an unknown state of a customer", Aside("GONE"), customer(|it| it["state"] = json!("GONE")));
}

#[test]
fn a_list_of_employees_that_is_not_whole_is_void() {
    play("null for the list", Void("no page"), employees(|_, reply| reply.with(|it| it["employees"] = Value::Null)));
    play(
        "no total",
        Void("no page"),
        employees(|_, reply| reply.with(|it| drop(it.as_object_mut().unwrap().remove("total")))),
    );
    play(
        "an empty page before the last",
        Void("not whole"),
        employees(|ask, reply| match ask.has("offset=0") {
            true => reply,
            false => reply.with(|it| it["employees"] = json!([])),
        }),
    );
    play(
        "a total that moves",
        Void("changed while it was read"),
        employees(|ask, reply| match ask.has("offset=0") {
            true => reply,
            false => reply.with(|it| it["total"] = json!(6)),
        }),
    );
    play(
        "one twice",
        Void("twice"),
        employees(|_, reply| reply.with(|it| it["employees"][1] = it["employees"][0].clone())),
    );
    play("more than its total", Void("not whole"), employees(|_, reply| reply.with(|it| it["total"] = json!(2))));
    play("200 with HTML", Void("no page"), employees(html));
    play("half a JSON", Void("no page"), employees(half_a_json));
    play("cut off", Void("broke off"), employees(cut));
    play("without an end", Void("longer than"), employees(endless));
    play("500 for one customer", Void("500"), employees(|_, _| Reply { status: 500, ..Reply::html() }));
    play("403 for one customer", Void("access_denied"), employees(|_, _| Reply::error(403, "access_denied")));
    play("a long error", Void("long"), employees(|_, _| Reply::error(403, &"long".repeat(100_000))));
    play("404 for one customer", Void("customer"), employees(|_, _| Reply::error(404, "customer")));
}

#[test]
fn a_list_of_configs_or_queues_that_is_not_whole_is_void() {
    play("null for the list", Void("no list"), configs(|_, _| Reply::json(&Value::Null)));
    play("200 with HTML", Void("no list"), configs(html));
    play("half a JSON", Void("no list"), configs(half_a_json));
    play("cut off", Void("no list"), configs(cut));
    play("one twice", Void("twice"), configs(|_, reply| reply.with(|it| it[1] = it[0].clone())));
    play("500 for one customer", Void("500"), configs(|_, _| Reply { status: 500, ..Reply::html() }));
    let queues = |ask: &Ask| ask.is_get("/pbx/dialplan") && ask.has(&format!("customer={BAKERY}"));
    play("200 with HTML for queues", Void("no page"), only(queues, html));
    play("500 for queues", Void("500"), only(queues, |_, _| Reply { status: 500, ..Reply::html() }));
}

#[test]
fn a_list_of_customers_that_is_not_whole_is_void_and_those_that_are_known_are_read() {
    for (what, why, odd) in [
        ("200 with HTML", "no page", html as fn(&Ask, Reply) -> Reply),
        ("cut off", "broke off", cut),
        ("403", "access_denied", |_, _| Reply::error(403, "access_denied")),
        ("500", "500", |_, _| Reply { status: 500, ..Reply::html() }),
    ] {
        let double = platform();
        let mut local = Local::of(&double.url);
        local.round();
        let before = local.world();
        double.be_odd(customers(odd));
        set(&double, FIA, "title", json!("Chief"));
        local.round();
        assert!(local.troubles().iter().any(|trouble| trouble.contains(why)), "{what}: {:?}", local.troubles());
        assert_eq!(local.employee(FIA)["title"], "Chief", "{what}");
        assert_eq!(local.world()["customers"], before["customers"], "{what}");
        double.be_sound();
        local.round();
        assert_eq!(local.troubles(), Vec::<String>::new(), "{what}");
    }
}

#[test]
fn a_reseller_that_was_put_aside_at_first_has_its_customers_below_it_in_the_end() {
    let (reseller, shop) = ("c0000000000000000000000a", "c0000000000000000000000b");
    let double = platform();
    double.change(|world| {
        world.add_customer(reseller, "Below", Some(OWN));
        world.add_customer(shop, "Shop", Some(reseller));
    });
    let mut local = Local::of(&double.url);
    double.be_odd(one(|ask| ask.is_get("/customer"), reseller, |it| it["state"] = json!("ODD")));
    local.round();
    assert_eq!(local.customer(shop)["parentReseller"], Value::Null);
    double.be_sound();
    local.round();
    assert_eq!(local.customer(shop)["parentReseller"], reseller);
}

#[test]
fn a_state_that_is_left_out_is_not_one_that_lets_in() {
    let double = platform();
    set(&double, ANNA, "state", json!("DISABLED"));
    let mut local = Local::of(&double.url);
    local.round();
    double.be_odd(anna(|it| drop(it.as_object_mut().unwrap().remove("state"))));
    local.round();
    assert_eq!(local.employee(ANNA)["state"], "DISABLED");
}

#[test]
fn dates_are_read_with_and_without_milliseconds() {
    let double = platform();
    let mut local = Local::of(&double.url);
    for date in ["2099-01-02T00:00:00Z", "2099-01-02T00:00:00.000Z", "2099-01-02"] {
        set(&double, ANNA, "deleteDate", json!(date));
        local.round();
        assert_eq!(local.put_aside().len(), 0, "{date}: {:?}", local.put_aside());
        assert_eq!(local.employee(ANNA)["deleteDate"], "2099-01-02T00:00:00.000Z", "{date}");
    }
}
