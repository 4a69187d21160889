//! `serve`

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

use super::common::print_ready;
use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, LogFormat};
use crate::error::Advise as _;
use crate::store::employees;
use crate::usecases::demo;
use crate::web::server;

pub fn run(flags: Config) -> Result<ExitCode> {
    let config = flags.resolve()?;
    start_log(config.log_level.as_deref(), config.log_format)?;
    server::block_on(async {
        let app = App::start(&config, Clock::default()).await?;
        // Before the ready line: a process that has read it may send a signal.
        let mut stop = Stop::listen()?;
        announce(&app, &config).await?;
        stop.wait().await;
        app.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// SIGTERM or SIGINT.
pub struct Stop(Signal, Signal);

impl Stop {
    pub fn listen() -> Result<Stop> {
        let handler = |kind| signal(kind).context("signals cannot be handled");
        Ok(Stop(handler(SignalKind::terminate())?, handler(SignalKind::interrupt())?))
    }

    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
        tracing::info!("stopping: requests under way are finished first");
    }
}

/// Prints the ready line, and for the demo something to try.
async fn announce(app: &App, config: &Config) -> Result<()> {
    let mut text = String::new();
    let db = &app.state().db;
    if !config.is_ephemeral() {
        text.push_str(&format!("database {}\n", db.path().display()));
    }
    if db.read(employees::is_empty)? {
        text.push_str("It holds nobody yet: stop, and use admin create, import or serve --demo\n");
    }
    if config.is_demo() {
        let call = demo::copy_call(db, &app.url).await?;
        match call {
            Some(call) => text.push_str(&format!(
                "\nCopy one employee's mobile config onto another's:\n\n{call}\n\n{}All calls, to try in the browser: {}/docs/\n",
                if demo::is_password_known(db, &app.state().passwords).await? { LOGIN } else { "" },
                app.url
            )),
            None => text.push_str("\nThe database holds something already: the demo world was not loaded.\n"),
        }
    }
    print_ready(&app.url, &text);
    Ok(())
}

const LOGIN: &str =
    "Log in as manager@bakery.example.com (or admin@platform.example.com) with the password Demo-Passw0rd.\n";

pub fn start_log(level: Option<&str>, format: Option<LogFormat>) -> Result<()> {
    let level = level.unwrap_or("info,actix_server=warn,rusqlite_migration=warn");
    let wrong = format!("--log-level {level} is not understood");
    let advice = "give error, warn, info, debug or trace";
    let filter: Targets = level.parse().advise(&wrong, advice)?;
    // Targets would take a single word that is no level as the name of a module.
    for part in level.split(',').filter(|part| !part.contains('=')) {
        part.trim().parse::<LevelFilter>().advise(&wrong, advice)?;
    }
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let log = match format.unwrap_or(if is_terminal { LogFormat::Text } else { LogFormat::Json }) {
        LogFormat::Json => log.json().flatten_event(true).boxed(),
        LogFormat::Text => log.with_ansi(is_terminal).boxed(),
    };
    registry().with(log.with_filter(filter)).init();
    Ok(())
}
