//! Pictures of employees.

use image::{DynamicImage, GenericImageView, ImageFormat, RgbImage};

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
