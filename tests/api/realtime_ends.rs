//! A connection to realtime ends when whoever it is may no longer listen.

use serde_json::json;

use super::support::listener::{Heard, Listener, listening};
use super::support::{TestApp, demo};

#[test]
fn a_connection_that_nobody_authenticates_is_cut_off() {
    let app = TestApp::start_with(|config| config.realtime_authenticate_s = Some(1));
    for open in [Listener::polling, Listener::websocket] {
        let mut stranger = open(&app.nobody());
        stranger.is_refused("authenticate", 401, "credentials_invalid");
        assert_eq!(stranger.next(), Heard::End);
    }
}

#[test]
fn a_listener_whose_session_ends_is_told_and_cut_off() {
    let app = TestApp::start();
    let (manager, viewer, personal) = (app.manager(), app.viewer(), app.personal());
    let mut logged_out = listening(&manager, demo::BAKERY);
    let mut websocket = Listener::websocket(&app.nobody());
    websocket.authenticate(manager.token());
    let mut disabled = listening(&viewer, demo::BAKERY);
    let mut expired = listening(&personal, demo::BAKERY);
    manager.get("/auth/logout").ok();
    for listener in [&mut logged_out, &mut websocket] {
        listener.is_refused("authenticate", 401, "invalid_token");
        assert_eq!(listener.next(), Heard::End);
    }
    app.owner().post(&format!("/employee/{}", demo::VIEWER), json!({ "state": "DISABLED" })).ok();
    // The change itself is told only to those who may still listen.
    disabled.is_refused("authenticate", 401, "invalid_token");
    assert_eq!(disabled.next(), Heard::End);
    assert_eq!(expired.config_event(), "EMPLOYEE_CHANGED");
    // To listen is no use of a session.
    app.clock.advance_ms(16 * 60_000);
    expired.is_refused("authenticate", 401, "expired");
    assert_eq!(expired.next(), Heard::End);
}

#[test]
fn a_listener_who_may_no_longer_hear_what_it_hears_is_told_and_cut_off() {
    let app = TestApp::start();
    let admin = app.admin();
    let mut demoted = Listener::polling(&app.nobody());
    demoted.authenticate(app.session_of(demo::RESELLER_ADMIN).token());
    demoted.subscribe(json!({ "type": "CONFIG", "customer": demo::LIBRARY }));
    admin.post(&format!("/employee/{}", demo::RESELLER_ADMIN), json!({ "accessLevel": "OWNER" })).ok();
    demoted.is_refused("authenticate", 403, "access_denied");
    assert_eq!(demoted.next(), Heard::End);

    let mut reseller = listening(&app.reseller(), demo::WORKSHOP);
    let moved = json!({ "parentReseller": demo::OTHER_RESELLER });
    admin.post(&format!("/customer/{}", demo::WORKSHOP), moved).ok();
    reseller.is_refused("authenticate", 403, "access_denied");
    assert_eq!(reseller.next(), Heard::End);
}

#[test]
fn another_token_takes_the_place_of_the_first_and_subscriptions_begin_anew() {
    let app = TestApp::start();
    let (owner, workshop) = (app.owner(), app.session_of(demo::WORKSHOPS_MANAGER));
    let mut listener = listening(&owner, demo::BAKERY);
    listener.authenticate(workshop.token());
    listener.emit("subscribe", json!({ "type": "CONFIG", "customer": demo::BAKERY }));
    listener.is_refused("subscribe", 403, "access_denied");
    listener.subscribe(json!({ "type": "CONFIG", "customer": demo::WORKSHOP }));
    owner.post(&format!("/employee/{}", demo::EMMA), json!({ "title": "Baker" })).ok();
    workshop.post(&format!("/employee/{}", demo::WORKSHOPS_PERSONAL), json!({ "title": "Smith" })).ok();
    let told = listener.hears("CONFIG");
    assert_eq!(told["customer"], json!(demo::WORKSHOP), "nothing of the first customer");
}
