//! Where a hub keeps its mirrors, and its administrator's token.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use clap::Args;

use crate::auth::secrets::{self, new_token, token_hash};
use crate::domain::audit::Hash;
use crate::files::{Part, beside};
#[cfg(feature = "postgres")]
use crate::sync::hub::postgres::{Address, PostgresHub, Unready};
use crate::sync::hub::sqlite::SqliteHub;
use crate::sync::hub::store::HubStore;
use crate::web::server;

/// The file of the administrator's token when the store is a PostgreSQL.
#[cfg(feature = "postgres")]
const ADMIN_TOKEN: &str = "telecomx-local-hub.admin-token";

#[derive(Args)]
pub struct StoreOptions {
    /// Where the mirrors are kept: sqlite:PATH, or postgres://USER@HOST/DATABASE [default:
    /// sqlite:telecomx-local-hub.db in this folder]
    ///
    /// The password of a PostgreSQL is taken from PGPASSWORD, or from the file that PGPASSFILE names, else ~/.pgpass: on
    /// the command line everybody could read it. Its role must be neither a superuser's nor have BYPASSRLS. What leaves
    /// this machine goes over TLS, and the certificate is verified, unless the URL says sslmode=disable.
    #[arg(long, value_name = "STORE", default_value = "sqlite:telecomx-local-hub.db", hide_default_value = true)]
    store: String,
    #[cfg(feature = "postgres")]
    /// Certificates to trust a PostgreSQL by, PEM [default: the system's]
    #[arg(long, value_name = "FILE")]
    store_ca: Option<PathBuf>,
}

/// A store, as it was asked for.
pub enum StoreLocation {
    Sqlite(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(Address),
}

impl StoreOptions {
    /// The text that named it, which may hold a password.
    pub fn as_given(&self) -> &str {
        &self.store
    }

    pub fn location(&self) -> Result<StoreLocation> {
        if self.store.starts_with("postgres://") || self.store.starts_with("postgresql://") {
            return self.in_postgres();
        }
        let path = self.store.strip_prefix("sqlite:").filter(|path| !path.is_empty());
        let location = path.map(|path| StoreLocation::Sqlite(path.into()));
        // The message does not show what was given: it may hold a password.
        location.context("--store is no store: give sqlite:PATH or postgres://USER@HOST/DATABASE")
    }

    #[cfg(feature = "postgres")]
    fn in_postgres(&self) -> Result<StoreLocation> {
        Ok(StoreLocation::Postgres(Address { url: self.store.clone(), ca: self.store_ca.clone() }))
    }

    #[cfg(not(feature = "postgres"))]
    fn in_postgres(&self) -> Result<StoreLocation> {
        anyhow::bail!(
            "this build of telecomx-local has no PostgreSQL: use one that was built with its default features, or give \
             --store sqlite:PATH"
        )
    }
}

/// What a command does with a store, of whichever kind it is.
pub trait StoreWork {
    type Output;

    fn run(self, store: &impl HubStore) -> impl Future<Output = Result<Self::Output>>;
}

impl StoreOptions {
    /// Opens the store, beside the hubs that run on it, and does the work. A store in a file must exist.
    pub fn with<W: StoreWork>(&self, work: W) -> Result<W::Output> {
        server::block_on(async {
            match self.location()? {
                StoreLocation::Sqlite(path) if !path.exists() => Err(no_store(&path)),
                StoreLocation::Sqlite(path) => work.run(&SqliteHub::open(&path)?).await,
                #[cfg(feature = "postgres")]
                StoreLocation::Postgres(address) => work.run(&PostgresHub::open(&address).await?).await,
            }
        })
    }

    /// The file of the administrator's token, unless `given` names another.
    pub fn token_file(&self, given: Option<&Path>) -> Result<PathBuf> {
        Ok(match (given, self.location()?) {
            (Some(given), _) => given.to_owned(),
            (None, StoreLocation::Sqlite(path)) => beside(&path, ".admin-token"),
            #[cfg(feature = "postgres")]
            (None, StoreLocation::Postgres(_)) => ADMIN_TOKEN.into(),
        })
    }
}

/// The error of a store in a file that does not exist.
pub fn no_store(path: &Path) -> anyhow::Error {
    anyhow!("there is no store at {}: choose another --store, or start hub on it first", path.display())
}

/// The hash of the administrator's token for a store in a file.
pub fn admin_beside(store: &Path, given: Option<&Path>) -> Result<Hash> {
    let path = given.map_or_else(|| beside(store, ".admin-token"), Path::to_owned);
    let found = in_file(&path)?;
    secrets::keep_from_others(&path);
    found.map_or_else(|| make(&path), Ok)
}

#[cfg(feature = "postgres")]
/// The same for PostgreSQL, which stores the hash: the hub that is started first makes the token, all accept it.
pub async fn admin_of(store: &PostgresHub, given: Option<&Path>) -> Result<Hash, Unready> {
    let path = given.unwrap_or(Path::new(ADMIN_TOKEN));
    let found = in_file(path).map_err(Unready::Wrong)?;
    let holds = store.admin(|| in_file(path)?.map_or_else(|| make(path), Ok)).await?;
    if found.is_some_and(|found| found != holds) {
        return Err(Unready::Wrong(anyhow!(
            "{} holds another token than this store: if the token was rotated, put the new one there; else name another \
             file with --admin-token",
            path.display()
        )));
    }
    secrets::keep_from_others(path);
    Ok(holds)
}

/// The hash of the token in a file.
fn in_file(path: &Path) -> Result<Option<Hash>> {
    let Some(held) = secrets::read_file(path, "token file")? else { return Ok(None) };
    let token = std::str::from_utf8(&held).ok().and_then(|text| token_hash(text.trim()));
    token.map(Some).ok_or_else(|| secrets::is_not(path, "holds no token of this program"))
}

/// A new token, in a file that only its owner can read.
fn make(path: &Path) -> Result<Hash> {
    let hash = write_new(path)?;
    tracing::info!("the administrator's token is new, in {}", path.display());
    Ok(hash)
}

/// Writes a new token to a file that only its owner can read, in place of what the file holds; gives its hash.
pub fn write_new(path: &Path) -> Result<Hash> {
    let (token, hash) = new_token()?;
    let part = Part::of(path);
    let written = part.and_then(|part| writeln!(part.file(), "{token}").and_then(|()| part.finish()));
    written.with_context(|| format!("{} cannot be used", path.display()))?;
    Ok(hash)
}
