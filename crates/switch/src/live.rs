//! One call in progress: its machine, its wires and what the machine's outputs do to them.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use call::{
    Answer, Enrolment, HangUpCause, Input, Machine, NameClip, Output, PlayEnd, Recording, Stage,
    Start, TrunkFailure,
};
use line::{Line, Target, WireId};
use media::{Media, MediaEvent, PlayEnded};
use model::{
    Agreed, CallId, Codec, LegId, MediaDescription, Private, Side, SrtpKeys, StationId, Timestamp,
    TrunkId,
    audio::Direction,
    fact::{EndReason, KeyPath, OffReason, RecordingEnd},
    plan::Dialling,
};
use vault::{About, Vault, VaultError};

use crate::{
    capturing::Capturing,
    limits::{INTERNATIONAL_PREFIX, PACKET_MS, TELEPHONE_EVENT_PAYLOAD_TYPE},
    office::{Office, Reply, StationPlan},
    press::{self, Presses},
    step::{Step, StepKind, Watch},
};

mod apology;

/// What a call needs of its node.
pub(crate) struct Surroundings {
    pub(crate) line: Line,
    pub(crate) media: Media,
    pub(crate) vault: Vault,
    pub(crate) office: Arc<dyn Office>,
    /// Sends an answer of the office back to the loop.
    pub(crate) answer: Arc<dyn Fn(CallId, Answer) + Send + Sync>,
    /// Sends a name that was said back to the loop.
    pub(crate) name: Arc<dyn Fn(CallId, Option<NameClip>) + Send + Sync>,
    /// Who watches the steps of calls, if anybody.
    pub(crate) watch: Option<Watch>,
}

/// One call in progress.
pub(crate) struct Live {
    call: CallId,
    station: StationId,
    plan: StationPlan,
    machine: Machine,
    station_end: End,
    called_end: Option<End>,
    presses: Presses,
    /// The latest time that the machine was told.
    last: Timestamp,
    /// Whether the carrier said that the call was sent on.
    forwarded: bool,
    /// What went wrong while an output was performed; the machine hears of it after its drain.
    mishap: Option<Input>,
    apology: apology::Apology,
    /// Whether a recording of it runs; the vault's thread says when it does not.
    recorded: Arc<AtomicBool>,
    over: bool,
}

/// One leg: its SIP dialog and what we told the other end about our audio.
struct End {
    wire: WireId,
    local: MediaDescription,
    hung_up: bool,
    /// Where its audio goes, the last address that is one; `None` before it was agreed.
    remote: Option<SocketAddr>,
    /// Whether its keys come as telephone-events.
    events: bool,
}

impl End {
    fn new(wire: WireId, local: MediaDescription) -> Self {
        Self { wire, local, hung_up: false, remote: None, events: false }
    }

    /// Takes note of what was agreed; whether audio goes to another address than before. A hold
    /// that names no address (RFC 3264 section 8.4) is no move, nor is the end of one.
    fn agree(&mut self, agreed: &Agreed) -> bool {
        self.events = agreed.telephone_event.is_some();
        if agreed.remote.ip().is_unspecified() {
            return false;
        }
        self.remote.replace(agreed.remote).is_some_and(|before| before != agreed.remote)
    }
}

impl Live {
    /// A call whose station leg has been answered on `wire` with `local`, and whose request was for
    /// `requested`.
    pub(crate) fn new(
        call: CallId,
        station: StationId,
        plan: StationPlan,
        (wire, requested): (WireId, &Private<String>),
        local: MediaDescription,
        now: Timestamp,
    ) -> Self {
        let machine = Machine::new(
            call::Setup {
                call,
                facility: plan.facility_name.clone(),
                pack: plan.pack,
                timing: plan.timing,
                start: Start {
                    caller: plan.caller.clone(),
                    dialled: dialled_at_once(&plan.dialling, requested),
                    help: plan.help,
                },
            },
            now,
        );
        let station_end = End::new(wire, local);
        Self {
            call,
            station,
            plan,
            machine,
            station_end,
            called_end: None,
            presses: Presses::default(),
            last: now,
            forwarded: false,
            mishap: None,
            apology: apology::Apology::default(),
            recorded: Arc::default(),
            over: false,
        }
    }

    /// Whose call it is.
    pub(crate) const fn station(&self) -> StationId {
        self.station
    }

    /// Whether it went out to a trunk.
    pub(crate) const fn has_called(&self) -> bool {
        self.called_end.is_some()
    }

    /// How far it has come.
    pub(crate) fn stage(&self) -> Stage {
        if self.is_apologising() { Stage::Ending } else { self.machine.stage() }
    }

    /// Whether a recording of it runs.
    pub(crate) fn is_recorded(&self) -> bool {
        self.recorded.load(Ordering::Relaxed)
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// When the machine wants to be woken, or the apology is over.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        match self.apology.until() {
            Some(until) => Some(until),
            None => self.machine.poll_timeout(),
        }
    }

    /// The SIP dialogs of this call.
    pub(crate) fn wires(&self) -> impl Iterator<Item = WireId> + '_ {
        std::iter::once(self.station_end.wire).chain(self.called_end.as_ref().map(|end| end.wire))
    }

    /// Does everything the machine wants done.
    pub(crate) fn drain(&mut self, now: Timestamp, around: &Surroundings) {
        loop {
            while let Some(output) = self.machine.poll_output() {
                self.watched(now, StepKind::of_output(&output), around);
                self.perform(output, around);
            }
            match self.mishap.take() {
                Some(input) if !self.over => self.machine.handle(now, input),
                _ => break,
            }
        }
    }

    /// Gives the machine an input and does what it wants done.
    pub(crate) fn handle(&mut self, now: Timestamp, input: Input, around: &Surroundings) {
        if self.over {
            return;
        }
        if let Input::Key { side, key, onset, path } = &input
            && !self.presses.is_new(*side, *key, *onset, *path)
        {
            return;
        }
        let now = self.reach(now);
        self.watched(now, StepKind::of_input(&input), around);
        if self.is_apologising() {
            self.hear_apology(now, &input, around);
            return;
        }
        self.machine.handle(now, input);
        self.drain(now, around);
    }

    /// What comes from several threads may come a little out of order: for the machine no time is
    /// before the one it was told last.
    pub(crate) fn reach(&mut self, now: Timestamp) -> Timestamp {
        self.last = self.last.max(now);
        self.last
    }

    /// The called leg goes out to `trunk`.
    pub(crate) fn dialled(&mut self, now: Timestamp, trunk: TrunkId, around: &Surroundings) {
        let now = self.reach(now);
        // To the office a call that a fault ended is over.
        if !self.is_apologising() {
            around.office.dialled(self.call, trunk, now);
        }
    }

    /// The carrier sent the call on to another number. Who accepts it hears the notice like
    /// anybody; the record says that they may be somebody else.
    pub(crate) fn forwarded(&mut self, now: Timestamp, around: &Surroundings) {
        if std::mem::replace(&mut self.forwarded, true) {
            return;
        }
        let now = self.reach(now);
        self.watched(now, Some(StepKind::Forwarded), around);
        around.office.forwarded(self.call, now);
    }

    /// The called party answered with `answer`: from here on audio flows.
    pub(crate) fn answered(
        &mut self,
        now: Timestamp,
        wire: WireId,
        (answer, keys): (&MediaDescription, Option<SrtpKeys>),
        around: &Surroundings,
    ) {
        let side = self.side_of(wire);
        let Some(agreed) = self.local_of(side).and_then(|local| line::agree(local, answer)) else {
            // The other end answered with audio we did not offer (RFC 3264 section 6.1).
            around.line.hang_up(wire);
            let failed = match side {
                Side::Station => Input::HungUp(Side::Station),
                Side::Called => Input::CalledFailed(TrunkFailure::Failed),
            };
            self.handle(now, failed, around);
            return;
        };
        self.connect(side, agreed, keys, around);
        if side == Side::Called {
            self.apology.called_answered();
            // What goes on over the notice tells a greeting from a person.
            around.media.listen(self.call.leg(side), true);
            self.handle(now, Input::CalledAnswered, around);
        }
    }

    /// The other end of a leg offers new audio within the dialog: hold, another codec or address.
    /// The dialog is the authority for the change; a datagram alone never is.
    /// Audio that goes to another address may reach another phone: the machine is told.
    pub(crate) fn reoffered(
        &mut self,
        now: Timestamp,
        wire: WireId,
        (offer, keys): (&MediaDescription, Option<SrtpKeys>),
        around: &Surroundings,
    ) {
        let side = self.side_of(wire);
        if let Some(local) = self.local_of(side)
            && let Some(agreed) = line::agree(local, offer)
        {
            around.line.reanswer(wire, local.clone());
            if self.connect(side, agreed, keys, around) {
                self.handle(now, Input::LegMoved(side), around);
            }
        }
    }

    /// Connects a leg's audio; whether it goes to another address than before.
    pub(crate) fn connect(
        &mut self,
        side: Side,
        agreed: Agreed,
        keys: Option<SrtpKeys>,
        around: &Surroundings,
    ) -> bool {
        let moved = self.end_mut(side).is_some_and(|end| end.agree(&agreed));
        connect(&around.media, self.call.leg(side), agreed, keys);
        moved
    }

    /// A key that came as SIP INFO when it was let go, after so long. When it began is not known
    /// better than that, so it counts only where the leg has no telephone-events: there a key that
    /// came late could otherwise pass for one that was pressed after the notice.
    pub(crate) fn info_key(
        &mut self,
        now: Timestamp,
        wire: WireId,
        (key, lasted): (model::Key, Duration),
        around: &Surroundings,
    ) {
        let side = self.side_of(wire);
        if self.end_mut(side).is_none_or(|end| end.events) {
            tracing::debug!(
                call = self.call.0,
                "a key as SIP INFO where telephone-event was agreed"
            );
            return;
        }
        let onset = press::began(now, lasted);
        self.handle(now, Input::Key { side, key, onset, path: KeyPath::Info }, around);
    }

    fn end_mut(&mut self, side: Side) -> Option<&mut End> {
        match side {
            Side::Station => Some(&mut self.station_end),
            Side::Called => self.called_end.as_mut(),
        }
    }

    /// A dialog is over.
    pub(crate) fn hung_up(&mut self, now: Timestamp, wire: WireId, around: &Surroundings) {
        let side = self.side_of(wire);
        if let Some(end) = self.end_mut(side) {
            end.hung_up = true;
        }
        around.media.close(self.call.leg(side));
        self.handle(now, Input::HungUp(side), around);
    }

    /// Which leg a dialog of this call is.
    pub(crate) fn side_of(&self, wire: WireId) -> Side {
        if wire == self.station_end.wire { Side::Station } else { Side::Called }
    }

    /// Drops everything the call holds on the wire and in the media, after a fault of ours.
    pub(crate) fn abandon(&mut self, around: &Surroundings) {
        self.over = true;
        for wire in self.wires() {
            around.line.hang_up(wire);
        }
        around.media.close(self.call.leg(Side::Station));
        around.media.close(self.call.leg(Side::Called));
    }

    /// Shows a step to whoever watches.
    pub(crate) fn watched(&self, at: Timestamp, kind: Option<StepKind>, around: &Surroundings) {
        if let (Some(watch), Some(kind)) = (&around.watch, kind) {
            watch(&Step { at, call: self.call, station: self.plan.station_key.clone(), kind });
        }
    }

    fn local_of(&self, side: Side) -> Option<&MediaDescription> {
        match side {
            Side::Station => Some(&self.station_end.local),
            Side::Called => self.called_end.as_ref().map(|end| &end.local),
        }
    }

    fn perform(&mut self, output: Output, around: &Surroundings) {
        match output {
            Output::Play { side, play, script } => {
                self.apology.spoken(side, script.language);
                around.media.play(self.call.leg(side), play, script);
            }
            Output::Hush(side) => around.media.hush(self.call.leg(side)),
            Output::Tone(tone) => around.media.tone(self.call.leg(Side::Station), tone),
            Output::Ask(question) => {
                let (answer, call) = (Arc::clone(&around.answer), self.call);
                let reply = Reply::new(move |given| answer(call, given));
                around.office.ask(self.call, self.station, question, reply);
            }
            Output::RecordName(enrolment) => self.record_name(enrolment, around),
            Output::Dial { number } => self.dial(*number.expose(), around),
            Output::Bridge(recording) => self.bridge(recording, around),
            Output::Unbridge => around.media.unbridge(self.call),
            Output::HangUp { side, cause } => self.hang_up(side, cause, around),
            Output::Event(event) => around.office.tell(self.call, event),
            Output::Finished(finished) => {
                around.media.close(self.call.leg(Side::Station));
                around.media.close(self.call.leg(Side::Called));
                around.office.finished(self.call, finished);
                self.over = true;
            }
        }
    }

    /// Takes the name that the person says next, while nobody else is in the call.
    fn record_name(&self, enrolment: Enrolment, around: &Surroundings) {
        if self.called_end.is_some() || enrolment.call() != self.call {
            return;
        }
        let (name, call) = (Arc::clone(&around.name), self.call);
        let capturing = Capturing::new(enrolment, move |clip| name(call, clip));
        around.media.capture(self.call, Box::new(capturing));
    }

    fn dial(&mut self, number: model::E164, around: &Surroundings) {
        match around.media.open(self.call.leg(Side::Called)) {
            Ok(address) => {
                let local = our_audio(address);
                let from = self.plan.caller_id.display().to_string();
                let wire = around.line.dial(Target::Trunk { number }, from, local.clone());
                self.called_end = Some(End::new(wire, local));
            }
            Err(error) => {
                tracing::error!(call = self.call.0, %error, "no audio port for the called party");
                self.mishap = Some(Input::CalledFailed(TrunkFailure::Failed));
            }
        }
    }

    /// Joins the legs. `Off` has no writer and so no tap: there is nothing to switch off.
    fn bridge(&mut self, recording: Recording, around: &Surroundings) {
        let tap = match recording {
            Recording::Consented(consent) => {
                let about = About { agency: self.plan.agency, facility: self.plan.facility };
                let runs = Arc::clone(&self.recorded);
                runs.store(true, Ordering::Relaxed);
                let closed = closing(Arc::clone(&around.office), self.call, runs);
                match around.vault.begin(consent, about, closed) {
                    Ok(writer) => {
                        Some(Box::new(crate::tapping::Tapping::new(writer)) as Box<dyn media::Tap>)
                    }
                    Err(vault::NotRecorded(reason)) => {
                        self.recorded.store(false, Ordering::Relaxed);
                        around.office.not_recorded(self.call, reason);
                        None
                    }
                }
            }
            Recording::Off(_) => None,
        };
        around.media.listen(self.call.leg(Side::Called), false);
        around.media.bridge(self.call, tap);
    }

    fn hang_up(&mut self, side: Side, cause: HangUpCause, around: &Surroundings) {
        if cause == HangUpCause::Fault {
            tracing::warn!(call = self.call.0, "a leg is ended because of a fault or a stop");
        }
        if let Some(end) = self.end_mut(side)
            && !end.hung_up
        {
            end.hung_up = true;
            around.line.hang_up(end.wire);
        }
        around.media.close(self.call.leg(side));
    }
}

/// What a station dials without asking the person, if anything. A request that names nobody to be
/// called, such as that of a telephone that was only lifted, is asked for a number like any other.
fn dialled_at_once(dialling: &Dialling, requested: &Private<String>) -> Option<Private<String>> {
    match dialling {
        Dialling::Menu => None,
        Dialling::Hotline(hotline) => Some(hotline.dialled.clone()),
        Dialling::EnBloc => {
            let user = requested.expose();
            // A `+` stands for the international prefix (ITU-T E.123 section 2.5).
            let keys = match user.strip_prefix('+') {
                Some(number) => format!("{INTERNATIONAL_PREFIX}{number}"),
                None => user.clone(),
            };
            keys.starts_with(|first: char| first.is_ascii_digit()).then(|| Private::new(keys))
        }
    }
}

/// Connects a leg: encrypted where signalling agreed on keys, and then never in clear again.
fn connect(media: &Media, leg: LegId, agreed: Agreed, keys: Option<SrtpKeys>) {
    match keys {
        Some(keys) => media.connect_secured(leg, agreed, keys),
        None => media.connect(leg, agreed),
    }
}

/// Tells the office what became of a recording.
fn closing(
    office: Arc<dyn Office>,
    call: CallId,
    runs: Arc<AtomicBool>,
) -> impl FnOnce(Result<RecordingEnd, VaultError>) + Send + 'static {
    move |end| {
        runs.store(false, Ordering::Relaxed);
        match end {
            Ok(end) => office.recording_closed(call, Some(end)),
            Err(VaultError::NotBegun(_)) => office.not_recorded(call, OffReason::Disk),
            Err(error) => {
                tracing::error!(call = call.0, %error, "a recording could not be closed");
                office.recording_closed(call, None);
            }
        }
    }
}

/// What happened on the media side, in the machine's words; `None` when it does not concern a call.
pub(crate) fn input_of(event: MediaEvent) -> Option<(CallId, Input)> {
    match event {
        MediaEvent::Key { leg, key, onset, path } => {
            Some((leg.call, Input::Key { side: leg.side, key, onset, path }))
        }
        MediaEvent::Played { leg, play, end } => {
            let end = match end {
                PlayEnded::Complete { content, ended } => PlayEnd::Complete { content, ended },
                PlayEnded::Cut => PlayEnd::Cut,
            };
            Some((leg.call, Input::Played { side: leg.side, play, end }))
        }
        MediaEvent::Lost { leg, last } => {
            Some((leg.call, Input::MediaLost { side: leg.side, last }))
        }
        MediaEvent::Broken { call } => Some((call, Input::Stop(EndReason::Fault))),
        MediaEvent::Sound { leg, sounding, since } => {
            Some((leg.call, Input::Sound { side: leg.side, sounding, since }))
        }
        MediaEvent::Live { .. } | MediaEvent::Closed { .. } => None,
    }
}

/// What we say about our end of a leg whose audio port is `address`.
pub(crate) fn our_audio(address: std::net::SocketAddr) -> MediaDescription {
    MediaDescription {
        address,
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        telephone_event: Some(TELEPHONE_EVENT_PAYLOAD_TYPE),
        packet_ms: PACKET_MS,
        direction: Direction::SendRecv,
        rtcp_port: address.port().saturating_add(1),
        rtcp_mux: true,
        signals_from: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use call::{CallEvent, Finished, Question};
    use model::fact::RecordingState;
    use std::sync::mpsc::{Sender, channel};

    /// Writes down what it is told of recordings.
    struct Book(Sender<Told>);

    #[derive(Debug, PartialEq, Eq)]
    enum Told {
        NotRecorded(OffReason),
        Closed(Option<RecordingEnd>),
    }

    impl Office for Book {
        fn station(&self, _: StationId) -> Option<StationPlan> {
            None
        }
        fn ask(&self, _: CallId, _: StationId, _: Question, _: Reply) {}
        fn tell(&self, _: CallId, _: CallEvent) {}
        fn dialled(&self, _: CallId, _: TrunkId, _: Timestamp) {}
        fn forwarded(&self, _: CallId, _: Timestamp) {}
        fn not_recorded(&self, _: CallId, reason: OffReason) {
            self.0.send(Told::NotRecorded(reason)).unwrap();
        }
        fn recording_closed(&self, _: CallId, recording: Option<RecordingEnd>) {
            self.0.send(Told::Closed(recording)).unwrap();
        }
        fn finished(&self, _: CallId, _: Finished) {}
        fn heard(&self, _: model::fact::Heard) {}
        fn broken(&self, _: CallId, _: Timestamp) {}
    }

    #[test]
    fn a_recording_that_did_not_begin_is_off_and_one_that_did_is_closed() {
        let check = |end: Result<RecordingEnd, VaultError>, expected: &[Told]| {
            let (sender, told) = channel();
            let runs = Arc::new(AtomicBool::new(true));
            closing(Arc::new(Book(sender)), CallId(1), Arc::clone(&runs))(end);
            assert!(!runs.load(Ordering::Relaxed));
            assert_eq!(told.iter().collect::<Vec<_>>(), expected);
        };
        let state = RecordingState::Ended;
        let end = RecordingEnd { state, bytes: 1, frames: 1, sha256: [1; 32] };
        check(Ok(end.clone()), &[Told::Closed(Some(end))]);
        let not_begun = VaultError::NotBegun(Box::new(VaultError::Closed));
        check(Err(not_begun), &[Told::NotRecorded(OffReason::Disk)]);
        check(Err(VaultError::Closed), &[Told::Closed(None)]);
    }
}
