//! Lists that are not whole, or that are no lists at all.

use serde_json::{Value, json};

use super::double::{Ask, End, OWN, Reply};
use super::local::Local;
use super::odd::{ANNA, BAKERY, FIA, Void, anna, one, only, platform, play, set};

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
