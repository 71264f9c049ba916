//! Requests to open segments of a journal, which wait for the keyholder's owner.
//!
//! A recording is opened by what policies and staff decided. Of segments nobody of the staff
//! decides, because they are asked for when the database with the staff is lost; and one holds the
//! calls of all agencies. So the owner of each keyholder looks at what is asked, and says yes.

use access::ReopeningReceipt;
use model::{Private, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// What somebody asks of a keyholder, proved to stand in the log: which segments of which journal,
/// for whose key, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Place of the entry in the log, from 0.
    pub entry: u64,
    /// Who asks.
    pub who: Private<String>,
    /// Why.
    pub reason: Private<String>,
    /// Number of the node whose journal it is.
    pub node: u32,
    /// How many segments.
    pub segments: u64,
    /// Number of the first fact in them.
    pub first: u64,
    /// Number of the last.
    pub last: u64,
    /// When it was asked for, microseconds since 1970.
    pub asked: i64,
    /// From when on nothing is opened for it, microseconds since 1970.
    pub expires: i64,
    /// Whose key alone opens what is sealed again, 64 hexadecimal digits.
    pub recipient: String,
    /// SHA-256 of all that the entry says, 64 hexadecimal digits.
    pub says: String,
}

/// What the owner of a keyholder said.
pub(crate) enum Leave {
    /// Yes.
    Given,
    /// Nothing yet.
    Asked,
}

impl Request {
    /// The request that stands in the log; `detail` is what its entry says.
    pub(crate) fn of(receipt: &ReopeningReceipt, detail: &[u8]) -> Self {
        let reopening = receipt.reopening();
        let (first, last) = reopening.facts();
        Self {
            entry: receipt.index(),
            who: reopening.who.clone(),
            reason: reopening.reason.clone(),
            node: reopening.node,
            segments: reopening.segments.len() as u64,
            first,
            last,
            asked: reopening.asked.micros(),
            expires: reopening.expires.micros(),
            recipient: format!("{:?}", reopening.recipient),
            says: Sha256::digest(detail).iter().map(|octet| format!("{octet:02x}")).collect(),
        }
    }

    /// All that somebody asks of the keyholder in `folder` and that is not over at `now`, in the
    /// order of the log, and whether its owner said yes.
    ///
    /// # Errors
    /// When the disk fails, or what is there is no request.
    pub fn all(folder: &Path, now: Timestamp) -> io::Result<Vec<(Self, bool)>> {
        let entries = match fs::read_dir(folder.join(ASKED)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == REQUEST) {
                let request: Self = serde_json::from_slice(&fs::read(&path)?)?;
                if request.expires > now.micros() {
                    let allowed = request.is_allowed(folder)?;
                    found.push((request, allowed));
                }
            }
        }
        found.sort_by_key(|(request, _)| request.entry);
        Ok(found)
    }

    /// Says yes to the request of this entry, for the owner of the keyholder in `folder`. Durable
    /// when this returns; `None` when nobody asks for it, or its time is over.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn allow(folder: &Path, entry: u64, now: Timestamp) -> io::Result<Option<Self>> {
        let all = Self::all(folder, now)?;
        let Some((request, allowed)) = all.into_iter().find(|(it, _)| it.entry == entry) else {
            return Ok(None);
        };
        if !allowed {
            write_durably(&request.path(folder, ALLOWED), request.says.as_bytes())?;
        }
        Ok(Some(request))
    }

    /// What the owner said to it; keeps it for them where they have not seen it.
    pub(crate) fn leave(&self, folder: &Path) -> io::Result<Leave> {
        if self.is_allowed(folder)? {
            return Ok(Leave::Given);
        }
        let path = self.path(folder, REQUEST);
        let kept = fs::read(&path).ok().and_then(|it| serde_json::from_slice::<Self>(&it).ok());
        if kept.as_ref() != Some(self) {
            DirBuilder::new().recursive(true).mode(0o700).create(folder.join(ASKED))?;
            write_durably(&path, &serde_json::to_vec_pretty(self)?)?;
        }
        Ok(Leave::Asked)
    }

    fn is_allowed(&self, folder: &Path) -> io::Result<bool> {
        match fs::read_to_string(self.path(folder, ALLOWED)) {
            Ok(says) => Ok(says.trim() == self.says),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn path(&self, folder: &Path, kind: &str) -> PathBuf {
        folder.join(ASKED).join(format!("{}.{kind}", self.entry))
    }
}

/// Puts a file in its place, whole or not at all.
fn write_durably(path: &Path, octets: &[u8]) -> io::Result<()> {
    let new = path.with_extension(NEW);
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// The folder of requests.
const ASKED: &str = "asked";
/// How a request is named, after the place of its entry.
const REQUEST: &str = "json";
/// How what the owner said yes to is named.
const ALLOWED: &str = "allowed";
const NEW: &str = "new";
