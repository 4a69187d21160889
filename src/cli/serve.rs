//! `serve`

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::common::print_ready;
use super::log::{LogOptions, set_log_level};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::in_one_line;
use crate::service_manager::ServiceManager;
use crate::store::employees;
use crate::usecases::demo;
use crate::web::server;

pub fn run(flags: Config) -> Result<ExitCode> {
    let config = flags.clone().resolve_for_server()?;
    LogOptions::of(&config).start()?;
    server::block_on(async {
        let manager = ServiceManager::of_environment();
        let app = App::start(&config, Clock::default()).await?;
        // Before the ready line: a process that has read it may send a signal.
        let certificate = app.certificate();
        let mut stop = Stop::listen(move || {
            set_log_level(flags.clone().resolve()?.log_level.as_deref())?;
            certificate.as_ref().map_or(Ok(()), |certificate| certificate.reload())
        })?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), settings = config.in_force(), "started");
        announce(&app, &config).await?;
        manager.ready(&format!("serves {} from {}", app.url, app.state().db.path().display()));
        tokio::select! {
            () = stop.wait() => {}
            () = manager.feed_watchdog(async || app.state().db.check_writer().await) => {}
        }
        manager.stopping();
        app.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// SIGTERM and SIGINT, which stop the program; SIGHUP, at which it reads again what can change while it runs.
pub struct Stop {
    stops: [Signal; 2],
    hangup: Signal,
    reload: Box<dyn Fn() -> Result<()>>,
}

impl Stop {
    pub fn listen(reload: impl Fn() -> Result<()> + 'static) -> Result<Stop> {
        let handler = |kind| signal(kind).context("signals cannot be handled");
        let stops = [handler(SignalKind::terminate())?, handler(SignalKind::interrupt())?];
        Ok(Stop { stops, hangup: handler(SignalKind::hangup())?, reload: Box::new(reload) })
    }

    /// Waits for a signal to stop.
    pub async fn wait(&mut self) {
        let Stop { stops: [terminate, interrupt], hangup, reload } = self;
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => match reload() {
                    Ok(()) => tracing::info!("read again: certificates and log level"),
                    Err(error) => {
                        tracing::error!(error = in_one_line(error.as_ref()), "nothing was read again: it stays as it was");
                    }
                },
            }
        }
        tracing::info!("stopping: requests under way are finished first");
    }
}

/// Prints the ready line, and for the demo something to try.
async fn announce(app: &App, config: &Config) -> Result<()> {
    let mut text = String::new();
    if let Some(url) = app.control_url() {
        text.push_str(&format!("telecomx-local controls on {url}\n"));
    }
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
                "\nCopy one employee's mobile config onto another's:\n\n{call}\n\n{}{}All calls, to try in the browser: {}/docs/\n",
                if demo::is_password_known(db, &app.state().passwords).await? { LOGIN } else { "" },
                if config.has_console() { format!("The same in the browser: {}/console/\n", app.url) } else { String::new() },
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
