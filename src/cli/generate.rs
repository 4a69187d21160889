//! `generate`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use super::output::write_to;
use crate::files::is_database;
use crate::usecases::generate::{self, Size};

const INCOMPLETE: &str = "the document is not complete";

#[derive(Args)]
pub struct Arguments {
    /// File to write, in the place of one that is there; standard output when left out, or -
    file: Option<PathBuf>,
    /// How many customers, resellers among them
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=Size::CUSTOMERS_MAX))]
    customers: u64,
    /// How many employees, of all customers together
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=Size::EMPLOYEES_MAX))]
    employees: u64,
    /// The same number gives the same bytes
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(file) = &arguments.file {
        ensure!(!is_database(file), "{} is a database: name another file", file.display());
    }
    let size = Size { customers: arguments.customers, employees: arguments.employees };
    write_to(arguments.file.as_deref(), INCOMPLETE, |out: &mut dyn Write| {
        generate::write(size, arguments.seed, out).context(INCOMPLETE)
    })?;
    Ok(ExitCode::SUCCESS)
}
