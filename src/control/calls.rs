//! The handlers of the controls: clock, tokens, faults, journal.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path as InPath, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::seed::seed_time;
use super::shared::Shared;
use crate::auth::secrets::new_token;
use crate::db::Author;
use crate::domain::access::Level;
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};
use crate::store::employees;
use crate::store::sessions::{self, Session};
use crate::usecases::housekeeping;
use crate::web::mock::fault_rule::FaultRule;
use crate::web::mock::faults::Fault;
use crate::web::mock::journal::{Entry, Wanted, archive};

/// An answer.
pub fn answer(value: impl Serialize) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(value))
}

/// It is done.
pub fn success() -> Result<HttpResponse> {
    answer(json!({ "success": true }))
}

/// An error of what was given, in one sentence.
pub fn wrong(path: &str, message: impl Into<String>) -> Error {
    Error::invalid(path, Check::Format, message)
}

/// What the clock shows.
#[derive(Serialize, JsonSchema)]
pub struct ClockShows {
    now: Time,
    running: bool,
}

/// What the clock is to do: one of these.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[derive(Default)]
pub struct SteerClock {
    /// Stand still where it is.
    pub freeze: bool,
    /// Go on from where it is.
    pub run: bool,
    /// Show this time, and run or stand still as before.
    pub set: Option<String>,
    /// Show so many milliseconds later.
    pub advance_ms: Option<i64>,
}

pub async fn clock(shared: Data<Shared>) -> Result<HttpResponse> {
    let clock = shared.state.db.clock();
    answer(ClockShows { now: clock.now(), running: clock.runs() })
}

/// The longest step, ten years.
const ADVANCE_MAX_MS: i64 = 10 * 366 * 24 * 3_600_000;

pub async fn steer_clock(shared: Data<Shared>, body: Json<SteerClock>) -> Result<HttpResponse> {
    let clock = shared.state.db.clock().clone();
    let (now, runs) = (clock.now(), clock.runs());
    let (to, runs) = match *body {
        SteerClock { freeze: true, run: false, set: None, advance_ms: None } => (now, false),
        SteerClock { freeze: false, run: true, set: None, advance_ms: None } => (now, true),
        SteerClock { freeze: false, run: false, set: Some(ref text), advance_ms: None } => {
            let to =
                Time::parse(text).ok_or_else(|| wrong("set", "set must be a time such as 2026-12-24T18:00:00Z"))?;
            (to, runs)
        }
        SteerClock { freeze: false, run: false, set: None, advance_ms: Some(millis) } => match millis {
            0..=ADVANCE_MAX_MS => (now.plus_ms(millis), runs),
            _ => return Err(wrong("advanceMs", "advanceMs must be from 0 up to ten years; to go back, set or reset")),
        },
        _ => return Err(wrong("set", "give one of freeze, run, set and advanceMs")),
    };
    if shared.mock.seed().is_some() && to < seed_time() {
        return Err(wrong(
            "set",
            format!("the clock cannot be set before its seed began, {}: reset goes back there", seed_time()),
        ));
    }
    if !clock.steer(to, runs) {
        return Err(wrong("set", "no clock can show that: give a time from 2026-11-01 on, within ten years"));
    }
    // What has fallen due is done before the answer.
    housekeeping::step(&shared.state.db, &shared.state.session_cache).await?;
    answer(ClockShows { now: clock.now(), running: clock.runs() })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenFor {
    /// Of this employee.
    pub employee: Option<Id>,
    /// Of the first employee with this level.
    pub level: Option<Level>,
}

/// A session without a password.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenOf {
    token: String,
    employee: Id,
    customer: Id,
    access_level: Level,
}

pub async fn token(shared: Data<Shared>, body: Json<TokenFor>) -> Result<HttpResponse> {
    let TokenFor { employee, level } = body.into_inner();
    if employee.is_some() == level.is_some() {
        return Err(wrong("employee", "give employee or level"));
    }
    let made = shared.state.db.write(Author::system("control"), move |tx| {
        let found = match (employee, level) {
            (Some(id), _) => employees::find_live(tx, id)?,
            (None, Some(level)) => employees::first_with_level(tx, level)?,
            (None, None) => None,
        };
        let found = found.ok_or_else(|| Error::not_found("employee", "There is no such employee in the data"))?;
        let (token, hash) = new_token()?;
        let session = Session {
            employee: found.id,
            impersonator: None,
            parent: None,
            ip: None,
            login_ip: "127.0.0.1".into(),
            persist: false,
            last_used_at: tx.now,
        };
        sessions::insert(tx, &hash, &session)?;
        Ok(TokenOf { token, employee: found.id, customer: found.customer, access_level: found.access_level })
    });
    answer(made.await?)
}

pub async fn add_fault(shared: Data<Shared>, body: Json<Value>) -> Result<HttpResponse> {
    let rule: FaultRule = serde_json::from_value(body.into_inner())
        .map_err(|error| wrong("fault", format!("this is no fault rule: {error}; see docs/control.md")))?;
    rule.check(|method, path| shared.mock.rules.is_url(method, path)).map_err(|message| wrong("fault", message))?;
    answer(FaultId { id: shared.mock.faults.add(rule) })
}

/// The number of a fault, to remove it by.
#[derive(Serialize, JsonSchema)]
pub struct FaultId {
    id: u64,
}

#[derive(Serialize, JsonSchema)]
pub struct FaultList {
    faults: Vec<Fault>,
}

pub async fn list_faults(shared: Data<Shared>) -> Result<HttpResponse> {
    answer(FaultList { faults: shared.mock.faults.list() })
}

pub async fn remove_faults(shared: Data<Shared>) -> Result<HttpResponse> {
    shared.mock.faults.remove(None);
    success()
}

pub async fn remove_fault(shared: Data<Shared>, id: InPath<u64>) -> Result<HttpResponse> {
    match shared.mock.faults.remove(Some(*id)) {
        true => success(),
        false => Err(Error::not_found("fault", "There is no such fault: GET /_ctl/faults lists them")),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub struct JournalQuery {
    pub method: Option<String>,
    pub path: Option<String>,
    pub status: Option<u16>,
    pub caller: Option<Id>,
    pub problems: bool,
    pub after: u64,
    pub limit: Option<usize>,
    /// Wait so many seconds until one comes.
    pub wait: Option<f64>,
    /// `har`: an HTTP archive.
    pub format: Option<String>,
}

/// The longest wait.
pub const WAIT_MAX_S: f64 = 60.0;

#[derive(Serialize, JsonSchema)]
pub struct Requests {
    total: usize,
    requests: Vec<Entry>,
}

pub async fn requests(shared: Data<Shared>, query: Query<JournalQuery>) -> Result<HttpResponse> {
    let JournalQuery { method, path, status, caller, problems, after, limit, wait, format } = query.into_inner();
    let wanted = Wanted { method, path, status, caller, has_problems: problems, after };
    let limit = limit.unwrap_or(1_000);
    let time = Duration::from_secs_f64(wait.unwrap_or(0.0).clamp(0.0, WAIT_MAX_S));
    let (total, requests) = shared.mock.journal.wait_for(&wanted, limit, time).await;
    match format.as_deref() {
        Some("har") => answer(archive(&requests, &shared.url)),
        Some(_) => Err(wrong("format", "format is har, or left out")),
        None => answer(Requests { total, requests }),
    }
}

pub async fn clear_requests(shared: Data<Shared>) -> Result<HttpResponse> {
    shared.mock.journal.clear();
    success()
}
