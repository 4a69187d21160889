//! Parse, run, and say in one sentence what went wrong.

use std::process::ExitCode;

/// Gives the memory of password hashing back to the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match telecomx_local::cli::run() {
        Ok(code) => code,
        Err(message) => {
            eprintln!("telecomx-local: {message}");
            ExitCode::FAILURE
        }
    }
}
