//! Bodies that a hub is sent, packed well or badly, by those who may and by those who may not.

use std::io::{Read, Write};

use serde_json::json;

use super::mirror_pair::{Hub, HubPlace};

const WELL_KNOWN: &str = "/.well-known/telecomx-local";
const ENROLL: &str = "/sync/v1/enroll";

/// A hub with one edge: path of its exchange, and its token.
fn enrolled(place: &HubPlace) -> (Hub, String, String) {
    let hub = place.start();
    let answer = hub.server.post(ENROLL, "", &json!({ "code": place.code("Bakery") }));
    let token = answer.body["token"].as_str().unwrap().to_owned();
    let path = hub.path("exchange");
    (hub, path, token)
}

fn zstd(body: &mut dyn Read) -> Vec<u8> {
    let mut packed = zstd::Encoder::new(Vec::new(), 1).unwrap();
    std::io::copy(body, &mut packed).unwrap();
    packed.finish().unwrap()
}

fn gzip(body: &mut dyn Read) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(body, &mut packed).unwrap();
    packed.finish().unwrap()
}

#[test]
fn a_little_that_unpacks_to_very_much_is_refused_before_it_does() {
    let place = HubPlace::new();
    let (hub, exchange, token) = enrolled(&place);
    let before = hub.server.peak_memory();
    let zeros = |mebibytes: u64| std::io::repeat(0).take(mebibytes << 20);
    let told = zstd::bulk::compress(&vec![0; 200 << 20], 1).unwrap();
    for (encoding, bomb) in [("zstd", zstd(&mut zeros(200))), ("zstd", told), ("gzip", gzip(&mut zeros(40)))] {
        for (path, token, status) in [(ENROLL, "", 413), (&*exchange, &*token, 413), (&*exchange, "nobodys", 401)] {
            let answer = hub.server.post_packed(path, token, encoding, &bomb);
            assert_eq!(answer.status, status, "{encoding} to {path}: {answer:?}");
        }
    }
    let grown = hub.server.peak_memory() - before;
    assert!(grown < 64 << 20, "{grown} bytes were taken");
}

#[test]
fn a_body_that_does_not_unpack_or_asks_for_a_large_window_cannot_be_read() {
    let place = HubPlace::new();
    let (hub, exchange, token) = enrolled(&place);
    let body = b"{\"code\":\"unknown\"}";
    let mut wide = zstd::Encoder::new(Vec::new(), 1).unwrap();
    wide.window_log(27).unwrap();
    wide.write_all(body).unwrap();
    let (zstd, gzip) = (zstd(&mut &body[..]), gzip(&mut &body[..]));
    let cut = |packed: &[u8]| packed[..packed.len() - 3].to_vec();
    for (encoding, body) in [
        ("zstd", cut(&zstd)),
        ("gzip", cut(&gzip)),
        ("zstd", gzip.clone()),
        ("gzip", zstd.clone()),
        ("zstd", wide.finish().unwrap()),
    ] {
        for (path, token) in [(ENROLL, ""), (&*exchange, &*token)] {
            let answer = hub.server.post_packed(path, token, encoding, &body);
            assert_eq!((answer.status, &answer.body["error"]["code"]), (400, &json!("bad_request")), "{answer:?}");
        }
    }
    // Whole, it is read: there is no such code.
    for (encoding, body) in [("zstd", &zstd[..]), ("GZIP", &gzip), ("identity", body)] {
        assert_eq!(hub.server.post_packed(ENROLL, "", encoding, body).status, 404, "{encoding}");
    }
}

#[test]
fn a_packing_that_the_hub_does_not_know_is_told_so_whatever_the_body_is() {
    let place = HubPlace::new();
    let (hub, exchange, token) = enrolled(&place);
    for encoding in ["br", "deflate", "zstd, gzip", "*"] {
        for (path, token) in [(ENROLL, ""), (&*exchange, &*token), ("/sync/v1/codes", &*hub.admin)] {
            let answer = hub.server.post_packed(path, token, encoding, b"{}");
            assert_eq!((answer.status, &answer.body["error"]["status"]), (415, &json!(415)), "{encoding}: {answer:?}");
            assert_eq!(answer.body["error"]["code"], "unsupported_media_type");
        }
        assert_eq!(hub.server.post_packed(&exchange, "nobodys", encoding, b"{}").status, 401);
    }
}

#[test]
fn a_hub_packs_its_answers_as_zstd_or_gzip_or_not_at_all() {
    let place = HubPlace::new();
    let hub = place.start();
    for (accepted, packing) in [
        ("br", None),
        ("identity", None),
        ("gzip, deflate, br", Some("gzip")),
        ("br, gzip;q=0.1, zstd;q=0.1", Some("zstd")),
        ("br, zstd;q=0", None),
    ] {
        assert_eq!(hub.server.packing(WELL_KNOWN, accepted).as_deref(), packing, "{accepted}");
    }
}
