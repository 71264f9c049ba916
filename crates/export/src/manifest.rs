//! What a package says of itself: `manifest.json`.

use crate::{package::NotPacked, record};
use access::{Audience, Demand, Intent, Leave, Object, Query, Receipt};
use jiff::tz::TimeZone;
use model::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256, Sha512};
use std::collections::BTreeMap;

/// Which program made the records and this package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Software {
    /// Its version.
    pub version: String,
    /// SHA-256 of its file, hexadecimal: `cargo xtask dist` makes the same one from the source.
    pub sha256: String,
}

/// Whose clock the times are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Clock {
    /// What it is, and who was asked how right it is: `system clock; chrony`.
    pub source: String,
    /// Whether it is kept in step with clocks outside; `None` where nobody could say.
    pub synchronised: Option<bool>,
    /// How far it is estimated to be off, one way or the other, in microseconds; `None` where
    /// nobody measured it.
    pub offset_us: Option<u64>,
    /// How far it is off at most, in microseconds, by the same measurement.
    pub error_max_us: Option<u64>,
    /// Zone of local times, as in the IANA data base: `America/Denver`.
    pub zone: String,
}

/// Who can open what is recorded there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Custody {
    /// All keys are on one machine: whoever administers it can open everything.
    Solo,
    /// Two keyholders, neither of which opens anything alone.
    Split,
    /// The same, and witnesses outside have seen the log.
    SplitWithWitnesses,
}

/// Whether an outside authority stamped the manifest with a time (RFC 3161). The stamp is of the
/// manifest, so it cannot lie in what the manifest names: it lies beside `package.zip`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "why", rename_all = "snake_case")]
pub enum TimeStamp {
    /// There is none, and why: no authority is configured, or it did not answer.
    None(String),
    /// It lies beside, as `manifest.tsr`, and who is asked for it.
    Beside(String),
}

/// Somebody else who got a copy of something in this package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Copy {
    /// Entry in the log.
    pub entry: u64,
    /// What they got: `recording` or `records`.
    pub what: String,
    /// For whom: `defence`.
    pub audience: &'static str,
    /// The role of whoever handed it out, such as `clerk`.
    pub role: String,
    /// Why.
    pub purpose: String,
    /// When, UTC.
    pub at_utc: String,
}

impl Copy {
    /// A copy that went out `at` a time.
    #[must_use]
    pub fn new(
        entry: u64,
        (what, audience): (String, Audience),
        (role, purpose): (String, String),
        at: Timestamp,
    ) -> Self {
        Self { entry, what, audience: audience.word(), role, purpose, at_utc: record::utc(at) }
    }
}

/// The whole of `manifest.json`.
#[derive(Debug, Serialize)]
pub struct Manifest {
    format: &'static str,
    disclosure: Disclosure,
    /// What was looked for, as the entry has it.
    query: QueryOf,
    /// The same in the words of who asked.
    note: Option<String>,
    audience: &'static str,
    custody: Custody,
    clock: Clock,
    time_stamp: TimeStamp,
    software: Software,
    log: Log,
    entries: Vec<EntryOf>,
    files: BTreeMap<String, Sums>,
    /// Everybody else who got a copy, as the log has it.
    copies: Vec<Copy>,
    notices: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Disclosure {
    entry: u64,
    staff: u32,
    role: &'static str,
    employer: u32,
    verb: &'static str,
    purpose: &'static str,
    case: String,
    scope: &'static str,
    object: &'static str,
    agency: u32,
    leave: String,
    policies_sha256: String,
    /// To which the keyholders sealed: of the node, which packs.
    recipient_key: String,
    /// The recipient's own, to which the package is sealed.
    package_key: Option<String>,
    asked_utc: String,
}

/// What was looked for; what is `null` narrowed nothing.
#[derive(Debug, Serialize)]
struct QueryOf {
    line: &'static str,
    person: Option<String>,
    number: Option<String>,
    facility: Option<String>,
    station: Option<String>,
    from_utc: Option<String>,
    until_utc: Option<String>,
    outcome: Option<String>,
    recorded: Option<bool>,
}

impl QueryOf {
    fn new(query: &Query) -> Self {
        Self {
            line: query.line.word(),
            person: query.person.as_ref().map(|key| key.expose().clone()),
            number: query.number.map(|number| number.expose().display().to_string()),
            facility: query.facility.clone(),
            station: query.station.clone(),
            from_utc: query.from.map(record::utc),
            until_utc: query.until.map(record::utc),
            outcome: query.outcome.clone(),
            recorded: query.recorded,
        }
    }
}

/// The log and the checkpoint that everything is proved under.
#[derive(Debug, Serialize)]
struct Log {
    origin: String,
    size: u64,
    verifier_key: String,
}

/// An entry that lies beside, with its proof.
#[derive(Debug, Serialize)]
pub(crate) struct EntryOf {
    /// What it is, for a reader.
    pub(crate) what: String,
    pub(crate) index: u64,
    pub(crate) leaf: String,
    pub(crate) opening: String,
    pub(crate) proof: String,
}

#[derive(Debug, Serialize)]
struct Sums {
    octets: u64,
    sha256: String,
    sha512: String,
}

/// What stands in a manifest besides what the receipt says.
pub(crate) struct Beside<'p> {
    pub(crate) demand: &'p Demand,
    pub(crate) custody: Custody,
    pub(crate) clock: &'p Clock,
    pub(crate) time_stamp: &'p TimeStamp,
    pub(crate) software: &'p Software,
    pub(crate) verifier_key: &'p str,
    pub(crate) entries: Vec<EntryOf>,
    pub(crate) copies: &'p [Copy],
    pub(crate) notices: Vec<String>,
}

impl Manifest {
    /// The manifest of `files`, which were released against `receipt`.
    pub(crate) fn new(
        receipt: &Receipt,
        beside: Beside<'_>,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Self {
        let checkpoint = receipt.checkpoint();
        Self {
            format: FORMAT,
            disclosure: Disclosure::of(receipt.index(), receipt.intent(), beside.demand),
            query: QueryOf::new(&beside.demand.query),
            note: beside.demand.note.as_ref().map(|note| note.expose().clone()),
            audience: beside.demand.audience.word(),
            custody: beside.custody,
            clock: beside.clock.clone(),
            time_stamp: beside.time_stamp.clone(),
            software: beside.software.clone(),
            log: Log {
                origin: checkpoint.origin().to_owned(),
                size: checkpoint.size(),
                verifier_key: beside.verifier_key.to_owned(),
            },
            entries: beside.entries,
            files: files.iter().map(|(path, octets)| (path.clone(), Sums::of(octets))).collect(),
            copies: beside.copies.to_vec(),
            notices: beside.notices,
        }
    }

    /// Its octets.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, NotPacked> {
        let mut octets = serde_json::to_vec_pretty(self).map_err(|_| NotPacked::Manifest)?;
        octets.push(b'\n');
        Ok(octets)
    }
}

impl Clock {
    /// # Errors
    /// When nobody knows its zone.
    pub(crate) fn zone(&self) -> Result<TimeZone, NotPacked> {
        TimeZone::get(&self.zone).map_err(|_| NotPacked::Zone(self.zone.clone()))
    }
}

impl Disclosure {
    fn of(entry: u64, intent: &Intent, demand: &Demand) -> Self {
        Self {
            entry,
            staff: intent.staff.0,
            role: intent.role.word(),
            employer: intent.employer.0,
            verb: intent.verb.word(),
            purpose: intent.purpose.word(),
            case: intent.case.expose().clone(),
            scope: intent.scope.word(),
            object: match intent.object {
                Object::Recording { .. } => "recording",
                Object::Records { .. } => "records",
                Object::Counts { .. } => "counts",
                Object::Ledger { .. } => "ledger",
                Object::Held { .. } => "held",
            },
            agency: intent.object.agency().0,
            leave: leave(&intent.leave),
            policies_sha256: hex(&intent.policies),
            recipient_key: hex(&intent.recipient.0),
            package_key: demand.key.map(|key| hex(&key.0)),
            asked_utc: record::utc(intent.asked),
        }
    }
}

fn leave(leave: &Leave) -> String {
    match leave {
        Leave::Grant { grant, approvers } => {
            let approvers: Vec<String> =
                approvers.iter().map(|staff| staff.0.to_string()).collect();
            match approvers.is_empty() {
                true => format!("grant {}", grant.0),
                false => format!("grant {}, approved by staff {}", grant.0, approvers.join(", ")),
            }
        }
        Leave::BrokenGlass => "in danger, without approval; reviewed afterwards".to_owned(),
        Leave::Office => "goes with the role".to_owned(),
    }
}

impl Sums {
    fn of(octets: &[u8]) -> Self {
        Self {
            octets: octets.len() as u64,
            sha256: hex(&Sha256::digest(octets)),
            sha512: hex(&Sha512::digest(octets)),
        }
    }
}

/// Lower case hexadecimal.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

const FORMAT: &str = "parlatory export 2";
