//! A line on which no connection lives long, and none is fast: a first mirror and a reset end all the same, and what the hub has
//! is not sent again. Both sides are killed in between.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::mirror_pair::{HubPlace, OPERATOR, sync, world_with_operator};
use crate::support::chance::Chance;
use crate::support::{Place, Server};

const ROWS: usize = 20_000;
/// How long a connection lives, and how much it carries.
const LIFE_MS: std::ops::Range<u64> = 3_000..5_000;
const BYTES_PER_SECOND: std::ops::Range<u64> = 40_000..80_000;

/// How many bytes are waited for, and by whom.
type Waiting = (u64, Sender<()>);

/// A line to a hub, wherever that listens now.
#[derive(Clone)]
struct Line {
    address: SocketAddr,
    hub: Arc<AtomicU16>,
    is_bad: Arc<AtomicBool>,
    /// Bytes that were carried to the hub.
    carried: Arc<AtomicU64>,
    breaks: Arc<AtomicU64>,
    /// Who is told once so many bytes were carried.
    waiting: Arc<Mutex<Option<Waiting>>>,
}

impl Line {
    fn start(seed: u64) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let line = Line {
            address: listener.local_addr().unwrap(),
            hub: Arc::default(),
            is_bad: Arc::default(),
            carried: Arc::default(),
            breaks: Arc::default(),
            waiting: Arc::default(),
        };
        let serving = line.clone();
        std::thread::spawn(move || {
            let mut chance = Chance(seed);
            for client in listener.incoming().flatten() {
                let (line, mut chance) = (serving.clone(), Chance(chance.number()));
                std::thread::spawn(move || line.carry(client, &mut chance));
            }
        });
        line
    }

    fn leads_to(&self, hub: &Server) {
        self.hub.store(hub.address().rsplit(':').next().unwrap().parse().unwrap(), Ordering::Relaxed);
    }

    /// How many bytes were carried while `work` was done.
    fn bytes_of(&self, work: impl FnOnce()) -> u64 {
        let before = self.carried.load(Ordering::Relaxed);
        work();
        self.carried.load(Ordering::Relaxed) - before
    }

    /// Hears of it once `bytes` more were carried.
    fn after(&self, bytes: u64) -> Receiver<()> {
        let (told, heard) = channel();
        *self.waiting.lock().unwrap() = Some((self.carried.load(Ordering::Relaxed) + bytes, told));
        heard
    }

    fn carry(&self, client: TcpStream, chance: &mut Chance) {
        let Ok(hub) = TcpStream::connect(("127.0.0.1", self.hub.load(Ordering::Relaxed))) else { return };
        let mut draw = |range: std::ops::Range<u64>| range.start + chance.below(range.end - range.start);
        let (life, speed) = (Duration::from_millis(draw(LIFE_MS)), draw(BYTES_PER_SECOND));
        let ends = self.is_bad.load(Ordering::Relaxed).then(|| (Instant::now() + life, speed));
        let (mut from_hub, mut to_client) = (hub.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from_hub, &mut to_client);
            let _ = to_client.shutdown(Shutdown::Both);
        });
        self.carry_up(&client, &hub, ends);
        let _ = client.shutdown(Shutdown::Both);
        let _ = hub.shutdown(Shutdown::Both);
    }

    /// Carries what goes to the hub, until the connection ends by itself or its time is over.
    fn carry_up(&self, mut client: &TcpStream, mut hub: &TcpStream, ends: Option<(Instant, u64)>) {
        let mut buffer = [0; 1_000];
        loop {
            if let Some((end, _)) = ends {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() || client.set_read_timeout(Some(left)).is_err() {
                    self.breaks.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
            let count = match client.read(&mut buffer) {
                Ok(count @ 1..) => count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                _ => return,
            };
            if let Some((_, speed)) = ends {
                // Nothing is ever sent here: it is the time that passes.
                let (_open, nothing) = channel::<()>();
                let _ = nothing.recv_timeout(Duration::from_secs_f64(count as f64 / speed as f64));
            }
            if hub.write_all(&buffer[..count]).is_err() {
                return;
            }
            let carried = self.carried.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
            let mut waiting = self.waiting.lock().unwrap();
            if let Some((_, told)) = waiting.take_if(|(bytes, _)| carried >= *bytes) {
                let _ = told.send(());
            }
        }
    }
}

/// Has the edge exchange until the hub has everything.
fn exchange_until_consistent(edge: &Server, operator: &str) {
    let mut status = json!(null);
    // While the hub is away, a try takes no time.
    for _ in 0..5_000 {
        status = sync(edge, operator);
        if status["consistent"] == true {
            return;
        }
    }
    panic!("it never ends: {status}");
}

/// Both sides hold the same, as a comparison shows that no break has cut off.
fn is_proved(edge: &Server, operator: &str) {
    let proofs = (0..20).map(|_| edge.post("/sync/verify", operator, &json!({})));
    let proof = proofs.into_iter().find(|proof| proof.status == 200).unwrap();
    assert_eq!(proof.body["equal"], true, "{proof:?}");
}

/// An edge of this place that is killed once `bytes` were carried, and started again; `then` happens a quarter of that later.
/// What it sends until the hub has everything.
fn killed_in_between(
    place: &Place,
    line: &Line,
    operator: &str,
    bytes: u64,
    then: impl FnOnce() + Send,
) -> (Server, u64) {
    let mut edge = None;
    let sent = line.bytes_of(|| {
        let killed = place.serve();
        let heard = line.after(bytes);
        std::thread::scope(|scope| {
            let killed = &killed;
            scope.spawn(move || while killed.try_post("/sync", operator, &json!({})).is_ok() {});
            heard.recv().unwrap();
            killed.signal_kill();
        });
        killed.kill();
        let (again, heard) = (place.serve(), line.after(bytes / 4));
        std::thread::scope(|scope| {
            scope.spawn(move || {
                heard.recv().unwrap();
                then();
            });
            exchange_until_consistent(&again, operator);
        });
        edge = Some(again);
    });
    (edge.unwrap(), sent)
}

fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap();
    for log in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{log}", to.display()));
    }
}

/// Rows that do not compress to nothing.
fn world() -> Value {
    let (mut world, mut chance) = (world_with_operator(ROWS), Chance(1));
    for employee in world["employees"].as_array_mut().unwrap() {
        employee["title"] = json!(format!("{:016x}{:016x}", chance.number(), chance.number()));
    }
    world
}

#[test]
fn on_a_line_that_breaks_all_the_time_a_first_mirror_and_a_reset_end_and_little_is_sent_twice() {
    let (hub_place, place, line) = (HubPlace::new(), Place::holding(&world()), Line::start(5));
    let operator = place.token_of(OPERATOR);
    let hub = Mutex::new(Some(hub_place.start()));
    let url = hub.lock().unwrap().as_ref().map(|hub| hub.server.url.clone()).unwrap();
    line.leads_to(&hub.lock().unwrap().as_ref().unwrap().server);
    let enrolled = |place: &Place, name: &str| {
        place.run(&["sync", "enroll", &url, &hub_place.code(name)]);
        let url = format!("http://{}", line.address);
        place.sqlite().execute("update sync_state set hub = ?1", [&url]).unwrap();
        place.sqlite().query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())).unwrap();
    };
    // What all of it takes on a line that neither breaks nor is slow.
    let other = Place::new();
    copy(&place.db(), &other.db());
    enrolled(&other, "Other");
    let all = line.bytes_of(|| drop(other.run(&["sync", "run"])));

    enrolled(&place, "Bakery");
    let image = place.path("image.db");
    copy(&place.db(), &image);
    line.is_bad.store(true, Ordering::Relaxed);
    let begun = Instant::now();
    let kill_hub = || {
        let mut hub = hub.lock().unwrap();
        hub.take().unwrap().server.kill();
        let again = hub_place.start();
        line.leads_to(&again.server);
        *hub = Some(again);
    };
    let (edge, first) = killed_in_between(&place, &line, &operator, all / 2, kill_hub);
    let (breaks, took) = (line.breaks.load(Ordering::Relaxed), begun.elapsed());
    eprintln!("{all} bytes; the first mirror took {first}, {breaks} breaks, {took:?}");
    is_proved(&edge, &operator);
    assert!(first * 10 < all * 13, "{first} bytes for {all}");
    assert!(edge.stop().success());

    // The machine comes back with an old disk: it begins anew.
    copy(&image, &place.db());
    let (edge, reset) = killed_in_between(&place, &line, &operator, all / 2, || {});
    eprintln!("the reset took {reset}, {} breaks in all, {:?}", line.breaks.load(Ordering::Relaxed), begun.elapsed());
    is_proved(&edge, &operator);
    assert!(reset * 10 < all * 13, "{reset} bytes for {all}");
    assert!(line.breaks.load(Ordering::Relaxed) >= 3);
    let forks = edge.get("/sync/status", &operator).body["forks"].clone();
    assert_eq!(forks, 1);
}
