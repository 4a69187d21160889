//! `platform`: the platform itself as the central side, on a database that no server is using.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::common::{Store, print_line};
use super::progress;
use crate::auth::key_file;
use crate::auth::secrets::Sealer;
use crate::clock::Clock;
use crate::db::{Author, Db, ReadOnly};
use crate::platform::api::Credential;
use crate::platform::connect::{self, Target, read_secret_file};
use crate::platform::driver::Round;
use crate::platform::settings::PlatformSettings;
use crate::platform::status::status as platform_status;
use crate::usecases::platform_connection;
use crate::web::server::block_on;

#[derive(Subcommand)]
pub enum Command {
    /// Work with the platform from now on; a running server does it by POST /sync/platform/connect
    Connect {
        #[command(flatten)]
        account: Account,
        #[command(flatten)]
        output: Output,
    },
    /// Fill the database from the platform once, and connect nothing
    Pull {
        #[command(flatten)]
        account: Account,
        /// Delete here what is gone at the platform, however much it is
        #[arg(long)]
        accept_deletes: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Show the state of the connection to the platform; works while the server runs
    Status {
        #[command(flatten)]
        output: Output,
    },
    /// Work with the platform no more; everything stays here
    Disconnect {
        /// Give up changes that the platform does not have yet
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Args)]
pub struct Account {
    /// Where the platform is, such as https://api.telecomx.dk
    url: String,
    /// User name of the account; together with --password-file
    #[arg(long, value_name = "NAME", requires = "password_file", conflicts_with = "token_file")]
    username: Option<String>,
    /// File with the account's password
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
    /// File with a machine-to-machine token, in the place of user name and password
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certificates that the platform is to be trusted by, PEM, in the place of the usual ones [default: none]
    #[arg(long, value_name = "FILE")]
    platform_ca: Option<PathBuf>,
}

#[derive(Args)]
pub struct Output {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

impl Account {
    fn target(&self) -> Result<Target> {
        let credential = match (&self.username, &self.password_file, &self.token_file) {
            (Some(username), Some(file), None) => {
                Credential::Password { username: username.clone(), password: read_secret_file(file)? }
            }
            (None, None, Some(file)) => Credential::Token(read_secret_file(file)?),
            _ => bail!("give --username and --password-file, or --token-file: a password is never an argument"),
        };
        Ok(Target { url: self.url.clone(), credential })
    }

    fn settings(&self, store: &Store) -> Result<PlatformSettings> {
        let settings = store.platform()?;
        Ok(PlatformSettings { ca: self.platform_ca.clone().or(settings.ca.clone()), ..settings })
    }
}

pub fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Connect { account, output } => connect_to(account, output)?,
        Command::Pull { account, accept_deletes, output } => pull(account, *accept_deletes, output)?,
        Command::Status { output } => status(output)?,
        Command::Disconnect { force, output } => {
            let (db, _) = open(&output.store.existing_path()?)?;
            let force = *force;
            let ended = db.write(Author::system("command line"), move |tx| platform_connection::disconnect(tx, force));
            block_on(async { ended.await.map_err(anyhow::Error::from) })?;
            say(output, json!({ "connected": false }), "this server works with the platform no more")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn say(output: &Output, value: Value, words: &str) -> Result<()> {
    if output.json { print_line(value) } else { print_line(words) }
}

fn open(path: &std::path::Path) -> Result<(Arc<Db>, Arc<Sealer>)> {
    let db = Db::open(path, Clock::default())?;
    let sealer = db.read(|tx| Ok(key_file::open(path, tx)))??;
    Ok((Arc::new(db), Arc::new(sealer)))
}

fn connect_to(account: &Account, output: &Output) -> Result<()> {
    let (target, settings) = (account.target()?, account.settings(&output.store)?);
    let tried = connect::try_out(&target, &settings)?;
    let (db, sealer) = open(&output.store.path()?)?;
    let author = Author::system("command line");
    let stored = connect::store(&db, &sealer, author, &target, &settings);
    block_on(async { stored.await.map_err(anyhow::Error::from) })?;
    let words = format!(
        "connected with {} as {} ({}): start serve, which reads everything that the account reaches",
        target.url, tried.employee, tried.level
    );
    say(output, json!({ "connected": true, "url": target.url, "level": tried.level }), &words)
}

fn pull(account: &Account, accepts_deletes: bool, output: &Output) -> Result<()> {
    let (target, settings) = (account.target()?, account.settings(&output.store)?);
    let (db, sealer) = open(&output.store.path()?)?;
    let bar = progress::counter("reading");
    let shown = bar.clone();
    let progress = move |round: &Round| shown.set_position(round.seen as u64);
    let pulled = connect::pull(&db, &sealer, &target, &settings, accepts_deletes, progress);
    bar.finish_and_clear();
    let (round, troubles) = pulled.context("not everything was read")?;
    let words = format!(
        "read {} objects of {} customers: {} were new or other than here, {} are gone",
        round.seen, round.customers, round.changed, round.gone
    );
    let value = json!({
        "customers": round.customers, "seen": round.seen, "changed": round.changed, "gone": round.gone,
        "troubles": troubles
    });
    say(output, value, &words)?;
    match troubles.first() {
        None => Ok(()),
        Some(first) => bail!("{} lists could not be read whole, such as {first}; pull again", round.failed),
    }
}

fn status(output: &Output) -> Result<()> {
    let database = ReadOnly::open(&output.store.path()?, Clock::default())?;
    let status = database.read(|tx| platform_status(tx, None))?;
    if output.json {
        return print_line(status);
    }
    if status["connected"] != true {
        return print_line("this server works with no platform: see platform connect");
    }
    let text = |name: &str| status[name].as_str().unwrap_or("never").to_owned();
    print_line(format_args!("{} as {} ({})", text("url"), text("account"), text("mode")))?;
    print_line(format_args!("last success: {}", text("lastSuccess")))?;
    print_line(format_args!(
        "waiting: {}, conflicts: {}, refused: {}, local only: {}, put aside: {}",
        status["waiting"], status["conflicts"], status["refused"], status["localOnly"], status["putAside"]
    ))?;
    for (name, said) in [("last error", &status["lastError"]), ("ALARM", &status["alarm"])] {
        if let Some(said) = said.as_str() {
            print_line(format_args!("{name}: {said}"))?;
        }
    }
    Ok(())
}
