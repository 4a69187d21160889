//! `/metrics`: the figures of the server itself.

use serde_json::json;

use crate::support::{Place, world};

/// The value of a metric, by its name with its labels.
fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse().unwrap()
}

#[test]
fn process_disk_requests_and_build_are_in_it_under_their_usual_names() {
    let mut world = world::small();
    world["employees"][1]["accessLevel"] = json!("RESELLER_ADMIN");
    world["employees"][1]["customer"] = json!(world::RESELLER);
    world["mobileConfigs"] = json!([]);
    let place = Place::holding(&world);
    let token = place.token_of(world::ANNA);
    let server = place.serve();
    for (path, status) in [("/healthz", 200), ("/healthz", 200), ("/nowhere", 404), ("/pbx/app/queues", 401)] {
        assert_eq!(server.get(path, "").status, status);
    }
    let text = server.text("/metrics", &token);
    assert!(value(&text, "process_resident_memory_bytes") > 1e6);
    assert!(value(&text, "process_cpu_seconds_total") >= 0.0);
    assert!(value(&text, "process_open_fds") > 5.0 && value(&text, "process_max_fds") > 5.0);
    assert!(value(&text, "process_start_time_seconds") > 1.7e9);
    assert!(value(&text, "telecomx_local_disk_free_bytes") > 0.0);
    let length = std::fs::metadata(place.db()).unwrap().len() as f64;
    assert_eq!(value(&text, "telecomx_local_database_bytes"), length);
    assert_eq!(value(&text, "telecomx_local_disk_full"), 0.0);
    let entries: i64 = place.sqlite().query_row("select count(*) from audit", [], |row| row.get(0)).unwrap();
    assert_eq!(value(&text, "telecomx_local_audit_trail_entries"), entries as f64);
    assert!(value(&text, "telecomx_local_audit_trail_bytes") > 0.0);
    // All of it is of today.
    assert!(value(&text, "telecomx_local_audit_trail_growth_bytes_per_day") > 0.0);
    assert!(value(&text, "telecomx_local_days_until_full") > 0.0);
    let found = place.run(&["doctor"]);
    let room = found.lines().find(|line| line.starts_with("ok     room: ")).unwrap();
    assert!(room.contains(&format!("({entries} entries)")) && room.contains("the disk is full in"), "{room}");
    assert_eq!(value(&text, "telecomx_local_database_damaged"), 0.0);
    assert_eq!(value(&text, "telecomx_local_http_requests_total{method=\"GET\",status=\"2xx\"}"), 2.0);
    assert_eq!(value(&text, "telecomx_local_http_requests_total{method=\"GET\",status=\"4xx\"}"), 2.0);
    assert_eq!(value(&text, "telecomx_local_http_request_duration_seconds_count"), 4.0);
    assert_eq!(value(&text, &format!("telecomx_local_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))), 1.0);
    assert!(server.stop().success());
}
