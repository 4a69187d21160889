//! `restore`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use uuid::Uuid;

use super::{Store, progress, remove_database};
use crate::clock::Clock;
use crate::db::Exclusive;
use crate::domain::mirror::replaced_by;
use crate::error::Error;
use crate::mirror::link;
use crate::mirror::restore::{fetch, rebuild};
use crate::mirror::transport::HubClient;
use crate::secrets::Sealer;
use crate::store::credentials;

#[derive(Args)]
pub struct Arguments {
    /// Where the hub is, and the code that its hub enroll --origin has printed for this machine
    #[arg(long, num_args = 2, value_names = ["URL", "CODE"], required = true)]
    from_hub: Vec<String>,
    /// Certificates that the hub is to be trusted by, PEM, in the place of the usual ones [default: none]
    #[arg(long, value_name = "FILE")]
    hub_ca: Option<PathBuf>,
    #[command(flatten)]
    store: Store,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let [url, code] = &arguments.from_hub[..] else { return Err("--from-hub wants a URL and a code".into()) };
    let path = arguments.store.path()?;
    if replaced_by(code).is_none() {
        return Err("this code is for a new server: make one with hub enroll --origin, with the id of the server that is replaced".into());
    }
    let ca = arguments.store.hub_ca(arguments.hub_ca.clone())?;
    if path.exists() {
        return Err(format!("{} is there already: name a new file with --db", path.display()));
    }
    // What can fail here fails before the code is spent.
    let database = Exclusive::open(&path, Clock::default())?;
    let restored = Sealer::open(&path).and_then(|sealer| restore(&database, &sealer, url, code, ca.as_deref()));
    match restored {
        Ok(said) => {
            database.close().map_err(|error| error.to_string())?;
            println!("{said} into {}", path.display());
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            drop(database);
            remove_database(&path);
            Err(format!("nothing was restored: {error}"))
        }
    }
}

fn restore(database: &Exclusive, sealer: &Sealer, url: &str, code: &str, ca: Option<&Path>) -> Result<String, String> {
    let told = |error: Error| error.to_string();
    let client = HubClient::new(url, ca, Arc::default())?;
    let enrolled = client.enroll(code).map_err(|error| error.to_string())?;
    let bar = progress::counter("fetching");
    let fetched = fetch(&client, &enrolled, |rows| bar.set_position(rows as u64));
    bar.finish_and_clear();
    let fetched = fetched.map_err(|error| format!("{error}; the code is spent: make another"))?;
    if fetched.head.epoch.is_none() {
        return Err(format!(
            "the hub holds nothing of {}: make the code with hub enroll --origin, with the id of the edge that is replaced",
            enrolled.name
        ));
    }
    let (enrolment, _) = link::sealed(url, &enrolled, sealer).map_err(told)?;
    let written = database.write("restore", |tx| rebuild(tx, sealer, &enrolment, &fetched, Uuid::new_v4()));
    let written = written.map_err(|error| format!("{error}; the code is spent: make another"))?;
    let without = database.read(credentials::without_password).map_err(told)?;
    let advice = match without {
        0 => String::new(),
        _ => format!(
            "; {without} employees have no password, since none is mirrored: use admin create, with a new address"
        ),
    };
    Ok(format!("restored {} as of write {}: {written}{advice}", enrolled.name, fetched.head.acked))
}
