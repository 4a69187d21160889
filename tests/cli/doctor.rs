//! `doctor` checks what the rules promise, and says how to mend what breaks a promise.

use super::tampering::tampered;
use crate::support::place::set_content;
use crate::support::{Place, world};

/// Checks of what the rules promise: the others see that a file was changed by hand.
const CHECKS: [&str; 8] =
    ["references", "customers", "addresses", "employees", "stubs", "mobile configs", "pbx objects", "logins"];

/// The findings of those checks after `sql`.
fn findings(place: &Place, sql: &str) -> Vec<String> {
    let copy = tampered(place, sql);
    let output = place.command(&["doctor", "--db"]).arg(&copy).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let of_check = |line: &&str| CHECKS.iter().any(|check| line.starts_with(&format!("WRONG  {check}: ")));
    said.lines().filter(of_check).map(str::to_owned).collect()
}

/// `sql` gives exactly one finding: of `check`, which names `object` and says how to mend it.
fn is_found(place: &Place, sql: &str, check: &str, object: &str, mend: &str) {
    let found = findings(place, sql);
    assert_eq!(found.len(), 1, "{sql}: {found:?}");
    let line = found[0].strip_prefix(&format!("WRONG  {check}: ")).unwrap_or_else(|| panic!("{sql}: {found:?}"));
    assert!(line.contains(object) && line.contains(mend), "{sql}: {line}");
}

#[test]
fn nothing_is_found_in_the_demo_world() {
    let place = Place::new();
    assert!(place.serve_with(&["--demo"]).stop().success());
    let said = place.run(&["doctor"]);
    assert!(!said.contains("WRONG"), "{said}");
    for check in CHECKS {
        assert!(said.contains(&format!("ok     {check}: ")), "{check}: {said}");
    }
}

#[test]
fn a_customer_without_a_live_reseller_or_below_itself_is_found() {
    let place = Place::with_world();
    let (reseller, bakery) = (world::RESELLER, world::CUSTOMER);
    let mend = "parentReseller with POST /customer/{id}";
    let deleted = format!("update customers set state = 'DELETED' where id = '{reseller}'");
    is_found(&place, &deleted, "customers", bakery, mend);
    let circle = format!("update customers set parent_reseller = '{bakery}' where id = '{reseller}'");
    is_found(
        &place,
        &circle,
        "customers",
        &format!("2 customers are below themselves, or below such a customer ({reseller}"),
        mend,
    );
    let missing = format!("update customers set parent_reseller = 'c000000000000000000000ff' where id = '{bakery}'");
    let found = findings(&place, &missing);
    assert!(found.len() == 2 && found[0].contains(&format!("customers {bakery} to customers")), "{found:?}");
    assert!(found[1].contains(bakery), "{found:?}");
    // A deleted customer may refer to what is gone.
    let both = format!(
        "{deleted}; update customers set state = 'DELETED' where id = '{bakery}';
        update employees set state = 'DELETED'; delete from mobile_configs"
    );
    assert_eq!(findings(&place, &both), Vec::<String>::new());
}

#[test]
fn addresses_that_break_the_rules_are_found() {
    let place = Place::with_world();
    let bakery = world::CUSTOMER;
    let set = |value: &str| format!("update customers set addresses = {value} where id = '{bakery}'");
    is_found(&place, &set("'[]'"), "addresses", bakery, "POST /customer/{id}/address");
    is_found(&place, &set("json_set(addresses, '$[0].primary', json('false'))"), "addresses", bakery, "primary");
    let twice = "json_set(addresses, '$[1]', json_set(addresses -> '$[0]', '$.primary', json('false')))";
    is_found(&place, &set(twice), "addresses", bakery, "same id");
    let two = "json_set(addresses, '$[1]', json_set(addresses -> '$[0]', '$._id', 'ad00000000000000000000ff'))";
    is_found(&place, &set(two), "addresses", bakery, "one of them as the primary");
}

#[test]
fn what_an_employee_refers_to_and_what_is_not_there_is_found() {
    let place = Place::with_world();
    let (anna, bakery) = (world::ANNA, world::CUSTOMER);
    let set = |column: &str, value: &str| format!("update employees set {column} = '{value}' where id = '{anna}'");
    let no_address = set("address", "ad00000000000000000000ff");
    is_found(&place, &no_address, "employees", anna, "another address, or null, with POST /employee/{id}");
    let no_resellers = set("organization_resellers", r#"["c000000000000000000000ff"]"#);
    is_found(&place, &no_resellers, "employees", anna, "POST /employee/{id}");
    let of_deleted = format!("update customers set state = 'DELETED' where id = '{bakery}'");
    is_found(&place, &of_deleted, "employees", "3 live employees", "DELETE /employee/{id}");
    // Once she is deleted, so is what her colleagues knew of her, and nothing of it matters.
    let deleted = format!(
        "{no_address}; {no_resellers}; update employees set state = 'DELETED' where id = '{anna}';
        delete from mobile_configs where id = '{anna}'"
    );
    assert_eq!(findings(&place, &deleted), Vec::<String>::new());
}

#[test]
fn mobile_configs_that_break_the_rules_are_found() {
    let place = Place::with_world();
    let (anna, bo, sales) = (world::ANNA, world::BO, world::SALES);
    let again = "POST /pbx/app/mobileconfig/{id}";
    let set = |configs: &str| set_content(anna, &format!("'{configs}'"));
    for malformed in [
        "[{",
        "[7]",
        r#"[{"type":"QUEUES","items":[]}]"#,
        r#"[{"type":"QUEUES","items":[{"_id":"a","name":""}],"others":[]}]"#,
    ] {
        is_found(&place, &set(malformed), "mobile configs", anna, again);
    }
    let entry = |kind: &str, list: &str, id: &str, name: &str| {
        let other = if list == "items" { "others" } else { "items" };
        set(&format!(r#"[{{"type":"{kind}","{list}":[{{"_id":"{id}","name":"{name}"}}],"{other}":[]}}]"#))
    };
    for list in ["items", "others"] {
        let nobody = "e000000000000000000000ff";
        is_found(&place, &entry("COLLEAGUES", list, nobody, "Nobody"), "mobile configs", anna, again);
        is_found(&place, &entry("QUEUES", list, bo, "Bo"), "mobile configs", "queues", again);
        is_found(&place, &entry("COLLEAGUES", list, bo, "Bob"), "mobile configs", anna, "export and import");
        is_found(&place, &entry("QUEUES", list, sales, "Sails"), "mobile configs", anna, "export and import");
    }
    // Both are there, of another customer or deleted.
    let moved = format!("update queues set customer = '{}' where id = '{sales}'", world::RESELLER);
    is_found(&place, &moved, "mobile configs", anna, again);
    let bo_is_deleted = format!("update employees set state = 'DELETED' where id = '{bo}'");
    let found = findings(&place, &bo_is_deleted);
    assert!(
        found.len() == 1
            && found[0].contains(&format!("do not belong to a live employee of their customer ({bo}): stop")),
        "{found:?}"
    );
    assert!(
        found[0].contains(&format!("colleagues who are not live employees of the same customer ({anna})")),
        "{found:?}"
    );
}

#[test]
fn more_than_one_employee_of_a_login_name_and_secrets_of_the_deleted_are_found() {
    let place = Place::with_world();
    let (anna, bo) = (world::ANNA, world::BO);
    place.token_of(bo);
    let same = format!(
        "drop index employees_email_address; update employees set email_address = upper((
            select email_address from employees where id = '{bo}')) where id = '{anna}'"
    );
    is_found(&place, &same, "logins", &format!("{anna} and {bo}"), "emailAddress with POST /employee/{id}");
    let rest = format!("update employees set state = 'DELETED' where id = '{bo}'; delete from mobile_configs");
    is_found(&place, &rest, "logins", bo, "tokens with sqlite3");
    for secret in [
        format!("insert into credentials (employee, password_hash) values ('{bo}', 'x')"),
        format!(
            "insert into sessions (token_hash, employee, login_ip, persist, created_at, last_used_at)
             values (zeroblob(32), '{bo}', '', 0, 0, 0)"
        ),
    ] {
        let table = secret.split_whitespace().nth(2).unwrap();
        let alone = format!("{rest}; delete from tokens; {secret}");
        is_found(&place, &alone, "logins", bo, &format!("{table} with sqlite3"));
    }
}

#[test]
fn a_finding_counts_all_and_names_the_first_few() {
    let place = Place::holding(&world::with_employees(9));
    let all = "update employees set address = 'ad00000000000000000000ff'";
    let found = findings(&place, all);
    assert!(found[0].contains("12 live employees") && found[0].contains(", …): "), "{found:?}");
    assert_eq!(found[0].matches("e0000").count() + found[0].matches("e1000").count(), 5, "{found:?}");
}

#[test]
fn an_object_of_the_pbx_that_refers_to_what_is_gone_is_found() {
    let place = Place::new();
    assert!(place.serve_with(&["--demo"]).stop().success());
    let missing = "'ffffffffffffffffffffffff'";
    let (extension, member, group) =
        ("b00000000000000000000407", "d10000000000000000000404", "d00000000000000000000401");
    let employee = format!("update pbx_objects set employee = {missing} where id = '{extension}'");
    is_found(&place, &employee, "pbx objects", extension, "import each again");
    let queue = format!("update pbx_objects set queue = 'a00000000000000000000501' where id = '{member}'");
    is_found(&place, &queue, "pbx objects", member, "import the queue");
    let of_member =
        format!("update pbx_objects set object = json_set(object, '$.extension', {missing}) where id = '{member}'");
    is_found(&place, &of_member, "pbx objects", member, "import the extensions");
    let of_group =
        format!("update pbx_objects set object = json_set(object, '$.controllers[0]', {missing}) where id = '{group}'");
    is_found(&place, &of_group, "pbx objects", group, "import the extensions");
    let deleted = format!("{of_group}; update customers set state = 'DELETED' where id = 'c00000000000000000000004'");
    assert!(findings(&place, &deleted).iter().all(|line| !line.contains("pbx objects")), "of a deleted customer");
}
