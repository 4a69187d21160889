//! What one request may cost: however odd it is, its answer stays short and the others are not kept waiting.

use super::support::{TestApp, code_of};

#[test]
fn free_text_that_is_long_or_no_text_is_refused() {
    let app = TestApp::start();
    let admin = app.admin();
    for (path, name) in [
        ("/employee", "filter"),
        ("/customer", "filter"),
        ("/log/changeloglite", "date"),
        ("/tools/changelog", "since"),
    ] {
        // Percent signs have to be escaped in a pattern, and are still one character each.
        for value in ["a".repeat(201), "a".repeat(60_000), "%25".repeat(201), "%00".into(), "a%00b".into()] {
            let answer = admin.get(&format!("{path}?{name}={value}"));
            assert_eq!((answer.status, code_of(&answer).as_str()), (422, name), "{answer}");
        }
    }
    for value in ["a".repeat(200), "%25".repeat(200), "%F0%9F%99%82".repeat(200)] {
        assert_eq!(admin.get(&format!("/employee?filter={value}")).ok()["total"], 0);
    }
}
