//! How the server is, on one screen: for the command `status`, and for an administrator over HTTP.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::tls::last_day;
use crate::auth::key_file;
use crate::auth::secrets::key_path;
use crate::clock::Clock;
use crate::db::upgrade::copies;
use crate::db::{ReadTx, SCHEMA_VERSION};
use crate::error::{Error, Result};
use crate::files::free_bytes;
use crate::platform::status::status as platform_status;
use crate::store::{audit_segments, health};
use crate::sync::edge::clock_check;
use crate::sync::edge::status::status as mirror_status;
use crate::usecases::audit_archive::folder::ArchiveFolder;
use crate::usecases::backups::Backups;
use crate::usecases::key_rotation::count_sealed;
use crate::usecases::storage::{lengths, size};

/// Less than this is an alarm: the server keeps back 16 MiB to take access away with.
const DISK_LOW_BYTES: u64 = 100 << 20;
/// A certificate that ends within so many days is an alarm.
const CERTIFICATE_DAYS: i64 = 14;
const DAY_MS: i64 = 24 * 3_600_000;

/// What is to be known beside the database.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// By the settings.
    pub listen: SocketAddr,
    pub silent_alarm_ms: i64,
    pub backup_every: Duration,
    pub tls_cert: Option<PathBuf>,
    /// Where the older part of the audit trail goes.
    pub archive: Option<ArchiveFolder>,
}

/// What is shown, and what somebody should look at.
#[derive(Default)]
pub struct Condition {
    /// Name and words.
    pub lines: Vec<(&'static str, String)>,
    pub shown: Map<String, Value>,
    pub alarms: Vec<String>,
}

impl Condition {
    /// Looks at everything. `process`: which one has the database open for writing.
    pub fn of(
        tx: &ReadTx,
        path: &Path,
        around: &Surroundings,
        backups: Option<&Backups>,
        process: Option<String>,
    ) -> Result<Condition> {
        let mut screen = Condition::default();
        let version = env!("CARGO_PKG_VERSION");
        screen.show(
            "program",
            format!("telecomx-local {version}, schema {SCHEMA_VERSION}"),
            json!({ "version": version, "schema": SCHEMA_VERSION }),
        );
        show_server(&mut screen, around, process);
        show_database(&mut screen, tx, path)?;
        show_centre(&mut screen, tx, around)?;
        show_clock(&mut screen, tx)?;
        show_key(&mut screen, tx, path)?;
        show_copies(&mut screen, path);
        show_backup(&mut screen, backups, around);
        show_archive(&mut screen, tx, around)?;
        show_certificate(&mut screen, around);
        Ok(screen)
    }

    fn show(&mut self, what: &'static str, text: String, value: Value) {
        self.lines.push((what, text));
        self.shown.insert(what.into(), value);
    }

    /// All of it as one JSON object.
    pub fn into_json(self) -> Map<String, Value> {
        let mut all = self.shown;
        all.insert("alarms".into(), json!(self.alarms));
        all
    }
}

fn show_server(screen: &mut Condition, around: &Surroundings, process: Option<String>) {
    let text = match &process {
        Some(process) => format!("runs (process {process}); by these settings on {}", around.listen),
        None => "does not run".to_owned(),
    };
    screen.show("server", text, json!({ "process": process, "listen": around.listen.to_string() }));
}

fn show_database(screen: &mut Condition, tx: &ReadTx, path: &Path) -> Result<()> {
    let (file, log) = lengths(path);
    let (_, contents) = health::contents(tx)?;
    let text = format!("{} ({}, log {}): {contents}", path.display(), size(file), size(log));
    screen.show("database", text, json!({ "path": path, "bytes": file, "logBytes": log, "contents": contents }));
    let Some(free) = free_bytes(path) else { return Ok(()) };
    screen.show("disk", format!("{} free", size(free)), json!({ "freeBytes": free }));
    if free < DISK_LOW_BYTES {
        screen.alarms.push(format!("the disk has {} left: make room before changes are refused", size(free)));
    }
    Ok(())
}

fn show_centre(screen: &mut Condition, tx: &ReadTx, around: &Surroundings) -> Result<()> {
    let hub = mirror_status(tx, around.silent_alarm_ms)?;
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let age = |value: &Value| match value["lastSuccessAgeSeconds"].as_i64() {
        Some(seconds) => format!("last exchange {} ago", duration(seconds)),
        None => "no exchange yet".to_owned(),
    };
    let line = match (hub["enrolled"] == true, hub["consistent"] == true) {
        (false, _) => "none".to_owned(),
        (true, true) => format!("{}: has everything; {}", text(&hub, "hub"), age(&hub)),
        (true, false) => format!(
            "{}: {} changes behind, {} rows in quarantine; {}",
            text(&hub, "hub"),
            hub["lagChanges"],
            hub["quarantine"],
            age(&hub)
        ),
    };
    screen.alarms.extend(hub["alarm"].as_str().map(|alarm| format!("hub: {alarm}")));
    screen.show("hub", line, hub);
    let platform = platform_status(tx, None)?;
    let line = match platform["connected"] == true {
        false => "none".to_owned(),
        true => format!(
            "{} ({}): {} changes wait, {} conflicts, {} refused",
            text(&platform, "url"),
            text(&platform, "mode"),
            platform["waiting"],
            platform["conflicts"],
            platform["refused"]
        ),
    };
    screen.alarms.extend(platform["alarm"].as_str().map(|alarm| format!("platform: {alarm}")));
    if platform["conflicts"].as_i64().is_some_and(|count| count > 0) {
        screen.alarms.push("platform: conflicts wait for a decision: see sync conflicts".to_owned());
    }
    screen.show("platform", line, platform);
    Ok(())
}

fn show_clock(screen: &mut Condition, tx: &ReadTx) -> Result<()> {
    let (clock, hub_ahead_ms) = clock_check::read(tx)?;
    screen.show("clock", clock_check::describe(&clock, hub_ahead_ms), json!({ "now": clock.now() }));
    screen.alarms.extend(clock_check::wrong(&clock, hub_ahead_ms).map(|wrong| format!("clock: {wrong}")));
    Ok(())
}

fn show_backup(screen: &mut Condition, backups: Option<&Backups>, around: &Surroundings) {
    let Some(backups) = backups else {
        return screen.show("backup", "none by the server itself: see the setting backup_to".to_owned(), Value::Null);
    };
    let Some(newest) = backups.newest() else {
        screen.show("backup", "none yet".to_owned(), Value::Null);
        return screen.alarms.push("no backup has been made yet: see the log of the server".to_owned());
    };
    let age = (Clock::default().now().millis() - newest.millis()).max(0) / 1_000;
    screen.show("backup", format!("{newest}, {} ago", duration(age)), json!({ "newest": newest, "ageSeconds": age }));
    if age > 2 * around.backup_every.as_secs() as i64 {
        screen.alarms.push(format!("the newest backup is {} old: see the log of the server", duration(age)));
    }
}

/// Where the older part of the audit trail is, and whether more of it should be there.
fn show_archive(screen: &mut Condition, tx: &ReadTx, around: &Surroundings) -> Result<()> {
    let newest = audit_segments::newest(tx)?;
    let text = match (&newest, &around.archive) {
        (Some(newest), _) => format!("entries up to {} ({}) are in {}", newest.last.0, newest.until, newest.file),
        (None, Some(folder)) => format!("nothing is older than {} days yet", folder.keep_days),
        (None, None) => return Ok(()),
    };
    let value = newest.map(|newest| json!({ "entries": newest.last.0, "until": newest.until, "file": newest.file }));
    screen.show("archive", text, json!(value));
    if let Some(folder) = &around.archive
        && folder.is_behind(tx)?
    {
        let where_to = folder.folder.display();
        screen.alarms.push(format!("older audit entries are not archived to {where_to}: see the log of the server"));
    }
    Ok(())
}

/// Whether the key file opens what is sealed in the database.
fn show_key(screen: &mut Condition, tx: &ReadTx, path: &Path) -> Result<()> {
    let sealer = key_file::read(path, tx).map_err(|error| Error::Internal(error.into()))?;
    let (all, lost) = count_sealed(tx, sealer.as_ref())?;
    let key = key_path(path);
    let text = match (all, lost) {
        (0, _) => "nothing is sealed with it yet".to_owned(),
        (all, 0) => format!("{} opens all {all} sealed values", key.display()),
        (all, lost) => format!("{} does not open {lost} of {all} sealed values", key.display()),
    };
    screen.show("key", text, json!({ "path": key, "sealed": all, "lost": lost }));
    if lost > 0 {
        let what = if key.exists() { "is another one" } else { "is missing" };
        screen.alarms.push(format!("the key file {} {what}: put the right file back", key.display()));
    }
    Ok(())
}

/// The databases that upgrades and rollbacks have left beside it.
fn show_copies(screen: &mut Condition, path: &Path) {
    let copies = copies(path);
    let Some(newest) = copies.first() else { return };
    let bytes = copies.iter().map(|copy| copy.bytes).sum();
    let text = format!("{} from before an upgrade ({}): see rollback", copies.len(), size(bytes));
    screen.show("copies", text, json!({ "count": copies.len(), "bytes": bytes, "newest": newest.path }));
}

fn show_certificate(screen: &mut Condition, around: &Surroundings) {
    let Some(file) = &around.tls_cert else { return };
    match last_day(file) {
        Ok(end) => {
            let days = (end.millis() - Clock::default().now().millis()).div_euclid(DAY_MS);
            screen.show(
                "certificate",
                format!("{}: good until {end} ({days} days)", file.display()),
                json!({ "file": file, "until": end, "days": days }),
            );
            if days < 0 {
                screen.alarms.push(format!(
                    "the certificate {} has run out: put a new one in its place, then kill -HUP the server",
                    file.display()
                ));
            } else if days < CERTIFICATE_DAYS {
                screen.alarms.push(format!("the certificate {} is good for {days} days more", file.display()));
            }
        }
        Err(error) => screen.alarms.push(format!("the certificate {} cannot be read: {error}", file.display())),
    }
}

/// Seconds in words: `3 minutes`.
fn duration(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..120 => (seconds, "seconds"),
        120..7_200 => (seconds / 60, "minutes"),
        7_200..172_800 => (seconds / 3_600, "hours"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit}")
}
