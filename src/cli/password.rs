//! How the command line is given a password: never as an argument, which every user of the machine can read.

use std::io::BufRead;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::auth::secrets::{new_token, read_file};
use crate::error::Result as DomainResult;

/// Where a new password comes from.
#[derive(Args)]
pub struct PasswordOptions {
    /// Read the password from the first line of standard input
    #[arg(long, conflicts_with = "password_file")]
    password_stdin: bool,
    /// Read the password from the first line of a file
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// A password, and whether it was made here, so that it has to be shown.
pub struct NewPassword {
    pub secret: String,
    pub is_made: bool,
}

impl PasswordOptions {
    /// The password that is given, else a new one.
    pub fn given_or_made(&self) -> Result<NewPassword> {
        match self.given()? {
            Some(secret) => Ok(NewPassword { secret, is_made: false }),
            None => Ok(NewPassword { secret: make()?, is_made: true }),
        }
    }

    /// The password that is given, else one that is asked for.
    pub fn given_or_asked(&self) -> Result<String> {
        match self.given()? {
            Some(secret) => Ok(secret),
            None => ask(),
        }
    }

    fn given(&self) -> Result<Option<String>> {
        if self.password_stdin {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).context("no password could be read")?;
            return Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()));
        }
        let Some(path) = &self.password_file else { return Ok(None) };
        let Some(content) = read_file(path, "password file")? else {
            bail!("there is no file {}", path.display());
        };
        let text = String::from_utf8(content).ok().with_context(|| format!("{} is not text", path.display()))?;
        Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
    }
}

/// Asks on the terminal, which does not show what is typed.
fn ask() -> Result<String> {
    let terminal = console::Term::stderr();
    if !terminal.is_term() || !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        bail!("there is no terminal to ask for the password on: give --password-stdin or --password-file FILE");
    }
    let read = |prompt: &str| -> Result<String> {
        terminal.write_str(prompt)?;
        Ok(terminal.read_secure_line()?)
    };
    let secret = read("New password: ").context("no password could be read")?;
    let again = read("The same again: ").context("no password could be read")?;
    ensure!(secret == again, "the two passwords differ");
    Ok(secret)
}

/// 80 random bits, in a form that the rule for passwords accepts.
fn make() -> DomainResult<String> {
    let (token, _) = new_token()?;
    Ok(format!("Tx-{}", &token[..20]) + "9a")
}
