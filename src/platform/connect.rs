//! Connecting a server to the platform: the URL and the account are tried before anything is stored.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result as AnyResult, anyhow, bail, ensure};

use super::api::{Account, Api, ApiError, Credential};
use super::driver::{Driver, Round};
use super::settings::PlatformSettings;
use super::transport::Http;
use crate::auth::contexts::PLATFORM_CREDENTIAL;
use crate::auth::secrets::{Sealer, keep_from_others, read_file};
use crate::db::{Author, Db};
use crate::domain::access::Level;
use crate::error::Result;
use crate::store::platform::{self, Connection};
use crate::sync::http_agent::check_url;
use crate::usecases::platform_connection;

/// What to connect with.
pub struct Target {
    /// Such as `https://api.telecomx.dk`.
    pub url: String,
    pub credential: Credential,
}

/// Tries the account, and gives whom it is. One sentence says what is wrong, and what to do.
pub fn try_out(target: &Target, settings: &PlatformSettings) -> AnyResult<Account> {
    check_url(&target.url, "the platform", false)?;
    let http = Http::new(&target.url, settings.ca.as_deref())?;
    let mut api = Api::new(http, target.credential.clone(), 0);
    let account = api.account().map_err(|error| match error {
        ApiError::Unreachable(why) => anyhow!(
            "{} cannot be used: {why}; check the URL, the line, and for a certificate of your own --platform-ca",
            target.url
        ),
        other => anyhow!(other),
    })?;
    let level =
        Level::parse(&account.level).with_context(|| format!("the account has the unknown level {}", account.level))?;
    ensure!(
        level >= Level::Viewer,
        "the account has the level {}, and reaches nothing: use one of VIEWER or above, of RESELLER for several customers",
        account.level
    );
    Ok(account)
}

/// Stores how the platform is reached; the account has been tried, or is given by the settings.
pub async fn store(
    db: &Db,
    sealer: &Sealer,
    author: Author,
    target: &Target,
    settings: &PlatformSettings,
) -> Result<()> {
    let (account, secret) = match &target.credential {
        Credential::Password { username, password } => (username.clone(), password),
        Credential::Token(token) => (String::new(), token),
    };
    let connection = Connection {
        url: target.url.trim_end_matches('/').to_owned(),
        account,
        credential: sealer.seal(PLATFORM_CREDENTIAL, secret.as_bytes())?,
        rules: settings.rules,
    };
    db.write(author, move |tx| platform_connection::connect(tx, &connection)).await
}

/// Whether a connection that is stored is the one with this target.
pub fn is_same(stored: &Connection, target: &Target, sealer: &Sealer) -> bool {
    let is_same_credential = match (credential_of(stored, sealer), &target.credential) {
        (Ok(Credential::Token(own)), Credential::Token(other)) => own == *other,
        (
            Ok(Credential::Password { username, password }),
            Credential::Password { username: other, password: secret },
        ) => username == *other && password == *secret,
        _ => false,
    };
    stored.url == target.url.trim_end_matches('/') && is_same_credential
}

/// The credential of a connection; an error when the key file is another one.
pub fn credential_of(connection: &Connection, sealer: &Sealer) -> AnyResult<Credential> {
    let secret =
        sealer.unseal(PLATFORM_CREDENTIAL, &connection.credential).and_then(|text| String::from_utf8(text).ok());
    let secret = secret.context(
        "the credential for the platform cannot be opened with this key file: put the right one back, or run platform connect again",
    )?;
    Ok(match connection.account.as_str() {
        "" => Credential::Token(secret),
        username => Credential::Password { username: username.to_owned(), password: secret },
    })
}

/// The driver of the connection that is stored; `None` without one.
pub fn driver(db: &Arc<Db>, sealer: &Arc<Sealer>, settings: &PlatformSettings) -> AnyResult<Option<Driver<Http>>> {
    let Some(connection) = db.read(platform::connection)? else { return Ok(None) };
    let credential = credential_of(&connection, sealer)?;
    let http = Http::new(&connection.url, settings.ca.as_deref())?;
    let api = Api::new(http, credential, settings.requests_per_second);
    Ok(Some(Driver::new(db.clone(), sealer.clone(), settings.clone(), api)))
}

/// Fills the database from the platform once, and connects nothing.
pub fn pull(
    db: &Arc<Db>,
    sealer: &Arc<Sealer>,
    target: &Target,
    settings: &PlatformSettings,
    accepts_deletes: bool,
    progress: impl Fn(&Round) + Send + 'static,
) -> AnyResult<(Round, Vec<String>)> {
    if let Some(connection) = db.read(platform::connection)? {
        bail!(
            "this server works with {} already: a running server reads it by itself, or by POST /sync",
            connection.url
        );
    }
    try_out(target, settings)?;
    let http = Http::new(&target.url, settings.ca.as_deref())?;
    let api = Api::new(http, target.credential.clone(), settings.requests_per_second);
    let mut driver = Driver::new(db.clone(), sealer.clone(), settings.clone(), api).with_progress(progress);
    driver.accepts_deletes = accepts_deletes;
    let round = driver.round()?;
    driver.write(platform::disconnect)?;
    let troubles = driver.health.lock().map(|health| health.troubles.clone()).unwrap_or_default();
    Ok((round, troubles))
}

/// Reads a file with a credential: a token on one line, or a user name and a password on two.
pub fn read_credential_file(path: &Path) -> AnyResult<Credential> {
    let lines = read_secret(path)?;
    match &lines[..] {
        [token] => Ok(Credential::Token(token.clone())),
        [username, password] => Ok(Credential::Password { username: username.clone(), password: password.clone() }),
        _ => bail!("{} must hold a token on one line, or a user name and a password on two", path.display()),
    }
}

/// Reads a file with a user name and a password, on two lines.
pub fn read_pair_file(path: &Path) -> AnyResult<(String, String)> {
    match &read_secret(path)?[..] {
        [name, password] => Ok((name.clone(), password.clone())),
        _ => bail!("{} must hold a user name and a password on two lines", path.display()),
    }
}

/// Reads a file that holds one secret.
pub fn read_secret_file(path: &Path) -> AnyResult<String> {
    match &read_secret(path)?[..] {
        [secret] => Ok(secret.clone()),
        _ => bail!("{} must hold the secret on one line", path.display()),
    }
}

fn read_secret(path: &Path) -> AnyResult<Vec<String>> {
    let Some(content) = read_file(path, "file with a credential")? else {
        bail!("there is no file {}", path.display());
    };
    keep_from_others(path);
    let text = String::from_utf8(content).with_context(|| format!("{} is no text", path.display()))?;
    Ok(text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
