//! `import`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;

use super::common::{Store, print_line, remove_database};
use super::progress;
use crate::auth::secrets::Sealer;
use crate::clock::Clock;
use crate::db::Exclusive;
use crate::error::Error;
use crate::store::{credentials, sealed};
use crate::usecases::import::{self, Stage};

/// Faults printed at most; how many more there are is said.
const FAULTS_SHOWN: usize = 1_000;

#[derive(Args)]
pub struct Arguments {
    /// JSON document with customers, queues, employees and mobileConfigs; - for standard input
    file: PathBuf,
    /// Also when nobody would be left who administers this server
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    store: Store,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let path = arguments.store.path()?;
    let document = read(&arguments.file)?;
    let is_new = !path.exists();
    let database = Exclusive::open(&path, Clock::default())?;
    let sealer = Sealer::open(&path, database.read(sealed::describe)?)?;
    let describe = |error: Error| match error {
        Error::Busy => anyhow!(
            "nothing was imported: {} is being read by another program (an export or a backup?); try again when it is done",
            path.display()
        ),
        other => anyhow!(other).context("nothing was imported"),
    };
    let bar = progress::bar("reading", 0);
    let show = |stage, done: usize, total: usize| {
        // Passwords take long, rows do not.
        if stage == Stage::Hashing || done.is_multiple_of(1_000) {
            bar.set_message(match stage {
                Stage::Reading => "reading",
                Stage::Hashing => "hashing",
                Stage::Writing => "writing",
            });
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        }
    };
    let imported = database.write("import", |tx| import::run(tx, &sealer, &document, arguments.force, show));
    bar.finish_and_clear();
    let summary = match imported {
        Ok(summary) => summary,
        Err(Error::Invalid(faults)) => {
            for fault in faults.iter().take(FAULTS_SHOWN) {
                eprintln!("{}: {}", fault.path, fault.message);
            }
            drop(database);
            if is_new {
                remove_database(&path);
            }
            let count = if faults.len() == 1 { "1 fault".into() } else { format!("{} faults", faults.len()) };
            bail!("nothing was imported: {count} in {}", name_of(&arguments.file));
        }
        Err(error) => return Err(describe(error)),
    };
    let without_password = database.read(credentials::without_password).map_err(describe)?;
    database.close()?;
    print_line(format_args!("imported {summary} into {}", path.display()))?;
    if without_password > 0 {
        print_line(format_args!(
            "{without_password} employees have no password and cannot log in: an export holds none without --with-secrets"
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn name_of(file: &std::path::Path) -> String {
    if file.as_os_str() == "-" { "standard input".into() } else { file.display().to_string() }
}

fn read(file: &std::path::Path) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut document = Vec::new();
    let result = if file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_end(&mut document).map(drop)
    } else {
        std::fs::read(file).map(|bytes| document = bytes)
    };
    result.with_context(|| format!("{} cannot be read", name_of(file)))?;
    Ok(document)
}
