//! A PostgreSQL of the test run's own: in a temporary folder, reached through a socket in it, gone with the run.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use telecomx_local::sync::hub::postgres::{Address, roles::init};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// Settings that a test has no use for; a killed process loses nothing by the first.
const USUAL: &str = "-c fsync=off -c max_connections=300";

/// A running instance.
pub struct Postgres {
    /// Programs.
    bin: PathBuf,
    folder: PathBuf,
    options: String,
    databases: AtomicUsize,
    /// Stops the instance and removes the folder when its standard input ends: however this run ends.
    _guard: Child,
}

/// The one that the tests of this binary share, each with a database of its own.
pub fn shared() -> &'static Postgres {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    SHARED.get_or_init(|| Postgres::start(USUAL))
}

impl Postgres {
    /// Makes and starts one with `options` of the server.
    pub fn start(options: &str) -> Postgres {
        let folder = TempDir::with_prefix("telecomx-pg").unwrap().keep();
        let postgres = Postgres::in_folder(folder, options);
        let data = postgres.folder.join("data");
        postgres.succeeds(
            "initdb",
            &[
                "-D",
                data.to_str().unwrap(),
                "-U",
                "postgres",
                "-A",
                "trust",
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ],
        );
        postgres.begin();
        for sql in [
            "create role hub login noinherit",
            "create role hub_owner",
            "create role hub_fleet",
            "grant hub_fleet to hub",
        ] {
            postgres.sql(sql);
        }
        postgres
    }

    /// A standby of this one, which from now on waits for it with each commit.
    pub fn with_standby(&self) -> Postgres {
        let standby = Postgres::in_folder(TempDir::with_prefix("telecomx-pg").unwrap().keep(), USUAL);
        let (data, primary) = (standby.folder.join("data"), self.folder.to_str().unwrap());
        standby.succeeds(
            "pg_basebackup",
            &["-D", data.to_str().unwrap(), "-h", primary, "-U", "postgres", "-R", "-c", "fast"],
        );
        standby.begin();
        self.sql("alter system set synchronous_standby_names = '*'");
        self.sql("select pg_reload_conf()");
        let sql = "select count(*) = 1 from pg_stat_replication where sync_state = 'sync'";
        connected(&self.url("postgres", "postgres"), async |client| {
            while !client.query_one(sql, &[]).await.unwrap().get::<_, bool>(0) {}
        });
        standby
    }

    /// Speaks TLS on a port from now on, with this certificate; gives the port.
    pub fn over_tls(&mut self, certificate: &Path, key: &Path) -> u16 {
        for (from, to) in [(certificate, "cert.pem"), (key, "key.pem")] {
            let to = self.folder.join(to);
            std::fs::copy(from, &to).unwrap();
            std::fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            if is_root() {
                assert!(Command::new("chown").arg("postgres").arg(&to).status().unwrap().success());
            }
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (folder, more) = (self.folder.display(), "-c listen_addresses=127.0.0.1 -c ssl=on");
        let files = format!("-c ssl_cert_file={folder}/cert.pem -c ssl_key_file={folder}/key.pem");
        self.options = format!("{} {more} {files} -c port={port}", self.options);
        self.crash();
        self.begin();
        port
    }

    fn in_folder(folder: PathBuf, options: &str) -> Postgres {
        let bin = programs();
        let socket = format!("-c listen_addresses= -c unix_socket_directories={}", folder.display());
        let stop =
            "trap '' INT TERM HUP; read -r _; \"$@\" -D \"$0/data\" -m immediate stop > /dev/null 2>&1; rm -rf \"$0\"";
        let pg_ctl = bin.join("pg_ctl");
        let mut command = Command::new("sh");
        command.args(["-c", stop]).arg(&folder).args(as_postgres()).arg(pg_ctl).stdin(Stdio::piped());
        let guard = command.spawn().unwrap();
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(&folder).status().unwrap().success());
        }
        Postgres { bin, folder, options: format!("{socket} {options}"), databases: AtomicUsize::new(0), _guard: guard }
    }

    fn succeeds(&self, program: &str, arguments: &[&str]) {
        let [first, rest @ ..] = &*[as_postgres(), vec![self.bin.join(program).display().to_string()]].concat() else {
            unreachable!()
        };
        let mut command = Command::new(first);
        command.args(rest).args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn pg_ctl(&self, arguments: &[&str]) {
        let data = self.folder.join("data");
        self.succeeds("pg_ctl", &[&["-D", data.to_str().unwrap(), "-w", "-s"], arguments].concat());
    }

    /// Starts it, and waits until it can be used.
    pub fn begin(&self) {
        let log = self.folder.join("log");
        self.pg_ctl(&["-l", log.to_str().unwrap(), "-o", &self.options, "start"]);
    }

    /// Ends it as a crash would: without a checkpoint, its connections cut.
    pub fn crash(&self) {
        self.pg_ctl(&["-m", "immediate", "stop"]);
    }

    /// From now on a standby hears nothing of the first, or (`CONT`) does again.
    pub fn signal_receiver(&self, name: &str) {
        let pid = connected(&self.url("postgres", "postgres"), async |client| {
            client.query_one("select pid from pg_stat_wal_receiver", &[]).await.unwrap().get::<_, i32>(0)
        });
        let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// From now on it hangs: it accepts connections and answers nothing, until the result is dropped.
    pub fn hang(&self) -> Hanging {
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let hanging = Hanging(file.lines().next().unwrap().to_owned());
        hanging.signal("STOP");
        hanging
    }

    /// Makes a standby the first.
    pub fn promote(&self) {
        self.pg_ctl(&["promote"]);
    }

    /// From now on each role but the superuser's must give its password.
    pub fn wants_passwords(&self) {
        let lines = "local all postgres trust\nlocal all all scram-sha-256\n";
        std::fs::write(self.folder.join("data/pg_hba.conf"), lines).unwrap();
        self.crash();
        self.begin();
    }

    /// A new database with the tables of a hub, as the URL of the role that hubs log in as: `hub`.
    pub fn database(&self) -> String {
        let name = format!("hub{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("create database {name}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let administrator = Address { url: self.url("postgres", &name), ca: None };
        runtime.block_on(init(&administrator, "hub")).unwrap();
        self.url("hub", &name)
    }

    /// A new database without tables, whose owner is the role that hubs log in as: as it was before there were others.
    pub fn database_of_one_role(&self) -> String {
        let name = format!("hub{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("create database {name} owner hub"));
        let url = self.url("hub", &name);
        // The role inherits nothing, not even what the owner of a database may do.
        connected(&Postgres::as_superuser(&url), async |client| {
            client.batch_execute("grant create on schema public to hub").await.unwrap();
        });
        url
    }

    /// The URL of the same database for a superuser.
    pub fn as_superuser(url: &str) -> String {
        url.replace("//hub@", "//postgres@")
    }

    pub fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@{}/{database}", self.host())
    }

    /// The URL `of` a database, on whichever of `both` takes writes.
    pub fn url_of_both(of: &str, both: [&Postgres; 2]) -> String {
        let (role, database) = (of.split_once('@').unwrap().0, of.rsplit_once('/').unwrap().1);
        let hosts = both.map(Postgres::host).join(",");
        format!("{role}@{hosts}/{database}?target_session_attrs=read-write")
    }

    fn host(&self) -> String {
        self.folder.display().to_string().replace('/', "%2F")
    }

    /// Runs something as the superuser.
    pub fn sql(&self, sql: &str) {
        connected(&self.url("postgres", "postgres"), async |client| client.batch_execute(sql).await.unwrap());
    }
}

/// An instance that hangs, by the number of its first process.
pub struct Hanging(String);

impl Hanging {
    fn signal(&self, name: &str) {
        let script = format!("kill -{name} $0 $(ps -o pid= --ppid $0)");
        assert!(Command::new("sh").args(["-c", &script, &self.0]).status().unwrap().success());
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.signal("CONT");
    }
}

/// What `work` gives on a connection of its own.
pub fn connected<T>(url: &str, work: impl AsyncFnOnce(&mut Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let result = work(&mut client).await;
        drop(client);
        connection.await.unwrap().unwrap();
        result
    })
}

/// Where Debian keeps the newest version's programs, or wherever the shell finds them.
fn programs() -> PathBuf {
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.filter_map(|entry| Some((version(&entry.path())?, entry.path()))).max();
    match newest {
        Some((_, path)) => path.join("bin"),
        None => {
            let found = Command::new("sh").args(["-c", "command -v initdb"]).output().unwrap();
            let path = PathBuf::from(String::from_utf8(found.stdout).unwrap().trim());
            assert!(path.is_absolute(), "PostgreSQL is missing: scripts/test installs it");
            path.parent().unwrap().to_owned()
        }
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim() == "0"
}

/// PostgreSQL refuses to be run by root.
fn as_postgres() -> Vec<String> {
    let command = "setpriv --reuid=postgres --regid=postgres --init-groups --";
    if is_root() { command.split(' ').map(str::to_owned).collect() } else { vec![] }
}
