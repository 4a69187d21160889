//! The demo data: employees to log in as, and mobile configs to copy.

use crate::auth::passwords::Passwords;
use crate::auth::secrets::{Sealer, new_token};
use crate::db::{Author, Db, ReadTx};
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::Result;
use crate::store::{actors, credentials, employees, mobile_configs, sessions};
use crate::usecases::import;
use std::sync::Arc;

/// Its passwords are hashed already: a start does not wait for that.
pub const WORLD: &str = include_str!("../../sql/seed/demo.json");
/// A MANAGER of the demo's main customer, and two of its employees with a mobile config.
const MANAGER: &str = "e00000000000000000000402";
const SOURCE: &str = "e00000000000000000000404";
const TARGET: &str = "e00000000000000000000405";
/// Of everybody in the demo world.
pub const PASSWORD: &str = "Demo-Passw0rd";
/// Marks the sessions of the printed calls, so that each start replaces its own.
const ISSUED_TO: &str = "demo";

/// Loads the demo world if the database is empty. False when it holds something.
pub async fn load(db: &Db, sealer: Arc<Sealer>) -> Result<bool> {
    if !db.read(employees::is_empty)? {
        return Ok(false);
    }
    db.write(Author::system("demo"), move |tx| {
        import::run(tx, &sealer, WORLD.as_bytes(), import::Options::default(), |_, _, _| {})
    })
    .await?;
    Ok(true)
}

/// Whether the demo's manager still has the password that everybody knows.
pub async fn is_password_known(db: &Db, passwords: &Passwords) -> Result<bool> {
    let Ok(manager) = MANAGER.parse::<Id>() else { return Ok(false) };
    let stored = db.read(|tx| credentials::get(tx, manager))?.password_hash;
    Ok(passwords.verify(PASSWORD.into(), stored).await?.is_right)
}

/// A call of the copy that works when it is pasted; `None` when this is not the demo world, or no more.
pub async fn copy_call(db: &Db, url: &str) -> Result<Option<String>> {
    let Ok(manager) = MANAGER.parse::<Id>() else { return Ok(None) };
    let is_as_loaded = |tx: &ReadTx| -> Result<bool> {
        let of = |id: &str| -> Result<Option<Id>> {
            let Ok(id) = id.parse() else { return Ok(None) };
            Ok(mobile_configs::find(tx, id)?.map(|config| config.customer))
        };
        let Some(actor) = actors::find(tx, manager)? else { return Ok(false) };
        Ok([of(SOURCE)?, of(TARGET)?] == [Some(actor.customer); 2])
    };
    if !db.read(is_as_loaded)? {
        return Ok(None);
    }
    let (token, hash) = new_token()?;
    db.write(Author::system("demo"), move |tx| {
        sessions::delete_issued_to(tx, manager, ISSUED_TO)?;
        let session = sessions::Session {
            employee: manager,
            impersonator: None,
            parent: None,
            ip: None,
            login_ip: ISSUED_TO.into(),
            persist: true,
            last_used_at: Time::from_millis(0),
        };
        sessions::insert(tx, &hash, &session)
    })
    .await?;
    Ok(Some(format!(
        "curl -X POST {url}/pbx/app/mobileconfig/ \\\n  -H 'Authorization: Bearer {token}' \\\n  -H 'Content-Type: application/json' \\\n  -d '{{\"_id\":\"{SOURCE}\",\"copyTo\":\"{TARGET}\"}}'"
    )))
}
