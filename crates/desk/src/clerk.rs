//! The entries that a node makes for the log: what happened, sealed for the auditor; the detail,
//! sealed for two keyholders; and counsel's mark.
//!
//! Nothing here decides anything, and nothing is durable before the journal says so. What cannot be
//! made is `None`, and then whoever asked goes on without a recording.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use charging::CapTable;
use evidence::{
    AuditKey, Closed, CounselSecret, Detail, Entry, Mark, Note, Random, Said, Standing, Statement,
    Unrecorded, counsel, detail::Shown, leaf, limits::AROUND_TALK, limits::RANDOM_OCTETS,
};
use hmac::{Hmac, KeyInit, Mac};
use journal::Draft;
use model::{
    AgencyId, CallId, E164, Private, Timestamp,
    fact::{Admitted, Epoch, Fact, NumberClass, OffReason, RecordingEnd},
};
use registry::map::{LabelKey, Map};
use sha2::{Digest, Sha256};
use store::LateRecording;
use vault::DetailSealer;

use crate::limits::PUBLISH_EVERY;

/// The keys that a node makes entries with, 32 random octets each.
#[derive(Clone)]
pub struct EvidenceKeys {
    /// Seals what entries say; the auditor has it too.
    pub audit: [u8; EVIDENCE_KEY_OCTETS],
    /// Labels of the registry's map. Whoever has it can try all numbers.
    pub labels: [u8; EVIDENCE_KEY_OCTETS],
    /// What the secrets of counsel are derived from.
    pub counsel: [u8; EVIDENCE_KEY_OCTETS],
}

impl std::fmt::Debug for EvidenceKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EvidenceKeys([private])")
    }
}

/// What a node needs to make entries.
#[derive(Clone, Debug)]
pub struct EvidenceConfig {
    /// Its keys.
    pub keys: EvidenceKeys,
    /// Seals details.
    pub details: DetailSealer,
    /// SHA-256 of the running program.
    pub build: [u8; 32],
}

/// Derives the secret of one counsel: of all numbers of one agency that name the same holder, or of
/// one number that names none.
pub fn counsel_secret(
    keys: &EvidenceKeys,
    agency: AgencyId,
    holder: Result<&str, E164>,
) -> CounselSecret {
    // HMAC takes a key of any length, so this branch is never taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&keys.counsel) else {
        return CounselSecret::new([0; 32]);
    };
    mac.update(b"parlatory counsel secret v1\0");
    mac.update(&agency.0.to_be_bytes());
    match holder {
        Ok(name) => {
            mac.update(&[1]);
            mac.update(name.as_bytes());
        }
        Err(number) => {
            mac.update(&[2]);
            mac.update(&number.digits().to_be_bytes());
        }
    }
    CounselSecret::new(mac.finalize().into_bytes().into())
}

/// Makes entries.
pub(crate) struct Clerk {
    config: EvidenceConfig,
    audit: AuditKey,
    labels: LabelKey,
    boot: u32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The newest maps; calls under way may still speak of the one before.
    maps: BTreeMap<Epoch, Arc<Map>>,
    /// The newest epoch whose entry is durable.
    entered: Epoch,
    /// The log does not take entries.
    behind: bool,
    /// Calls of each counsel since this start, by tag, see [`Clerk::mark`].
    marked: BTreeMap<[u8; counsel::TAG_OCTETS], u32>,
}

impl Clerk {
    pub(crate) fn new(config: EvidenceConfig, boot: u32) -> Self {
        let audit = AuditKey::new(config.keys.audit);
        let labels = LabelKey::new(config.keys.labels);
        Self { config, audit, labels, boot, state: Mutex::new(State::default()) }
    }

    /// The node started.
    pub(crate) fn started(&self, version: &str, at: Timestamp) -> Option<Draft> {
        let what = Statement::Boot { build: self.config.build };
        let detail = Detail::Program { version: version.to_owned() };
        self.draft(what, at, None, &detail, None)
    }

    /// The caps in use, an operator's own behind the built-in ones.
    pub(crate) fn tariff(&self, caps: &CapTable, at: Timestamp) -> Option<Draft> {
        let caps = Sha256::digest(caps.texts().concat()).into();
        self.draft(Statement::Tariff { caps }, at, None, &Detail::Nothing, None)
    }

    /// An epoch of the registry comes into use, after its removals and before its quarantines.
    pub(crate) fn epoch(
        &self,
        map: &Map,
        removed: usize,
        late: usize,
        at: Timestamp,
    ) -> Option<Draft> {
        let head = map.head();
        let what = Statement::RegistryEpoch {
            epoch: head.epoch,
            count: head.count,
            removed: u32::try_from(removed).unwrap_or(u32::MAX),
            late: u64::try_from(late).unwrap_or(u64::MAX),
            root: head.root.0,
        };
        self.draft(what, at, None, &Detail::Nothing, None)
    }

    /// A number is not protected any more.
    pub(crate) fn removal(&self, epoch: Epoch, number: E164, at: Timestamp) -> Option<Draft> {
        let reason = "it is not in the provisioned table any more".to_owned();
        let detail = Detail::Removal { number: Private::new(number), reason };
        self.draft(Statement::Removal { epoch }, at, None, &detail, None)
    }

    /// A recording was made of a number that is protected since `epoch`.
    pub(crate) fn quarantine(
        &self,
        late: &LateRecording,
        epoch: Epoch,
        at: Timestamp,
    ) -> Option<Draft> {
        let what = Statement::Quarantine { recording: late.call.recording(), epoch };
        let detail = Detail::Quarantine { number: late.number };
        self.draft(what, at, Some(late.agency), &detail, None)
    }

    /// A call was allowed. `counsel` is whose number it is, if it is protected.
    pub(crate) fn admission(
        &self,
        admitted: &Admitted,
        talk_max: Duration,
        counsel: Option<&CounselSecret>,
    ) -> Option<Draft> {
        let number = *admitted.number.expose();
        let map = self.state().maps.get(&admitted.epoch).cloned();
        let shown = map.map(|map| {
            let label = self.labels.label(number);
            Shown { label: label.0, proof: map.prove(&label).octets() }
        });
        let what = Statement::Admission {
            call: admitted.call,
            epoch: admitted.epoch,
            standing: Standing { class: admitted.class, may_record: admitted.may_record },
            over_within: talk_max.saturating_add(AROUND_TALK),
        };
        let detail = Detail::Admission { admitted: Box::new(admitted.clone()), shown };
        let note = Note { start: admitted.at, talked: Duration::ZERO };
        self.draft(what, admitted.at, Some(admitted.agency), &detail, counsel.map(|it| (it, note)))
    }

    /// The call went out, was accepted, or its recording ended: what a fact says, as an entry.
    pub(crate) fn of_fact(
        &self,
        what: Statement,
        at: Timestamp,
        agency: AgencyId,
        fact: &Fact,
    ) -> Option<Draft> {
        self.draft(what, at, Some(agency), &Detail::Fact(Box::new(fact.clone())), None)
    }

    /// A recording was closed.
    pub(crate) fn closed(
        &self,
        agency: Option<AgencyId>,
        call: CallId,
        end: &RecordingEnd,
        at: Timestamp,
    ) -> Option<Draft> {
        let closed =
            Closed { state: end.state, bytes: end.bytes, seconds: end.frames, sha256: end.sha256 };
        let what = Statement::RecordingEnded { call, closed };
        self.draft(what, at, agency, &Detail::Nothing, None)
    }

    /// A call is over without a recording. `start` is when it was answered.
    pub(crate) fn not_recorded(
        &self,
        over: &Over<'_>,
        counsel: Option<&CounselSecret>,
    ) -> Option<Draft> {
        let Over { fact, agency, call, why, talked, start, at } = *over;
        let what = Statement::NotRecorded { call, why, talked };
        let detail = Detail::Fact(Box::new(fact.clone()));
        let note = Note { start, talked };
        self.draft(what, at, Some(agency), &detail, counsel.map(|it| (it, note)))
    }

    /// Entries of the log itself, from number `next` on.
    pub(crate) fn padding(&self, count: u64, at: Timestamp) -> Vec<[u8; journal::LEAF_OCTETS]> {
        let said = Said { at, boot: 0, what: Statement::Padding };
        let pad = |_| {
            let random = random()?;
            let entry = Entry {
                node: evidence::audit::LOG,
                interval: interval(at),
                said: &said,
                detail: &[],
                mark: None,
            };
            Some(leaf::write(&entry, &self.audit, &random))
        };
        (0..count).map_while(pad).collect()
    }

    /// The map of an epoch, kept for the admissions that ask it.
    pub(crate) fn map_of(&self, registry: &registry::Snapshot) -> Arc<Map> {
        if let Some(map) = self.state().maps.get(&registry.epoch()) {
            return Arc::clone(map);
        }
        let map = Arc::new(registry.map(&self.labels));
        let mut state = self.state();
        state.maps.insert(registry.epoch(), Arc::clone(&map));
        while state.maps.len() > MAPS_KEPT {
            state.maps.pop_first();
        }
        map
    }

    /// The entry of this epoch is durable.
    pub(crate) fn has_entered(&self, epoch: Epoch) {
        self.state().entered = epoch;
    }

    /// Whether the entry of this epoch is durable. Before that nothing is recorded on its word.
    pub(crate) fn is_entered(&self, epoch: Epoch) -> bool {
        self.state().entered == epoch
    }

    /// Whether a recording may begin on the word of this epoch.
    pub(crate) fn may_record(&self, epoch: Epoch) -> bool {
        self.is_entered(epoch) && !self.state().behind
    }

    /// Whether entries wait that the log does not take.
    pub(crate) fn log_is_behind(&self, behind: bool) {
        self.state().behind = behind;
    }

    pub(crate) fn is_behind(&self) -> bool {
        self.state().behind
    }

    pub(crate) fn keys(&self) -> &EvidenceKeys {
        &self.config.keys
    }

    fn draft(
        &self,
        what: Statement,
        at: Timestamp,
        agency: Option<AgencyId>,
        detail: &Detail,
        counsel: Option<(&CounselSecret, Note)>,
    ) -> Option<Draft> {
        let drafted = self.try_draft(what, at, agency, detail, counsel);
        if drafted.is_none() {
            tracing::error!(kind = ?what.kind(), "an entry for the log could not be made");
        }
        drafted
    }

    fn try_draft(
        &self,
        what: Statement,
        at: Timestamp,
        agency: Option<AgencyId>,
        detail: &Detail,
        counsel: Option<(&CounselSecret, Note)>,
    ) -> Option<Draft> {
        let random = random()?;
        let octets = detail.octets()?;
        let said = Said { at, boot: self.boot, what };
        let mark = counsel.map(|(secret, note)| Mark {
            secret,
            counter: self.count(secret, what.kind()),
            note,
        });
        let entry =
            Entry { node: NODE, interval: interval(at), said: &said, detail: &octets, mark };
        let leaf = leaf::write(&entry, &self.audit, &random);
        let salted = leaf::salted(&random, &octets);
        match self.config.details.seal(agency, at, salted) {
            Ok(detail) => Some(Draft { leaf, detail }),
            Err(error) => {
                tracing::error!(%error, "a detail could not be sealed");
                None
            }
        }
    }

    /// The number of counsel's next entry of this kind. Counts are kept by the first tag since this
    /// start, so that no secret is kept.
    fn count(&self, secret: &CounselSecret, kind: evidence::Kind) -> u64 {
        let tag = secret.tag(kind, NODE, counsel::counter(self.boot, 0));
        let mut state = self.state();
        let next = state.marked.entry(tag).or_default();
        let counter = counsel::counter(self.boot, *next);
        *next = next.saturating_add(1);
        counter
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is over without a recording.
#[derive(Clone, Copy)]
pub(crate) struct Over<'a> {
    pub(crate) fact: &'a Fact,
    pub(crate) agency: AgencyId,
    pub(crate) call: CallId,
    pub(crate) why: Unrecorded,
    pub(crate) talked: Duration,
    pub(crate) start: Timestamp,
    pub(crate) at: Timestamp,
}

/// Why an admitted call is not recorded, as an entry says it.
pub(crate) fn unrecorded(
    admitted: &Admitted,
    off: Option<OffReason>,
    accepted: bool,
) -> Unrecorded {
    match (off, admitted.may_record) {
        (Some(reason), _) => Unrecorded::Off(reason),
        (None, _) if !accepted => Unrecorded::NobodyTalked,
        (None, Err(reason)) => Unrecorded::Off(reason),
        (None, Ok(())) => Unrecorded::NeverBegun,
    }
}

/// Whether counsel finds this call in the log.
pub(crate) fn is_counsels(class: NumberClass) -> bool {
    class == NumberClass::Protected
}

fn random() -> Option<Random> {
    let mut octets = [0; RANDOM_OCTETS];
    getrandom::fill(&mut octets).ok()?;
    Some(Random(octets))
}

/// The beginning of the interval of `at`.
fn interval(at: Timestamp) -> Timestamp {
    let length = i64::try_from(PUBLISH_EVERY.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(at.micros().div_euclid(length).saturating_mul(length))
}

/// Octets of each key.
pub const EVIDENCE_KEY_OCTETS: usize = 32;

/// The number of this node, as in its journal.
pub(crate) const NODE: u32 = 1;

const MAPS_KEPT: usize = 2;
