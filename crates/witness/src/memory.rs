//! What a witness remembers, and what it says.

use crate::{Submission, limits::LOGS_COUNT_MAX};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use tlog::{Checkpoint, Hash, Head, KeyKind, Note, Policy, Signer, Unproven, Verifier};

/// A witness: its key, the logs it knows, and the largest checkpoint of each that it vouched for.
pub struct Witness {
    signer: Signer,
    folder: PathBuf,
    logs: BTreeMap<String, Log>,
    /// Held, never read: the lock ends with it.
    _lock: File,
}

struct Log {
    verifier: Verifier,
    /// Size and root vouched for last. Held while a checkpoint is checked *and* kept: otherwise a
    /// smaller one could be kept after a larger one.
    last: Mutex<(u64, Hash)>,
}

/// What a witness says to a submission, with the status that the specification wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200: it vouches. A signature line.
    Cosigned(String),
    /// 400: the request is none, or its old size is above that of the checkpoint.
    BadRequest(String),
    /// 403: the log's key did not sign the checkpoint.
    Forbidden(String),
    /// 404: it does not know the log.
    UnknownLog,
    /// 409: it has seen another size, this one, or another root of it.
    Conflict(u64),
    /// 422: the proof does not prove that the log only grew.
    Unproven(Unproven),
    /// 500: it could not keep what it would have vouched for, so it does not.
    Broken(String),
}

impl Witness {
    /// Takes its seat: the logs of these keys, with what it remembers of them in `folder`.
    ///
    /// # Errors
    /// [`Unusable`]. A witness that has lost its memory of a log is refused: it could be made to
    /// vouch for another history.
    pub fn open(signer: Signer, logs: Vec<Verifier>, folder: &Path) -> Result<Self, Unusable> {
        if signer.verifier().kind() != KeyKind::Witness {
            return Err(Unusable::NoWitnessKey);
        }
        if logs.is_empty() || logs.len() > LOGS_COUNT_MAX {
            return Err(Unusable::LogsCount { count: logs.len() });
        }
        let fault = |action| move |error| Unusable::io(action, folder, &error);
        fs::create_dir_all(folder).map_err(fault("make"))?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join(LOCK_NAME))
            .map_err(fault("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Unusable::InUse { folder: folder.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(fault("lock")(error)),
        }
        let mut known = known(folder)?;
        let mut opened = BTreeMap::new();
        for verifier in logs {
            if verifier.kind() != KeyKind::Log {
                return Err(Unusable::NoLogKey { name: verifier.name().to_owned() });
            }
            let origin = verifier.name().to_owned();
            let last = match remembered(folder, &origin)? {
                Some(last) => last,
                None if known.contains(&origin) => return Err(Unusable::Forgotten { origin }),
                None => {
                    keep(folder, &file_name(&origin)?, "")?;
                    (0, Hash::EMPTY_TREE)
                }
            };
            if known.insert(origin.clone()) {
                let lines: String = known.iter().map(|origin| format!("{origin}\n")).collect();
                keep(folder, KNOWN_NAME, &lines)?;
            }
            let log = Log { verifier, last: Mutex::new(last) };
            if opened.insert(origin.clone(), log).is_some() {
                return Err(Unusable::Twice { origin });
            }
        }
        Ok(Self { signer, folder: folder.to_owned(), logs: opened, _lock: lock })
    }

    /// The public half of its key.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        self.signer.verifier()
    }

    /// Whether it vouches for a checkpoint, `now_s` seconds after 1970. What it vouches for is
    /// durable before it says so.
    pub fn decide(&self, body: &[u8], now_s: u64) -> Answer {
        let submission = match Submission::parse(body) {
            Ok(submission) => submission,
            Err(error) => return Answer::BadRequest(error.to_string()),
        };
        let Submission { old, proof, checkpoint: note } = submission;
        let head = match Head::parse(note.text()) {
            Ok(head) => head,
            Err(error) => return Answer::BadRequest(error.to_string()),
        };
        let Some(log) = self.logs.get(&head.origin) else { return Answer::UnknownLog };
        let checkpoint = match Checkpoint::verified(note, &log.verifier, &Policy::LOG_ALONE) {
            Ok(checkpoint) => checkpoint,
            Err(error) => return Answer::Forbidden(error.to_string()),
        };
        let (size, root) = (checkpoint.size(), checkpoint.root());
        if old > size {
            return Answer::BadRequest("the old size is above that of the checkpoint".to_owned());
        }
        let mut last = log.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (last_size, last_root) = *last;
        if old != last_size {
            return Answer::Conflict(last_size);
        }
        if old == size && root != last_root {
            // Two histories of one log, both signed: what a witness is there for.
            tracing::error!(origin = head.origin, size, "a log has two roots of the same size");
            return Answer::Conflict(last_size);
        }
        if let Err(error) = proof.check((last_size, last_root), (size, root)) {
            tracing::error!(origin = head.origin, size, "a log did not prove that it only grew");
            return Answer::Unproven(error);
        }
        let cosigned = match checkpoint.cosign(&self.signer, now_s) {
            Ok(cosigned) => cosigned,
            Err(error) => return Answer::Broken(error.to_string()),
        };
        let kept = file_name(&head.origin)
            .and_then(|name| keep(&self.folder, &name, &checkpoint.note().to_string()));
        if let Err(error) = kept {
            tracing::error!(%error, "the witness cannot remember, so it does not vouch");
            return Answer::Broken("the witness cannot remember what it sees".to_owned());
        }
        *last = (size, root);
        Answer::Cosigned(format!("{cosigned}\n"))
    }
}

/// Why a witness cannot take its seat.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Its key is a log's.
    #[error("the key is that of a log; a witness has one of its own kind")]
    NoWitnessKey,
    /// The key of a log is a witness's.
    #[error("the key `{name}` is that of a witness, and a witness watches logs")]
    NoLogKey {
        /// Its name.
        name: String,
    },
    /// It has no log, or too many.
    #[error("a witness watches 1 to {LOGS_COUNT_MAX} logs, not {count}")]
    LogsCount {
        /// How many were given.
        count: usize,
    },
    /// Two keys are of the same log.
    #[error("the log `{origin}` is given twice")]
    Twice {
        /// Which log.
        origin: String,
    },
    /// It knew a log and does not remember what it vouched for.
    #[error(
        "what was seen of `{origin}` is lost: a witness that forgot could vouch for another \
         history; begin anew with another key and another folder"
    )]
    Forgotten {
        /// Which log.
        origin: String,
    },
    /// What it remembers cannot be read.
    #[error("what was seen of `{origin}` is damaged; restore it from a copy that is not older")]
    Damaged {
        /// Which log.
        origin: String,
    },
    /// The name of a log is too long for a file.
    #[error("the name of the log `{origin}` is too long to be remembered")]
    LongName {
        /// Which log.
        origin: String,
    },
    /// Another process has this seat.
    #[error("the folder `{}` is in use by another witness: stop that one first", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The operating system reported a fault.
    #[error("cannot {action} `{}`: {why}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}

impl Unusable {
    fn io(action: &'static str, path: &Path, why: &io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), why: why.to_string() }
    }
}

/// The logs that it ever knew.
fn known(folder: &Path) -> Result<BTreeSet<String>, Unusable> {
    let path = folder.join(KNOWN_NAME);
    match fs::read_to_string(&path) {
        Ok(lines) => Ok(lines.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(Unusable::io("read", &path, &error)),
    }
}

/// Size and root that it vouched for last; `None` when there is no file.
fn remembered(folder: &Path, origin: &str) -> Result<Option<(u64, Hash)>, Unusable> {
    let path = folder.join(file_name(origin)?);
    let octets = match fs::read(&path) {
        Ok(octets) => octets,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unusable::io("read", &path, &error)),
    };
    if octets.is_empty() {
        return Ok(Some((0, Hash::EMPTY_TREE)));
    }
    let note = Note::parse(&octets).ok();
    let head = note.and_then(|note| Head::parse(note.text()).ok());
    match head.filter(|head| head.origin == origin) {
        Some(head) => Ok(Some((head.size, head.root))),
        None => Err(Unusable::Damaged { origin: origin.to_owned() }),
    }
}

/// Keeps a file, durable and in one step.
fn keep(folder: &Path, name: &str, text: &str) -> Result<(), Unusable> {
    let path = folder.join(name);
    let fault = |action| {
        let path = path.clone();
        move |error| Unusable::io(action, &path, &error)
    };
    let new = folder.join(format!("{name}.new"));
    let mut file = File::create(&new).map_err(fault("make"))?;
    file.write_all(text.as_bytes()).map_err(fault("write"))?;
    file.sync_all().map_err(fault("sync"))?;
    fs::rename(&new, &path).map_err(fault("name"))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault("sync the folder of"))
}

/// The file of a log: its origin, with everything but letters, digits, dots and dashes in hex.
fn file_name(origin: &str) -> Result<String, Unusable> {
    let mut name = String::from("log-");
    for octet in origin.bytes() {
        if octet.is_ascii_alphanumeric() || octet == b'.' || octet == b'-' {
            name.push(char::from(octet));
        } else {
            // Writing to a string does not fail.
            let _ = write!(name, "%{octet:02x}");
        }
    }
    if name.len() > FILE_NAME_OCTETS_MAX {
        return Err(Unusable::LongName { origin: origin.to_owned() });
    }
    Ok(name)
}

const KNOWN_NAME: &str = "logs";
const LOCK_NAME: &str = "lock";
/// File systems take 255, and a new file has four more.
const FILE_NAME_OCTETS_MAX: usize = 240;
