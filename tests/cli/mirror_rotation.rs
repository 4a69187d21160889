//! A running server replaces its token for its hub.

use serde_json::json;

use super::mirror_pair::{HubPlace, OPERATOR, is_proved, sync};
use super::trust;

#[test]
fn an_admin_replaces_the_token_of_a_running_server_and_the_mirror_goes_on() {
    let (hub_place, place) = (HubPlace::new(), trust::place());
    let hub = hub_place.start();
    let (operator, edge) = (place.token_of(OPERATOR), place.serve());
    let admin = trust::log_in(&edge);
    let alone = edge.post("/sync/rotate-token", &admin, &json!({}));
    assert_eq!((alone.status, &alone.body["error"]["code"]), (409, &json!("hub")), "it has no hub: {alone:?}");
    assert!(edge.stop().success());
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let edge = place.serve();
    let admin = trust::log_in(&edge);
    assert_eq!(sync(&edge, &operator)["consistent"], true);
    let store = rusqlite::Connection::open(hub_place.place.path("hub.db")).unwrap();
    let token = || store.query_row("select hex(token_hash) from origins", [], |row| row.get::<_, String>(0)).unwrap();
    let before = token();
    assert_eq!(edge.post("/sync/rotate-token", &operator, &json!({})).status, 403, "for ADMIN only");
    assert_eq!(token(), before);
    let rotated = edge.post("/sync/rotate-token", &admin, &json!({}));
    assert_eq!(rotated.status, 200, "{rotated:?}");
    assert_ne!(token(), before);
    is_proved(&edge, &operator);
    let status = sync(&edge, &operator);
    assert_eq!((&status["alarm"], &status["forks"]), (&json!(null), &json!(0)));
    let sql = "select group_concat(actor_name || ' ' || outcome, ', ') from (select actor_name, outcome from audit
        where action = 'rotate hub token' order by seq)";
    let trail: String = place.sqlite().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(trail, "Rosa refused, Ada accepted");
}
