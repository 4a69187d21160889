//! `hub move`, killed at every point.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::Value;

use super::hub_move::{FEW, Source, on_sqlite};
use super::mirror_pair::HubPlace;
use crate::support::Server;

/// A line to a hub on which the command is killed when so many requests, or answers, have come over it.
#[derive(Clone)]
struct Gate {
    address: SocketAddr,
    /// Of the command, once it is known.
    pid: Arc<(Mutex<u32>, Condvar)>,
    requests: Arc<AtomicU32>,
    answers: Arc<AtomicU32>,
}

const NEVER: u32 = u32::MAX;

impl Gate {
    fn before(hub: &Server) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let never = || Arc::new(AtomicU32::new(NEVER));
        let address = listener.local_addr().unwrap();
        let gate = Gate { address, pid: Arc::default(), requests: never(), answers: never() };
        let (hub, serving) = (hub.address().to_owned(), gate.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(hub) = TcpStream::connect(&hub) else { continue };
                let (back, again) = (hub.try_clone().unwrap(), client.try_clone().unwrap());
                let (up, down) = (serving.clone(), serving.clone());
                std::thread::spawn(move || up.copy(client, hub, " HTTP/1.1\r\n", &up.requests));
                std::thread::spawn(move || down.copy(back, again, "HTTP/1.1 ", &down.answers));
            }
        });
        gate
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Runs `command`, which is killed when so many have come.
    fn run(&self, command: &mut Command, count: &AtomicU32, kill_at: u32) -> ExitStatus {
        *self.pid.0.lock().unwrap() = 0;
        count.store(kill_at, Ordering::SeqCst);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        *self.pid.0.lock().unwrap() = child.id();
        self.pid.1.notify_all();
        let status = child.wait().unwrap();
        count.store(NEVER, Ordering::SeqCst);
        status
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream, mark: &str, left: &AtomicU32) {
        let mut buffer = [0; 65_536];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let is_counted = buffer[..count].windows(mark.len()).any(|window| window == mark.as_bytes());
            if is_counted && left.load(Ordering::SeqCst) != NEVER && left.fetch_sub(1, Ordering::SeqCst) == 1 {
                self.kill();
                break;
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }

    fn kill(&self) {
        let (pid, known) = &*self.pid;
        let pid = known.wait_while(pid.lock().unwrap(), |pid| *pid == 0).unwrap();
        assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
    }
}

/// Kills the command at its first request or answer, then at the second, and so on, until it ends by itself. `gives_up`:
/// each time the move is given up, as long as the switch is not made, and begun anew.
fn is_killed_at_each(which: impl Fn(&Gate) -> &AtomicU32, gives_up: bool) {
    let (source, place) = (Source::with(FEW), HubPlace::new());
    let target = on_sqlite(&place);
    let gate = Gate::before(&target.server);
    let (mut kills, mut filed) = (0, 0);
    loop {
        source.write(u64::from(kills));
        filed += usize::from(source.files(kills));
        source.syncs();
        let status = gate.run(&mut source.command(&gate.url(), &target.admin), which(&gate), kills + 1);
        let phase = |line: Option<Value>| line.map_or(Value::Null, |line| line["phase"].clone());
        let (here, there) = (phase(Some(source.line())), phase(target.line(&source.origin)));
        assert!(here != "here" || there != "here", "served by both after {kills} kills");
        if status.success() {
            break;
        }
        assert_eq!(status.signal(), Some(9), "{status:?}");
        kills += 1;
        if gives_up && here == "leaving" && there != "here" {
            source.stays();
            assert!(source.syncs(), "it is served again");
        }
    }
    assert!(kills >= if gives_up { 10 } else { 7 }, "{kills}");
    source.has_moved_to(&target, &gate.url());
    let admin = std::fs::read_to_string(&target.admin).unwrap();
    let listed = target.server.get(&format!("/sync/v1/origins/{}/proposals", source.origin), admin.trim()).body;
    assert_eq!(listed["proposals"].as_array().unwrap().len(), filed, "{listed}");
    assert!(filed > 2);
}

#[test]
fn a_move_that_is_killed_before_any_of_its_requests_is_run_again() {
    is_killed_at_each(|gate| &gate.requests, false);
    is_killed_at_each(|gate| &gate.requests, true);
}

#[test]
fn a_move_that_is_killed_after_any_of_its_requests_is_run_again() {
    is_killed_at_each(|gate| &gate.answers, false);
    is_killed_at_each(|gate| &gate.answers, true);
}
