//! What is shown to people: the console, and the screen of `status`.

use super::Config;
use crate::web::condition::Surroundings;

impl Config {
    pub fn has_console(&self) -> bool {
        !self.no_console.unwrap_or(false)
    }

    /// What the screen of `status` shows beside the database.
    pub fn surroundings(&self) -> Surroundings {
        Surroundings {
            listen: self.listen(),
            silent_alarm_ms: self.hub().silent_alarm_ms,
            backup_every: self.backup.every(),
            tls_cert: self.tls_cert.clone(),
            archive: self.db().ok().and_then(|path| self.audit.archive(&path)),
        }
    }
}
