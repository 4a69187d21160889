//! `import`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Args;

use super::common::{Store, print_line, remove_database};
use super::progress;
use crate::auth::secrets::Sealer;
use crate::clock::Clock;
use crate::db::Exclusive;
use crate::error::{DOCUMENT_FAULTS_MAX, Error};
use crate::store::{administrators, credentials, sealed};
use crate::usecases::demo;
use crate::usecases::import::{self, DocumentFile, Options, Stage, name_of};

#[derive(Args)]
pub struct Arguments {
    /// JSON document with customers, queues, employees and mobileConfigs; - for standard input
    #[arg(required_unless_present = "example")]
    file: Option<PathBuf>,
    /// Print an example document, ready to import, and exit
    #[arg(long, conflicts_with = "file")]
    example: bool,
    /// Also when nobody would be left who administers this server
    #[arg(long)]
    force: bool,
    /// Leave out properties that are not known, in the place of refusing the document
    #[arg(long)]
    ignore_unknown: bool,
    #[command(flatten)]
    store: Store,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Some(file) = arguments.file.as_deref().filter(|_| !arguments.example) else {
        print_line(demo::WORLD.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    };
    let path = arguments.store.path()?;
    let document = DocumentFile::open(file)?;
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
    let steps = progress::Steps::new();
    let show = |stage, done: usize, total: usize| {
        let what = match stage {
            Stage::Reading => "reading",
            Stage::Hashing => "hashing",
            Stage::Writing => "writing",
        };
        // Passwords take long, rows do not.
        if stage == Stage::Hashing || done.is_multiple_of(1_000) {
            steps.show(what, done, total);
        }
    };
    let options = Options { may_leave_no_administrator: arguments.force, ignore_unknown: arguments.ignore_unknown };
    let imported = database.write("import", |tx| import::run(tx, &sealer, document, options, show));
    steps.finish();
    let summary = match imported {
        Ok(summary) => summary,
        Err(error) => {
            drop(database);
            if is_new {
                remove_database(&path);
            }
            return Err(refused(error, file).unwrap_or_else(describe));
        }
    };
    let has_administrator = database.read(|tx| Ok(!administrators::all(tx)?.is_empty())).map_err(describe)?;
    let without_password = database.read(credentials::without_password).map_err(describe)?;
    database.close()?;
    print_line(format_args!("imported {summary} into {}", path.display()))?;
    if without_password > 0 {
        print_line(format_args!(
            "{without_password} employees have no password and cannot log in: an export holds none without --with-secrets"
        ))?;
    }
    if !has_administrator {
        print_line("nobody administers this database: make an administrator with admin create")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the faults of the document; another error comes back.
fn refused(error: Error, file: &Path) -> Result<anyhow::Error, Error> {
    let Error::Invalid(faults) = error else { return Err(error) };
    let name = name_of(file);
    for fault in &faults {
        eprintln!("{}: {}", fault.path, fault.message);
    }
    let count = match faults.len() {
        1 => "1 fault".into(),
        DOCUMENT_FAULTS_MAX.. => format!("{} faults, and it was read no further,", faults.len()),
        count => format!("{count} faults"),
    };
    Ok(anyhow!("nothing was imported: {count} in {name}"))
}
