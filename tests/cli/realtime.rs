//! Realtime with the real clients of socket.io, of each version that is spoken.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::control::Mock;
use crate::support::server::within;
use crate::support::{Place, needs};

/// Runs tests/cli/realtime/drive.cjs; gives what it printed.
fn drive(version: &str, transport: &str, url: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut node = Command::new("node");
    node.arg(root.join("tests/cli/realtime/drive.cjs")).args([version, transport, url]);
    node.env("NODE_PATH", root.join("target/tools/sockets/node_modules"));
    let output = within(Duration::from_secs(60), move || node.output().unwrap());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{version} {transport}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text.trim().to_owned()
}

#[test]
fn each_version_of_the_client_hears_of_a_copy_by_polling_and_by_websocket() {
    if !needs("socket.io-client") {
        return;
    }
    let place = Place::new();
    let server = place.serve_with(&["--demo"]);
    for version in ["2", "3", "4"] {
        for transport in ["polling", "websocket"] {
            assert_eq!(drive(version, transport, &server.url), format!("{transport} heard MOBILE_CONFIG_CHANGED"));
        }
        // It begins by polling, and changes to a websocket when it can.
        assert!(drive(version, "polling,websocket", &server.url).ends_with("heard MOBILE_CONFIG_CHANGED"));
    }
    assert!(server.stop().success());
}

#[test]
fn a_mock_and_its_workspaces_are_listened_to_each_for_itself() {
    if !needs("socket.io-client") {
        return;
    }
    let mock = Mock::start(&[]);
    let workspace = mock.done("POST", "/_ctl/workspaces", Value::Null);
    let workspace = workspace["url"].as_str().unwrap().to_owned();
    for url in [&mock.server.url, &workspace] {
        drive("4", "websocket", url);
    }
    mock.done("POST", "/_ctl/reset", Value::Null);
    assert_eq!(drive("4", "polling", &mock.server.url), "polling heard MOBILE_CONFIG_CHANGED", "after a reset");
    let journal = mock.done("GET", "/_ctl/requests", Value::Null);
    assert!(!journal.to_string().contains("/socket.io"), "the journal is of calls of the API");
}

#[test]
fn the_controls_send_any_event() {
    if !needs("socket.io-client") {
        return;
    }
    let mock = Mock::start(&[]);
    let token = mock.token("ADMIN");
    let script = r#"
        const { io } = require('socket.io-client-4');
        const socket = io(process.argv[1], { transports: ['websocket'] });
        socket.on('connect', () => socket.emit('authenticate', { token: process.argv[2] }));
        socket.on('authenticated', () => socket.emit('subscribe', { type: 'ADMIN', types: ['PBX'] }));
        socket.on('subscribed', async () => {
          const event = { channel: 'PBX', event: 'CALL_START', customer: process.argv[4], data: { callId: 'x:1' } };
          await fetch(process.argv[3] + '/_ctl/events', { method: 'POST', body: JSON.stringify(event) });
        });
        socket.on('PBX', (event) => { console.log(JSON.stringify(event)); process.exit(0); });
    "#;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let customer = "c00000000000000000000004";
    let mut node = Command::new("node");
    node.args(["-e", script, &mock.server.url, &token, &mock.controls, customer]);
    node.env("NODE_PATH", root.join("target/tools/sockets/node_modules"));
    let output = within(Duration::from_secs(60), move || node.output().unwrap());
    let heard: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = json!({ "type": "CALL_START", "customer": customer, "data": { "callId": "x:1" }, "inferred": true });
    assert_eq!(heard, expected);
    let wrong = mock.control("POST", "/_ctl/events", &json!({ "channel": "SMS", "event": "X" }));
    assert_eq!((wrong.status, &wrong.body["error"]["code"]), (422, &json!("channel")));
}
