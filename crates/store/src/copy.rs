//! A copy of the database as of one moment, taken beside a node that writes to it.

use crate::{
    code::Columns,
    dialect::Original,
    error::{Broken, Doing, StoreError},
};
use model::{CallId, RecordingId};
use sqlx::SqliteConnection;
use std::{collections::BTreeSet, fs, os::unix::fs::OpenOptionsExt as _, path::Path};

/// What a copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The version of the configuration, as of [`crate::Store::version`].
    pub version: u64,
    /// Number of the last fact that is in it, as of [`crate::Store::projected`].
    pub projected: u64,
}

/// A database that is copied. It is opened without bringing its tables up to date, needs no key,
/// and keeps no writer waiting.
pub struct Source(Original);

impl Source {
    /// Opens the database at `path`, which must exist.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self(Original::open(path, false)?))
    }

    /// Writes all of it, as of one moment, into the new file `into`, readable by its owner alone.
    /// The file is not yet durable.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when it cannot be read or the file not be written.
    pub fn copy(&mut self, into: &Path) -> Result<Copied, StoreError> {
        // SQLite takes an empty file for none, and leaves its permissions.
        let made = fs::OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(into);
        made.map_err(|error| Broken::new(COPY, error.kind().to_string()))?;
        let path = into.to_str().ok_or_else(|| Broken::new(COPY, "its path is not UTF-8"))?;
        self.0.run(async |source| {
            sqlx::query("VACUUM INTO $1").bind(path).execute(source).await.doing(COPY)
        })?;
        Ok(Original::open(into, true)?.run(cell)?)
    }

    /// The version of the configuration now.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn version(&mut self) -> Result<u64, StoreError> {
        Ok(self.0.run(cell)?.version)
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source")
    }
}

/// What a copy of a database says was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Recordings that were begun.
    pub recordings: BTreeSet<RecordingId>,
    /// SHA-256 of the sealed files of names that people recorded.
    pub names: BTreeSet<[u8; 32]>,
}

/// What the copy at `path` says was recorded. It needs no key.
///
/// # Errors
/// [`StoreError::Broken`] when it cannot be read.
pub fn recorded(path: &Path) -> Result<Recorded, StoreError> {
    Ok(Original::open(path, true)?.run(async |database| {
        let mut recorded = Recorded::default();
        let calls = sqlx::query("SELECT call_id FROM recording");
        for row in calls.fetch_all(&mut *database).await.doing(COPY)? {
            let call = CallId(row.int("call_id")?.cast_unsigned());
            recorded.recordings.insert(call.recording());
        }
        let names = sqlx::query("SELECT sha256 FROM own_name");
        for row in names.fetch_all(database).await.doing(COPY)? {
            recorded.names.insert(row.octets("sha256")?);
        }
        Ok::<_, Broken>(recorded)
    })?)
}

async fn cell(database: &mut SqliteConnection) -> Result<Copied, Broken> {
    let row = sqlx::query("SELECT version, projected_seq FROM cell WHERE one = 1")
        .fetch_one(database)
        .await
        .doing(COPY)?;
    Ok(Copied { version: row.count("version")?, projected: row.count("projected_seq")? })
}

const COPY: &str = "be copied";
const OWNER_ONLY: u32 = 0o600;
