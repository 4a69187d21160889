//! The mirror over TLS, by a private certificate authority.

use std::process::Command;

use super::mirror_pair::{HubPlace, OPERATOR, is_proved, sync, world_with_operator};
use crate::support::{Place, needs};

fn openssl(place: &Place, arguments: &[&str]) {
    let made = Command::new("openssl").args(arguments).current_dir(place.folder()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// `ca.pem`, and `cert.pem` with `key.pem` that it has signed for 127.0.0.1.
pub fn make_certificates(place: &Place) {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let root = ["req", "-x509", "-days", "2", "-subj", "/CN=Private", "-keyout", "ca.key", "-out", "ca.pem"];
    openssl(place, &[&root[..], &key].concat());
    openssl(place, &[&["req", "-subj", "/CN=hub", "-keyout", "key.pem", "-out", "hub.csr"][..], &key].concat());
    place.put("hub.ext", "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n");
    let sign = ["x509", "-req", "-in", "hub.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    openssl(place, &[&sign[..], &["-extfile", "hub.ext", "-out", "cert.pem"]].concat());
}

#[test]
fn only_a_hub_that_the_private_authority_vouches_for_is_spoken_to() {
    if !needs("openssl") {
        return;
    }
    let (hub_place, place) = (HubPlace::new(), Place::holding(&world_with_operator(3)));
    make_certificates(&hub_place.place);
    let file = |name: &str| hub_place.place.path(name).display().to_string();
    let store = hub_place.store();
    let (cert, key) = (file("cert.pem"), file("key.pem"));
    let tls = ["--listen", "127.0.0.1:0", "--tls-cert", &cert, "--tls-key", &key];
    let mut command = hub_place.place.command(&["hub", "--store", &store]);
    let hub = crate::support::Server::start(command.args(tls), hub_place.place.log());
    assert!(hub.url.starts_with("https://"), "{}", hub.url);
    let code = hub_place.code("Bakery");
    let sentence = place.refused(&["sync", "enroll", &hub.url, &code]);
    assert!(sentence.contains("cannot be reached"), "nobody vouches for it: {sentence}");
    place.run(&["sync", "enroll", &hub.url, &code, "--hub-ca", &file("ca.pem")]);
    let operator = place.token_of(OPERATOR);
    let edge = place.serve_with(&["--hub-ca", &file("ca.pem")]);
    assert_eq!(sync(&edge, &operator)["consistent"], true);
    is_proved(&edge, &operator);
    assert!(edge.stop().success());
    let said = place.run(&["sync", "verify", "--hub-ca", &file("ca.pem")]);
    assert!(said.starts_with("equal"), "{said}");
    let sentence = place.refused(&["sync", "verify", "--hub-ca", &file("key.pem")]);
    assert!(sentence.contains("holds no certificate"), "{sentence}");
}
