//! The settings about mails: in the file under `[smtp]`, as flags and in the environment with `smtp` before them.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::mail::MailServer;
use crate::platform::connect::read_pair_file;
use crate::service_manager::credential_name;

/// What is set of mails.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Smtp {
    /// Mail server: smtps://HOST:PORT, or smtp://HOST:PORT, which goes on with TLS unless it is this machine
    /// [default: none; mails are kept in the outbox alone]
    #[arg(id = "smtp_url", long = "smtp-url", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// Address that mails are sent from; goes with --smtp-url [default: none]
    #[arg(id = "smtp_from", long = "smtp-from", value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,

    /// File with user name and password for the mail server, on two lines [default: none; without a login]
    #[arg(id = "smtp_credential_file", long = "smtp-credential-file", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_file: Option<PathBuf>,

    /// Page that the links in mails lead to, which takes the argument token [default: /auth/setpassword of this server]
    #[arg(id = "smtp_page", long = "smtp-page", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

impl Smtp {
    /// The mail server that is set, with its credential; `None` where none is.
    pub fn server(&self) -> Result<Option<MailServer>> {
        let Some(url) = &self.url else {
            let is_alone = self.from.is_none() && self.credential_file.is_none();
            ensure!(is_alone, "--smtp-from and --smtp-credential-file go with --smtp-url");
            return Ok(None);
        };
        let from =
            self.from.as_deref().context("--smtp-url needs --smtp-from: the address that mails are sent from")?;
        // One that was not found is a tool's, which sends no mail.
        let file = self.credential_file.as_deref().filter(|file| credential_name(file).is_none());
        let credential = file.map(read_pair_file).transpose()?;
        MailServer::parse(url, from, credential).map(Some)
    }

    /// Refuses settings that do not go together. `is_local`: this server's own page can be reached by who gets a mail.
    pub(super) fn check(&self, is_local: bool) -> Result<()> {
        self.server()?;
        let is_page = |page: &String| page.starts_with("https://") || page.starts_with("http://");
        ensure!(self.page.as_ref().is_none_or(is_page), "--smtp-page must begin with https:// or http://");
        ensure!(
            self.url.is_none() || self.page.is_some() || is_local,
            "--smtp-url needs --smtp-page on a server for others: the page that the links in mails lead to"
        );
        Ok(())
    }
}
