//! The nouns of Parlatory: ids, numbers, money, time, what is spoken, what happened, and
//! `Private<T>`.
//!
//! What it is not: no rule, no clock, no input or output. Whoever needs to know whether two people
//! may talk reads `call`, `registry` and `charging`; here stand only the words they share. Start
//! with [`fact`]: the journal is a list of those, and everything that is kept follows from them.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod audio;
pub mod fact;
pub mod id;
pub mod key;
pub mod money;
pub mod number;
pub mod place;
pub mod plan;
pub mod private;
pub mod speech;
pub mod srtp;
pub mod time;

pub use audio::{Agreed, Codec, MediaDescription, Second, Track};
pub use id::{
    AccountId, AgencyId, CallId, FacilityId, GrantId, HoldId, LegId, PersonId, PlayId, RecordingId,
    Side, StaffId, StationId, TrunkId, UnitId,
};
pub use key::Key;
pub use money::Money;
pub use number::E164;
pub use private::Private;
pub use speech::{Language, Phrase, PromptId, Script, Tone};
pub use srtp::{SrtpKey, SrtpKeys, SrtpSuite};
pub use time::{Clock, Timestamp};
