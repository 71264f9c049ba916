//! The auditor: from the tape and the facts on disk alone it recomputes who was recorded and what
//! was charged, and compares.

use crate::{
    reference::Reference,
    seen::{Coverage, Seen},
    sound::Told,
    tape::{Handled, Moment, Tape, What},
};
use model::{
    CallId, E164, FacilityId, Money, PersonId, Side, Timestamp,
    fact::{Fact, OffReason},
    place::FacilityKind,
    plan::Lifted,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

mod air;
mod case;
mod decision;
pub(crate) mod facts;
mod money;
mod names;
mod registry;
mod room;

use case::Case;
use money::Books;
use names::{Names, Wrong};
use registry::{Registries, Word};
use room::Rooms;

/// Something that must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Nothing is recorded but what both heard announced and the called party accepted after it.
    RecordedWithConsent,
    /// A second is sealed only after the acceptance is on disk.
    RecordedAfterDurable,
    /// Nobody who is protected when the legs are joined is recorded.
    ProtectedUnrecorded,
    /// What the notice says of recording is what the admission says, and nobody who heard otherwise
    /// is recorded.
    NoticeTrue,
    /// Legs are joined only after the called party accepted, and always then.
    JoinedWhenAccepted,
    /// The trunk is dialled only after the admission is on disk.
    DialledAfterDurable,
    /// The registry is asked, and what it says decides.
    ScreenedByRegistry,
    /// A refusal gives its true reason.
    RefusedRightly,
    /// A registry is replaced only by a successor.
    RegistrySucceeds,
    /// What is charged is the price of the whole seconds that were talked.
    ChargedExactly,
    /// Nothing is charged before acceptance, nor beyond what was talked.
    ChargedForTalkOnly,
    /// Nothing is charged above the hold, and nobody talks longer than it pays for.
    WithinHold,
    /// Every rate is within the caps.
    RateLawful,
    /// Money is settled, released, expired or open, and no account goes below nothing.
    MoneyConserved,
    /// Every admission ends once, and nothing else ends.
    EndedOnce,
    /// Every machine says its last word once, and nothing after it.
    FinishedOnce,
    /// A call ends for the reason for which it ended.
    ReasonTrue,
    /// Nobody is on two calls at once.
    OneCallAPerson,
    /// A relay service or a line for help costs nothing, is never recorded, and no list, registry
    /// or empty account stands in the way to it.
    ServicesApart,
    /// The record says whether the conversation was recorded.
    RecordTrue,
    /// Nothing goes on for ever.
    Ends,
    /// Who wants no calls from a facility gets none, and nobody else is refused for it.
    WishRespected,
    /// Private calls are offered so often as the facility wants, and not more.
    ClaimsCounted,
    /// On a full disk nothing is recorded; what is free or protected goes, and anything else as the
    /// facility chose; a call whose record must wait costs nothing.
    FullDisk,
    /// The desk knows how much room there is.
    RoomKnown,
    /// Nobody is connected to a number of our own.
    NotOurselves,
    /// A name is taken and kept only of who gave their PIN, is alone, heard what becomes of it, and
    /// then chose that.
    NamesChosen,
    /// A person has one name or none, and is told what is on disk.
    NamesKept,
    /// A name is approved after it was heard, and spoken after it was approved.
    NamesApproved,
    /// From the dialling on, the person is never without sound for longer than
    /// [`SOUNDLESS_MAX`](air::SOUNDLESS_MAX) until they are joined or the call is over.
    NeverDeadAir,
    /// What the entries for the log say holds before the program's own auditor, with the files that
    /// there are.
    EntriesHold,
    /// The database says of every call what the journal says.
    StoreFollows,
}

/// A rule that did not hold.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// In which call, if in one.
    pub call: Option<CallId>,
    /// When it was noticed.
    pub at: Timestamp,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, call, what, .. } = self;
        write!(f, "{rule:?}: {what}")?;
        match call {
            Some(call) => write!(f, " (call {} of boot {})", call.0 & 0xffff_ffff, call.0 >> 32),
            None => Ok(()),
        }
    }
}

/// Audits a seed.
pub(crate) fn audit(
    tape: &Tape,
    kept: &[(Timestamp, Fact)],
    coverage: &mut Coverage,
) -> Vec<Violation> {
    let mut auditor = Auditor {
        kept,
        coverage,
        cases: BTreeMap::new(),
        registries: Registries::default(),
        facilities: BTreeMap::new(),
        rooms: Rooms::default(),
        names: Names::default(),
        lifts: Vec::new(),
        free: BTreeSet::new(),
        claims: BTreeMap::new(),
        blocks: BTreeMap::new(),
        wishes: BTreeMap::new(),
        books: Books::default(),
        violations: Vec::new(),
        now: Timestamp::default(),
        boot: 0,
        append_failed: false,
    };
    for moment in &tape.moments {
        auditor.follow(moment);
    }
    auditor.close();
    auditor.violations
}

struct Auditor<'a> {
    kept: &'a [(Timestamp, Fact)],
    coverage: &'a mut Coverage,
    cases: BTreeMap<CallId, Case<'a>>,
    registries: Registries,
    facilities: BTreeMap<FacilityId, Place>,
    rooms: Rooms,
    names: Names,
    /// What staff took back, and when the desk knew.
    lifts: Vec<Lift>,
    /// Lines that cost nothing.
    free: BTreeSet<E164>,
    /// When private claims of each number were said, and when they were on disk.
    claims: BTreeMap<E164, Vec<(Timestamp, Timestamp)>>,
    /// When no more calls were last wanted, as is on disk, from a facility or from all.
    blocks: BTreeMap<(Option<FacilityId>, E164), Timestamp>,
    /// When the party at a number last confirmed such a wish.
    wishes: BTreeMap<E164, Timestamp>,
    books: Books,
    violations: Vec<Violation>,
    now: Timestamp,
    boot: u32,
    /// Whether an append ever failed: then a call may have stood in the way that is on no disk.
    append_failed: bool,
}

/// A facility.
struct Place {
    kind: FacilityKind,
    base: Money,
    additive: Money,
    claims_max: u8,
    names: bool,
    refuses: bool,
}

/// Something that staff took back.
struct Lift {
    what: Lifted,
    facility: Option<FacilityId>,
    number: E164,
    at: Timestamp,
    known: Option<Timestamp>,
}

impl<'a> Auditor<'a> {
    fn follow(&mut self, moment: &Moment) {
        self.now = moment.at;
        match moment.what {
            What::Started { boot } => {
                self.boot = boot;
                self.registries.forget();
                self.books.begin_boot(boot);
            }
            What::Killed => self.killed(),
            What::Stopped => {}
            What::AppendFailed => {
                self.append_failed = true;
                self.books.append_failed();
                self.excuse();
            }
            What::Totals { held, settled, released, expired, open } => {
                let said = [held, settled, released, expired, open];
                let wrong = self.books.compare(said);
                self.object_if(wrong.is_some(), Rule::MoneyConserved, None, || {
                    wrong.unwrap_or_default()
                });
            }
            What::Facility { .. }
            | What::FreeLine { .. }
            | What::Room { .. }
            | What::DiskFull { .. }
            | What::Looked { .. }
            | What::Lifted { .. }
            | What::KnowsLifts
            | What::Registry { .. } => self.of_county(moment.what),
            What::Deposited { account, amount } => self.books.deposit(account, amount),
            What::Kept { index, .. } => {
                if let Some((_, fact)) = self.kept.get(index) {
                    self.fact(fact);
                }
            }
            What::Taken { call } => {
                let case = self.cases.entry(call).or_default();
                (case.taken, case.begun) = (true, self.now);
            }
            What::NameTaken { call, .. }
            | What::NameSaid { call, .. }
            | What::Pressed { call, .. }
            | What::KeyHandled { call, .. }
            | What::Plays { call, .. }
            | What::Tone { call, .. }
            | What::Heard { call, .. }
            | What::PhoneHungUp { call, .. }
            | What::PhoneMoved { call, .. }
            | What::FellSilent { call, .. }
            | What::SoundsAgain { call, .. }
            | What::Handled { call, .. }
            | What::Dialled { call, .. }
            | What::Bridged { call, .. }
            | What::Parted { call }
            | What::VaultRefused { call, .. }
            | What::RecordingBegun { call }
            | What::RecordingOver { call, .. }
            | What::LegEnded { call, .. }
            | What::Finished { call, .. }
            | What::AfterEnd { call }
            | What::Panicked { call } => self.of_call(call, moment.what),
        }
    }

    /// Moments of the county, its disk and its registry.
    fn of_county(&mut self, what: What) {
        if let What::Facility { facility, kind, base, additive, claims_max, names, refuses } = what
        {
            let place = Place { kind, base, additive, claims_max, names, refuses };
            self.facilities.insert(facility, place);
        } else if let What::FreeLine { number } = what {
            self.free.insert(number);
        } else if let What::Room { permille } = what {
            self.rooms.has(permille);
        } else if let What::DiskFull { full } = what {
            self.rooms.full(self.now, full);
        } else if let What::Looked { step } = what {
            let right = self.rooms.looked(self.now, step);
            self.object_if(!right, Rule::RoomKnown, None, || {
                format!("the desk looked and took the room for step {step}")
            });
        } else if let What::Lifted { what, facility, number } = what {
            let (at, known) = (self.now, None);
            self.lifts.push(Lift { what, facility, number, at, known });
        } else if matches!(what, What::KnowsLifts) {
            let now = self.now;
            self.lifts.iter_mut().for_each(|lift| lift.known = lift.known.or(Some(now)));
        } else if let What::Registry { epoch, count, count_max, lines, list, accepted } = what {
            let counts = (count, count_max);
            let good = self.registries.offered(self.now, epoch, counts, (lines, list));
            self.object_if(good != accepted, Rule::RegistrySucceeds, None, || {
                format!("a list of epoch {} was taken: {accepted}", epoch.0)
            });
        }
    }

    /// Moments of one call.
    fn of_call(&mut self, call: CallId, what: What) {
        let now = self.now;
        let case = self.cases.entry(call).or_default();
        let reference = &mut case.reference;
        match what {
            What::Pressed { side, key, .. } => case.pressed(now, side, key),
            What::NameTaken { person, .. } => self.name_taken(call, person),
            What::NameSaid { voice, .. } => case.naming.said(now, voice),
            What::KeyHandled { side, key, onset, path, .. } => {
                reference.key(now, side, key, onset, path);
                if let (true, Some(number)) = (case.reference.blocking, case.number) {
                    self.wishes.insert(number, now);
                }
            }
            What::Plays { .. } => self.plays(call, what),
            What::Tone { on, .. } => self.tone(call, on),
            What::PhoneMoved { side, .. } => reference.phone_moved(now, side),
            What::Heard { side, play, .. } => case.heard(now, side, play),
            What::Handled { input, .. } => self.handled(call, input),
            What::LegEnded { side, .. } => {
                reference.leg_ended();
                case.parted(now);
                self.air_ends(call, side);
            }
            What::Parted { .. } => case.parted(now),
            What::PhoneHungUp { side, .. } => {
                let silent = case.silent(side);
                *silent = silent.or(Some(now));
                self.air_ends(call, side);
            }
            What::FellSilent { side, .. } => {
                let silent = case.silent(side);
                *silent = silent.or(Some(now));
            }
            What::SoundsAgain { side, .. } => *case.silent(side) = None,
            What::Dialled { number, .. } => self.dialled(call, number),
            What::Bridged { consent, .. } => self.bridged(call, consent),
            What::VaultRefused { reason, .. } => case.off = Some(reason),
            What::RecordingBegun { .. } => self.recording(call),
            What::RecordingOver { .. } => {
                let number = case.number;
                self.recording_over(number);
            }
            What::Finished { reason, talked, off, .. } => {
                case.finishes(now, (reason, talked, off));
            }
            What::AfterEnd { .. } => {
                self.object(Rule::FinishedOnce, Some(call), "it spoke after its last word");
            }
            What::Panicked { .. } => {
                case.panicked = true;
                case.parted(now);
            }
            // Of no call: followed above.
            What::Started { .. }
            | What::Killed
            | What::Stopped
            | What::Totals { .. }
            | What::AppendFailed
            | What::Deposited { .. }
            | What::Facility { .. }
            | What::FreeLine { .. }
            | What::Room { .. }
            | What::DiskFull { .. }
            | What::Looked { .. }
            | What::Lifted { .. }
            | What::KnowsLifts
            | What::Registry { .. }
            | What::Kept { .. }
            | What::Taken { .. } => {}
        }
    }

    fn name_taken(&mut self, call: CallId, person: PersonId) {
        let case = self.cases.entry(call).or_default();
        let wrong = case.naming.taken(person, !case.reference.is_dialled());
        self.coverage.note(Seen::NameTaken);
        self.object_named(call, wrong);
    }

    /// A script begins on a leg.
    fn plays(&mut self, call: CallId, what: What) {
        let What::Plays { side, play, content, accept, private, confirm, .. } = what else {
            return;
        };
        let What::Plays { notice, farewell, naming, voice, length, .. } = what else { return };
        let What::Plays { keys, .. } = what else { return };
        let case = self.cases.entry(call).or_default();
        let mut quiet = None;
        if side == Side::Station {
            case.naming.plays(play, naming);
            quiet = case.air.plays(self.now, length);
        }
        let played = crate::reference::Play { play, content, accept, keys, private, confirm };
        case.reference.plays(self.now, side, played, notice, farewell);
        self.heard_nothing(call, quiet);
        self.notice(call, side, notice, private);
        if let (Some(_), Some(voice)) = (notice, voice) {
            self.speaks(call, voice);
        }
    }

    /// The node handled an input.
    fn handled(&mut self, call: CallId, input: Handled) {
        let case = self.cases.entry(call).or_default();
        case.reference.handled(input);
        if input == (Handled::NameKept { kept: false }) {
            self.coverage.note(Seen::NameNotKept);
        }
        let wrong = case.naming.handled(input, &self.names, call);
        if let Handled::MediaLost(side) = input {
            case.lost = case.lost.or(*case.silent(side));
        }
        self.object_named(call, wrong);
    }

    fn recording_over(&mut self, number: Option<E164>) {
        let (state, now) = (self.registries.at(self.now), self.now);
        let word = number.and_then(|number| Some(state?.word(number, now)));
        if word == Some(Word::Protected) {
            self.coverage.note(Seen::ProtectedMidTalk);
        }
    }

    /// From here on the ends of this boot's calls may be missing until the next start finds them.
    fn excuse(&mut self) {
        let boot = u64::from(self.boot);
        for (_, case) in self.cases.iter_mut().filter(|(call, _)| call.0 >> 32 == boot) {
            case.excused |= case.ends == 0;
        }
    }

    fn killed(&mut self) {
        self.excuse();
        let (boot, now) = (u64::from(self.boot), self.now);
        for (call, case) in &mut self.cases {
            if call.0 >> 32 == boot && case.is_running() {
                case.killed = true;
                case.parted(now);
            }
        }
    }

    fn dialled(&mut self, call: CallId, number: E164) {
        let case = self.cases.entry(call).or_default();
        case.reference.dialled(self.now);
        case.air.begins(self.now);
        case.number = Some(number);
        // What is free, protected or as the facility chose goes on a full disk too; then it must be
        // written down as such, once there is room.
        case.unwritten = case.admitted.is_none() && self.rooms.was_full(case.begun, self.now);
        let early = case.admitted.is_none() && !case.unwritten;
        self.object_if(early, Rule::DialledAfterDurable, Some(call), || {
            "the trunk was dialled and no admission is on disk".to_owned()
        });
    }

    /// A notice says of recording what the admission says.
    fn notice(&mut self, call: CallId, side: Side, told: Option<Told>, private: bool) {
        let Some(told) = told else { return };
        if side == Side::Called {
            self.offered(call, private);
        }
        let Some(case) = self.cases.get(&call) else { return };
        if case.unwritten {
            self.object_if(told == Told::Recorded, Rule::NoticeTrue, Some(call), || {
                "announced as recorded, and its record waits for room".to_owned()
            });
            return;
        }
        let Some((admitted, _)) = case.admitted else { return };
        let right = match admitted.may_record {
            // Whoever said that the call is private is told what holds from then on.
            Ok(()) if case.reference.claimed => Told::Protected,
            Ok(()) => Told::Recorded,
            Err(OffReason::Protected) => Told::Protected,
            Err(_) => Told::NotRecorded,
        };
        self.object_if(told != right, Rule::NoticeTrue, Some(call), || {
            format!("the notice said {told:?} and the admission {:?}", admitted.may_record)
        });
    }

    /// A notice offers to say that the call is private, or not: it must where the call would be
    /// recorded and the number has claims left, counting those on disk when it was admitted.
    fn offered(&mut self, call: CallId, private: bool) {
        let Some(case) = self.cases.get(&call) else { return };
        let Some((admitted, _)) = case.admitted else { return };
        let place = self.facilities.get(&admitted.facility);
        let most = place.map_or(0, |place| usize::from(place.claims_max));
        let number = *admitted.number.expose();
        let lifted = self.lifted(Lifted::Claims, None, number);
        let counts = |(said, kept): &&(Timestamp, Timestamp)| {
            *kept <= admitted.at && lifted.is_none_or(|lifted| lifted < *said)
        };
        let claims = self.claims.get(&number);
        let count = claims.map_or(0, |claims| claims.iter().filter(counts).count());
        let used_up = count >= most;
        if used_up && admitted.may_record.is_ok() && most > 0 {
            self.coverage.note(Seen::ClaimNotOffered);
        }
        self.object_if(private && used_up, Rule::ClaimsCounted, Some(call), || {
            format!("offered as private after {count} claims")
        });
    }

    fn bridged(&mut self, call: CallId, consent: bool) {
        let now = self.now;
        self.air_ends(call, Side::Station);
        let Some(case) = self.cases.get_mut(&call) else { return };
        let again = case.reference.bridged.replace(now).is_some();
        case.consent = consent;
        let accepted = case.reference.accepted;
        if accepted.is_some_and(|accepted| accepted.early_info) {
            self.coverage.note(Seen::InfoAfterEnd);
        }
        // To a service there is nothing to accept, nor where nobody is identified, nothing is
        // recorded and nobody pays.
        let at_once = case.admitted.is_some_and(|(admitted, _)| {
            let service = facts::service(*admitted.number.expose()).is_some();
            let nobody = admitted.person.is_none() || service;
            nobody && admitted.may_record.is_err() && admitted.hold.is_none()
        });
        if at_once {
            self.coverage.note(Seen::TalkAtOnce);
        }
        let accepted_well = accepted.is_some_and(|accepted| accepted.true_to_life);
        let waits = case.unwritten && !consent;
        let good = (accepted_well || at_once && !consent || waits) && !again;
        self.object_if(!good, Rule::JoinedWhenAccepted, Some(call), || match accepted {
            Some(_) => "joined after a key that did not follow a whole notice".to_owned(),
            None => "joined although nobody accepted".to_owned(),
        });
    }

    /// The first second is sealed.
    fn recording(&mut self, call: CallId) {
        let now = self.now;
        let Some(case) = self.cases.get_mut(&call) else { return };
        case.recorded = true;
        let told = [case.reference.station.told, case.reference.called.told];
        let both = told == [Some(Told::Recorded); 2];
        let evidence = case.accepted.and_then(|(evidence, recording, at)| {
            (recording.is_ok() && at <= now).then_some(evidence)
        });
        let backed = evidence.is_some_and(|evidence| case.backs(evidence));
        let (consent, moved) = (case.consent, case.reference.moved_after_key);
        let word = case.number.and_then(|number| Some(self.registries.at(now)?.word(number, now)));
        let epoch = self.registries.at(now).map(|state| state.epoch);
        let asked = case.accepted.and_then(|(_, recording, _)| recording.ok());
        self.object_if(!both, Rule::NoticeTrue, Some(call), || {
            "it is recorded and not both were told".to_owned()
        });
        self.object_if(evidence.is_none(), Rule::RecordedAfterDurable, Some(call), || {
            "it is recorded and no acceptance of a recording is on disk".to_owned()
        });
        let unbacked = evidence.is_some() && !backed || !consent || moved;
        self.object_if(unbacked, Rule::RecordedWithConsent, Some(call), || {
            "it is recorded and the phones did not hear and press what the evidence says".to_owned()
        });
        let ordinary = word == Some(Word::Ordinary) && epoch >= asked;
        self.object_if(!ordinary, Rule::ProtectedUnrecorded, Some(call), || {
            format!("it is recorded and the registry says {word:?}")
        });
    }

    fn fact(&mut self, fact: &'a Fact) {
        let now = self.now;
        match fact {
            Fact::Admitted(admitted) => self.admitted(admitted),
            Fact::Denied(denied) => self.denied(denied),
            Fact::Accepted { call, evidence, recording } => {
                let case = self.cases.entry(*call).or_default();
                case.accepted = Some((evidence, *recording, now));
            }
            Fact::Talked { call, talked, .. } => {
                self.cases.entry(*call).or_default().mark = *talked;
            }
            Fact::Ended(ended) => {
                let case = self.cases.entry(ended.call).or_default();
                case.ends += 1;
                case.ended = case.ended.or(Some(ended));
                if let Some((admitted, _)) = case.admitted {
                    self.books.ended(admitted, ended);
                }
            }
            Fact::PrivateClaimed { number, at, .. } => {
                self.claims.entry(*number.expose()).or_default().push((*at, now));
            }
            Fact::CallsBlocked { facility, number, at, .. } => {
                let last = self.blocks.entry((*facility, *number.expose())).or_insert(*at);
                *last = (*last).max(*at);
            }
            Fact::NameRecorded(_)
            | Fact::NameHeard(_)
            | Fact::NameApproved(_)
            | Fact::NameRemoved { .. }
            | Fact::NameByStaff(_) => {
                let (_, call) = facts::kind(fact);
                let naming = self.cases.get(&call).map(|case| &case.naming);
                let wrong = self.names.fact(fact, naming, now, self.coverage);
                self.object_named(call, wrong);
            }
            Fact::Boot { .. }
            | Fact::Answered { .. }
            | Fact::RecordingClosed { .. }
            | Fact::LanguageChosen { .. }
            | Fact::PinRefused { .. }
            | Fact::Dialled { .. }
            | Fact::NeverRecorded { .. }
            | Fact::Heard(_)
            | Fact::Forwarded { .. } => {}
        }
    }

    /// The object of the call's end, once the tape is over.
    fn close(&mut self) {
        let cases = std::mem::take(&mut self.cases);
        for (call, case) in &cases {
            for seen in case.seen() {
                self.coverage.note(seen);
            }
            for (rule, what) in case.objections() {
                self.object(rule, Some(*call), &what);
            }
        }
        for what in self.books.close() {
            self.object(Rule::MoneyConserved, None, &what);
        }
    }

    fn object_named(&mut self, call: CallId, wrong: Wrong) {
        if let Some((rule, what)) = wrong {
            self.object(rule, Some(call), what);
        }
    }

    fn object(&mut self, rule: Rule, call: Option<CallId>, what: &str) {
        self.violations.push(Violation { rule, call, at: self.now, what: what.to_owned() });
    }

    fn object_if(
        &mut self,
        wrong: bool,
        rule: Rule,
        call: Option<CallId>,
        what: impl FnOnce() -> String,
    ) {
        if wrong {
            self.object(rule, call, &what());
        }
    }
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            taken: false,
            reference: Reference::default(),
            number: None,
            admitted: None,
            admissions: 0,
            accepted: None,
            mark: core::time::Duration::ZERO,
            ended: None,
            ends: 0,
            consent: false,
            parted: None,
            recorded: false,
            off: None,
            finished: None,
            finished_at: None,
            finishes: 0,
            excused: false,
            station_silent: None,
            called_silent: None,
            lost: None,
            panicked: false,
            killed: false,
            begun: Timestamp::default(),
            unwritten: false,
            naming: names::Naming::default(),
            air: air::Air::default(),
        }
    }
}
