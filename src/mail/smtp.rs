//! One mail over SMTP.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, SmtpTransport, Transport as _};

use crate::domain::outbox::Letter;
use crate::domain::time::Time;
use crate::error::in_one_line;

/// How long one step of the conversation may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the start.
    Tls,
    /// TLS after STARTTLS, without which nothing is sent.
    StartTls,
    /// None: for this machine alone.
    None,
}

/// Where mails are handed over, and as whom.
#[derive(Clone, Debug, PartialEq)]
pub struct MailServer {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// What stands in `From`.
    pub from: String,
    /// User name and password.
    pub credential: Option<(String, String)>,
}

impl MailServer {
    /// `smtps://HOST[:465]`, or `smtp://HOST[:587]`, which goes on with TLS unless it is this machine.
    pub fn parse(url: &str, from: &str, credential: Option<(String, String)>) -> Result<MailServer> {
        let (is_tls, rest) = match (url.strip_prefix("smtps://"), url.strip_prefix("smtp://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => bail!("--smtp-url must be smtps://HOST:PORT or smtp://HOST:PORT"),
        };
        ensure!(!rest.contains('@'), "--smtp-url must hold no user name: give --smtp-credential-file");
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !rest.ends_with(']') => {
                (host, port.parse().ok().context("the port in --smtp-url is no number from 1 to 65535")?)
            }
            _ => (rest, if is_tls { 465 } else { 587 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:".contains(c));
        ensure!(is_host && port > 0, "--smtp-url must name a host, such as smtps://mail.example.com");
        let is_here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        let security = match (is_tls, is_here) {
            (true, _) => Security::Tls,
            (false, true) => Security::None,
            (false, false) => Security::StartTls,
        };
        from.parse::<Mailbox>().context("--smtp-from is no mail address")?;
        Ok(MailServer { host: host.to_owned(), port, security, from: from.to_owned(), credential })
    }
}

/// Why a mail was not handed over.
pub struct Failure {
    pub why: String,
    /// Trying again is of no use.
    pub is_final: bool,
}

pub struct Transport {
    smtp: SmtpTransport,
    from: Mailbox,
}

impl Transport {
    pub fn new(server: &MailServer) -> Result<Transport> {
        let builder = match server.security {
            Security::Tls => SmtpTransport::relay(&server.host),
            Security::StartTls => SmtpTransport::starttls_relay(&server.host),
            Security::None => Ok(SmtpTransport::builder_dangerous(&server.host)),
        };
        let mut builder = builder.context("TLS to the mail server is not possible")?.port(server.port);
        if let Some((name, password)) = &server.credential {
            builder = builder.credentials(Credentials::new(name.clone(), password.clone()));
        }
        let smtp = builder.timeout(Some(TIMEOUT)).build();
        let from = server.from.parse().context("--smtp-from is no mail address")?;
        Ok(Transport { smtp, from })
    }

    pub fn send(&self, letter: &Letter, now: Time) -> Result<(), Failure> {
        let lasting = |why: String| Failure { why, is_final: true };
        let to: Address = letter.to.parse().map_err(|_| lasting("the address cannot be used in a mail".to_owned()))?;
        let since = Duration::from_millis(u64::try_from(now.millis()).unwrap_or_default());
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            .date(UNIX_EPOCH + since)
            .message_id(None)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|error| lasting(in_one_line(&error)))?;
        match self.smtp.send(&message) {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure { is_final: error.is_permanent(), why: in_one_line(&error) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_is_reached_with_tls_unless_it_is_this_machine() {
        let read =
            |url: &str| MailServer::parse(url, "pbx@example.com", None).map(|it| (it.host, it.port, it.security)).ok();
        let is = |host: &str, port, security| Some((host.to_owned(), port, security));
        assert_eq!(read("smtps://mail.example.com"), is("mail.example.com", 465, Security::Tls));
        assert_eq!(read("smtp://mail.example.com"), is("mail.example.com", 587, Security::StartTls));
        assert_eq!(read("smtp://127.0.0.1:2525/"), is("127.0.0.1", 2525, Security::None));
        assert_eq!(read("smtp://[::1]:25"), is("::1", 25, Security::None));
        for wrong in [
            "mail.example.com",
            "http://a",
            "smtp://",
            "smtp://u:p@host",
            "smtp://host:0",
            "smtp://host:x",
            "smtp://a b",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert!(MailServer::parse("smtp://localhost", "nobody", None).is_err());
    }
}
