//! The octets of a statement: one shape for all kinds, so that nothing can be told from a length.

use crate::{
    limits::CLERK_OCTETS,
    statement::{Closed, Detailed, Kind, Said, Standing, Statement, Unrecorded},
};
use core::time::Duration;
use model::{
    CallId, RecordingId, Timestamp, TrunkId,
    fact::{Epoch, RecordingState},
};
use serde::{Serialize, de::DeserializeOwned};

/// The fields of any statement. What a kind does not use is zero, and read back only as zero:
/// otherwise it would be a place to hide something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fields {
    kind: u8,
    what: u8,
    why: u8,
    boot: u32,
    at: i64,
    subject: u64,
    epoch: u64,
    count: u64,
    seconds: u32,
    trunk: u16,
    extra: u64,
    hash: [u8; 32],
}

/// Writes a statement.
pub(crate) fn write(said: &Said) -> [u8; CLERK_OCTETS] {
    let fields = Fields {
        kind: said.what.kind().code(),
        boot: said.boot,
        at: said.at.micros(),
        ..fields_of(&said.what)
    };
    fields.octets()
}

/// Reads a statement; `None` when these octets say nothing that [`write`] could have said.
pub(crate) fn read(octets: &[u8; CLERK_OCTETS]) -> Option<Said> {
    let fields = Fields::parse(octets)?;
    let what = statement_of(&fields)?;
    let said = Said { at: Timestamp::from_micros(fields.at), boot: fields.boot, what };
    (write(&said) == *octets).then_some(said)
}

impl Fields {
    fn octets(&self) -> [u8; CLERK_OCTETS] {
        let mut octets = [0; CLERK_OCTETS];
        let parts: [&[u8]; 11] = [
            &[self.kind, self.what, self.why, 0],
            &self.boot.to_be_bytes(),
            &self.at.to_be_bytes(),
            &self.subject.to_be_bytes(),
            &self.epoch.to_be_bytes(),
            &self.count.to_be_bytes(),
            &self.seconds.to_be_bytes(),
            &self.trunk.to_be_bytes(),
            &[0; 2],
            &self.extra.to_be_bytes(),
            &self.hash,
        ];
        for (place, octet) in octets.iter_mut().zip(parts.into_iter().flatten()) {
            *place = *octet;
        }
        octets
    }

    fn parse(octets: &[u8; CLERK_OCTETS]) -> Option<Self> {
        let (&[kind, what, why, _], rest) = octets.split_first_chunk::<4>()?;
        let (boot, rest) = rest.split_first_chunk::<4>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let (subject, rest) = rest.split_first_chunk::<8>()?;
        let (epoch, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<8>()?;
        let (seconds, rest) = rest.split_first_chunk::<4>()?;
        let (trunk, rest) = rest.split_first_chunk::<2>()?;
        let (_, rest) = rest.split_first_chunk::<2>()?;
        let (extra, rest) = rest.split_first_chunk::<8>()?;
        let (hash, _) = rest.split_first_chunk::<32>()?;
        Some(Self {
            kind,
            what,
            why,
            boot: u32::from_be_bytes(*boot),
            at: i64::from_be_bytes(*at),
            subject: u64::from_be_bytes(*subject),
            epoch: u64::from_be_bytes(*epoch),
            count: u64::from_be_bytes(*count),
            seconds: u32::from_be_bytes(*seconds),
            trunk: u16::from_be_bytes(*trunk),
            extra: u64::from_be_bytes(*extra),
            hash: *hash,
        })
    }
}

fn fields_of(statement: &Statement) -> Fields {
    let zero = Fields::default();
    match *statement {
        Statement::Padding => zero,
        Statement::Boot { build: hash }
        | Statement::Tariff { caps: hash }
        | Statement::Retention { rules: hash }
        | Statement::PolicyChange { policy: hash }
        | Statement::StaffChange { roles: hash }
        | Statement::NameHeard { sha256: hash }
        | Statement::NameApproved { sha256: hash }
        | Statement::NameRemoved { sha256: hash } => Fields { hash, ..zero },
        Statement::NameRecorded { call, sha256 } => {
            Fields { subject: call.0, hash: sha256, ..zero }
        }
        Statement::RegistryEpoch { epoch, count, removed, late, root } => {
            Fields { epoch: epoch.0, count, seconds: removed, extra: late, hash: root, ..zero }
        }
        Statement::Removal { epoch } => Fields { epoch: epoch.0, ..zero },
        Statement::Admission { call, epoch, standing, over_within } => Fields {
            what: place_of(&standing.class),
            why: standing.may_record.err().map_or(0, |reason| place_of(&reason)),
            subject: call.0,
            epoch: epoch.0,
            seconds: seconds(over_within),
            ..zero
        },
        Statement::Dialled { call, trunk } => Fields { subject: call.0, trunk: trunk.0, ..zero },
        Statement::Consent { call } => Fields { subject: call.0, ..zero },
        Statement::RecordingStarted { call, epoch } => {
            Fields { subject: call.0, epoch: epoch.0, ..zero }
        }
        Statement::RecordingEnded { call, closed } => Fields {
            what: state_code(closed.state),
            subject: call.0,
            count: closed.bytes,
            seconds: closed.seconds,
            hash: closed.sha256,
            ..zero
        },
        Statement::NotRecorded { call, why, talked } => {
            let (what, why) = unrecorded_codes(why);
            Fields { what, why, subject: call.0, seconds: seconds(talked), ..zero }
        }
        Statement::Quarantine { recording, epoch } => {
            Fields { subject: recording.0, epoch: epoch.0, ..zero }
        }
        Statement::Erase { recording, sha256 } => {
            Fields { subject: recording.0, hash: sha256, ..zero }
        }
        Statement::Hold { recording } => Fields { subject: recording.0, ..zero },
        Statement::Kill { calls: count } | Statement::RecordsErased { records: count } => {
            Fields { count, ..zero }
        }
        Statement::DetailsErased { of, first, last, count } => {
            Fields { what: detailed_code(of), subject: first, count, extra: last, ..zero }
        }
        Statement::SegmentsOpened { segments, first, last, recipient } => {
            Fields { subject: first, count: segments, extra: last, hash: recipient, ..zero }
        }
        Statement::Closing { act, closed } => Fields { what: shut(closed), subject: act, ..zero },
        Statement::Disclosure { act, records, recipient } => {
            Fields { subject: act, count: records, hash: recipient, ..zero }
        }
        Statement::Delivered { act, package } => Fields { subject: act, hash: package, ..zero },
        Statement::Approval { act }
        | Statement::Denial { act }
        | Statement::BreakGlass { act }
        | Statement::Review { act }
        | Statement::Inquiry { act } => Fields { subject: act, ..zero },
    }
}

fn statement_of(fields: &Fields) -> Option<Statement> {
    let (call, recording) = (CallId(fields.subject), RecordingId(fields.subject));
    let (epoch, hash, act) = (Epoch(fields.epoch), fields.hash, fields.subject);
    let length = Duration::from_secs(fields.seconds.into());
    Some(match Kind::from_code(fields.kind)? {
        Kind::Padding => Statement::Padding,
        Kind::Boot => Statement::Boot { build: hash },
        Kind::RegistryEpoch => Statement::RegistryEpoch {
            epoch,
            count: fields.count,
            removed: fields.seconds,
            late: fields.extra,
            root: hash,
        },
        Kind::Removal => Statement::Removal { epoch },
        Kind::Tariff => Statement::Tariff { caps: hash },
        Kind::Admission => {
            let may_record = if fields.why == 0 { Ok(()) } else { Err(at_place(fields.why)?) };
            let standing = Standing { class: at_place(fields.what)?, may_record };
            Statement::Admission { call, epoch, standing, over_within: length }
        }
        Kind::Consent => Statement::Consent { call },
        Kind::RecordingStarted => Statement::RecordingStarted { call, epoch },
        Kind::RecordingEnded => {
            let (bytes, seconds) = (fields.count, fields.seconds);
            let closed = Closed { state: state(fields.what)?, bytes, seconds, sha256: hash };
            Statement::RecordingEnded { call, closed }
        }
        Kind::NotRecorded => {
            let why = match fields.what {
                1 => Unrecorded::NobodyTalked,
                2 => Unrecorded::Off(at_place(fields.why)?),
                3 => Unrecorded::NeverBegun,
                _ => return None,
            };
            Statement::NotRecorded { call, why, talked: length }
        }
        Kind::Quarantine => Statement::Quarantine { recording, epoch },
        Kind::Erase => Statement::Erase { recording, sha256: hash },
        Kind::Hold => Statement::Hold { recording },
        Kind::Retention => Statement::Retention { rules: hash },
        Kind::Kill => Statement::Kill { calls: fields.count },
        Kind::PolicyChange => Statement::PolicyChange { policy: hash },
        Kind::StaffChange => Statement::StaffChange { roles: hash },
        Kind::Disclosure => Statement::Disclosure { act, records: fields.count, recipient: hash },
        Kind::Approval => Statement::Approval { act },
        Kind::Denial => Statement::Denial { act },
        Kind::BreakGlass => Statement::BreakGlass { act },
        Kind::Review => Statement::Review { act },
        Kind::Inquiry => Statement::Inquiry { act },
        Kind::Dialled => Statement::Dialled { call, trunk: TrunkId(fields.trunk) },
        Kind::NameRecorded => Statement::NameRecorded { call, sha256: hash },
        Kind::NameHeard => Statement::NameHeard { sha256: hash },
        Kind::NameApproved => Statement::NameApproved { sha256: hash },
        Kind::NameRemoved => Statement::NameRemoved { sha256: hash },
        Kind::Delivered => Statement::Delivered { act, package: hash },
        Kind::RecordsErased => Statement::RecordsErased { records: fields.count },
        Kind::SegmentsOpened => Statement::SegmentsOpened {
            segments: fields.count,
            first: fields.subject,
            last: fields.extra,
            recipient: hash,
        },
        Kind::DetailsErased => Statement::DetailsErased {
            of: detailed(fields.what)?,
            first: fields.subject,
            last: fields.extra,
            count: fields.count,
        },
        Kind::Closing => Statement::Closing { act, closed: is_shut(fields.what)? },
    })
}

const fn shut(closed: bool) -> u8 {
    if closed { 1 } else { 2 }
}

fn is_shut(code: u8) -> Option<bool> {
    [true, false].into_iter().find(|closed| shut(*closed) == code)
}

/// Whole seconds, rounded down; what does not fit is the most that does.
pub(crate) fn seconds(length: Duration) -> u32 {
    u32::try_from(length.as_secs()).unwrap_or(u32::MAX)
}

fn unrecorded_codes(why: Unrecorded) -> (u8, u8) {
    match why {
        Unrecorded::NobodyTalked => (1, 0),
        Unrecorded::Off(reason) => (2, place_of(&reason)),
        Unrecorded::NeverBegun => (3, 0),
    }
}

fn state_code(state: RecordingState) -> u8 {
    match state {
        RecordingState::Ended => 1,
        RecordingState::Cut => 2,
    }
}

fn state(code: u8) -> Option<RecordingState> {
    [RecordingState::Ended, RecordingState::Cut]
        .into_iter()
        .find(|state| state_code(*state) == code)
}

fn detailed_code(of: Detailed) -> u8 {
    match of {
        Detailed::Calls => 1,
        Detailed::Acts => 2,
    }
}

fn detailed(code: u8) -> Option<Detailed> {
    [Detailed::Calls, Detailed::Acts].into_iter().find(|of| detailed_code(*of) == code)
}

/// The number of a class or a reason in an entry: its place among the variants, which the
/// journal's format keeps for ever, from 1.
fn place_of(variant: &impl Serialize) -> u8 {
    let mut octets = [0; PLACE_OCTETS_MAX];
    let place = postcard::to_slice(variant, &mut octets).ok().and_then(|it| it.first().copied());
    place.map_or(u8::MAX, |place| place.saturating_add(1))
}

fn at_place<T: DeserializeOwned>(code: u8) -> Option<T> {
    postcard::from_bytes(&[code.checked_sub(1).filter(|place| *place < VARINT_CONTINUES)?]).ok()
}

/// Every variant that there is.
#[cfg(test)]
pub(crate) fn all<T: DeserializeOwned>() -> impl Iterator<Item = T> {
    (1..=u8::MAX).map_while(at_place)
}

/// A variant's place is a varint, and fewer than 128 have one octet.
const PLACE_OCTETS_MAX: usize = 4;
const VARINT_CONTINUES: u8 = 0x80;
