//! Parse, run, and print in one sentence what went wrong.

use std::process::ExitCode;

fn main() -> ExitCode {
    match telecomx_local::cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("telecomx-local: {}", telecomx_local::error::in_one_line(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}
