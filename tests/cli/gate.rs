//! A line on which a command is killed at a point of its talk with a hub.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use crate::support::Server;

/// A line to a hub on which the command is killed when so many requests, or answers, have come over it.
#[derive(Clone)]
pub struct Gate {
    address: SocketAddr,
    /// Of the command, once it is known.
    pid: Arc<(Mutex<u32>, Condvar)>,
    pub requests: Arc<AtomicU32>,
    pub answers: Arc<AtomicU32>,
}

const NEVER: u32 = u32::MAX;

impl Gate {
    pub fn before(hub: &Server) -> Gate {
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

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Runs `command`, which is killed when so many have come.
    pub fn run(&self, command: &mut Command, count: &AtomicU32, kill_at: u32) -> ExitStatus {
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
