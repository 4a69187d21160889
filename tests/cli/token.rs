//! `token create`

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
