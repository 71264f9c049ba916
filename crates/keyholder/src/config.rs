//! The settings of a keyholder, a file in TOML.

use access::Gate;
use serde::Deserialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tlog::{NotAKey, NotAPolicy, Policy, Verifier};

/// The settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The log's verifier key, as its file `log.vkey` has it.
    log: String,
    /// Verifier keys of witnesses.
    #[serde(default)]
    witnesses: Vec<String>,
    /// How many of them must have seen a checkpoint. Without witnesses, none.
    #[serde(default)]
    quorum: usize,
    /// How it is reached over the network, if it is.
    pub serve: Option<Serve>,
}

/// How a keyholder is reached. Paths are relative to the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serve {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its certificate and those above it, in PEM.
    pub certificate: PathBuf,
    /// The private key of that certificate, in PEM.
    pub key: PathBuf,
    /// Certificates of the authorities whose clients may ask, in PEM.
    pub clients: PathBuf,
}

impl Config {
    /// Reads the text of settings that stand in `folder`.
    ///
    /// # Errors
    /// Says what about them is wrong.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, BadConfig> {
        let mut config: Self =
            toml::from_str(text).map_err(|fault| BadConfig::Text(fault.to_string()))?;
        if let Some(serve) = &mut config.serve {
            for path in [&mut serve.certificate, &mut serve.key, &mut serve.clients] {
                *path = folder.join(&path);
            }
        }
        config.gate()?;
        Ok(config)
    }

    /// The log's key.
    ///
    /// # Errors
    /// When it is none.
    pub fn log(&self) -> Result<Verifier, BadConfig> {
        Ok(Verifier::parse(self.log.trim())?)
    }

    /// Which log and witnesses are believed.
    ///
    /// # Errors
    /// When a key is none, or the quorum cannot be met.
    pub fn gate(&self) -> Result<Gate, BadConfig> {
        let witnesses = self.witnesses.iter().map(|key| Verifier::parse(key.trim()));
        let witnesses = witnesses.collect::<Result<Vec<_>, _>>()?;
        let policy = match (self.quorum, witnesses.is_empty()) {
            (0, true) => Policy::LOG_ALONE,
            // Witnesses that nobody waits for are a mistake, not a wish.
            (quorum, _) => Policy::quorum(quorum, witnesses)?,
        };
        Ok(Gate::new(self.log()?, policy))
    }

    /// How many witnesses must have seen a checkpoint.
    pub const fn quorum(&self) -> usize {
        self.quorum
    }
}

/// What is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadConfig {
    /// They cannot be read.
    #[error("the settings cannot be read: {0}")]
    Text(String),
    /// A key is none.
    #[error("a verifier key in the settings is none: {0}")]
    Key(#[from] NotAKey),
    /// The quorum cannot be met.
    #[error("the quorum in the settings cannot be: {0}")]
    Quorum(#[from] NotAPolicy),
}
