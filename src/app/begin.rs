//! What a server begins with: its database and key, the document it loads, the platform it works with, and how its mails go out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use crate::api;
use crate::auth::key_file;
use crate::auth::reset_requests::ResetRequests;
use crate::auth::secrets::{Sealer, key_path};
use crate::config::Config;
use crate::db::{Author, Db};
use crate::ephemeral::Folder;
use crate::mail::{self, Mailer};
use crate::platform::connect;
use crate::platform::settings::PlatformSettings;
use crate::store::{platform, sealed};
use crate::usecases::import::{self, DocumentFile, name_of};
use crate::usecases::password_reset;
use crate::web::outgoing::Outgoing;

/// Mails: to whom they are handed over, and where their links lead.
pub(super) async fn outgoing(db: &Arc<Db>, config: &Config, url: &str) -> anyhow::Result<Outgoing> {
    mail::give_up_old(db).await?;
    Ok(Outgoing {
        mailer: Mailer::start(db.clone(), config.smtp.server()?.as_ref())?,
        reset_requests: ResetRequests::new(password_reset::GOOD_FOR_MS),
        page: config.smtp.page.clone().unwrap_or_else(|| api::routes::password_page(url)),
        logs_links: config.is_local(),
    })
}

/// Takes over what is set of the platform: another one, or another credential, and how changes are taken.
pub(super) async fn connect_platform(
    db: &Db,
    sealer: &Sealer,
    config: &Config,
    settings: &PlatformSettings,
) -> anyhow::Result<()> {
    let stored = db.read(platform::connection)?;
    if let Some(target) = config.platform.target()? {
        if stored.is_none_or(|stored| !connect::is_same(&stored, &target, sealer)) {
            connect::store(db, sealer, Author::system("settings"), &target, settings).await?;
        }
    } else if stored.is_none() {
        return Ok(());
    }
    let rules = settings.rules;
    Ok(db.write(Author::system("settings"), move |tx| platform::set_rules(tx, rules)).await?)
}

/// Loads the document into a database that holds nothing yet.
pub(super) async fn load(db: &Db, sealer: Arc<Sealer>, file: &Path) -> anyhow::Result<()> {
    let document = DocumentFile::open(file)?;
    let loaded = db.write(Author::system("import"), move |tx| {
        import::run(tx, &sealer, document, import::Options::default(), |_, _, _| {})
    });
    let loaded = loaded.await.with_context(|| format!("{} cannot be imported", name_of(file)))?;
    tracing::info!("imported {loaded}");
    Ok(())
}

pub(super) fn open_sealer(db: &Db, path: &Path, is_new_key: bool) -> anyhow::Result<Sealer> {
    let sealed = db.read(sealed::describe)?;
    if !is_new_key {
        return db.read(|tx| Ok(key_file::open(path, tx)))?;
    }
    anyhow::ensure!(!key_path(path).exists(), "{} is there: leave out --new-key", key_path(path).display());
    if let Some(lost) = sealed {
        tracing::warn!("a new key file is made: {lost} can never be read again; set them up anew");
    }
    Sealer::open(path, None)
}

pub(super) fn database(config: &Config) -> anyhow::Result<(PathBuf, Option<Folder>)> {
    if !config.is_ephemeral() {
        return Ok((config.db()?, None));
    }
    let folder = Folder::make()?;
    Ok((folder.path().join("telecomx.db"), Some(folder)))
}
