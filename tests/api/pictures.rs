//! Pictures of employees.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use image::{DynamicImage, GenericImageView, ImageFormat, RgbImage};

use serde_json::json;

use super::support::{Client, Response, TestApp, assert_error, demo};

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(vec![]);
    DynamicImage::ImageRgb8(RgbImage::new(width, height)).write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn parts(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = vec![];
    for (name, content) in parts {
        body.extend(
            format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a\"\r\n\r\n").bytes(),
        );
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--cut--\r\n");
    body
}

fn send(caller: &Client, employee: &str, body: Vec<u8>) -> Response {
    let request = caller.request("POST", &format!("/employee/{employee}/picture"));
    request.header("content-type", "multipart/form-data; boundary=cut").bytes(body).send()
}

fn upload(caller: &Client, employee: &str, file: &[u8]) -> Response {
    send(caller, employee, parts(&[("file", file)]))
}

fn url(employee: &str) -> String {
    format!("/employee/{employee}/picture")
}

#[test]
fn a_picture_is_stored_and_answered_as_a_square() {
    let app = TestApp::start();
    let emma = app.session_of(demo::EMMA);
    let first = upload(&emma, demo::EMMA, &picture(640, 480, ImageFormat::Jpeg)).ok();
    assert_eq!(first["success"], true);
    let answer = app.session_of(demo::MANAGER).get(&url(demo::EMMA));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/png")));
    let opened = image::load_from_memory_with_format(&answer.body, ImageFormat::Png).unwrap();
    assert_eq!(opened.dimensions(), (300, 300));
    let unchanged = emma.request("GET", &url(demo::EMMA)).header("if-none-match", answer.etag()).send();
    assert_eq!(unchanged.status, 304);
    let again = upload(&emma, demo::EMMA, &picture(640, 480, ImageFormat::Jpeg)).ok();
    assert_eq!(again["picture"], first["picture"], "the same picture is no change");
    let larger = vec![0; (8 << 20) + 10_000];
    assert_error(&upload(&emma, demo::EMMA, &larger), 413, "payload_too_large");
    app.admin().delete(&format!("/employee/{}", demo::EMMA)).ok();
    assert_error(&app.admin().get(&url(demo::EMMA)), 404, "not_found");
}

#[test]
fn what_is_no_picture_is_refused_and_changes_nothing() {
    let app = TestApp::start();
    let owner = app.session_of(demo::OWNER);
    let whole = picture(300, 300, ImageFormat::Png);
    let before = app.export();
    for file in [&b"<html></html>"[..], b"GIF89a", &whole[..30], &[0xff, 0xd8, 0xff, 0xe0]] {
        assert_error(&upload(&owner, demo::EMMA, file), 422, "file");
    }
    let huge = picture(10_000, 10_000, ImageFormat::Png);
    assert_error(&upload(&owner, demo::EMMA, &huge), 422, "file");
    for body in [
        vec![],
        b"no parts".to_vec(),
        parts(&[]),
        parts(&[("file", b"")]),
        parts(&[("picture", &whole)]),
        parts(&[("file", &whole), ("file", &whole)]),
        parts(&[("file", &whole)])[..100].to_vec(),
    ] {
        assert_error(&send(&owner, demo::EMMA, body), 404, "file");
    }
    assert_error(&owner.post(&url(demo::EMMA), serde_json::json!({ "file": "x" })), 404, "file");
    assert_error(&upload(&owner, demo::WORKSHOPS_PERSONAL, &whole), 403, "access_denied");
    assert_error(&upload(&owner, demo::ABSENT, &whole), 404, "not_found");
    assert_error(&upload(&owner, "x", &whole), 400, "bad_request");
    assert_error(&upload(&app.session_of(demo::MANAGER), demo::OWNER, &whole), 403, "access_denied");
    assert_eq!(app.export(), before);
}

/// An upload of which the head is sent, with `more` headers, and nothing else yet.
fn begun(caller: &Client, employee: &str, more: &str) -> TcpStream {
    let mut stream = TcpStream::connect(caller.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: multipart/form-data; boundary=cut\r\n{more}\r\n\r\n",
        url(employee),
        caller.token(),
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn status_of(mut stream: TcpStream) -> String {
    let mut line = [0; 12];
    stream.read_exact(&mut line).expect("an answer before the body is there");
    String::from_utf8(line[9..].to_vec()).unwrap()
}

/// As many uploads of a caller as may be under way, and what one more is answered.
fn stalled(caller: &Client) -> (Vec<TcpStream>, String) {
    let mut streams: Vec<_> = (0..3).map(|_| begun(caller, demo::EMMA, "content-length: 8000000")).collect();
    streams.iter().for_each(|stream| stream.set_nonblocking(true).unwrap());
    let deadline = Instant::now() + Duration::from_secs(10);
    let answered = loop {
        assert!(Instant::now() < deadline, "three uploads are under way");
        match streams.iter().position(|stream| stream.peek(&mut [0]).is_ok()) {
            Some(place) => break place,
            None => std::thread::yield_now(),
        }
    };
    let mut refused = streams.remove(answered);
    refused.set_nonblocking(false).unwrap();
    refused.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    let _ = refused.read_to_string(&mut answer);
    (streams, answer)
}

#[test]
fn an_upload_is_refused_before_its_body_is_read() {
    let app = TestApp::start();
    let manager = app.session_of(demo::MANAGER);
    assert_eq!(status_of(begun(&manager, demo::OWNER, "content-length: 1000000")), "403");
    assert_eq!(status_of(begun(&manager, demo::ABSENT, "content-length: 1000000")), "404");
    let nobody = app.with_token(&"0".repeat(64));
    assert_eq!(status_of(begun(&nobody, demo::EMMA, "content-length: 1000000")), "401");
    assert_eq!(status_of(begun(&manager, demo::EMMA, "content-length: 8392705")), "413");
    // What does not say how long it is, is cut.
    let mut stream = begun(&manager, demo::EMMA, "transfer-encoding: chunked");
    let chunk = [b"10000\r\n", &vec![b'-'; 0x10000][..], b"\r\n"].concat();
    for _ in 0..140 {
        stream.write_all(&chunk).unwrap();
    }
    assert_eq!(status_of(stream), "413");
}

#[test]
fn uploads_under_way_are_few_of_one_caller_and_of_all() {
    let app = TestApp::start();
    let [emma, owner] = [demo::EMMA, demo::OWNER].map(|employee| app.session_of(employee));
    upload(&emma, demo::EMMA, &picture(300, 300, ImageFormat::Png)).ok();
    let first = stalled(&emma);
    assert_error(&upload(&owner, demo::EMMA, b"GIF89a"), 422, "file");
    let others = [app.session_of(demo::MANAGER), app.reseller_admin(), app.admin()].map(|caller| stalled(&caller));
    for (_, answer) in others.iter().chain([&first]) {
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
        assert!(answer.contains("Other uploads of yours") && answer.contains("\"busy\""), "{answer}");
    }
    let busy = upload(&owner, demo::EMMA, b"GIF89a");
    assert_error(&busy, 503, "busy");
    assert!(busy.header("retry-after").is_some() && !busy.message().contains("yours"), "{busy}");
    assert_eq!(owner.get(&url(demo::EMMA)).status, 200, "a picture is answered all the same");
    drop(first);
    for caller in [owner, emma] {
        let mut answers = (0..5_000).map(|_| upload(&caller, demo::EMMA, b"GIF89a"));
        let answer = answers.find(|answer| answer.status != 503).expect("whoever has left has no place");
        assert_error(&answer, 422, "file");
    }
}

#[test]
fn pictures_are_answered_while_a_caller_uploads_what_takes_long() {
    let app = TestApp::start();
    let [emma, manager] = [demo::EMMA, demo::MANAGER].map(|employee| app.session_of(employee));
    upload(&emma, demo::EMMA, &picture(300, 300, ImageFormat::Png)).ok();
    let slow = picture(3_000, 3_000, ImageFormat::Jpeg);
    std::thread::scope(|scope| {
        let uploads: Vec<_> = (0..24).map(|_| scope.spawn(|| upload(&emma, demo::EMMA, &slow).status)).collect();
        // The first to end is one that is refused: by then as many wait as may.
        while !uploads.iter().any(|upload| upload.is_finished()) {
            std::thread::yield_now();
        }
        while !uploads.iter().all(|upload| upload.is_finished()) {
            assert_eq!(manager.get(&url(demo::EMMA)).status, 200);
        }
        let statuses: Vec<_> = uploads.into_iter().map(|upload| upload.join().unwrap()).collect();
        assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    });
}

/// A chunk of a PNG.
fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(content);
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length, &kind[..], content, &crc.sum().to_be_bytes()].concat()
}

#[test]
fn a_profile_in_a_picture_is_not_unpacked() {
    let app = TestApp::start();
    let emma = app.session_of(demo::EMMA);
    let whole = picture(300, 300, ImageFormat::Png);
    let plain = upload(&emma, demo::EMMA, &whole).ok();
    let text = [b"Comment\0".to_vec(), vec![b'x'; 7 << 20]].concat();
    let mut packed = flate2::write::ZlibEncoder::new(b"profile\0\0".to_vec(), flate2::Compression::best());
    for _ in 0..100 {
        packed.write_all(&vec![0; 1 << 20]).unwrap();
    }
    // The last one is wrong here: whoever reads it refuses the picture.
    for extra in [chunk(b"iCCP", &packed.finish().unwrap()), chunk(b"tEXt", &text), chunk(b"fdAT", b"")] {
        let mut file = whole.clone();
        file.splice(33..33, extra);
        let answer = upload(&emma, demo::EMMA, &file).ok();
        assert_eq!(answer["picture"], plain["picture"], "it is the same picture");
    }
}

#[test]
fn what_is_imported_as_a_picture_is_one() {
    use base64::Engine as _;
    let app = TestApp::start();
    let encoded = |file: &[u8]| base64::engine::general_purpose::STANDARD.encode(file);
    let document = |png: &str| {
        json!({ "pbxObjects": [{ "_id": "9c0000000000000000000405", "kind": "PICTURE", "customer": demo::BAKERY,
            "employee": demo::EMMA, "png": png }] })
    };
    let mut wide = picture(300, 300, ImageFormat::Png);
    wide[16..20].copy_from_slice(&4_001_u32.to_be_bytes());
    for wrong in ["AAAA", "no base64", "iVBORw0KGgo=", &encoded(b"GIF89a"), &encoded(&wide)] {
        let refused = app.try_import(&document(wrong)).unwrap_err().to_string();
        assert!(refused.contains("png must be a PNG in base64"), "{refused}");
    }
    app.import(&document(&encoded(&picture(640, 480, ImageFormat::Png))));
    assert_eq!(app.session_of(demo::EMMA).get(&url(demo::EMMA)).status, 200);
}
