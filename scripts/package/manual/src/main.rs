//! Writes man pages (`FOLDER/man1/*.1`) and completions for bash, zsh and fish (`FOLDER/completions/`) from the definition of the
//! command line.

use std::io::{Error, Result};
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::{Shell, generate_to};

const PROGRAM: &str = "telecomx-local";

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| Error::other("usage: package-manual FOLDER"))?;
    let (pages, completions) = (folder.join("man1"), folder.join("completions"));
    for folder in [&pages, &completions] {
        std::fs::create_dir_all(folder)?;
    }
    let mut definition = telecomx_local::cli::definition();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut definition, PROGRAM, &completions)?;
    }
    definition.build();
    // Clap keeps names that live as long as the program, which ends when the pages are written.
    let version: &'static str = definition.get_version().unwrap_or_default().to_owned().leak();
    write_pages(&definition, PROGRAM, version, &pages)
}

/// Writes the page of a command, and those of the commands below it: `telecomx-local-hub-enroll.1`. Each is named by all its words.
fn write_pages(command: &Command, name: &'static str, version: &'static str, folder: &Path) -> Result<()> {
    for below in command.get_subcommands().filter(|below| below.get_name() != "help" && !below.is_hide_set()) {
        write_pages(below, format!("{name}-{}", below.get_name()).leak(), version, folder)?;
    }
    let named = command.clone().display_name(name).version(version);
    clap_mangen::Man::new(named.disable_help_subcommand(true)).generate_to(folder).map(drop)
}
