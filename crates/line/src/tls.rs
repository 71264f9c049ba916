//! TLS 1.2 and 1.3 for SIP: whose certificates are shown and whose are believed.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::net::TcpStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{
    ALL_VERSIONS, ClientConfig, Error as Refused, RootCertStore, ServerConfig,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// Files with a certificate chain and its key, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those between it and its authority.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// How the other end of a TLS connection is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsPeer {
    /// File with the certificates of the authorities that are believed, in PEM.
    pub authority: PathBuf,
    /// The name or IP address that must stand in the other end's certificate.
    pub name: String,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or holds no PEM of the kind that is needed.
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
    #[error("the certificate `{}` cannot be used with its key: {source}", .path.display())]
    Pair {
        /// The certificate's file.
        path: PathBuf,
        /// What was wrong.
        source: Refused,
    },
    /// No name that a certificate could hold.
    #[error("`{name}` is no name that a certificate can hold: give a host name or an ip address")]
    Name {
        /// What was given.
        name: String,
    },
}

impl TlsFiles {
    /// Reads the pair and sees whether it fits.
    ///
    /// # Errors
    /// [`TlsError`] names the file and what is wrong with it.
    pub fn check(&self) -> Result<(), TlsError> {
        self.load().map(drop)
    }

    fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| unread(&self.key, "a private key", &error))?;
        let pair = |source| TlsError::Pair { path: self.certificate.clone(), source };
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(ALL_VERSIONS)
            .map_err(pair)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(pair)?;
        Ok(Arc::new(config))
    }

    /// When the two files were changed last.
    fn changed(&self) -> Option<[SystemTime; 2]> {
        let of = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
        Some([of(&self.certificate)?, of(&self.key)?])
    }
}

impl TlsPeer {
    /// Reads the authorities.
    ///
    /// # Errors
    /// [`TlsError`] names the file and what is wrong with it.
    pub fn check(&self) -> Result<(), TlsError> {
        Client::new(self).map(drop)
    }
}

/// Accepts connections with the certificate that is in the files now.
#[derive(Clone)]
pub(crate) struct Server {
    inner: Arc<(TlsFiles, Mutex<Loaded>)>,
}

struct Loaded {
    config: Arc<ServerConfig>,
    changed: Option<[SystemTime; 2]>,
}

impl Server {
    /// # Errors
    /// When the files do not read.
    pub(crate) fn new(files: TlsFiles) -> Result<Self, TlsError> {
        let changed = files.changed();
        let loaded = Loaded { config: files.load()?, changed };
        Ok(Self { inner: Arc::new((files, Mutex::new(loaded))) })
    }

    pub(crate) async fn accept(
        &self,
        socket: TcpStream,
    ) -> io::Result<server::TlsStream<TcpStream>> {
        TlsAcceptor::from(self.current()).accept(socket).await
    }

    /// The files are looked at when somebody connects: a renewed certificate is shown to the next
    /// one, and a pair that does not fit (half of it written) leaves the one before in force.
    fn current(&self) -> Arc<ServerConfig> {
        let (files, loaded) = &*self.inner;
        let changed = files.changed();
        let mut loaded = loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if changed.is_some()
            && loaded.changed != changed
            && let Ok(config) = files.load()
        {
            *loaded = Loaded { config, changed };
        }
        Arc::clone(&loaded.config)
    }
}

/// Connects to one other end and believes only its authorities.
#[derive(Clone)]
pub(crate) struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Client {
    /// # Errors
    /// When the authorities do not read, or the name is none.
    pub(crate) fn new(peer: &TlsPeer) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&peer.authority)? {
            roots
                .add(certificate)
                .map_err(|source| TlsError::Pair { path: peer.authority.clone(), source })?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(ALL_VERSIONS)
            .map_err(|source| TlsError::Pair { path: peer.authority.clone(), source })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = match peer.name.parse::<IpAddr>() {
            Ok(ip) => ServerName::from(ip),
            Err(_) => ServerName::try_from(peer.name.clone())
                .map_err(|_| TlsError::Name { name: peer.name.clone() })?,
        };
        Ok(Self { config: Arc::new(config), name })
    }

    pub(crate) async fn connect(
        &self,
        socket: TcpStream,
    ) -> io::Result<client::TlsStream<TcpStream>> {
        TlsConnector::from(Arc::clone(&self.config)).connect(self.name.clone(), socket).await
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    const WHAT: &str = "a certificate";
    let found = CertificateDer::pem_file_iter(path).map_err(|error| unread(path, WHAT, &error))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|e| unread(path, WHAT, &e))?;
    if found.is_empty() {
        return Err(unread(path, WHAT, &"there is none in it"));
    }
    Ok(found)
}

fn unread(path: &Path, what: &'static str, reason: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { path: path.to_owned(), what, reason: reason.to_string() }
}
