//! The vault, as `crates/vault` begins a recording: with a consent, and after asking the registry
//! again; and what it has files of.

use call::Consent;
use desk::Recordings;
use model::{
    AgencyId, CallId, RecordingId, Timestamp,
    fact::{Epoch, OffReason, RecordingEnd, RecordingState},
};
use registry::{Snapshot, Standing};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use vault::VaultError;

/// Whether the recording of this consent may begin, and by which epoch.
///
/// # Errors
/// Why it must not.
pub(crate) fn begin(
    consent: &Consent,
    registry: &Snapshot,
    now: Timestamp,
) -> Result<Epoch, OffReason> {
    match registry.ask(consent.number(), now) {
        Standing::Protected { .. } => Err(OffReason::Protected),
        Standing::Ordinary { epoch } if epoch >= consent.epoch() => Ok(epoch),
        Standing::Ordinary { .. } | Standing::Unusable(_) => Err(OffReason::RegistryUnusable),
    }
}

/// The files of recordings. A cheap handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files(Arc<Mutex<BTreeMap<CallId, File>>>);

/// A file.
#[derive(Clone, Debug)]
struct File {
    /// Whole seconds so far.
    seconds: u64,
    /// `None` while it is written, and after a death until the next start.
    closed: Option<RecordingEnd>,
}

impl Files {
    pub(crate) fn begin(&self, call: CallId) {
        self.lock().insert(call, File { seconds: 0, closed: None });
    }

    /// So much of it is written.
    pub(crate) fn written(&self, call: CallId, seconds: u64) {
        if let Some(file) = self.lock().get_mut(&call) {
            file.seconds = seconds;
        }
    }

    /// Closes it.
    pub(crate) fn close(&self, call: CallId, state: RecordingState) -> Option<RecordingEnd> {
        let mut files = self.lock();
        let file = files.get_mut(&call)?;
        let end = end(call, file.seconds, state);
        file.closed = Some(end.clone());
        Some(end)
    }

    pub(crate) fn contains(&self, call: CallId) -> bool {
        self.lock().contains_key(&call)
    }

    /// Every file, with what its name and octets amount to.
    pub(crate) fn all(&self) -> Vec<(RecordingId, RecordingEnd)> {
        let cut = |call: CallId, file: &File| end(call, file.seconds, RecordingState::Cut);
        let files = self.lock();
        let all = files.iter().map(|(call, file)| {
            (call.recording(), file.closed.clone().unwrap_or_else(|| cut(*call, file)))
        });
        all.collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CallId, File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recordings for Files {
    fn recover(&self) -> Vec<(RecordingId, RecordingEnd)> {
        let mut found = Vec::new();
        for (call, file) in self.lock().iter_mut().filter(|(_, file)| file.closed.is_none()) {
            let end = end(*call, file.seconds, RecordingState::Cut);
            file.closed = Some(end.clone());
            found.push((call.recording(), end));
        }
        found
    }

    fn end_of(
        &self,
        _agency: AgencyId,
        recording: RecordingId,
    ) -> Result<Option<RecordingEnd>, VaultError> {
        Ok(self.lock().get(&CallId(recording.0)).and_then(|file| file.closed.clone()))
    }
}

/// What a file amounts to: no two have the same hash.
fn end(call: CallId, seconds: u64, state: RecordingState) -> RecordingEnd {
    let mut sha256 = [0; 32];
    let parts = call.0.to_le_bytes().into_iter().chain(seconds.to_le_bytes());
    for (octet, part) in sha256.iter_mut().zip(parts) {
        *octet = part;
    }
    let frames = u32::try_from(seconds).unwrap_or(u32::MAX);
    RecordingEnd { state, bytes: seconds, frames, sha256 }
}
