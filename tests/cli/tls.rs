//! TLS with a certificate of one's own.

use std::process::Command;

use serde_json::json;

use crate::support::{Place, Server, needs};

/// `cert.pem` and `key.pem` in the place's folder; false where they cannot be made.
pub fn make_certificate(place: &Place) -> bool {
    if !needs("openssl") || !needs("curl") {
        return false;
    }
    let subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .args(subject)
        .current_dir(place.folder())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    true
}

fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl").args(["-sS", "-w", " %{http_code} %{http_version}"]).args(arguments).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

fn serve_tls(place: &Place, listen: &str) -> Server {
    let mut command = place.on_db(&["serve", "--tls-cert", "cert.pem", "--tls-key", "key.pem", "--listen", listen]);
    Server::start(&mut command, place.log())
}

#[test]
fn it_answers_over_https_also_on_an_open_address() {
    let place = Place::with_world();
    if !make_certificate(&place) {
        return;
    }
    let server = serve_tls(&place, "0.0.0.0:0");
    let url = server.url.replace("0.0.0.0", "127.0.0.1") + "/healthz";
    assert!(url.starts_with("https://"), "{url}");
    assert_eq!(curl(&["-k", &url]), r#"{"status":"ok"} 200 2"#);
    assert_eq!(curl(&["-k", "--http1.1", &url]), r#"{"status":"ok"} 200 1.1"#);
    let ca = place.path("cert.pem");
    assert_eq!(curl(&["--cacert", ca.to_str().unwrap(), &url]), r#"{"status":"ok"} 200 2"#);
    let plain = url.replace("https://", "http://");
    assert!(!curl(&[&plain]).contains("200"), "nothing is answered in the clear");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn the_cookie_of_the_console_is_for_secure_connections_alone() {
    let place = Place::new();
    if !make_certificate(&place) {
        return;
    }
    let demo = ["serve", "--demo", "--listen", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    let server = Server::start(&mut place.on_db(&demo), place.log());
    let body = json!({ "username": "manager@bakery.example.com", "password": "Demo-Passw0rd" }).to_string();
    let session = format!("{}/local/session", server.url);
    let answer = curl(&["-k", "-i", "-H", "Content-Type: application/json", "-d", &body, &session]);
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: telecomx_console=")).unwrap();
    for part in ["; Secure", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_certificate_that_cannot_be_used_is_one_sentence() {
    let place = Place::new();
    if !make_certificate(&place) {
        return;
    }
    place.put("not.pem", "nothing\n");
    let refused = |cert: &str, key: &str| {
        place.refused(&["serve", "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key])
    };
    assert!(refused("not.pem", "key.pem").contains("not.pem cannot be used for TLS"));
    assert!(refused("cert.pem", "not.pem").contains("not.pem cannot be used for TLS"));
    assert!(refused("cert.pem", "missing.pem").contains("missing.pem cannot be used for TLS"));
    let sentence = place.refused(&["serve", "--tls-cert", "cert.pem"]);
    assert!(sentence.contains("go together"), "{sentence}");
}
