//! The server's side of TLS: certificate and key from PEM files, which can be read again while the server runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context as _, Result, ensure};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_cert::der::Decode as _;

use crate::domain::time::Time;

/// The certificate that a listener shows.
#[derive(Debug)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads the files; `None` without them. The error says what is wrong with which file.
    pub fn open(chain: Option<&Path>, key: Option<&Path>) -> Result<Option<Arc<Certificate>>> {
        let (Some(chain), Some(key)) = (chain, key) else { return Ok(None) };
        let current = RwLock::new(read(chain, key)?);
        Ok(Some(Arc::new(Certificate { chain: chain.to_owned(), key: key.to_owned(), current })))
    }

    /// Reads the files again: connections from now on get what they hold. On an error the certificate stays.
    pub fn reload(&self) -> Result<()> {
        let read = read(&self.chain, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// The settings of a listener that shows this certificate.
    pub fn server_config(self: &Arc<Certificate>) -> Result<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .context("TLS cannot be set up")?;
        Ok(builder.with_no_client_auth().with_cert_resolver(self.clone()))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// When the certificate in a PEM file ends; of a chain the first, which is the server's own.
pub fn last_day(cert: &Path) -> Result<Time> {
    let first = CertificateDer::pem_file_iter(cert)?.next().context("it holds no certificate")??;
    let read = x509_cert::Certificate::from_der(&first).context("it is no X.509 certificate")?;
    let end = read.tbs_certificate.validity.not_after.to_unix_duration();
    Ok(Time::from_millis(i64::try_from(end.as_millis()).unwrap_or(i64::MAX)))
}

fn read(cert: &Path, key: &Path) -> Result<Arc<CertifiedKey>> {
    let cannot_be_used = |path: &Path| format!("{} cannot be used for TLS", path.display());
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| cannot_be_used(cert))?;
    ensure!(!chain.is_empty(), "{}: it holds no certificate", cannot_be_used(cert));
    let private = PrivateKeyDer::from_pem_file(key).with_context(|| cannot_be_used(key))?;
    let certified = CertifiedKey::from_der(chain, private, &default_provider());
    certified.map(Arc::new).with_context(|| cannot_be_used(cert))
}
