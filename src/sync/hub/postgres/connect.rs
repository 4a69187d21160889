//! How a hub connects to PostgreSQL: URL, password, TLS, connection pool.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result as AnyResult, anyhow, bail, ensure};
use deadpool_postgres::{Connect, Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Timeouts};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tx::{PostgresError, in_full};
use crate::error::{Advise as _, advised};
use crate::sync::http_agent::is_this_machine;

/// Connections of one hub process; PostgreSQL runs a process for each.
const CONNECTIONS: usize = 16;
/// How long a call waits for a free connection, and for PostgreSQL to accept a new one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long PostgreSQL may take to accept a connection on one of its hosts, unless the URL says otherwise: several hosts are
/// tried within [`CONNECT_TIMEOUT`].
const HOST_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a connection may stay without an acknowledgement before it counts as broken.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The certificates that most systems trust.
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";
/// Every acknowledged write is on disk, no call waits for ever for the lock on an origin, and no hub that has died keeps one.
const SESSION: &str =
    "-c synchronous_commit=on -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s -c jit=off";

/// What a hub says to a role that row-level security does not bind.
const ABOVE_POLICIES: &str =
    "the role is a superuser's or has BYPASSRLS: row-level security would not hold; use one of its own";

/// Why a store cannot be used, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum Unready {
    /// PostgreSQL does not answer, or is just starting: the hub waits for it.
    #[error(transparent)]
    Away(anyhow::Error),
    /// Somebody must act: the hub exits.
    #[error(transparent)]
    Wrong(anyhow::Error),
}

/// Whether the hub waits when it gets no connection, and what it says.
pub fn unready(error: PoolError) -> Unready {
    const UNREACHABLE: &str = "PostgreSQL cannot be reached";
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            let (is_away, is_refusal) = (is_away(&error), error.code().is_some());
            let error = anyhow!(PostgresError(error));
            match is_refusal {
                _ if is_away => Unready::Away(error.context(UNREACHABLE)),
                // PostgreSQL answered, and rejects this role, its password, or the database.
                true => Unready::Wrong(advised(
                    error,
                    "PostgreSQL refuses this hub",
                    "check --store and PGPASSFILE, and that role and database exist",
                )),
                false => Unready::Wrong(error.context(UNREACHABLE)),
            }
        }
        PoolError::Timeout(_) => Unready::Away(anyhow!(error).context(UNREACHABLE)),
        PoolError::PostCreateHook(HookError::Message(why)) => Unready::Wrong(anyhow!("{why}")),
        other => Unready::Wrong(anyhow!(other).context(UNREACHABLE)),
    }
}

/// Whether the hub waits when a statement fails at the start: another process may hold a lock, or PostgreSQL may be a
/// standby.
pub fn unready_by(error: tokio_postgres::Error, what: &'static str) -> Unready {
    let passes = error.code().is_some_and(|code| ["55P03", "25006", "40P01"].contains(&code.code()));
    let passes = passes || is_away(&error);
    let why = anyhow!(PostgresError(error)).context(what);
    if passes { Unready::Away(why) } else { Unready::Wrong(why) }
}

/// Whether nothing answered, or PostgreSQL itself says that it is not ready. A certificate that is not trusted is an error of
/// the kind "invalid data".
fn is_away(error: &tokio_postgres::Error) -> bool {
    if let Some(code) = error.code() {
        // 55000: PostgreSQL accepts no connections just now.
        return code.code() == "55000" || ["08", "53", "57"].iter().any(|class| code.code().starts_with(class));
    }
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    error.is_closed() || source.is_some_and(|error| error.kind() != std::io::ErrorKind::InvalidData)
}

/// Where the store is, as the command line gives it.
pub struct Address {
    pub url: String,
    /// A PEM file with the certificates to trust instead of the system's.
    pub ca: Option<PathBuf>,
}

/// The settings in a URL, with the password from the environment when the URL has none, and the TLS settings if TLS is to
/// be used.
pub fn settings(address: &Address) -> AnyResult<(Config, Option<MakeRustlsConnect>)> {
    let (url, mode) = without_sslmode(&address.url);
    let mut config: Config = url.parse().context("the URL of the store cannot be read")?;
    // With hostaddr the connection goes to that address, whatever the host name.
    let is_here = config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback)
        && config.get_hosts().iter().all(|host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => is_this_machine(name),
        });
    let wants_tls = match mode.as_deref() {
        Some("disable") => false,
        // An attacker who can read the traffic could also refuse TLS: the hub does not let the other side decide.
        None | Some("allow" | "prefer") => !is_here,
        Some("require" | "verify-ca" | "verify-full") => true,
        Some(other) => bail!("sslmode={other} is not known: give disable or verify-full"),
    };
    config.ssl_mode(if wants_tls { SslMode::Require } else { SslMode::Disable });
    let options = format!("{SESSION} {}", config.get_options().unwrap_or_default());
    config.options(options.trim());
    config.tcp_user_timeout(ANSWER_TIMEOUT);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(HOST_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name("telecomx-local hub");
    }
    if config.get_password().is_some() {
        tracing::warn!("the password is in the URL, where everybody on this machine can read it: see PGPASSFILE");
    } else if let Some(password) = password(&config)? {
        config.password(password);
    }
    let tls = wants_tls.then(|| tls(address.ca.as_deref())).transpose()?;
    Ok((config, tls))
}

/// The URL without its sslmode, and that: tokio-postgres knows only some of its values.
fn without_sslmode(url: &str) -> (String, Option<String>) {
    let Some((place, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let (modes, others): (Vec<&str>, Vec<&str>) = query.split('&').partition(|part| part.starts_with("sslmode="));
    let mode = modes.last().map(|mode| mode.trim_start_matches("sslmode=").to_owned());
    (if others.is_empty() { place.to_owned() } else { format!("{place}?{}", others.join("&")) }, mode)
}

/// PGPASSWORD, or the line for this database in PGPASSFILE (~/.pgpass), which nobody else may be able to read.
fn password(config: &Config) -> AnyResult<Option<String>> {
    if let Ok(password) = std::env::var("PGPASSWORD") {
        return Ok(Some(password));
    }
    let named = std::env::var_os("PGPASSFILE").map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".pgpass"));
    let Some(path) = named.or_else(usual).filter(|path| path.exists()) else { return Ok(None) };
    let cannot_be_used = || format!("{} cannot be used", path.display());
    let is_private = std::fs::metadata(&path).with_context(cannot_be_used)?.mode() & 0o077 == 0;
    ensure!(is_private, "{} can be read by others: make it 0600", path.display());
    Ok(password_in(&std::fs::read_to_string(&path).with_context(cannot_be_used)?, config))
}

/// The password in lines of `host:port:database:user:password`, where `*` matches anything.
fn password_in(lines: &str, config: &Config) -> Option<String> {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        _ => "localhost".into(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = config.get_user().unwrap_or_default();
    let wanted = [host.as_str(), &port, config.get_dbname().unwrap_or(user), user];
    lines.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (password, place) = fields.split_last().filter(|(_, place)| place.len() == wanted.len())?;
        let fits = place.iter().zip(wanted).all(|(given, wanted)| given == "*" || given == wanted);
        fits.then(|| password.clone())
    })
}

/// The fields between colons; a backslash escapes a colon or a backslash.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut letters) = (vec![String::new()], line.chars());
    while let Some(letter) = letters.next() {
        match (letter, fields.last_mut()) {
            (':', _) => fields.push(String::new()),
            ('\\', Some(field)) => field.extend(letters.next()),
            (_, Some(field)) => field.push(letter),
            (_, None) => {}
        }
    }
    fields
}

fn tls(ca: Option<&Path>) -> AnyResult<MakeRustlsConnect> {
    let path = ca.unwrap_or(Path::new(SYSTEM_CA));
    let roots = certificates(path)
        .advise(format_args!("{} cannot be used to trust PostgreSQL", path.display()), "see --store-ca")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn certificates(path: &Path) -> AnyResult<rustls::RootCertStore> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path)? {
        roots.add(certificate?)?;
    }
    ensure!(!roots.is_empty(), "it holds no certificate");
    Ok(roots)
}

/// Opens connections on the store's own runtime: the runtime of the caller may end before the connection does.
struct Connector {
    tls: Option<MakeRustlsConnect>,
    runtime: Handle,
}

type Connected = Result<(Client, JoinHandle<()>), tokio_postgres::Error>;

impl Connect for Connector {
    fn connect(&self, config: &Config) -> Pin<Box<dyn Future<Output = Connected> + Send + '_>> {
        let (config, tls, runtime) = (config.clone(), self.tls.clone(), self.runtime.clone());
        let connected = async move {
            Ok(match tls {
                Some(tls) => {
                    let (client, connection) = config.connect(tls).await?;
                    (client, runtime.spawn(drive(connection)))
                }
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    (client, runtime.spawn(drive(connection)))
                }
            })
        };
        // A PostgreSQL that hangs accepts a connection and says nothing.
        let connecting = self.runtime.spawn(tokio::time::timeout(CONNECT_TIMEOUT, connected));
        Box::pin(async move {
            match connecting.await {
                Ok(Ok(connected)) => connected,
                // It took too long, or the store is closing: the caller gives up at its timeout.
                Ok(Err(_)) | Err(_) => std::future::pending().await,
            }
        })
    }
}

/// Opens a connection outside of the pool, such as an administrator's. It ends when the client is dropped.
pub async fn alone(address: &Address) -> AnyResult<Client> {
    let (config, tls) = settings(address)?;
    let connector = Connector { tls, runtime: Handle::current() };
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, connector.connect(&config)).await;
    let (client, _) = connected.context("PostgreSQL does not answer")?.map_err(PostgresError)?;
    Ok(client)
}

/// Runs a connection to its end; calls that use it then get the error.
async fn drive<T>(connection: tokio_postgres::Connection<Socket, T>)
where
    tokio_postgres::Connection<Socket, T>: Future<Output = Result<(), tokio_postgres::Error>>,
{
    if let Err(error) = connection.await {
        tracing::warn!(error = %in_full(&error), "a connection to PostgreSQL ended");
    }
}

pub fn pool(config: Config, tls: Option<MakeRustlsConnect>, runtime: Handle) -> AnyResult<Pool> {
    let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_connect(config, Connector { tls, runtime }, manager_config);
    let timeouts =
        Timeouts { wait: Some(CONNECT_TIMEOUT), create: Some(CONNECT_TIMEOUT), recycle: Some(CONNECT_TIMEOUT) };
    let pool = Pool::builder(manager)
        .max_size(CONNECTIONS)
        .timeouts(timeouts)
        .runtime(deadpool_postgres::Runtime::Tokio1)
        .post_create(Hook::async_fn(|client, _| {
            Box::pin(async move {
                // A superuser would see every origin's rows whatever the policies say.
                let sql = "select rolsuper or rolbypassrls from pg_roles where rolname = current_user";
                let asked = tokio::time::timeout(CONNECT_TIMEOUT, client.query_one(sql, &[])).await;
                let asked = asked.map_err(|_| HookError::message("PostgreSQL does not answer"))?;
                let is_above: bool = asked.map_err(HookError::Backend)?.get(0);
                if is_above { Err(HookError::message(ABOVE_POLICIES)) } else { Ok(()) }
            })
        }));
    Ok(pool.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> Result<bool, String> {
        let address = Address { url: url.into(), ca: Some("/dev/null".into()) };
        match settings(&address) {
            Ok((_, tls)) => Ok(tls.is_some()),
            // Only with TLS are the certificates read.
            Err(error) if error.to_string().contains("/dev/null") => Ok(true),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn connections_to_another_machine_use_tls_unless_sslmode_disables_it() {
        for (url, tls) in [
            ("postgres://u@localhost/d", false),
            ("postgres://u@127.0.0.1/d?sslmode=prefer", false),
            ("postgres://u@%2Frun%2Fpostgresql/d", false),
            ("postgres://u@db.example.com/d", true),
            ("postgres://u@localhost,db.example.com/d", true),
            ("postgres://u@localhost/d?hostaddr=192.0.2.2", true),
            ("postgres:///d?user=u&hostaddr=192.0.2.2", true),
            ("postgres://u@localhost/d?hostaddr=127.0.0.1", false),
            ("postgres://u@db.example.com/d?sslmode=disable", false),
            ("postgres://u@localhost/d?sslmode=verify-full&application_name=x", true),
        ] {
            assert_eq!(mode(url), Ok(tls), "{url}");
        }
        assert!(mode("postgres://u@localhost/d?sslmode=some").unwrap_err().contains("sslmode=some"));
        assert!(mode("postgres://u@localhost/d?what=1").is_err());
    }

    #[test]
    fn a_password_is_found_by_host_port_database_and_user() {
        let config: Config = "postgres://anna@db:5433/hub".parse().unwrap();
        let of = |lines: &str| password_in(lines, &config);
        assert_eq!(of("# db:5433:hub:anna:no\nother:*:*:*:no\ndb:*:hub:anna:a\\:b\\\\c").as_deref(), Some("a:b\\c"));
        assert_eq!(of("*:5432:*:*:no\n\nshort:line"), None);
    }
}
