//! One process that plays a fleet of edges against a hub: what `scripts/bench-fleet` measures.
//!
//! Each edge keeps the protocol: it builds every push on the state that the hub last told it, with an attempt of its own.

mod plan;

use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use serde_json::{Value, json};
use telecomx_local::db::SCHEMA_VERSION;
use telecomx_local::domain::mirror::{Epoch, Head, Row, Table};
use telecomx_local::sync::edge::client::{CallError, HubClient};
use telecomx_local::sync::edge::session::Outgoing;
use telecomx_local::sync::protocol::wire::{EdgeStatus, Mode, PROTO, Pace, Push};
use uuid::Uuid;

use crate::Result;
use plan::{Moment, peak, returns, share};

/// What the fleet does.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Load {
    /// Pushes batches of rows, as fast as the hub takes them.
    Rows,
    /// Exchanges that bring nothing, as fast as the hub answers them.
    Idle,
    /// Every edge once a minute, at moments that chance has chosen.
    Steady,
    /// The hub was away for ten minutes: every edge comes when its own pacing lets it, with something to say. Time runs
    /// faster by `speed`.
    Return,
}

#[derive(clap::Args)]
pub struct Fleet {
    /// One hub, or several beside each other
    #[arg(long, required = true)]
    url: Vec<String>,
    /// Of the hub's administrator
    #[arg(long)]
    admin_token: std::path::PathBuf,
    #[arg(long)]
    edges: usize,
    #[arg(long, default_value_t = 32)]
    connections: usize,
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Rows in a batch
    #[arg(long, default_value_t = 20)]
    batch: usize,
    /// Length of a row's text, about
    #[arg(long, default_value_t = 300)]
    row_bytes: usize,
    #[arg(long, default_value_t = 10.0)]
    speed: f64,
    /// One after the other, on the same fleet
    #[arg(long, value_enum, required = true)]
    load: Vec<Load>,
}

struct Edge {
    origin: String,
    token: String,
    epoch: Epoch,
    head: Head,
    seed: usize,
}

impl Edge {
    fn push(&self, rows: usize, row_bytes: usize) -> Box<Push> {
        let to = if rows == 0 { self.head.acked } else { self.head.acked + 1 };
        let attempt = if rows == 0 { self.head.attempt } else { Uuid::new_v4() };
        let row = |n: usize| {
            let id = format!("{:08x}{:016x}", self.seed, (to as usize * rows + n) % (rows * 10));
            let v = json!({ "_id": id, "customer": "c00000000000000000000001", "configs": [
                { "type": "COLLEAGUES", "items": [], "others": [], "n": to, "padding": "x".repeat(row_bytes) }] });
            let v = RawValue::from_string(v.to_string()).ok();
            Row { t: Table::MobileConfig, id, rev: to, chg: to, v: v.map(Into::into), bad: None }
        };
        Box::new(Push {
            proto: PROTO,
            schema: SCHEMA_VERSION,
            request: Uuid::new_v4(),
            mode: Mode::Append,
            epoch: self.epoch,
            parent: None,
            base: self.head,
            to,
            attempt,
            snap: to,
            staged: None,
            rows: (0..rows).map(row).collect::<Vec<_>>().into(),
            outcomes: vec![],
            audit: Default::default(),
            status: EdgeStatus { version: "bench".into(), ..EdgeStatus::default() },
        })
    }
}

/// What was counted of one load.
#[derive(Default)]
struct Counts {
    exchanges: AtomicU64,
    rows: AtomicU64,
    /// 503 and 429: come later.
    later: AtomicU64,
    failed: AtomicU64,
    worst: Mutex<Option<String>>,
    millis: Mutex<Vec<f64>>,
}

struct Played<'f> {
    options: &'f Fleet,
    edges: Vec<Mutex<Edge>>,
    clients: Vec<HubClient>,
}

impl Played<'_> {
    /// One exchange of edge `n` over connection `k`; `due`: when it should have begun.
    fn exchange(&self, k: usize, n: usize, rows: usize, due: Instant, counts: &Counts) {
        let Ok(mut edge) = self.edges[n].lock() else { return };
        let message = Outgoing::Push(edge.push(rows, self.options.row_bytes));
        match self.clients[k].send(&edge.origin, &edge.token, &message) {
            Ok(Some(reply)) => {
                edge.head = reply.head;
                counts.exchanges.fetch_add(1, Ordering::Relaxed);
                counts.rows.fetch_add(if reply.accepted { rows as u64 } else { 0 }, Ordering::Relaxed);
            }
            Ok(None) => {}
            Err(CallError::Refused { status: 429 | 503, .. }) => drop(counts.later.fetch_add(1, Ordering::Relaxed)),
            Err(error) => {
                counts.failed.fetch_add(1, Ordering::Relaxed);
                if let Ok(mut worst) = counts.worst.lock() {
                    worst.get_or_insert_with(|| error.to_string());
                }
            }
        }
        if let Ok(mut millis) = counts.millis.lock() {
            millis.push(due.elapsed().as_secs_f64() * 1e3);
        }
    }

    /// Every connection goes through its share of the edges, again and again.
    fn flat_out(&self, rows: usize, counts: &Counts) {
        let end = Instant::now() + Duration::from_secs_f64(self.options.seconds);
        std::thread::scope(|scope| {
            for k in 0..self.clients.len() {
                scope.spawn(move || {
                    let own = (0..self.edges.len()).filter(|n| n % self.clients.len() == k).collect::<Vec<_>>();
                    for n in own.iter().cycle() {
                        let now = Instant::now();
                        if now >= end {
                            return;
                        }
                        self.exchange(k, *n, rows, now, counts);
                    }
                });
            }
        });
    }

    #[allow(clippy::disallowed_methods, reason = "what a load waits for is its moment")]
    /// Exchanges at the moments of `plan` (seconds from now, edge), whichever connection is free.
    fn by_plan(&self, plan: Vec<(f64, usize)>, rows: usize, counts: &Counts) {
        let mut plan: BinaryHeap<Moment> = plan.into_iter().map(|(at, edge)| Moment { at, edge }).collect();
        let begun = Instant::now();
        let next = Mutex::new(std::iter::from_fn(move || plan.pop()));
        std::thread::scope(|scope| {
            for k in 0..self.clients.len() {
                let next = &next;
                scope.spawn(move || {
                    while let Some(Moment { at, edge }) = next.lock().ok().and_then(|mut next| next.next()) {
                        let due = begun + Duration::from_secs_f64(at);
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        self.exchange(k, edge, rows, due, counts);
                    }
                });
            }
        });
    }
}

pub fn run(options: &Fleet) -> Result<()> {
    let admin = std::fs::read_to_string(&options.admin_token)?.trim().to_owned();
    let client = |k: usize| HubClient::new(&options.url[k % options.url.len()], None, Arc::default());
    let clients = (0..options.connections).map(client).collect::<std::result::Result<Vec<_>, _>>()?;
    let began = Instant::now();
    let edges = enrol(options, &admin, &clients)?;
    eprintln!("{} edges enrolled in {:.1} s", edges.len(), began.elapsed().as_secs_f64());
    let played = Played { options, edges, clients };
    let mut figures = serde_json::Map::new();
    for load in &options.load {
        let counts = Counts::default();
        let began = Instant::now();
        let mut more = json!({});
        match load {
            Load::Rows => played.flat_out(options.batch, &counts),
            Load::Idle => played.flat_out(0, &counts),
            Load::Steady => {
                let plan = (0..options.edges).map(|n| (share() * 60.0, n)).filter(|(at, _)| *at < options.seconds);
                played.by_plan(plan.collect(), 0, &counts);
            }
            Load::Return => {
                let plan = returns(options.edges);
                let steady = options.edges as f64 / (Pace::default().next_ms as f64 / 1e3);
                more = json!({ "steady": steady, "peak": peak(&plan), "of steady": peak(&plan) / steady });
                let faster = plan.into_iter().map(|(at, edge)| (at / options.speed, edge));
                played.by_plan(faster.collect(), options.batch, &counts);
            }
        }
        figures.insert(format!("{load:?}").to_lowercase(), counts.figures(began.elapsed().as_secs_f64(), more));
    }
    let (mut inconsistent, mut after) = (0, String::new());
    loop {
        let fleet = get(&format!("{}/sync/v1/fleet{after}", options.url[0]), &admin)?;
        let origins = fleet["origins"].as_array().map_or(&[][..], Vec::as_slice);
        inconsistent += origins.iter().filter(|origin| origin["consistent"] != true).count();
        match fleet["after"].as_str() {
            Some(next) => after = format!("?after={next}"),
            None => break,
        }
    }
    figures.insert("inconsistent".into(), json!(inconsistent));
    println!("{}", Value::Object(figures));
    Ok(())
}

impl Counts {
    fn figures(&self, seconds: f64, more: Value) -> Value {
        let number = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut millis = self.millis.lock().map(|millis| millis.clone()).unwrap_or_default();
        millis.sort_by(f64::total_cmp);
        let at = |share: f64| millis.get((millis.len() as f64 * share) as usize).copied().unwrap_or(0.0);
        let mut figures = json!({
            "seconds": seconds,
            "exchanges per second": number(&self.exchanges) as f64 / seconds,
            "rows per second": number(&self.rows) as f64 / seconds,
            "p50 ms": at(0.5), "p99 ms": at(0.99),
            "later": number(&self.later), "failed": number(&self.failed),
            "worst": self.worst.lock().ok().and_then(|worst| worst.clone()),
        });
        if let (Some(figures), Value::Object(more)) = (figures.as_object_mut(), more) {
            figures.extend(more);
        }
        figures
    }
}

fn enrol(options: &Fleet, admin: &str, clients: &[HubClient]) -> Result<Vec<Mutex<Edge>>> {
    let done = Mutex::new(vec![]);
    let failure: Mutex<Option<String>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for (k, client) in clients.iter().enumerate() {
            let (done, failure) = (&done, &failure);
            scope.spawn(move || {
                for n in (k..options.edges).step_by(clients.len()) {
                    let enrolled = enrol_one(options, admin, client, n).map_err(|error| error.to_string());
                    match (enrolled, done.lock(), failure.lock()) {
                        (Ok(edge), Ok(mut done), _) => done.push(Mutex::new(edge)),
                        (Err(error), _, Ok(mut failure)) => {
                            failure.get_or_insert(error);
                            return;
                        }
                        _ => return,
                    }
                }
            });
        }
    });
    match failure.into_inner() {
        Ok(None) => Ok(done.into_inner().unwrap_or_default()),
        Ok(Some(error)) => Err(error.into()),
        Err(error) => Err(error.to_string().into()),
    }
}

fn enrol_one(options: &Fleet, admin: &str, client: &HubClient, n: usize) -> Result<Edge> {
    let url = format!("{}/sync/v1/codes", options.url[n % options.url.len()]);
    let body = json!({ "name": format!("Edge {n}") }).to_string();
    let request = ureq::post(&url).header("authorization", format!("Bearer {admin}"));
    let code: Value = serde_json::from_str(&request.send(body)?.body_mut().read_to_string()?)?;
    let enrolled = client.enroll(code["code"].as_str().unwrap_or_default(), None)?;
    let (origin, token) = (enrolled.origin, enrolled.token);
    Ok(Edge { origin, token, epoch: Epoch(1, Uuid::new_v4()), head: Head::EMPTY, seed: n })
}

fn get(url: &str, token: &str) -> Result<Value> {
    let mut answer = ureq::get(url).header("authorization", format!("Bearer {token}")).call()?;
    Ok(serde_json::from_str(&answer.body_mut().with_config().limit(256 << 20).read_to_string()?)?)
}
