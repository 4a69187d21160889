//! A bad line between an edge and its hub: it stays where it is while the hub behind it comes and goes, cuts
//! connections after some bytes, carries half of what it was given as if that were all, holds things up, and sends old
//! requests again.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::chance::Chance;

/// What happens to what goes one way over a connection.
enum Fate {
    Carried,
    /// Cut after so many bytes.
    Cut(u64),
    /// Half of what comes first, and then the end.
    Halved,
    /// Each piece after a while.
    Delayed(Duration),
}

impl Fate {
    fn draw(is_bad: bool, chance: &mut Chance) -> Fate {
        match chance.below(12) {
            _ if !is_bad => Fate::Carried,
            0..3 => Fate::Cut(chance.below(6_000)),
            3 => Fate::Halved,
            4 => Fate::Delayed(Duration::from_millis(chance.below(30))),
            _ => Fate::Carried,
        }
    }
}

#[derive(Clone)]
pub struct Proxy {
    pub address: SocketAddr,
    /// Where the hub listens now.
    hub: Arc<AtomicU16>,
    is_bad: Arc<AtomicBool>,
    cuts: Arc<AtomicU64>,
    replays: Arc<AtomicU64>,
    halves: Arc<AtomicU64>,
    delays: Arc<AtomicU64>,
    /// What was last sent to the hub over one connection.
    last: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    pub fn start(seed: u64) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy {
            address: listener.local_addr().unwrap(),
            hub: Arc::default(),
            is_bad: Arc::new(AtomicBool::new(true)),
            cuts: Arc::default(),
            replays: Arc::default(),
            halves: Arc::default(),
            delays: Arc::default(),
            last: Arc::default(),
        };
        let serving = proxy.clone();
        std::thread::spawn(move || {
            let mut chance = Chance(seed);
            for client in listener.incoming().flatten() {
                let (proxy, mut chance) = (serving.clone(), Chance(chance.number()));
                std::thread::spawn(move || proxy.carry(client, &mut chance));
            }
        });
        proxy
    }

    pub fn leads_to(&self, address: &str) {
        let port = address.rsplit(':').next().unwrap().parse().unwrap();
        self.hub.store(port, Ordering::Relaxed);
    }

    /// From now on it only carries.
    pub fn be_good(&self) {
        self.is_bad.store(false, Ordering::Relaxed);
    }

    /// Whether it has done each of the bad things so often.
    pub fn has_done_all(&self, often: u64) -> bool {
        [&self.cuts, &self.replays, &self.halves, &self.delays].iter().all(|done| done.load(Ordering::Relaxed) >= often)
    }

    fn carry(&self, client: TcpStream, chance: &mut Chance) {
        let connect = || TcpStream::connect(("127.0.0.1", self.hub.load(Ordering::Relaxed)));
        let is_bad = self.is_bad.load(Ordering::Relaxed);
        if is_bad && chance.below(4) == 0 {
            self.replay(connect);
        }
        let Ok(hub) = connect() else { return };
        let (up, down) = (Fate::draw(is_bad, chance), Fate::draw(is_bad, chance));
        let (client_again, hub_again) = (client.try_clone().unwrap(), hub.try_clone().unwrap());
        let other_way = self.clone();
        std::thread::spawn(move || other_way.copy(client_again, hub_again, &up, true));
        self.copy(hub, client, &down, false);
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream, fate: &Fate, is_kept: bool) {
        let limit = if let Fate::Cut(limit) = fate { *limit } else { u64::MAX };
        let (mut buffer, mut carried, mut kept) = ([0; 4_096], 0, vec![]);
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            match fate {
                Fate::Delayed(pause) => {
                    // Nothing is ever sent here: it is the time that passes.
                    let (_open, nothing) = std::sync::mpsc::channel::<()>();
                    let _ = nothing.recv_timeout(*pause);
                    self.delays.fetch_add(1, Ordering::Relaxed);
                }
                Fate::Halved => {
                    let _ = to.write_all(&buffer[..count / 2]);
                    self.halves.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                Fate::Carried | Fate::Cut(_) => {}
            }
            let count = count.min((limit - carried) as usize);
            carried += count as u64;
            kept.extend_from_slice(&buffer[..count]);
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
            if carried == limit {
                self.cuts.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
        if is_kept && !kept.is_empty() {
            *self.last.lock().unwrap() = kept;
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }

    /// Sends again what was sent last; nobody hears the answer.
    fn replay(&self, connect: impl Fn() -> std::io::Result<TcpStream>) {
        let old = self.last.lock().unwrap().clone();
        if let Ok(mut hub) = connect()
            && hub.write_all(&old).is_ok()
        {
            self.replays.fetch_add(1, Ordering::Relaxed);
            let _ = hub.shutdown(Shutdown::Write);
            let _ = hub.read_to_end(&mut vec![]);
        }
    }
}
