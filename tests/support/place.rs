//! A temporary folder with a database in it, and the real program run on it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::Server;
use super::world;

/// Gone with all it holds when dropped.
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// An empty folder; the database is yet to be made.
    pub fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    /// With a database that holds the small world.
    pub fn with_world() -> Place {
        Place::holding(&world::small())
    }

    /// With a database that holds `document`.
    pub fn holding(document: &Value) -> Place {
        let place = Place::new();
        place.import(document);
        place
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn db(&self) -> PathBuf {
        self.path("telecomx.db")
    }

    /// Puts a file into the folder.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The program with `arguments`, and nothing of this test run's own settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_telecomx-local"));
        command.args(arguments).env_clear().current_dir(self.folder()).stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.folder()).env("TMPDIR", self.folder());
        command
    }

    /// The program with `arguments` on this place's database.
    pub fn on_db(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.arg("--db").arg(self.db());
        command
    }

    /// Runs a tool on the database that must succeed; gives its standard output.
    pub fn run(&self, arguments: &[&str]) -> String {
        succeeds(&mut self.on_db(arguments))
    }

    /// Runs a tool on the database that must be refused; gives its one sentence.
    pub fn refused(&self, arguments: &[&str]) -> String {
        is_refused(&mut self.on_db(arguments))
    }

    pub fn import(&self, document: &Value) -> String {
        let mut command = self.on_db(&["import", "-"]);
        output_with_stdin(&mut command, document.to_string().as_bytes()).stdout_of_success()
    }

    /// A token of the small world's manager.
    pub fn token(&self) -> String {
        self.token_of(world::MANAGER)
    }

    pub fn token_of(&self, employee: &str) -> String {
        self.run(&["token", "create", "--employee", employee]).trim().to_owned()
    }

    /// A server on this place's database and a free port, ready to answer.
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    pub fn serve_with(&self, arguments: &[&str]) -> Server {
        Server::start(self.on_db(&["serve", "--listen", "127.0.0.1:0"]).args(arguments), self.log())
    }

    /// Where a server of this place logs.
    pub fn log(&self) -> File {
        File::options().create(true).append(true).open(self.path("server.log")).unwrap()
    }

    /// The database, opened by hand, with what the program adds to write number `change`: mirrored rows can be edited.
    pub fn sqlite_as_program(&self, change: i64) -> rusqlite::Connection {
        let conn = self.sqlite();
        let flags = rusqlite::functions::FunctionFlags::SQLITE_UTF8;
        conn.create_scalar_function("written_by_telecomx_local_only", 0, flags, move |_| Ok(change)).unwrap();
        conn
    }

    /// The database, opened by hand.
    pub fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.db()).unwrap()
    }
}

/// SQL that gives the config of an employee, by hand, a content of its own: `value` in SQL. Its digest is not that of the text.
pub fn set_content(employee: &str, value: &str) -> String {
    format!(
        "insert into contents (digest, text) values (randomblob(32), {value});
         update mobile_configs set content = last_insert_rowid() where id = '{employee}'"
    )
}

/// What came of a program that has ended.
pub trait Ended {
    fn stdout_of_success(self) -> String;
    fn sentence_of_refusal(self) -> String;
}

impl Ended for Output {
    fn stdout_of_success(self) -> String {
        assert!(self.status.success(), "{}: {}", self.status, String::from_utf8_lossy(&self.stderr));
        String::from_utf8(self.stdout).unwrap()
    }

    /// Exit code 1 and one line on standard error, as a person can read it.
    fn sentence_of_refusal(self) -> String {
        let said = String::from_utf8(self.stderr).unwrap();
        assert_eq!(self.status.code(), Some(1), "{said}");
        let sentence = said.strip_prefix("telecomx-local: ").unwrap_or_else(|| panic!("{said:?}")).trim_end();
        assert!(!sentence.contains('\n') && !sentence.contains("panicked"), "more than a sentence: {said}");
        sentence.to_owned()
    }
}

pub fn succeeds(command: &mut Command) -> String {
    command.output().unwrap().stdout_of_success()
}

pub fn is_refused(command: &mut Command) -> String {
    command.output().unwrap().sentence_of_refusal()
}

/// Runs `command` with `input` on its standard input.
pub fn output_with_stdin(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // A program that ends before it has read everything is not at fault.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}
