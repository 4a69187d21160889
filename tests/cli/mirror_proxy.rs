//! A bad line between an edge and its hub: it stays where it is while the hub behind it comes and goes, cuts
//! connections after some bytes, and sends old requests again.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::chance::Chance;

#[derive(Clone)]
pub struct Proxy {
    pub address: SocketAddr,
    /// Where the hub listens now.
    hub: Arc<AtomicU16>,
    is_bad: Arc<AtomicBool>,
    pub cuts: Arc<AtomicU64>,
    pub replays: Arc<AtomicU64>,
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

    fn carry(&self, client: TcpStream, chance: &mut Chance) {
        let connect = || TcpStream::connect(("127.0.0.1", self.hub.load(Ordering::Relaxed)));
        let is_bad = self.is_bad.load(Ordering::Relaxed);
        if is_bad && chance.below(4) == 0 {
            self.replay(connect);
        }
        let Ok(hub) = connect() else { return };
        let limit = |chance: &mut Chance| if is_bad && chance.below(3) == 0 { chance.below(6_000) } else { u64::MAX };
        let (to_hub, to_client) = (limit(chance), limit(chance));
        let (client_again, hub_again) = (client.try_clone().unwrap(), hub.try_clone().unwrap());
        let up = self.clone();
        std::thread::spawn(move || up.copy(client_again, hub_again, to_hub, true));
        self.copy(hub, client, to_client, false);
    }

    /// Carries up to `limit` bytes, and cuts then.
    fn copy(&self, mut from: TcpStream, mut to: TcpStream, limit: u64, is_kept: bool) {
        let (mut buffer, mut carried, mut kept) = ([0; 4_096], 0, vec![]);
        while let Ok(count @ 1..) = from.read(&mut buffer) {
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
