//! `import`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Args;
use serde_json::json;

use super::common::{Store, print_line, remove_database};
use super::export::csv_kind;
use super::output::Form;
use super::progress;
use crate::auth::key_file;
use crate::auth::secrets::Sealer;
use crate::clock::Clock;
use crate::db::{Exclusive, ReadOnly, ReadTx};
use crate::ephemeral::Folder;
use crate::error::{DOCUMENT_FAULTS_MAX, Error};
use crate::store::{administrators, credentials};
use crate::usecases::csv_lists::CsvKind;
use crate::usecases::demo;
use crate::usecases::import::{
    self, CsvDocument, Document, DocumentFile, Effect, Effects, List, Options, Progress, Stage, is_csv, name_of,
};

#[derive(Args)]
pub struct Arguments {
    /// JSON document with customers, queues, employees and mobileConfigs, or a .csv file with employees or queues; - for
    /// standard input
    #[arg(required_unless_present = "example")]
    file: Option<PathBuf>,
    /// Print an example document, ready to import, and exit
    #[arg(long, conflicts_with = "file")]
    example: bool,
    /// The file is a list as CSV of this kind, employees or queues, whatever its name and header say
    #[arg(long, value_name = "KIND", value_parser = csv_kind)]
    kind: Option<CsvKind>,
    /// Say what would change, and import nothing; works while the server runs
    #[arg(long)]
    dry_run: bool,
    /// Also when nobody would be left who administers this server
    #[arg(long)]
    force: bool,
    /// Leave out properties that are not known, in the place of refusing the document
    #[arg(long)]
    ignore_unknown: bool,
    #[command(flatten)]
    form: Form,
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
    let import = Import {
        file,
        path: &path,
        options: Options { may_leave_no_administrator: arguments.force, ignore_unknown: arguments.ignore_unknown },
        form: arguments.form,
    };
    let is_list = arguments.kind.is_some() || is_csv(file);
    let list = |document| CsvDocument::new(document, arguments.kind, arguments.ignore_unknown);
    match (is_list, arguments.dry_run) {
        (false, false) => import.load(document),
        (false, true) => import.preview(document, false),
        (true, false) => import.load(list(document)),
        (true, true) => import.preview(list(document), true),
    }
}

/// What is imported, and into what.
struct Import<'a> {
    file: &'a Path,
    path: &'a Path,
    options: Options,
    form: Form,
}

impl Import<'_> {
    fn load(&self, document: impl Document) -> Result<ExitCode> {
        let is_new = !self.path.exists();
        let database = Exclusive::open(self.path, Clock::default())?;
        let sealer = database.read(|tx| Ok(key_file::open(self.path, tx)))??;
        let steps = progress::Steps::new();
        let show = shown_by(&steps);
        let imported = database.write("import", |tx| import::run(tx, &sealer, document, self.options, show));
        steps.finish();
        let summary = match imported {
            Ok(summary) => summary,
            Err(error) => {
                drop(database);
                if is_new {
                    remove_database(self.path);
                }
                return Err(refused(error, self.file).unwrap_or_else(|error| self.described(error)));
            }
        };
        let describe = |error| self.described(error);
        let has_administrator = database.read(|tx| Ok(!administrators::all(tx)?.is_empty())).map_err(describe)?;
        let without_password = database.read(credentials::without_password).map_err(describe)?;
        database.close()?;
        let mut words = format!("imported {summary} into {}", self.path.display());
        if without_password > 0 {
            words.push_str(&format!(
                "\n{without_password} employees have no password and cannot log in: an export holds none without --with-secrets"
            ));
        }
        if !has_administrator {
            words.push_str("\nnobody administers this database: make an administrator with admin create");
        }
        let value = json!({
            "database": self.path, "imported": summary.to_string(), "withoutPassword": without_password,
            "hasAdministrator": has_administrator,
        });
        self.form.say(value, words)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Says what an import would change; of a list, each row that would.
    fn preview(&self, document: impl Document, has_rows: bool) -> Result<ExitCode> {
        let steps = progress::Steps::new();
        let preview = |tx: &ReadTx, sealer: &Sealer| {
            import::preview(tx, sealer, document, self.options, shown_by(&steps), |place, effect| {
                if has_rows { print_effect(place, effect, self.form) } else { Ok(()) }
            })
        };
        let effects = match self.path.exists() {
            true => {
                let database = ReadOnly::open(self.path, Clock::default())?;
                let sealer = Sealer::read(self.path)?.map_or_else(Sealer::for_this_process, Ok)?;
                database.read(|tx| preview(tx, &sealer))
            }
            // An import would make a database: this one is thrown away.
            false => {
                let folder = Folder::make()?;
                let database = Exclusive::open(&folder.path().join("empty.db"), Clock::default())?;
                let sealer = Sealer::for_this_process()?;
                database.read(|tx| preview(tx, &sealer))
            }
        };
        steps.finish();
        let effects =
            effects.map_err(|error| refused(error, self.file).unwrap_or_else(|error| self.described(error)))?;
        for (list, Effects { new, changed, unchanged }) in List::ALL.into_iter().zip(effects) {
            // A list as CSV has nothing of the others.
            if !has_rows || new + changed + unchanged > 0 {
                let words = format!("{}: {new} new, {changed} changed, {unchanged} unchanged", list.name());
                let value = json!({ "list": list.name(), "new": new, "changed": changed, "unchanged": unchanged });
                self.form.say(value, words)?;
            }
        }
        let words = format!("nothing was imported into {}: this was a dry run", self.path.display());
        self.form.say(json!({ "database": self.path, "dryRun": true }), words)?;
        Ok(ExitCode::SUCCESS)
    }

    fn described(&self, error: Error) -> anyhow::Error {
        match error {
            Error::Busy => anyhow!(
                "nothing was imported: {} is being read by another program (an export or a backup?); try again when it is done",
                self.path.display()
            ),
            other => anyhow!(other).context("nothing was imported"),
        }
    }
}

fn print_effect(place: &str, effect: &Effect, form: Form) -> crate::error::Result<()> {
    let (value, words) = match effect {
        Effect::New => (json!({ "place": place, "change": "new" }), format!("{place}: new")),
        Effect::Changed(properties) => (
            json!({ "place": place, "change": "changed", "properties": properties }),
            format!("{place}: changed: {}", properties.join(", ")),
        ),
        Effect::Unchanged => return Ok(()),
    };
    form.say(value, words).map_err(|error| Error::Internal(error.into()))
}

fn shown_by(steps: &progress::Steps) -> impl Progress {
    |stage, done: usize, total: usize| {
        let what = match stage {
            Stage::Reading => "reading",
            Stage::Hashing => "hashing",
            Stage::Writing => "writing",
        };
        // Passwords take long, rows do not.
        if stage == Stage::Hashing || done.is_multiple_of(1_000) {
            steps.show(what, done, total);
        }
    }
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
