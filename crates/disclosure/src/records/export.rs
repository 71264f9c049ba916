//! Taking a copy away: what was released, packed with its proofs, and sealed for the recipient.

use super::{
    Answer, Begun, Look, NotDisclosed, Reason, Records, SHOW_WITHIN, Shown, look, still_own,
};
use crate::Entered;
use ::export::{Contents, Copy, Entry, Package, Passphrase, Record, Recording, TimeStamp, seal};
use access::{
    Audience, Demand, Intent, Object, Purpose, Query, Receipt, Recipient, Verb,
    decide::{Ask, Line},
    limits::RECORDS_COUNT_MAX,
    staff::Staff,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::{AgencyId, CallId, Private, RecordingId, Timestamp, fact::RecordingState};
use sha2::Sha256;
use std::{fmt, sync::PoisonError, time::Duration};
use store::{
    Outcome, RecordingRow,
    records::{CopyRow, Own, PackageRow, Record as Row, Search},
};
use tlog::ProofFile;
use vault::{Letter, Next, RecipientSecret};

/// What is to be taken away.
#[derive(Clone, Debug)]
pub struct ExportAsk {
    /// What.
    pub what: What,
    /// For whom. What is asked for as a public record is for the public, and what is one's own for
    /// whose it is, whatever stands here.
    pub audience: Audience,
    /// The recipient's key, where they have one; else the passphrase is told another way.
    pub key: Option<Recipient>,
    /// What is asked for, in the words of who asks; it stands in the entry and in the manifest
    /// beside what was looked for.
    pub note: Option<Private<String>>,
}

/// What of the calls.
#[derive(Clone, Debug)]
pub enum What {
    /// All records that a search finds; its page and its limit mean nothing here.
    Records(Box<Look>),
    /// One recording, with the record of its call.
    Recording {
        /// Whose it is.
        agency: AgencyId,
        /// Which.
        recording: RecordingId,
    },
}

impl What {
    /// Whose data it is.
    #[must_use]
    pub const fn agency(&self) -> AgencyId {
        match self {
            Self::Records(look) => look.agency,
            Self::Recording { agency, .. } => *agency,
        }
    }
}

/// A package that only its recipient opens.
pub struct Exported {
    /// A ZIP archive with AES-256 that holds `package.zip`.
    pub sealed: Vec<u8>,
    /// SHA-256 of `package.zip`, for which the recipient signs.
    pub sha256: [u8; 32],
    /// Call records in it.
    pub records: usize,
    /// What opens it.
    pub key: Key,
    /// Whether an outside authority stamped it with a time.
    pub time_stamp: TimeStamp,
}

impl fmt::Debug for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exported({} octets)", self.sealed.len())
    }
}

/// What opens a package.
#[derive(Debug)]
pub enum Key {
    /// A passphrase, to be told to the recipient another way than the package goes.
    Passphrase(Private<String>),
    /// The passphrase, sealed to the recipient's key.
    Letter(Letter),
}

/// What a request is about, exactly.
struct Target {
    line: Line,
    object: Object,
    query: Query,
}

/// What was released.
struct Released {
    rows: Vec<Row>,
    recordings: Vec<Recording>,
    entries: Vec<Entry>,
}

impl Records {
    /// Packs what is asked for, and seals it for the recipient.
    ///
    /// # Errors
    /// As [`Records::search`]; [`NotDisclosed::TooMany`], [`NotDisclosed::NotForThePublic`] and
    /// [`NotDisclosed::StillRunning`] before anything is entered or allowed.
    pub fn export(
        &self,
        staff: &Staff,
        reason: &Reason,
        asked: &ExportAsk,
    ) -> Result<Answer<Exported>, NotDisclosed> {
        let public = reason.purpose == Purpose::PublicRecords;
        let own = self.0.roster.own(staff, asked.what.agency())?;
        let audience = match &own {
            Some(_) => Audience::of(staff.role),
            None if public => Audience::PublicRecords,
            None => asked.audience,
        };
        // Said of what was asked for, before anything is looked up.
        let not_public = |hears| hears && audience == Audience::PublicRecords;
        if not_public(matches!(asked.what, What::Recording { .. })) {
            return Err(NotDisclosed::NotForThePublic);
        }
        if audience == Audience::Nobody {
            return Err(NotDisclosed::ForNobody);
        }
        let Target { line, object, query } = self.target(staff, reason, asked, own.as_ref())?;
        // Whoever looks by a person or a number tells that all of these are of one.
        if audience == Audience::PublicRecords && (query.person.is_some() || query.number.is_some())
        {
            return Err(NotDisclosed::NotForThePublic);
        }
        let hears = matches!(object, Object::Recording { .. });
        if not_public(hears) {
            return Err(NotDisclosed::NotForThePublic);
        }
        // A recording is opened and packed here: its shares are sealed to a key that ends with this
        // request, and the entry names the recipient's own beside it.
        let secret = RecipientSecret::generate()?;
        let within = if hears { OPEN_WITHIN } else { SHOW_WITHIN };
        let demand = Demand { audience, key: asked.key, query, note: asked.note.clone() };
        let whose = (secret.public(), within);
        let ask = self.ask_for(whose, Verb::Export, reason, (line, object), demand);
        let wanted = ask.clone();
        let (act, entered, _once) = match self.begin(staff, ask, reason.act)? {
            Begun::Waits { act, why } => return Ok(Answer::Waits { act, why }),
            Begun::Entered { act, entered, once } => (act, entered, once),
        };
        // One at a time: a package lies in memory, of a machine that carries calls.
        let _turn = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = calls(&wanted.object);
        let agency = wanted.object.agency();
        let others = self.0.store.copies(agency, &calls)?;
        self.0.store.add_copies(agency, &calls, &copy(&entered, audience, hears))?;
        let released = self.released(&wanted, &entered, &secret, own.as_ref())?;
        let exported = self.pack(&entered, asked.key, audience, released, &others)?;
        let entry = entered.proof().inclusion.index();
        self.0.store.add_package(&PackageRow {
            agency,
            act,
            staff: staff.id,
            entry,
            sha256: exported.sha256,
            audience,
            at: self.now(),
            received: None,
        })?;
        self.0.roster.done(act)?;
        Ok(Answer::Shown(Shown { act, entry, what: exported }))
    }

    fn target(
        &self,
        staff: &Staff,
        reason: &Reason,
        asked: &ExportAsk,
        own: Option<&Own>,
    ) -> Result<Target, NotDisclosed> {
        if let Some(act) = reason.act {
            let Ask { verb, line, object, demand, .. } = self.0.roster.request(staff, act)?;
            still_own(line, own)?;
            let target = Target { line, object, query: demand.query };
            return (verb == Verb::Export).then_some(target).ok_or(NotDisclosed::NotThere);
        }
        match &asked.what {
            What::Recording { agency, recording } => {
                let (line, object, closed) = self.recording(staff, (*agency, *recording))?;
                if !closed {
                    return Err(NotDisclosed::NotThere);
                }
                Ok(Target { line, object, query: Query::of(line) })
            }
            What::Records(look) => {
                let mut calls: Vec<CallId> = Vec::new();
                let look = look.of(own);
                let query = Query { after: None, ..look.query.clone() };
                let search = self.resolved(&look, own.cloned())?;
                let mut search = Search { after: None, limit: u32::MAX, ..search };
                loop {
                    let page = self.0.store.search(&search)?;
                    calls.extend(self::calls(page.rows.object()));
                    if calls.len() > RECORDS_COUNT_MAX {
                        // How many there are elsewhere is told to nobody.
                        let theirs = staff.agency == search.agency;
                        let why =
                            if theirs { NotDisclosed::TooMany } else { NotDisclosed::NotThere };
                        return Err(why);
                    }
                    let Some(next) = page.next else { break };
                    search.after = Some(next);
                }
                calls.sort_unstable();
                calls.dedup();
                let object = Object::Records { agency: search.agency, records: calls };
                Ok(Target { line: look.line(own), object, query })
            }
        }
    }

    /// Releases what the entry names.
    fn released(
        &self,
        ask: &Ask,
        entered: &Entered,
        secret: &RecipientSecret,
        own: Option<&Own>,
    ) -> Result<Released, NotDisclosed> {
        let store = &self.0.store;
        let rows = match &ask.object {
            Object::Records { agency, records } => {
                store.records(*agency, records, ask.line, own)?
            }
            Object::Recording { .. }
            | Object::Counts { .. }
            | Object::Ledger { .. }
            | Object::Held { .. } => store.record_of(&ask.object, ask.line, own)?,
        };
        let mut rows = rows.release(self.receipt(entered)?)?;
        rows.retain(|row| look::found(&ask.demand.query, row));
        let mut entries = vec![this_disclosure(entered)];
        entries.extend(self.entries_of(&rows, own)?);
        let mut recordings = Vec::new();
        if let Object::Recording { agency, recording, .. } = ask.object {
            let closed = rows.first().and_then(|row| match row.row.recording {
                RecordingRow::Recorded { state, sha256, .. } => Some((state, sha256)),
                RecordingRow::NoTalk | RecordingRow::Off(_) | RecordingRow::Open => None,
            });
            let closed = closed.ok_or(NotDisclosed::StillRunning)?;
            recordings.push(self.heard(entered, (agency, recording), closed, secret)?);
            let now = self.now();
            let ended = self.0.register.end_of(&self.0.log_private, recording, now)?;
            entries.extend(ended.map(|ended| Entry {
                what: format!("end of recording {:016x}", recording.0),
                index: ended.inclusion.index(),
                leaf: ended.leaf.to_vec(),
                // What it says is sealed to the keyholders; the auditor reads the entry itself.
                opening: Vec::new(),
                proof: ProofFile::of(ended.inclusion, ended.checkpoint),
            }));
        }
        Ok(Released { rows, recordings, entries })
    }

    /// Everything that was said in a recording.
    fn heard(
        &self,
        entered: &Entered,
        (agency, recording): (AgencyId, RecordingId),
        (state, sealed_sha256): (RecordingState, [u8; 32]),
        secret: &RecipientSecret,
    ) -> Result<Recording, NotDisclosed> {
        let shelf = &self.0.shelf;
        let header = shelf.header(agency, recording)?;
        let mut held = self.0.holders.of(&header)?;
        let [first, second] = &mut held;
        let now = self.now();
        let mut reading = self.0.register.listen(entered, shelf, [first, second], secret, now)?;
        let begun = reading.about().begun;
        let mut seconds = Vec::new();
        while let Next::Second(second) = reading.read()? {
            seconds.push(*second);
        }
        Ok(Recording { recording, begun, state, sealed_sha256, seconds })
    }

    fn pack(
        &self,
        entered: &Entered,
        recipient: Option<Recipient>,
        audience: Audience,
        released: Released,
        others: &[CopyRow],
    ) -> Result<Exported, NotDisclosed> {
        let agency = entered.intent().object.agency();
        let zone = self.0.store.zone_of(agency)?.unwrap_or_else(|| "UTC".to_owned());
        let clock = (self.0.clock_now)(zone);
        let salt = &entered.proof().opening.salt;
        let records = released.rows.iter().map(|row| record(row, salt));
        let records: Vec<Record> = if audience == Audience::PublicRecords {
            records.map(Record::masked).collect()
        } else {
            records.collect()
        };
        let copies: Vec<Copy> = others.iter().map(told).collect();
        let asked_for = match &self.0.authority {
            None => TimeStamp::None("none is configured".to_owned()),
            Some(authority) => TimeStamp::Beside(authority.name.clone()),
        };
        let contents = Contents {
            records: &records,
            recordings: &released.recordings,
            entries: &released.entries,
            copies: &copies,
            time_stamp: &asked_for,
            custody: self.0.custody,
            clock: &clock,
            software: &self.0.software,
            verifier_key: &self.0.verifier_key,
        };
        let (package, stamp, time_stamp) = self.stamped(&self.receipt(entered)?, contents)?;
        let passphrase = Passphrase::draw()?;
        let sealed = seal(&package, stamp.as_deref(), &passphrase)?;
        let sha256 = *package.sha256();
        let key = match recipient {
            Some(key) => Key::Letter(Letter::seal(key, passphrase.expose(), &sha256)?),
            None => Key::Passphrase(Private::new(passphrase.expose().to_owned())),
        };
        Ok(Exported { sealed, sha256, records: records.len(), key, time_stamp })
    }

    /// Packs it, with an authority's stamp where one is to be had. Without, the package says so: it
    /// is what was asked for all the same.
    fn stamped(
        &self,
        receipt: &Receipt,
        contents: Contents<'_>,
    ) -> Result<(Package, Option<Vec<u8>>, TimeStamp), NotDisclosed> {
        let package = Package::pack(receipt, &contents)?;
        let asked_for = contents.time_stamp.clone();
        let Some(authority) = &self.0.authority else { return Ok((package, None, asked_for)) };
        match (authority.stamp)(package.manifest_sha256()) {
            Ok(stamp) => Ok((package, Some(stamp), asked_for)),
            Err(why) => {
                let none = TimeStamp::None(format!("{} gave none: {why}", authority.name));
                let contents = Contents { time_stamp: &none, ..contents };
                Ok((Package::pack(receipt, &contents)?, None, none))
            }
        }
    }
}

fn calls(object: &Object) -> Vec<CallId> {
    match object {
        Object::Records { records, .. } => records.clone(),
        Object::Recording { recording, .. } => vec![CallId(recording.0)],
        Object::Counts { .. } | Object::Ledger { .. } | Object::Held { .. } => Vec::new(),
    }
}

fn copy(entered: &Entered, audience: Audience, recording: bool) -> CopyRow {
    let Intent { role, purpose, asked, .. } = *entered.intent();
    let entry = entered.proof().inclusion.index();
    CopyRow { entry, recording, audience, role, purpose, at: asked }
}

fn told(copy: &CopyRow) -> Copy {
    let what = if copy.recording { "recording" } else { "records" };
    let (role, purpose) = (copy.role.word().to_owned(), copy.purpose.word().to_owned());
    Copy::new(copy.entry, (what.to_owned(), copy.audience), (role, purpose), copy.at)
}

fn this_disclosure(entered: &Entered) -> Entry {
    let proof = entered.proof();
    Entry {
        what: "this disclosure".to_owned(),
        index: proof.inclusion.index(),
        leaf: proof.leaf.to_vec(),
        opening: [proof.opening.salt.as_slice(), &proof.opening.detail].concat(),
        proof: ProofFile::of(proof.inclusion.clone(), proof.checkpoint.clone()),
    }
}

/// A record as the recipient reads it. The number of its row follows from the salt of the entry, so
/// that whoever may open the entry finds the package that a row came from.
fn record(row: &Row, salt: &[u8; 32]) -> Record {
    let (talked, charged, at) = match row.row.outcome {
        Outcome::Denied(_) => (Duration::ZERO, None, row.row.at),
        Outcome::Open { talked } => (talked, None, row.row.at),
        Outcome::Ended { talked, charged, .. } => (talked, Some(charged), row.row.at),
    };
    Record {
        row: row_number(salt, row.row.record, at),
        call: row.row.call,
        facility: row.facility.clone(),
        person: row.person_key.clone(),
        name: row.person_name.clone(),
        number: row.row.number,
        at,
        accepted: row.row.accepted,
        talked,
        outcome: row.outcome().to_owned(),
        charged,
        recording: row.recording().to_owned(),
        heard: row.heard,
    }
}

/// 128 bits of HMAC-SHA256 over the number of the record and its time, under the entry's salt.
fn row_number(salt: &[u8; 32], record: u64, at: Timestamp) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt) else { return String::new() };
    mac.update(ROW_DOMAIN);
    mac.update(&record.to_be_bytes());
    mac.update(&at.micros().to_be_bytes());
    let code = mac.finalize().into_bytes();
    code.iter().take(16).map(|octet| format!("{octet:02x}")).collect()
}

const ROW_DOMAIN: &[u8] = b"parlatory export row v1\0";
/// How long after its entry the shares of a recording can be opened and packed.
const OPEN_WITHIN: Duration = Duration::from_hours(1);
