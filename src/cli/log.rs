//! Where a server and a hub log: to standard error, or to a file that is rotated by its size.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use anyhow::{Context as _, Result};
use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use tracing_subscriber::filter::FilterExt as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt, registry, reload};

use crate::config::{Config, LogFormat};
use crate::error::Advise as _;
use crate::files::{cannot_be_written, open_own_file};
use crate::log_tail::KeepTail;
use crate::web::log_filter::WithoutStrangersFaults;

const FILE_MIB: u32 = 10;
const FILES: u32 = 5;
/// The log may name people: it is its owner's alone.
const FILE_MODE: u32 = 0o600;

/// How a program logs.
#[derive(Clone, Default, clap::Args)]
pub struct LogOptions {
    /// What is logged: error, warn, info, debug or trace, also per module [default: info]
    #[arg(long = "log-level", value_name = "LEVEL")]
    pub level: Option<String>,
    /// Form of the log: json or text [default: text on a terminal, else json]
    #[arg(long = "log-format", value_name = "FORM")]
    pub format: Option<LogFormat>,
    /// File for the log in the place of standard error, rotated by its size [default: none]
    #[arg(long = "log-file", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Size at which the log file is rotated, in MiB [default: 10]
    #[arg(long = "log-file-mb", value_name = "MIB")]
    pub file_mb: Option<u32>,
    /// How many rotated log files to keep [default: 5]
    #[arg(long = "log-files", value_name = "COUNT")]
    pub files: Option<u32>,
}

impl LogOptions {
    /// As the settings of a server say.
    pub fn of(config: &Config) -> LogOptions {
        LogOptions {
            level: config.log_level.clone(),
            format: config.log_format,
            file: config.log_file.clone(),
            file_mb: config.log_file_mb,
            files: config.log_files,
        }
    }

    /// Begins to log, once in the life of a process.
    pub fn start(&self) -> Result<()> {
        let (filter, handle) = reload::Layer::new(log_filter(self.level.as_deref())?);
        let is_terminal = self.file.is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr());
        let writer = match &self.file {
            Some(file) => BoxMakeWriter::new(Mutex::new(self.rotated(file)?)),
            None => BoxMakeWriter::new(std::io::stderr),
        };
        let log = fmt::layer().with_writer(writer).with_target(false);
        let log = match self.format.unwrap_or(if is_terminal { LogFormat::Text } else { LogFormat::Json }) {
            LogFormat::Json => log.json().flatten_event(true).boxed(),
            LogFormat::Text => log.with_ansi(is_terminal).boxed(),
        };
        registry().with(log.and_then(KeepTail).with_filter(filter.and(WithoutStrangersFaults))).init();
        let _ = LOG_FILTER.set(handle);
        Ok(())
    }

    /// The file, which is rotated behind the line with which it reaches its size: FILE.1 is the newest of the others.
    fn rotated(&self, file: &Path) -> Result<FileRotate<AppendCount>> {
        // The library cannot say what is wrong with it.
        open_own_file(file, |options| options.create(true).append(true))
            .map_err(|error| cannot_be_written(file, error, "choose another --log-file"))?;
        let file = std::fs::canonicalize(file).with_context(|| format!("{} cannot be used", file.display()))?;
        let bytes = (self.file_mb.unwrap_or(FILE_MIB).max(1) as usize) << 20;
        let suffixes = AppendCount::new(self.files.unwrap_or(FILES).max(1) as usize);
        let mut options = std::fs::OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(options.create(true).append(true).read(true), FILE_MODE);
        let limit = ContentLimit::BytesSurpassed(bytes);
        Ok(FileRotate::new(file, suffixes, limit, Compression::None, Some(options)))
    }
}

/// Libraries that log whole requests, secrets included, at the lower levels.
const QUIET: [&str; 2] = ["ureq", "ureq_proto"];

/// What is logged, to be changed while the program runs.
static LOG_FILTER: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// Logs at another level from now on.
pub fn set_log_level(level: Option<&str>) -> Result<()> {
    let filter = log_filter(level)?;
    let set = LOG_FILTER.get().map(|handle| handle.reload(filter)).transpose();
    set.map(drop).context("the log level cannot be changed")
}

fn log_filter(level: Option<&str>) -> Result<Targets> {
    let level = level.unwrap_or("info,actix_server=warn,rusqlite_migration=warn");
    let wrong = format!("--log-level {level} is not understood");
    let advice = "give error, warn, info, debug or trace";
    let filter: Targets = level.parse().advise(&wrong, advice)?;
    // Targets would take a single word that is no level as the name of a module.
    for part in level.split(',').filter(|part| !part.contains('=')) {
        part.trim().parse::<LevelFilter>().advise(&wrong, advice)?;
    }
    // What is called is in their lines at debug, with the tokens in it; nobody may ask for that.
    Ok(QUIET.iter().fold(filter, |filter, target| filter.with_target(*target, LevelFilter::WARN)))
}
