//! `/metrics` with a token of its own.

use super::support::{TestApp, assert_error};

const TOKEN: &str = "0123456789abcdef-of-the-collector";

#[test]
fn the_token_in_the_file_reads_metrics_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metrics-token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let app = TestApp::start_with(|config| config.metrics_token_file = Some(file.clone()));
    let collector = app.with_token(TOKEN);
    let answer = collector.get("/metrics");
    assert!(answer.status == 200 && answer.text().contains("# TYPE "), "{answer}");
    for path in ["/employee", "/sync/status", "/tokens", "/auth/validateToken", "/log/changeloglite"] {
        assert_error(&collector.get(path), 401, "invalid_token");
    }
    for wrong in [&TOKEN[1..], "0123456789abcdef-of-the-collectoR", "x"] {
        assert_error(&app.with_token(wrong).get("/metrics"), 401, "invalid_token");
    }
    assert_error(&app.nobody().get("/metrics"), 401, "credentials_invalid");
    assert_error(&app.viewer().get("/metrics"), 403, "access_denied");
    assert_eq!(app.admin().get("/metrics").status, 200);
    // It is replaced without a restart, and what is no token lets nobody in.
    std::fs::write(&file, "another-0123456789abcdef").unwrap();
    assert_error(&collector.get("/metrics"), 401, "invalid_token");
    assert_eq!(app.with_token("another-0123456789abcdef").get("/metrics").status, 200);
    for none in ["", "short", "two words of many letters"] {
        std::fs::write(&file, none).unwrap();
        assert_error(
            &app.with_token(none).get("/metrics"),
            401,
            if none.is_empty() { "format_error" } else { "invalid_token" },
        );
    }
}
