//! Who the switch asks.

use call::{Answer, CallEvent, Caller, Finished, Question, limits::Timing};
use model::{
    AgencyId, CallId, E164, FacilityId, Private, StationId, Timestamp, TrunkId,
    fact::{Heard, OffReason, RecordingEnd},
    plan::Dialling,
    speech::ContentHash,
};

/// The services behind the switch. Every method returns quickly: what takes time is answered later,
/// through the [`Reply`]. Called from the switch's thread, [`Office::recording_closed`] and
/// sometimes [`Office::not_recorded`] from the vault's.
pub trait Office: Send + Sync + 'static {
    /// What the switch must know of a station to take its call, or `None` when it takes none.
    fn station(&self, station: StationId) -> Option<StationPlan>;

    /// A question of a call's machine. The reply may come at once or later; exactly one does.
    fn ask(&self, call: CallId, station: StationId, question: Question, reply: Reply);

    /// Something the office keeps.
    fn tell(&self, call: CallId, event: CallEvent);

    /// A call went out to a trunk; told again when it failed over to another one. A carrier's own
    /// records are compared with this.
    fn dialled(&self, call: CallId, trunk: TrunkId, at: Timestamp);

    /// The carrier said that the call was sent on from the number that was dialled to another one.
    /// Told once.
    fn forwarded(&self, call: CallId, at: Timestamp);

    /// The vault would not or could not begin a recording although the machine had consent; the
    /// conversation goes on unrecorded. That the disk took no file is told from the vault's thread,
    /// a moment after the conversation has begun, and then nothing is told of a closed recording.
    fn not_recorded(&self, call: CallId, reason: OffReason);

    /// A recording is closed; `None` when the vault could not say how.
    fn recording_closed(&self, call: CallId, recording: Option<RecordingEnd>);

    /// The call is over: settle it.
    fn finished(&self, call: CallId, finished: Finished);

    /// How the audio of a call was that went out to a trunk and is over. Not told of one without
    /// any.
    fn heard(&self, heard: Heard);

    /// A fault of ours ended the call: settle what is known to have been talked.
    fn broken(&self, call: CallId, at: Timestamp);
}

/// What the switch must know of a station.
#[derive(Clone, Debug)]
pub struct StationPlan {
    /// The agency.
    pub agency: AgencyId,
    /// The facility.
    pub facility: FacilityId,
    /// The operator's key of the station, `agency/facility/unit/station`.
    pub station_key: String,
    /// The facility's spoken name.
    pub facility_name: Private<String>,
    /// Number shown to the called party.
    pub caller_id: E164,
    /// Version of the prompt pack.
    pub pack: ContentHash,
    /// Waits and limits of its calls.
    pub timing: Timing,
    /// Who calls from it.
    pub caller: Caller,
    /// What its calls dial.
    pub dialling: Dialling,
    /// Whether there are services for somebody who gives no PIN.
    pub help: bool,
}

/// The way back for one answer.
pub struct Reply(Box<dyn FnOnce(Answer) + Send>);

impl Reply {
    /// A reply that calls `deliver`.
    pub fn new(deliver: impl FnOnce(Answer) + Send + 'static) -> Self {
        Self(Box::new(deliver))
    }

    /// Sends the answer.
    pub fn send(self, answer: Answer) {
        (self.0)(answer);
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reply")
    }
}
