//! A stand-in for the service manager: the socket at which a server says that it is ready, alive, and about to end.

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a message may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct NotifySocket {
    socket: UnixDatagram,
    /// What `NOTIFY_SOCKET` is set to.
    pub name: OsString,
}

impl NotifySocket {
    /// At a path that every user may write to.
    pub fn at(path: &Path) -> NotifySocket {
        let socket = UnixDatagram::bind(path).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
        NotifySocket { socket, name: path.into() }
    }

    /// At an abstract address, which no file system knows.
    pub fn abstract_one(name: &Path) -> NotifySocket {
        let name = name.to_str().unwrap();
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap();
        NotifySocket { socket, name: format!("@{name}").into() }
    }

    /// Waits for a message that begins like this, and passes over others.
    pub fn wait_for(&self, beginning: &str) -> String {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(message) = self.next(PATIENCE)
                && message.starts_with(beginning)
            {
                return message;
            }
        }
        panic!("{beginning} did not arrive within {PATIENCE:?}");
    }

    /// Waits until nothing has arrived for as long as `quiet`.
    pub fn falls_silent(&self, quiet: Duration) {
        let begun = Instant::now();
        while self.next(quiet).is_some() {
            assert!(begun.elapsed() < PATIENCE, "messages still arrive after {PATIENCE:?}");
        }
    }

    fn next(&self, limit: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(limit)).unwrap();
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).ok()?;
        Some(String::from_utf8(message[..length].to_vec()).unwrap())
    }
}
