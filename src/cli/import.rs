//! `import`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Store, progress};
use crate::clock::Clock;
use crate::db::Exclusive;
use crate::error::Error;
use crate::import;
use crate::secrets::Sealer;

/// Faults printed at most; how many more there are is said.
const FAULTS_SHOWN: usize = 1_000;

#[derive(Args)]
pub struct Arguments {
    /// JSON document with customers, queues, employees and mobileConfigs; - for standard input
    file: PathBuf,
    #[command(flatten)]
    store: Store,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let path = arguments.store.path()?;
    let document = read(&arguments.file)?;
    let clock = Clock::default();
    let database = Exclusive::open(&path, clock.clone())?;
    let sealer = Sealer::open(&path)?;
    let told = |error: Error| match error {
        Error::Busy => format!(
            "nothing was imported: {} is being read by another program (an export or a backup?); try again when it is done",
            path.display()
        ),
        other => format!("nothing was imported: {other}"),
    };
    let known = database.read(import::Known::read).map_err(told)?;
    let reading = progress::bar("reading", 0);
    let plan = import::plan(&document, known, clock.now(), |done| {
        if done % 1_000 == 0 {
            reading.set_position(done as u64);
        }
    });
    reading.finish_and_clear();
    drop(document);
    let mut plan = match plan {
        Ok(plan) => plan,
        Err(faults) => {
            for fault in faults.iter().take(FAULTS_SHOWN) {
                eprintln!("{}: {}", fault.path, fault.message);
            }
            return Err(format!("nothing was imported: {} faults in {}", faults.len(), arguments.file.display()));
        }
    };
    let (summary, count) = (plan.summary(), plan.len());
    let hashing = progress::bar("hashing", plan.passwords());
    import::hash_passwords(&mut plan, |done| hashing.set_position(done as u64)).map_err(told)?;
    hashing.finish_and_clear();
    let writing = progress::bar("writing", count);
    let step = |done: usize| {
        if done.is_multiple_of(1_000) {
            writing.set_position(done as u64);
        }
    };
    database.write("import", |tx| import::run(tx, &sealer, plan, step)).map_err(told)?;
    writing.finish_and_clear();
    database.close().map_err(|error| error.to_string())?;
    println!("imported {summary} into {}", path.display());
    Ok(ExitCode::SUCCESS)
}

fn read(file: &std::path::Path) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let mut document = Vec::new();
    let result = if file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_end(&mut document).map(drop)
    } else {
        std::fs::read(file).map(|bytes| document = bytes)
    };
    result.map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    Ok(document)
}
