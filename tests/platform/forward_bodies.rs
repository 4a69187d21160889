//! What is passed on of an answer that is long, broken off, or of another kind than JSON.

use crate::api::{Response, assert_error, raw};
use crate::servers::{Here, html, raw_answer, viewer, where_viewer_logs_in as platform};

#[test]
fn a_long_answer_arrives_whole_and_half_a_one_is_seen_to_be_half() {
    let long: Vec<u8> = (0..5_000_000u32).map(|n| (n % 251) as u8).collect();
    let body = long.clone();
    let platform = platform(move |asked| match asked.target.as_str() {
        "/dns" => raw_answer(200, "content-type: application/octet-stream\r\n", &body),
        "/dns/chunked" => {
            let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            body.chunks(100_000)
                .fold(head, |sent, part| {
                    [sent, format!("{:x}\r\n", part.len()).into_bytes(), part.to_vec(), b"\r\n".to_vec()].concat()
                })
                .into_iter()
                .chain(*b"0\r\n\r\n")
                .collect()
        }
        "/dns/half" => {
            let whole = raw_answer(200, "", &body);
            whole[..whole.len() / 2].to_vec()
        }
        "/dns/short" => {
            let whole = raw_answer(200, "", &body[..10_000]);
            whole[..whole.len() / 2].to_vec()
        }
        _ => b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2000000000\r\n\r\n".to_vec(),
    });
    let here = Here::connected_to(&platform.url());
    let caller = viewer(&here);
    let whole = caller.get("/dns");
    assert_eq!(whole.header("content-length"), Some("5000000"));
    assert!(whole.body == long);
    assert!(caller.get("/dns/chunked").body == long);
    assert_error(&caller.get("/dns/short"), 503, "platform_unreachable");
    assert_error(&caller.get("/dns/endless"), 502, "platform");
    let request =
        format!("GET /dns/half HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n", caller.token());
    let half = raw(&here.url, request.as_bytes());
    assert!(half.starts_with("HTTP/1.1 200") && half.contains("content-length: 5000000"), "{}", &half[..200]);
    caller.get("/dns").ok_bytes(&long);
}

trait OkBytes {
    fn ok_bytes(&self, expected: &[u8]);
}

impl OkBytes for Response {
    #[track_caller]
    fn ok_bytes(&self, expected: &[u8]) {
        assert!(self.status == 200 && self.body == expected, "{}", self.status);
    }
}

#[test]
fn html_is_passed_on_as_what_it_is_and_runs_nothing() {
    let platform = platform(|_| html(502));
    let here = Here::connected_to(&platform.url());
    let answer = viewer(&here).get("/dns");
    assert_eq!((answer.status, answer.header("content-type")), (502, Some("text/html")));
    assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
}

#[test]
fn compression_is_for_the_callers_that_take_it() {
    let text = "a".repeat(100_000);
    let platform = platform(move |asked| {
        assert_eq!(asked.header("accept-encoding"), None);
        raw_answer(200, "content-type: text/plain\r\n", text.as_bytes())
    });
    let here = Here::connected_to(&platform.url());
    let answer = viewer(&here).request("GET", "/dns").header("accept-encoding", "gzip").send();
    assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("gzip")));
    assert!(answer.body.len() < 10_000, "{}", answer.body.len());
}
