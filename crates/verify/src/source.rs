//! Where a log is read from: a folder, or a server.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};
use tlog::{Directory, Unreadable, limits::BUNDLE_OCTETS_MAX};
use ureq::Agent;

/// A log's files.
#[derive(Debug)]
pub enum Source {
    /// A folder, best a copy of one.
    Folder(PathBuf),
    /// A server.
    Server {
        /// What the paths of the log are added to.
        base: String,
        /// Asks it.
        agent: Agent,
    },
}

impl Source {
    /// A log at `place`: a folder, or what begins with `http://`.
    ///
    /// # Errors
    /// When there is no such folder, or the address is of a kind that is not asked.
    pub fn open(place: &str) -> Result<Self, SourceFault> {
        if place.starts_with("https://") {
            return Err(SourceFault::Encrypted { log: place.to_owned() });
        }
        if place.starts_with("http://") {
            let agent = Agent::config_builder()
                .timeout_global(Some(ANSWER_MAX))
                .http_status_as_error(false)
                .max_redirects(0)
                .build()
                .new_agent();
            return Ok(Self::Server { base: place.trim_end_matches('/').to_owned(), agent });
        }
        let folder = PathBuf::from(place);
        if !folder.is_dir() {
            return Err(SourceFault::NoFolder { log: place.to_owned() });
        }
        Ok(Self::Folder(folder))
    }

    /// Whether `file` lies inside the folder, by whatever way it is written.
    pub(crate) fn contains(&self, file: &Path) -> bool {
        match self {
            Self::Folder(folder) => match (folder.canonicalize(), file.canonicalize()) {
                (Ok(folder), Ok(file)) => file.starts_with(folder),
                // Who cannot tell says yes: a key is easily got in another way.
                (Ok(_) | Err(_), Err(_)) | (Err(_), Ok(_)) => true,
            },
            Self::Server { .. } => false,
        }
    }
}

impl Directory for Source {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        match self {
            Self::Folder(folder) => match fs::read(folder.join(path)) {
                Ok(octets) => Ok(Some(octets)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Unreadable::failed(path, &error)),
            },
            Self::Server { base, agent } => {
                let failed = |error: ureq::Error| Unreadable::failed(path, &error);
                let mut answer = agent.get(format!("{base}/{path}")).call().map_err(failed)?;
                match answer.status().as_u16() {
                    200 => {}
                    404 => return Ok(None),
                    other => {
                        let why = format!("the server answered {other}");
                        return Err(Unreadable::failed(path, &why));
                    }
                }
                let body = answer.body_mut().with_config().limit(BUNDLE_OCTETS_MAX as u64);
                body.read_to_vec().map(Some).map_err(failed)
            }
        }
    }
}

/// Why there is nothing to check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    /// There is no such folder.
    #[error(
        "`{log}` is no folder; give the folder of the log, or its address beginning with http://"
    )]
    NoFolder {
        /// What was given.
        log: String,
    },
    /// It has no checkpoint.
    #[error(
        "`{log}` has no file `checkpoint`: it is not the folder of a log, or nothing is published"
    )]
    NoLog {
        /// What was given.
        log: String,
    },
    /// The address asks for encryption, which is not built in.
    #[error(
        "https is not built in: fetch a copy of `{log}` with another program and check the folder; \
         what is checked is signed, so the way it came does not matter"
    )]
    Encrypted {
        /// What was given.
        log: String,
    },
}

/// How long one file of a server is waited for.
const ANSWER_MAX: Duration = Duration::from_secs(30);
