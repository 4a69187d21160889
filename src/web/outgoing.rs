//! What leaves the server: mails to the mail server, links to the log of a server for this machine alone, and word of the outbox to a
//! mock.

use super::mock::Mock;
use crate::auth::reset_requests::ResetRequests;
use crate::auth::secrets::new_token;
use crate::domain::outbox::Letter;
use crate::error::Result;
use crate::mail::{Mailer, WAITING};
use crate::usecases::password_reset::NewLink;

/// Mails, and links in them.
pub struct Outgoing {
    pub mailer: Mailer,
    /// Names that nobody has and that a new password was asked for.
    pub reset_requests: ResetRequests,
    /// The page that links lead to.
    pub page: String,
    /// Links are logged: nobody but the developer in front of it reads the log of a server for this machine alone.
    pub logs_links: bool,
}

impl Outgoing {
    /// A link that nobody has yet.
    pub fn new_link(&self) -> Result<NewLink> {
        let (token, hash) = new_token()?;
        let separator = if self.page.contains('?') { '&' } else { '?' };
        let link = format!("{}{separator}token={token}", self.page);
        Ok(NewLink { token: hash, link, waiting: self.mailer.is_on().then_some(WAITING) })
    }

    /// Sends what is in the outbox by now. `mock`: what only a mock keeps.
    pub async fn hand_over(&self, mock: Option<&Mock>, letter: Letter) {
        if self.logs_links && !self.mailer.is_on() {
            tracing::info!("no mail server is set: the link for {} is {}", letter.to, letter.link);
        }
        if let Some(mock) = mock {
            mock.outbox.keep_link(letter.entry, &letter.link);
            mock.outbox.added.notify_waiters();
        }
        if letter.is_mail {
            self.mailer.hand_over(letter).await;
        }
    }
}
