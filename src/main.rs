//! Parse, run, and say in one sentence what went wrong.

use std::process::ExitCode;

fn main() -> ExitCode {
    match telecomx_local::cli::run() {
        Ok(code) => code,
        Err(message) => {
            eprintln!("telecomx-local: {message}");
            ExitCode::FAILURE
        }
    }
}
