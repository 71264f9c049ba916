//! TLS 1.2 and 1.3 of the console: whose certificate is shown.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ALL_VERSIONS, ServerConfig,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

/// Files with a certificate chain and its key, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those between it and its authority.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Why TLS cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BadTls {
    /// A file does not read.
    #[error("`{}` does not read as {what} in pem: {reason}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What was wrong.
        reason: String,
    },
    /// Certificate and key do not belong together, or are of a kind that is not served.
    #[error("the certificate `{}` cannot be used with its key: {reason}", .path.display())]
    Pair {
        /// The certificate's file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
}

impl TlsFiles {
    /// Reads the pair and sees whether it fits.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn check(&self) -> Result<(), BadTls> {
        self.load().map(drop)
    }

    fn load(&self) -> Result<Arc<ServerConfig>, BadTls> {
        let unread = |path: &Path, what, reason: String| BadTls::File {
            path: path.to_owned(),
            what,
            reason,
        };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|fault| unread(&self.certificate, "a certificate", fault.to_string()))?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|fault| unread(&self.key, "a private key", fault.to_string()))?;
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(ALL_VERSIONS)
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
        config.map(Arc::new).map_err(|fault| BadTls::Pair {
            path: self.certificate.clone(),
            reason: fault.to_string(),
        })
    }

    /// When the two files were changed last.
    fn changed(&self) -> Option<[SystemTime; 2]> {
        let of = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
        Some([of(&self.certificate)?, of(&self.key)?])
    }
}

/// Shows the certificate that is in the files now. They are looked at when somebody connects; a
/// pair that does not fit (half of it written) leaves the one before in force.
#[derive(Clone)]
pub(crate) struct Certificate(Arc<(TlsFiles, Mutex<Loaded>)>);

struct Loaded {
    config: Arc<ServerConfig>,
    changed: Option<[SystemTime; 2]>,
}

impl Certificate {
    pub(crate) fn new(files: TlsFiles) -> Result<Self, BadTls> {
        let changed = files.changed();
        let loaded = Loaded { config: files.load()?, changed };
        Ok(Self(Arc::new((files, Mutex::new(loaded)))))
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let (files, loaded) = &*self.0;
        let changed = files.changed();
        let mut loaded = loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if changed.is_some()
            && loaded.changed != changed
            && let Ok(config) = files.load()
        {
            *loaded = Loaded { config, changed };
        }
        TlsAcceptor::from(Arc::clone(&loaded.config))
    }
}
