//! The register of disclosures: whatever passes through it stands in the log first.

mod reopening;

pub use reopening::{Requested, SegmentShares};

use crate::{Reach, circle::Circle};
use access::{
    Draft as Prepared, Gate, Intent, Leave, NoReceipt, NotAReopening, NotAnIntent, Object, Proof,
    Receipt, decide::Allowed,
};
use evidence::{AuditKey, Entry, Kind, Random, Said, Statement, leaf, limits::RANDOM_OCTETS};
use journal::{
    Draft,
    log::{Log, LogError, replay_log},
};
use keyholder::{
    Answer, Ask, BadAsk, Holder, NotAnswered, Program, Refused, Remote, SegmentAnswer, SegmentAsk,
    State,
};
use model::{AgencyId, RecordingId, Timestamp};
use sha2::{Digest as _, Sha256};
use std::{
    fmt,
    fs::File,
    io::BufReader,
    ops::{ControlFlow, Range},
    path::Path,
    time::Duration,
};
use tlog::{Consistency, Hash, Head, Inclusion, Unverified};
use vault::{Follow, NotOpened, Reading, RecipientSecret, Resealed, Shelf};
use witness::Peer;

/// Enters disclosures in a log, and carries out those that are in it.
pub struct Register {
    log: Log,
    config: RegisterConfig,
    circle: Circle,
}

/// What a register needs besides the log.
pub struct RegisterConfig {
    /// Key under which the auditor reads what entries say.
    pub audit: AuditKey,
    /// Which log and which witnesses are believed, here as everywhere.
    pub gate: Gate,
    /// The witnesses that are asked to vouch for the log; none where the gate wants none.
    pub witnesses: Vec<Peer>,
    /// Where it is noted which witness answered when.
    pub reach: Reach,
    /// Seals what entries say for those who may open it.
    pub seal: SealDetail,
    /// Which start of the program this is, from 1.
    pub boot: u32,
    /// Length of the intervals at whose ends the log is published: entries show no finer time.
    pub interval: Duration,
}

/// Seals what an entry says, for the agency and the auditor.
pub type SealDetail = Box<dyn Fn(AgencyId, &[u8]) -> Option<Sealed> + Send + Sync>;

/// What an entry says, sealed.
pub type Sealed = Vec<u8>;

/// A disclosure that stands in the log, durably.
#[derive(Clone, Debug)]
pub struct Entered {
    intent: Intent,
    proof: Proof,
}

impl Entered {
    /// What is going to be disclosed.
    pub const fn intent(&self) -> &Intent {
        &self.intent
    }

    /// What shows it to be in the log.
    pub const fn proof(&self) -> &Proof {
        &self.proof
    }
}

/// An entry of a node, as it is published, with its proof.
#[derive(Clone, Debug)]
pub struct Proved {
    /// The entry.
    pub leaf: [u8; journal::LEAF_OCTETS],
    /// The way from it to the root.
    pub inclusion: Inclusion,
    /// The checkpoint with that root.
    pub checkpoint: tlog::Note,
}

impl Register {
    /// A register that writes into `log`.
    pub fn new(log: Log, mut config: RegisterConfig) -> Self {
        let circle = Circle::new(std::mem::take(&mut config.witnesses), config.reach.clone());
        Self { log, config, circle }
    }

    /// Enters what was allowed, and waits until it is durable and provable. `act` is its number,
    /// which its approvals and its review have too. A broken glass is an entry of its own, in the
    /// same append.
    ///
    /// # Errors
    /// When it cannot be entered, or too few witnesses vouch for it; then it does not happen. With
    /// some faults of the disk, and where witnesses are missing, its entry may be found: it is then
    /// an entry of something that did not happen.
    pub fn enter(&self, allowed: Allowed, act: u64, now: Timestamp) -> Result<Entered, NotEntered> {
        let owner = allowed.intent().object.agency();
        let random = random()?;
        let draft = Prepared::new(allowed, random.salt())?;
        let intent = draft.intent().clone();
        let disclosure = Statement::Disclosure {
            act,
            records: intent.object.rows().into(),
            recipient: Sha256::digest(intent.recipient.0).into(),
        };
        let mut entries = Vec::new();
        if intent.leave == Leave::BrokenGlass {
            let broken = Note { what: Statement::BreakGlass { act }, detail: Vec::new() };
            entries.push(self.noted(&broken, owner, now)?);
        }
        let detail = &draft.opening().detail;
        entries.push(self.draft(disclosure, detail, owner, &random, now)?);
        let (index, own) = self.append(entries)?;
        // The log gives its own entries their number, so the leaf is the one that it has now.
        let leaf = *own.last().ok_or(NotEntered::Lost)?;
        let (inclusion, checkpoint) =
            self.circle.prove(&self.log, &self.config.gate, index, now)?;
        let proof = Proof { leaf, opening: draft.opening().clone(), inclusion, checkpoint };
        Ok(Entered { intent, proof })
    }

    /// Enters something about disclosures that is none itself: that one was approved, refused or
    /// reviewed, that staff or policies changed, that something is kept or erased. Durable when it
    /// returns; gives its place in the log.
    ///
    /// The entry's detail is [`Note::head`] and then `detail`, sealed for `owner` and the auditor.
    ///
    /// # Errors
    /// When it cannot be entered; then what it speaks of must not take effect.
    pub fn note(
        &self,
        what: Statement,
        detail: &[u8],
        owner: AgencyId,
        now: Timestamp,
    ) -> Result<u64, NotEntered> {
        let entered = self.notes(&[Note { what, detail: detail.to_vec() }], owner, now)?;
        entered.end.checked_sub(1).ok_or(NotEntered::Lost)
    }

    /// As [`Register::note`], for several that become durable together or not at all.
    ///
    /// # Errors
    /// As [`Register::note`], and when there are none.
    pub fn notes(
        &self,
        notes: &[Note],
        owner: AgencyId,
        now: Timestamp,
    ) -> Result<Range<u64>, NotEntered> {
        let entries = notes.iter().map(|note| self.noted(note, owner, now));
        let count = notes.len() as u64;
        let (last, _) = self.append(entries.collect::<Result<_, _>>()?)?;
        let end = last + 1;
        Ok(end.saturating_sub(count)..end)
    }

    /// The receipt of a disclosure that was entered, for data that no keyholder guards.
    ///
    /// # Errors
    /// What is missing; then nothing is disclosed.
    pub fn receipt(&self, entered: &Entered, now: Timestamp) -> Result<Receipt, NoReceipt> {
        self.config.gate.receipt(entered.proof.clone(), now)
    }

    /// Opens the recording of a disclosure that was entered. Safe to try again.
    ///
    /// # Errors
    /// When something is missing, or a keyholder refuses; then nothing is heard.
    pub fn listen(
        &self,
        entered: &Entered,
        shelf: &Shelf,
        holders: [&mut dyn Keyholder; 2],
        secret: &RecipientSecret,
        now: Timestamp,
    ) -> Result<Reading<BufReader<File>>, NotHeard> {
        let (place, shares) = self.shares(entered, shelf, holders, now)?;
        let receipt = self.receipt(entered, now)?;
        Ok(shelf.open(place, &shares, secret, receipt)?)
    }

    /// Follows the recording of a disclosure that was entered. Safe to try again.
    ///
    /// # Errors
    /// As [`Register::listen`].
    pub fn follow(
        &self,
        entered: &Entered,
        shelf: &Shelf,
        holders: [&mut dyn Keyholder; 2],
        secret: &RecipientSecret,
        now: Timestamp,
    ) -> Result<Follow, NotHeard> {
        let (place, shares) = self.shares(entered, shelf, holders, now)?;
        let receipt = self.receipt(entered, now)?;
        Ok(shelf.follow(place, &shares, secret, receipt)?)
    }

    /// The entry in which a recording ended, proved to be in the log; `None` where there is none.
    /// `private` is the log's private folder, which is read from its beginning.
    ///
    /// # Errors
    /// When the log cannot be read, or proves it to fewer than must see it.
    pub fn end_of(
        &self,
        private: &Path,
        recording: RecordingId,
        now: Timestamp,
    ) -> Result<Option<Proved>, NotHeard> {
        let mut found = None;
        replay_log(private, 0, |entry| {
            let read = leaf::read(&entry.leaf, &self.config.audit);
            match read.map(|read| read.said.what) {
                Ok(Statement::RecordingEnded { call, .. }) if call.recording() == recording => {
                    found = Some((entry.index, entry.leaf));
                    ControlFlow::Break(())
                }
                Ok(_) | Err(_) => ControlFlow::Continue(()),
            }
        })?;
        found.map(|(index, written)| self.proved((index, &written), now)).transpose()
    }

    /// An entry at its place in the log, as it was written, proved to be there.
    pub(crate) fn proved(
        &self,
        (index, written): (u64, &[u8; journal::LEAF_OCTETS]),
        now: Timestamp,
    ) -> Result<Proved, NotHeard> {
        let proven = self.circle.prove(&self.log, &self.config.gate, index, now);
        let (inclusion, checkpoint) = proven.map_err(NotHeard::of)?;
        let lost = NotHeard::Unproven(NotEntered::Lost);
        let Ok(head) = Head::parse(checkpoint.text()) else { return Err(lost) };
        // It stands there as it is published.
        let masked = leaf::masked(written, &self.config.audit);
        let stands = |leaf: &&[u8; journal::LEAF_OCTETS]| {
            inclusion.check(Hash::leaf(*leaf), head.size, head.root).is_ok()
        };
        let leaf = [masked, *written].iter().find(stands).copied();
        let leaf = leaf.ok_or(lost)?;
        Ok(Proved { leaf, inclusion, checkpoint })
    }

    /// The log itself.
    pub(crate) const fn log(&self) -> &Log {
        &self.log
    }

    /// The key under which entries are read.
    pub(crate) const fn audit_key(&self) -> &AuditKey {
        &self.config.audit
    }

    /// Asks both keyholders.
    fn shares(
        &self,
        entered: &Entered,
        shelf: &Shelf,
        holders: [&mut dyn Keyholder; 2],
        now: Timestamp,
    ) -> Result<((AgencyId, RecordingId), [Resealed; 2]), NotHeard> {
        let Object::Recording { agency, recording, .. } = entered.intent.object else {
            return Err(NotOpened::OtherRecording.into());
        };
        let header = shelf.header(agency, recording)?;
        let [first, second] = holders;
        let shares =
            [self.share(entered, &header, first, now)?, self.share(entered, &header, second, now)?];
        Ok(((agency, recording), shares))
    }

    fn share(
        &self,
        entered: &Entered,
        header: &[u8],
        holder: &mut dyn Keyholder,
        now: Timestamp,
    ) -> Result<Resealed, NotHeard> {
        let seen = holder.state()?.seen;
        let mut proof = entered.proof.clone();
        let way;
        (proof.inclusion, proof.checkpoint, way) =
            self.proved_to(proof.inclusion.index(), seen, now)?;
        let ask = Ask::new(&proof, &way, header, entered.intent.recipient);
        holder.open(&ask, now)?.resealed().map_err(NotHeard::Answer)
    }

    /// Proves an entry to who has seen `seen` entries of the log, under the log as it is now:
    /// others may have entered something since, and a keyholder looks at nothing older than it has
    /// seen.
    fn proved_to(
        &self,
        index: u64,
        seen: u64,
        now: Timestamp,
    ) -> Result<(Inclusion, tlog::Note, Consistency), NotHeard> {
        let proven = self.circle.prove(&self.log, &self.config.gate, index, now);
        let (inclusion, checkpoint) = proven.map_err(NotHeard::of)?;
        let size =
            Head::parse(checkpoint.text()).map_err(|_| NotHeard::Unproven(NotEntered::Lost))?.size;
        let way = match seen {
            0 => Consistency::new(Vec::new()),
            seen => self.log.prove_growth(seen, size)?,
        };
        Ok((inclusion, checkpoint, way))
    }

    /// Makes entries durable; gives the place of the last one, and the log's own as it has them.
    fn append(
        &self,
        entries: Vec<Draft>,
    ) -> Result<(u64, Vec<[u8; journal::LEAF_OCTETS]>), NotEntered> {
        let taken = self.log.append_wait(entries)?;
        let last = taken.entries.end.checked_sub(1).ok_or(NotEntered::Lost)?;
        Ok((last, taken.own))
    }

    fn noted(&self, note: &Note, owner: AgencyId, now: Timestamp) -> Result<Draft, NotEntered> {
        let head = Note::head(note.what.kind()).ok_or(NotEntered::Kind)?;
        let detail = [head.as_bytes(), &note.detail].concat();
        self.draft(note.what, &detail, owner, &random()?, now)
    }

    fn draft(
        &self,
        what: Statement,
        detail: &[u8],
        owner: AgencyId,
        random: &Random,
        now: Timestamp,
    ) -> Result<Draft, NotEntered> {
        let said = Said { at: now, boot: self.config.boot, what };
        let interval = floor(now, self.config.interval);
        let entry = Entry { node: LOG_ITSELF, interval, said: &said, detail, mark: None };
        let leaf = leaf::write(&entry, &self.config.audit, random);
        let sealed = (self.config.seal)(owner, &leaf::salted(random, detail));
        Ok(Draft { leaf, detail: sealed.ok_or(NotEntered::Seal)? })
    }
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Register")
    }
}

/// Something about disclosures that is none itself.
#[derive(Clone, Debug)]
pub struct Note {
    /// What happened.
    pub what: Statement,
    /// What the entry says besides, after its head.
    pub detail: Vec<u8>,
}

impl Note {
    /// How the detail of an entry of this kind begins; `None` for kinds that are not entered here.
    /// No detail of one kind passes for one of another, and none for a disclosure's.
    pub const fn head(kind: Kind) -> Option<&'static str> {
        match kind {
            Kind::Erase => Some("erase v1\0"),
            Kind::Hold => Some("hold v1\0"),
            Kind::Retention => Some("retention v1\0"),
            Kind::Kill => Some("kill v1\0"),
            Kind::PolicyChange => Some("policy change v1\0"),
            Kind::StaffChange => Some("staff change v1\0"),
            Kind::Approval => Some("approval v1\0"),
            Kind::Denial => Some("denial v1\0"),
            Kind::BreakGlass => Some("break-glass v1\0"),
            Kind::Review => Some("review v1\0"),
            Kind::Inquiry => Some("inquiry v1\0"),
            Kind::Delivered => Some("delivered v1\0"),
            Kind::RecordsErased => Some("records erased v1\0"),
            Kind::DetailsErased => Some("details erased v1\0"),
            Kind::Closing => Some("closing v1\0"),
            // A node says these of its calls, the log itself the first; `enter` a disclosure, and
            // `reopening` that segments are opened.
            Kind::Padding
            | Kind::Boot
            | Kind::RegistryEpoch
            | Kind::Removal
            | Kind::Tariff
            | Kind::Admission
            | Kind::Consent
            | Kind::RecordingStarted
            | Kind::RecordingEnded
            | Kind::NotRecorded
            | Kind::Quarantine
            | Kind::Disclosure
            | Kind::Dialled
            | Kind::NameRecorded
            | Kind::NameHeard
            | Kind::NameApproved
            | Kind::NameRemoved
            | Kind::SegmentsOpened => None,
        }
    }
}

/// A keyholder, here or elsewhere.
pub trait Keyholder {
    /// What must be known before asking.
    ///
    /// # Errors
    /// When it cannot be reached.
    fn state(&mut self) -> Result<State, NotHeard>;

    /// Asks for a share.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses.
    fn open(&mut self, ask: &Ask, now: Timestamp) -> Result<Answer, NotHeard>;

    /// Asks for the shares of a segment's key.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses.
    fn open_segment(&mut self, ask: &SegmentAsk, now: Timestamp)
    -> Result<SegmentAnswer, NotHeard>;
}

impl Keyholder for Holder {
    fn state(&mut self) -> Result<State, NotHeard> {
        Ok(Self::state(self))
    }

    fn open(&mut self, ask: &Ask, now: Timestamp) -> Result<Answer, NotHeard> {
        Ok(Self::open(self, ask, now)?)
    }

    fn open_segment(
        &mut self,
        ask: &SegmentAsk,
        now: Timestamp,
    ) -> Result<SegmentAnswer, NotHeard> {
        Ok(Self::open_segment(self, ask, now)?)
    }
}

impl Keyholder for Program {
    fn state(&mut self) -> Result<State, NotHeard> {
        Ok(Self::state(self)?)
    }

    /// It has a clock of its own.
    fn open(&mut self, ask: &Ask, _now: Timestamp) -> Result<Answer, NotHeard> {
        Ok(Self::open(self, ask)?)
    }

    fn open_segment(
        &mut self,
        ask: &SegmentAsk,
        _now: Timestamp,
    ) -> Result<SegmentAnswer, NotHeard> {
        Ok(Self::open_segment(self, ask)?)
    }
}

impl Keyholder for Remote {
    fn state(&mut self) -> Result<State, NotHeard> {
        Ok(Self::state(self)?)
    }

    /// It has a clock of its own.
    fn open(&mut self, ask: &Ask, _now: Timestamp) -> Result<Answer, NotHeard> {
        Ok(Self::open(self, ask)?)
    }

    fn open_segment(
        &mut self,
        ask: &SegmentAsk,
        _now: Timestamp,
    ) -> Result<SegmentAnswer, NotHeard> {
        Ok(Self::open_segment(self, ask)?)
    }
}

/// Why a disclosure was not entered. Nothing was disclosed.
#[derive(Debug, thiserror::Error)]
pub enum NotEntered {
    /// It is out of bounds.
    #[error(transparent)]
    Bounds(#[from] NotAnIntent),
    /// The request for segments is out of bounds.
    #[error(transparent)]
    Segments(#[from] NotAReopening),
    /// The log cannot take it.
    #[error("the log cannot take the disclosure, so it does not happen: {0}")]
    Log(#[from] LogError),
    /// What it says cannot be sealed.
    #[error("what the entry says cannot be sealed for this agency, so nothing is disclosed")]
    Seal,
    /// It is of another kind.
    #[error("entries of this kind are not made here")]
    Kind,
    /// Too few witnesses vouch for the log.
    #[error("witnesses are missing, so nothing is disclosed: {why} ({failures})")]
    Witnesses {
        /// What is missing.
        why: Unverified,
        /// What each that did not vouch answered; no data of anybody.
        failures: String,
    },
    /// The log does not say where it is.
    #[error("the log took the disclosure and does not say where, so nothing is disclosed")]
    Lost,
    /// The operating system gave no random octets.
    #[error("the operating system gives no random numbers, so nothing can be entered")]
    NoRandomness,
}

/// Why nothing is heard.
#[derive(Debug, thiserror::Error)]
pub enum NotHeard {
    /// A keyholder here refuses.
    #[error("a keyholder refuses: {0}")]
    Refused(#[from] Refused),
    /// A keyholder elsewhere refuses or does not answer.
    #[error(transparent)]
    NotAnswered(#[from] NotAnswered),
    /// A keyholder's answer cannot be read.
    #[error("the keyholder's answer cannot be read: {0}")]
    Answer(BadAsk),
    /// The log cannot prove it.
    #[error("the log cannot prove the disclosure, so it does not happen: {0}")]
    Log(#[from] LogError),
    /// The log proves it to fewer than must see it.
    #[error(transparent)]
    Unproven(NotEntered),
    /// The proof is not good enough here.
    #[error(transparent)]
    NoReceipt(#[from] NoReceipt),
    /// Nobody who is configured holds one of the two keys.
    #[error("no keyholder that is configured has the keys of this recording")]
    NoHolder,
    /// The recording does not open.
    #[error(transparent)]
    NotOpened(#[from] NotOpened),
}

impl NotHeard {
    fn of(why: NotEntered) -> Self {
        match why {
            NotEntered::Log(fault) => Self::Log(fault),
            NotEntered::Bounds(_)
            | NotEntered::Segments(_)
            | NotEntered::Seal
            | NotEntered::Kind
            | NotEntered::Witnesses { .. }
            | NotEntered::Lost
            | NotEntered::NoRandomness => Self::Unproven(why),
        }
    }
}

fn random() -> Result<Random, NotEntered> {
    let mut octets = [0; RANDOM_OCTETS];
    getrandom::fill(&mut octets).map_err(|_| NotEntered::NoRandomness)?;
    Ok(Random(octets))
}

fn floor(now: Timestamp, interval: Duration) -> Timestamp {
    let length = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX).max(1);
    Timestamp::from_micros(now.micros() - now.micros().rem_euclid(length))
}

/// Number of the log itself among the nodes.
const LOG_ITSELF: u32 = 0;
