//! `token`

use crate::support::{Place, world};

#[test]
fn the_token_stands_alone_on_its_line_and_works_as_a_bearer() {
    let place = Place::with_world();
    let printed = place.run(&["token", "create", "--employee", world::MANAGER]);
    let token = printed.strip_suffix('\n').unwrap();
    assert!(token.len() == 64 && token.bytes().all(|c| c.is_ascii_hexdigit()), "{printed:?}");
    let server = place.serve();
    assert_eq!(server.get(&world::config_path(world::ANNA), token).status, 200);
    assert_eq!(server.get(&world::config_path(world::ANNA), &token.replace(|_| true, "0")).status, 401);
}

#[test]
fn it_gives_its_employee_s_access_and_no_more() {
    let place = Place::with_world();
    let token = place.token_of(world::ANNA);
    let server = place.serve();
    assert_eq!(server.get(&world::config_path(world::ANNA), &token).status, 200);
    assert_eq!(server.get(&world::config_path(world::BO), &token).status, 403);
}

#[test]
fn it_is_recorded() {
    let place = Place::with_world();
    place.token();
    let entry: (String, String, String) = place
        .sqlite()
        .query_row("select action, source, object from audit order by seq desc limit 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(entry, ("create token".into(), "command line".into(), world::MANAGER.into()));
}

#[test]
fn nobody_and_no_administrator_gets_one() {
    let place = Place::with_world();
    let nobody = place.refused(&["token", "create", "--employee", &world::nth(7)]);
    assert!(nobody.contains("no token was created") && nobody.contains("not found"), "{nobody}");
    place.run(&["admin", "create", "--email", "root@example.com"]);
    let admin: String = place
        .sqlite()
        .query_row("select id from employees where access_level = 'ADMIN'", [], |row| row.get(0))
        .unwrap();
    let sentence = place.refused(&["token", "create", "--employee", &admin]);
    assert!(sentence.contains("Tokens are not allowed for admins"), "{sentence}");
    let output = place.on_db(&["token", "create", "--employee", "anna"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("an id is 24 hex characters"));
    let tokens: i64 = place.sqlite().query_row("select count(*) from tokens", [], |row| row.get(0)).unwrap();
    assert_eq!(tokens, 0);
}

/// The rows of `token list`, in columns.
fn listed(place: &Place, more: &[&str]) -> Vec<Vec<String>> {
    let printed = place.run(&[&["token", "list"], more].concat());
    printed.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn the_list_shows_whose_they_are_and_none_of_them_also_beside_a_server() {
    let place = Place::with_world();
    assert_eq!(place.run(&["token", "list"]), "");
    let (first, second) = (place.token(), place.token_of(world::ANNA));
    let server = place.serve();
    let rows = listed(&place, &[]);
    let named: Vec<_> =
        rows.iter().map(|row| (row[1].as_str(), row[2].as_str(), row[3].as_str(), row[5].as_str())).collect();
    assert_eq!(named, [(world::MANAGER, "Mia", world::CUSTOMER, "-"), (world::ANNA, "Anna", world::CUSTOMER, "-")]);
    assert!(!rows.iter().any(|row| first.contains(&row[0]) || second.contains(&row[0])), "{rows:?}");
    assert_eq!(server.get(&world::config_path(world::ANNA), &second).status, 200);
    assert!(server.stop().success());
    assert_eq!(listed(&place, &["--employee", world::ANNA]).len(), 1);
    let row = place.run(&["token", "list", "--json", "--employee", world::ANNA]);
    let row: serde_json::Value = serde_json::from_str(&row).unwrap();
    assert_eq!((&row["employee"], row["lastUsedAt"].is_string()), (&world::ANNA.into(), true), "{row}");
}

#[test]
fn one_is_revoked_by_its_id_or_all_of_an_employee() {
    let place = Place::with_world();
    let (gone, kept) = (place.token(), place.token());
    let annas = [place.token_of(world::ANNA), place.token_of(world::ANNA)];
    let id = listed(&place, &[])[0][0].clone();
    assert_eq!(place.run(&["token", "revoke", &id]), "1 machine-to-machine token revoked\n");
    assert_eq!(place.run(&["token", "revoke", "--employee", world::ANNA]), "2 machine-to-machine tokens revoked\n");
    for (arguments, why) in [
        (["token", "revoke", id.as_str()].as_slice(), "Token not found"),
        (&["token", "revoke", &world::nth(3)], "Token not found"),
        (&["token", "revoke", "--employee", &world::nth(3)], "Employee not found"),
    ] {
        let sentence = place.refused(arguments);
        assert!(sentence.contains("nothing was revoked") && sentence.contains(why), "{sentence}");
    }
    assert_eq!(place.on_db(&["token", "revoke"]).output().unwrap().status.code(), Some(2));
    assert_eq!(place.on_db(&["token", "revoke", &id, "--employee", &id]).output().unwrap().status.code(), Some(2));
    let server = place.serve();
    for ended in [&gone, &annas[0], &annas[1]] {
        assert_eq!(server.get(&world::config_path(world::ANNA), ended).status, 401);
    }
    assert_eq!(server.get(&world::config_path(world::ANNA), &kept).status, 200);
}
