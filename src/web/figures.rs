//! Figures of the process, the disk and the requests, in the text format of Prometheus (version 0.0.4).

use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use actix_web::http::{Method, StatusCode};

use super::tls::last_day;
use crate::db::Db;
use crate::files::free_bytes;
use crate::sync::edge::metrics::family;
use crate::usecases::backups::Backups;
use crate::usecases::storage::{lengths, measure};

const METHODS: [&str; 4] = ["GET", "POST", "DELETE", "other"];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// Upper bounds of the durations that are told apart, in seconds.
const BUCKETS: [f64; 8] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, f64::INFINITY];
/// Of `/proc`: what processor time is counted in.
const TICKS_PER_S: f64 = 100.0;

/// The requests that were answered since the start.
#[derive(Default)]
pub struct Requests {
    counts: [[AtomicU64; CLASSES.len()]; METHODS.len()],
    durations: [AtomicU64; BUCKETS.len()],
    duration_us: AtomicU64,
}

impl Requests {
    pub fn note(&self, method: &Method, status: StatusCode, took: Duration) {
        let method = METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len() - 1);
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        self.counts[method][class].fetch_add(1, Relaxed);
        let bucket = BUCKETS.iter().position(|most| took.as_secs_f64() <= *most).unwrap_or(BUCKETS.len() - 1);
        self.durations[bucket].fetch_add(1, Relaxed);
        self.duration_us.fetch_add(took.as_micros() as u64, Relaxed);
    }

    fn write(&self, text: &mut String) {
        let name = family(text, "http_requests_total", "counter", "Requests answered, by method and class of status");
        for (method, counts) in METHODS.iter().zip(&self.counts) {
            for (class, count) in CLASSES.iter().zip(counts) {
                let count = count.load(Relaxed);
                if count > 0 {
                    let _ = writeln!(text, "{name}{{method=\"{method}\",status=\"{class}\"}} {count}");
                }
            }
        }
        let help = "How long requests took until the answer began";
        let name = family(text, "http_request_duration_seconds", "histogram", help);
        let mut sum = 0;
        for (most, count) in BUCKETS.iter().zip(&self.durations) {
            sum += count.load(Relaxed);
            let most = if most.is_finite() { most.to_string() } else { "+Inf".into() };
            let _ = writeln!(text, "{name}_bucket{{le=\"{most}\"}} {sum}");
        }
        let _ = writeln!(text, "{name}_sum {}\n{name}_count {sum}", self.duration_us.load(Relaxed) as f64 / 1e6);
    }
}

/// All of them. What the system does not tell is left out.
pub fn figures(db: &Db, requests: &Requests, backups: Option<&Backups>, certificate: Option<&Path>) -> String {
    let mut text = String::new();
    let name = family(&mut text, "build_info", "gauge", "The program; always 1");
    let _ = writeln!(text, "{name}{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    write_process(&mut text);
    write_disk(&mut text, db);
    write_trail(&mut text, db);
    if let Some(newest) = backups.and_then(Backups::newest) {
        let age = (db.clock().now().millis() - newest.millis()).max(0) / 1_000;
        let name = family(&mut text, "backup_age_seconds", "gauge", "How long ago the newest backup was made");
        let _ = writeln!(text, "{name} {age}");
    }
    if let Some(end) = certificate.and_then(|file| last_day(file).ok()) {
        let help = "When the certificate runs out, in seconds since 1970";
        let name = family(&mut text, "certificate_end_seconds", "gauge", help);
        let _ = writeln!(text, "{name} {}", end.millis() / 1_000);
    }
    requests.write(&mut text);
    text
}

/// The names are those that the client libraries of Prometheus use for every process.
fn write_process(text: &mut String) {
    let Some(process) = Process::read() else { return };
    for (name, kind, help, value) in [
        ("cpu_seconds_total", "counter", "Processor time, user and system", Some(process.cpu_s)),
        ("resident_memory_bytes", "gauge", "Memory in use", process.resident),
        ("virtual_memory_bytes", "gauge", "Memory mapped", process.mapped),
        ("open_fds", "gauge", "Open files and connections", process.open_files),
        ("max_fds", "gauge", "Open files and connections at most", process.most_files),
        ("start_time_seconds", "gauge", "Start, in seconds since 1970", process.started_at),
    ] {
        if let Some(value) = value {
            let _ =
                writeln!(text, "# HELP process_{name} {help}\n# TYPE process_{name} {kind}\nprocess_{name} {value}");
        }
    }
}

struct Process {
    cpu_s: f64,
    resident: Option<f64>,
    mapped: Option<f64>,
    open_files: Option<f64>,
    most_files: Option<f64>,
    started_at: Option<f64>,
}

impl Process {
    /// `None` without `/proc`.
    fn read() -> Option<Process> {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let (stat, status) = (read("/proc/self/stat")?, read("/proc/self/status")?);
        // The second field is the program's name in parentheses, with whatever is in it: proc_pid_stat(5).
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
        let bytes = |name: &str| Some(number_behind(&status, name)? * 1_024.0);
        let booted_at = read("/proc/stat").and_then(|stat| number_behind(&stat, "btime "));
        Some(Process {
            cpu_s: (ticks(14)? + ticks(15)?) / TICKS_PER_S,
            resident: bytes("VmRSS:"),
            mapped: bytes("VmSize:"),
            open_files: std::fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64),
            most_files: read("/proc/self/limits").and_then(|limits| number_behind(&limits, "Max open files")),
            started_at: booted_at.zip(ticks(22)).map(|(booted_at, ticks)| booted_at + ticks / TICKS_PER_S),
        })
    }
}

/// The number in the line that begins with `name`.
fn number_behind(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

fn write_disk(text: &mut String, db: &Db) {
    let (length, log) = lengths(db.path());
    let free = free_bytes(db.path());
    for (name, help, value) in [
        ("disk_free_bytes", "Free on the disk of the database", free),
        ("database_bytes", "Length of the database file", Some(length)),
        ("database_log_bytes", "Length of the write-ahead log", Some(log)),
        ("disk_full", "1: the disk is full, changes are refused", Some(db.is_full().into())),
        (
            "database_damaged",
            "1: the last check of the database found something wrong",
            Some((!db.damage().is_empty()).into()),
        ),
    ] {
        if let Some(value) = value {
            let name = family(text, name, "gauge", help);
            let _ = writeln!(text, "{name} {value}");
        }
    }
}

/// The audit trail, and how long the disk has room for it.
fn write_trail(text: &mut String, db: &Db) {
    let Ok(storage) = db.read(|tx| measure(tx, db.path())) else { return };
    for (name, help, value) in [
        ("audit_trail_bytes", "About how much of the database is the audit trail", Some(storage.audit_bytes as f64)),
        (
            "audit_trail_entries",
            "Entries of the audit trail that are in the database",
            Some(storage.audit_entries as f64),
        ),
        (
            "audit_trail_growth_bytes_per_day",
            "About how much the audit trail grows in a day, in the mean of the last seven",
            Some(storage.growth_bytes_per_day as f64),
        ),
        ("days_until_full", "Days until the disk is full at this rate", storage.days_until_full),
    ] {
        if let Some(value) = value {
            let name = family(text, name, "gauge", help);
            let _ = writeln!(text, "{name} {value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_method_class_and_duration() {
        let requests = Requests::default();
        for (method, status, ms) in [
            (Method::GET, 200, 0),
            (Method::GET, 304, 3),
            (Method::POST, 503, 70),
            (Method::POST, 503, 7_000),
            (Method::PATCH, 405, 60_000),
        ] {
            requests.note(&method, StatusCode::from_u16(status).unwrap(), Duration::from_millis(ms));
        }
        let mut text = String::new();
        requests.write(&mut text);
        for line in [
            "http_requests_total{method=\"GET\",status=\"2xx\"} 1",
            "http_requests_total{method=\"GET\",status=\"3xx\"} 1",
            "http_requests_total{method=\"POST\",status=\"5xx\"} 2",
            "http_requests_total{method=\"other\",status=\"4xx\"} 1",
            "http_request_duration_seconds_bucket{le=\"0.001\"} 1",
            "http_request_duration_seconds_bucket{le=\"0.1\"} 3",
            "http_request_duration_seconds_bucket{le=\"10\"} 4",
            "http_request_duration_seconds_bucket{le=\"+Inf\"} 5",
            "http_request_duration_seconds_sum 67.073",
            "http_request_duration_seconds_count 5",
        ] {
            assert!(text.contains(&format!("telecomx_local_{line}\n")), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn the_process_knows_its_own_figures() {
        let process = Process::read().unwrap();
        assert!(process.resident.unwrap() > 1e6 && process.mapped.unwrap() > process.resident.unwrap());
        assert!(process.open_files.unwrap() >= 3.0 && process.most_files.unwrap() >= process.open_files.unwrap());
        let now = crate::clock::Clock::default().now().millis() as f64 / 1_000.0;
        let age = now - process.started_at.unwrap();
        assert!((-2.0..3_600.0).contains(&age), "started {age} seconds ago");
    }
}
