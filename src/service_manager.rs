//! The service manager that has started the program, which is systemd on most machines: what it is told (sd_notify(3)), and the
//! credentials that it hands over.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};

/// How long a message may wait for a service manager that does not read.
const PATIENCE: Duration = Duration::from_secs(1);
/// How a setting names a credential in the place of a file.
const REFERENCE: &str = "credential:";

/// Whoever has started the program, if it wants to hear of it. Every call does nothing where nobody does.
#[derive(Default)]
pub struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// A watchdog restarts the program after twice this time without [`ServiceManager::is_alive`].
    feed_every: Option<Duration>,
}

impl ServiceManager {
    /// The one that the environment names. A socket that cannot be used is logged, and nobody is told anything.
    pub fn of_environment() -> ServiceManager {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return ServiceManager::default() };
        let watchdog = watchdog(&|name| std::env::var(name).ok());
        ServiceManager::at(&name, watchdog).unwrap_or_else(|error| {
            tracing::warn!(%error, "the service manager cannot be told anything: NOTIFY_SOCKET cannot be used");
            ServiceManager::default()
        })
    }

    /// At this socket: a path, or behind `@` the name of an abstract one. `watchdog`: after how long without a sign of life it
    /// restarts the program.
    pub fn at(socket: &OsStr, watchdog: Option<Duration>) -> std::io::Result<ServiceManager> {
        let address = match socket.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(socket)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(ServiceManager { socket: Some((socket, address)), feed_every: watchdog.map(|watchdog| watchdog / 2) })
    }

    /// The program answers. `status`: in a sentence, what `systemctl status` shows.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// Another sentence for `systemctl status`.
    pub fn status(&self, status: &str) {
        self.tell(&format!("STATUS={status}"));
    }

    /// The program ends.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=stopping: requests under way are finished first");
    }

    /// A sign of life for the watchdog, if there is one.
    pub fn is_alive(&self) {
        if self.feed_every.is_some() {
            self.tell("WATCHDOG=1");
        }
    }

    /// Feeds the watchdog for as long as `check` succeeds: twice in its time. While a check does not return, or fails, nothing is
    /// fed. Never returns; where there is no watchdog it checks nothing.
    pub async fn feed_watchdog(&self, check: impl AsyncFn() -> crate::error::Result<()>) {
        let Some(every) = self.feed_every else { return std::future::pending().await };
        let mut is_well = true;
        loop {
            let checked = check().await;
            match &checked {
                Ok(()) => self.is_alive(),
                Err(error) if is_well => {
                    tracing::error!(%error, "the watchdog is not fed: nothing can be written to the database");
                }
                Err(_) => {}
            }
            is_well = checked.is_ok();
            // What has failed may succeed in time.
            tokio::time::sleep(if is_well { every } else { every / 8 }).await;
        }
    }

    fn tell(&self, message: &str) {
        let Some((socket, address)) = &self.socket else { return };
        if let Err(error) = socket.send_to_addr(message.as_bytes(), address) {
            tracing::warn!(%error, "the service manager could not be told: {}", message.replace('\n', ", "));
        }
    }
}

/// The time of the watchdog, unless it is meant for another process.
fn watchdog(variable: &impl Fn(&str) -> Option<String>) -> Option<Duration> {
    let is_ours = variable("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
    let micros: u64 = variable("WATCHDOG_USEC")?.parse().ok()?;
    (is_ours && micros > 0).then(|| Duration::from_micros(micros))
}

/// The folder with the credentials of the service, where the program was started as one that has some (LoadCredential=).
pub fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// Whether the file is a credential of the service. Who may read those is the service manager's affair.
pub fn is_credential(file: &Path) -> bool {
    credentials().is_some_and(|folder| file.starts_with(folder))
}

/// The name of the credential, when the setting names one in the place of a file: `credential:NAME`.
pub fn credential_name(given: &Path) -> Option<&str> {
    given.to_str()?.strip_prefix(REFERENCE)
}

/// The file that a setting means: `credential:NAME` is a credential of the service, anything else a file. `setting` is what the
/// error calls it.
pub fn credential_or_file(given: &Path, setting: &str) -> Result<PathBuf> {
    let Some(name) = credential_name(given) else { return Ok(given.to_owned()) };
    ensure!(
        !name.is_empty() && !name.contains('/') && name != "..",
        "{setting} is no credential: give credential:NAME, with the name that LoadCredential= has in the unit"
    );
    let file = credentials().map(|folder| folder.join(name)).filter(|file| file.exists());
    let advice = format!("add LoadCredential={name}:/PATH/OF/THE/FILE to its unit (systemctl edit), or name a file");
    file.ok_or_else(|| anyhow::anyhow!("{setting} needs the credential {name}, which this service has not: {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::ffi::OsString;

    /// A socket that messages arrive at, by a name in the file system or an abstract one.
    fn listen(folder: &Path, is_abstract: bool) -> (UnixDatagram, OsString) {
        let path = folder.join("notify");
        let (socket, name) = if is_abstract {
            let name = path.to_str().unwrap().to_owned();
            let address = SocketAddr::from_abstract_name(&name).unwrap();
            (UnixDatagram::bind_addr(&address).unwrap(), OsString::from(format!("@{name}")))
        } else {
            (UnixDatagram::bind(&path).unwrap(), path.into_os_string())
        };
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        (socket, name)
    }

    fn receive(socket: &UnixDatagram) -> String {
        let mut message = [0; 4096];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    }

    #[test]
    fn messages_arrive_at_a_socket_in_a_folder_and_at_an_abstract_one() {
        for is_abstract in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let (socket, name) = listen(folder.path(), is_abstract);
            let manager = ServiceManager::at(&name, None).unwrap();
            manager.ready("listening");
            manager.is_alive();
            manager.stopping();
            assert_eq!(receive(&socket), "READY=1\nSTATUS=listening");
            // There is no watchdog, so none is fed.
            assert!(receive(&socket).starts_with("STOPPING=1\n"));
        }
    }

    #[test]
    fn the_watchdog_is_fed_until_the_check_hangs() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, name) = listen(folder.path(), false);
        let manager = ServiceManager::at(&name, Some(Duration::from_millis(4))).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let checks = Cell::new(0);
        let feeding = manager.feed_watchdog(async || {
            checks.set(checks.get() + 1);
            match checks.get() {
                1 | 4 => Ok(()),
                2 | 3 => Err(crate::error::Error::Busy),
                _ => std::future::pending().await,
            }
        });
        runtime.block_on(async { tokio::time::timeout(Duration::from_millis(500), feeding).await }).unwrap_err();
        assert_eq!(checks.get(), 5, "a check that fails is tried again, one that hangs is not");
        assert_eq!((receive(&socket), receive(&socket)), ("WATCHDOG=1".into(), "WATCHDOG=1".into()));
        socket.set_nonblocking(true).unwrap();
        assert!(socket.recv(&mut [0; 9]).is_err(), "what failed or hung was fed too");
    }

    #[test]
    fn a_watchdog_of_another_process_is_not_ours() {
        let of = |pid: Option<u32>| {
            watchdog(&|name| match name {
                "WATCHDOG_PID" => pid.map(|pid| pid.to_string()),
                _ => Some("2000000".to_owned()),
            })
        };
        let two_seconds = Some(Duration::from_secs(2));
        assert_eq!((of(None), of(Some(std::process::id()))), (two_seconds, two_seconds));
        assert_eq!(of(Some(1)), None);
        assert_eq!(watchdog(&|_| None), None);
    }

    #[test]
    fn a_credential_that_is_missing_is_said_in_one_sentence() {
        let file = credential_or_file(Path::new("/etc/key.pem"), "--tls-key").unwrap();
        assert_eq!(file, Path::new("/etc/key.pem"));
        let error = credential_or_file(Path::new("credential:tls-key"), "--tls-key").unwrap_err().to_string();
        assert!(error.contains("needs the credential tls-key") && error.contains("LoadCredential=tls-key:"), "{error}");
        assert!(credential_or_file(Path::new("credential:../x"), "--tls-key").is_err());
    }
}
