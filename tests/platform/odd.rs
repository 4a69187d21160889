//! Answers that the platform's documentation does not speak of: the object is put aside or the list is void, nothing is deleted or
//! overwritten, it is shown, everything else goes on, and when it ends the next round brings all.

use serde_json::{Value, json};

use super::double::{Ask, Double, OWN, Reply};
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
pub enum Then {
    /// It is understood, and changes nothing.
    Read,
    /// One object is put aside, with these words in the reason.
    Aside(&'static str),
    /// A list is void, with these words in the trouble.
    Void(&'static str),
}
pub use Then::{Aside, Read, Void};

/// Plays an oddity: on a local side that is whole, and on one that is empty.
pub fn play(what: &str, then: Then, oddity: impl FnMut(&Ask, Reply) -> Reply + Send + Clone + 'static) {
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
pub fn anna(change: impl Fn(&mut Value) + Send + Clone + 'static) -> impl FnMut(&Ask, Reply) -> Reply + Send + Clone {
    one(|ask| ask.lists_employees_of(BAKERY) || ask.is_get(&format!("/employee/{ANNA}")), ANNA, change)
}

/// Changes one object, wherever these answers hold it.
pub fn one(
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

pub fn only(
    is_it: impl Fn(&Ask) -> bool + Send + Clone,
    mut oddity: impl FnMut(&Ask, Reply) -> Reply + Send + Clone,
) -> impl FnMut(&Ask, Reply) -> Reply + Send + Clone {
    move |ask, reply| if is_it(ask) { oddity(ask, reply) } else { reply }
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
