//! The auditor: from the tape and the facts on disk alone it recomputes who was recorded and what
//! was charged, and compares.

use crate::{
    reference::Reference,
    seen::{Coverage, Seen},
    sound::Told,
    tape::{Handled, Moment, Tape, What},
};
use model::{
    CallId, E164, FacilityId, Money, Side, Timestamp,
    fact::{Denied, Fact, OffReason, Refusal},
    place::FacilityKind,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

mod case;
pub(crate) mod facts;
mod money;
mod registry;

use case::Case;
use money::Books;
use registry::{Registries, Word};

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
        rates: BTreeMap::new(),
        claims_max: BTreeMap::new(),
        claims: BTreeMap::new(),
        blocks: BTreeSet::new(),
        wishes: BTreeSet::new(),
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
    rates: BTreeMap<FacilityId, (FacilityKind, Money, Money)>,
    claims_max: BTreeMap<FacilityId, u8>,
    /// When private claims of each number were on disk.
    claims: BTreeMap<E164, Vec<Timestamp>>,
    /// Wishes for no more calls that are on disk, from a facility or from all.
    blocks: BTreeSet<(Option<FacilityId>, E164)>,
    /// Numbers whose parties ever confirmed such a wish.
    wishes: BTreeSet<E164>,
    books: Books,
    violations: Vec<Violation>,
    now: Timestamp,
    boot: u32,
    /// Whether an append ever failed: then a call may have stood in the way that is on no disk.
    append_failed: bool,
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
            What::Facility { facility, kind, base, additive, claims_max } => {
                self.claims_max.insert(facility, claims_max);
                self.rates.insert(facility, (kind, base, additive));
            }
            What::Deposited { account, amount } => self.books.deposit(account, amount),
            What::Registry { epoch, count, count_max, lines, list, accepted } => {
                let counts = (count, count_max);
                let good = self.registries.offered(self.now, epoch, counts, (lines, list));
                self.object_if(good != accepted, Rule::RegistrySucceeds, None, || {
                    format!("a list of epoch {} was taken: {accepted}", epoch.0)
                });
            }
            What::Kept { index, .. } => {
                if let Some((_, fact)) = self.kept.get(index) {
                    self.fact(fact);
                }
            }
            What::Taken { call } => {
                self.cases.entry(call).or_default().taken = true;
            }
            What::Pressed { call, .. }
            | What::KeyHandled { call, .. }
            | What::Plays { call, .. }
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

    /// Moments of one call.
    fn of_call(&mut self, call: CallId, what: What) {
        let now = self.now;
        let case = self.cases.entry(call).or_default();
        let reference = &mut case.reference;
        match what {
            What::Pressed { side, key, .. } => reference.pressed(now, side, key),
            What::KeyHandled { side, key, onset, path, .. } => {
                reference.key(now, side, key, onset, path);
                if let (true, Some(number)) = (case.reference.blocking, case.number) {
                    self.wishes.insert(number);
                }
            }
            What::Plays {
                side, play, content, notice, accept, private, confirm, farewell, ..
            } => {
                let play = crate::reference::Play { play, content, accept, private, confirm };
                reference.plays(now, side, play, notice, farewell);
                self.notice(call, side, notice, private);
            }
            What::PhoneMoved { side, .. } => reference.phone_moved(now, side),
            What::Heard { side, play, .. } => reference.heard(now, side, play),
            What::Handled { input, .. } => {
                reference.handled(input);
                if let Handled::MediaLost(side) = input {
                    case.lost = case.lost.or(*case.silent(side));
                }
            }
            What::LegEnded { .. } => {
                reference.leg_ended();
                case.parted(now);
            }
            What::Parted { .. } => case.parted(now),
            What::PhoneHungUp { side, .. } | What::FellSilent { side, .. } => {
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
                case.finishes += 1;
                case.finished = Some((reason, talked, off));
                case.finished_at = Some(now);
                case.parted(now);
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
            | What::Registry { .. }
            | What::Kept { .. }
            | What::Taken { .. } => {}
        }
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
        case.number = Some(number);
        let early = case.admitted.is_none();
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
        let most = self.claims_max.get(&admitted.facility).copied().map_or(0, usize::from);
        let claims = self.claims.get(admitted.number.expose());
        let before = |at: &&Timestamp| **at <= admitted.at;
        let count = claims.map_or(0, |claims| claims.iter().filter(before).count());
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
        let good = (accepted_well || at_once && !consent) && !again;
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
            Fact::PrivateClaimed { number, .. } => {
                self.claims.entry(*number.expose()).or_default().push(now);
            }
            Fact::CallsBlocked { facility, number, .. } => {
                self.blocks.insert((*facility, *number.expose()));
            }
            Fact::Boot { .. }
            | Fact::Answered { .. }
            | Fact::RecordingClosed { .. }
            | Fact::LanguageChosen { .. }
            | Fact::PinRefused { .. }
            | Fact::Dialled { .. }
            | Fact::NeverRecorded { .. }
            | Fact::NameRecorded(_)
            | Fact::NameHeard(_)
            | Fact::NameApproved(_)
            | Fact::NameRemoved { .. }
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

impl<'a> Auditor<'a> {
    /// A refusal that blames the law or the registry must be right.
    fn denied(&mut self, denied: &Denied) {
        self.coverage.note(facts::seen_denial(denied.reason));
        if let (Refusal::NumberBlocked, Some(number)) = (denied.reason, &denied.number) {
            let wished = self.wishes.contains(number.expose());
            self.object_if(!wished, Rule::WishRespected, Some(denied.call), || {
                "refused because its party wants no calls, and they never said so".to_owned()
            });
        }
        let service = denied.number.as_ref().and_then(|number| facts::service(*number.expose()));
        let ours = matches!(denied.reason, Refusal::AlreadyCalling | Refusal::Unavailable);
        self.object_if(service.is_some() && !ours, Rule::ServicesApart, Some(denied.call), || {
            format!("a service was refused as {:?}", denied.reason)
        });
        let wrong = match (denied.reason, &denied.number) {
            (Refusal::NoLawfulRate, _) => {
                let rate = self.rates.get(&denied.facility);
                let lawful = |(kind, base, additive): &(FacilityKind, Money, Money)| {
                    facts::is_rate_lawful(*kind, *base, *additive, denied.at)
                };
                rate.is_some_and(lawful)
            }
            (Refusal::AlreadyCalling, _) => {
                let other = |(call, case): (&CallId, &Case<'_>)| {
                    let person = case.admitted.and_then(|(admitted, _)| admitted.person);
                    *call != denied.call && person.is_some() && person == denied.person
                };
                !self.append_failed && !self.cases.iter().any(other)
            }
            (Refusal::RegistryUnavailable, Some(number)) => {
                let word = self.registries.at(denied.at);
                let word = word.map(|state| state.word(*number.expose(), denied.at));
                matches!(word, Some(Word::Ordinary | Word::Protected))
            }
            (
                Refusal::RegistryUnavailable
                | Refusal::NumberInvalid
                | Refusal::NumberNotAllowed
                | Refusal::NumberBlocked
                | Refusal::InsufficientFunds
                | Refusal::EmergencyNotHere
                | Refusal::DiskFull
                | Refusal::OwnNumber
                | Refusal::Unavailable,
                _,
            ) => false,
        };
        self.object_if(wrong, Rule::RefusedRightly, Some(denied.call), || {
            format!("refused as {:?}, which does not hold", denied.reason)
        });
    }

    /// An admission to a service is unlike any other, whatever the registry says.
    fn service(&mut self, admitted: &model::fact::Admitted, word: Word) {
        let Some((class, off)) = facts::service(*admitted.number.expose()) else { return };
        let apart = admitted.class == class
            && admitted.hold.is_none()
            && [Err(off), Err(OffReason::Protected)].contains(&admitted.may_record);
        self.object_if(!apart, Rule::ServicesApart, Some(admitted.call), || {
            format!("a service, and the admission {:?} {:?}", admitted.class, admitted.may_record)
        });
        if !matches!(word, Word::Protected | Word::Ordinary) {
            self.coverage.note(Seen::ServiceAllTheSame);
        }
    }

    fn admitted(&mut self, admitted: &'a model::fact::Admitted) {
        let (now, call) = (self.now, admitted.call);
        let case = self.cases.entry(call).or_default();
        case.admissions += 1;
        case.admitted = case.admitted.or(Some((admitted, now)));
        self.books.admitted(admitted);
        let scopes = [Some(admitted.facility), None];
        let unwanted = scopes
            .into_iter()
            .any(|scope| self.blocks.contains(&(scope, *admitted.number.expose())));
        self.object_if(unwanted, Rule::WishRespected, Some(call), || {
            "admitted although its party wants no calls".to_owned()
        });
        let person = admitted.person;
        let twice = person.is_some()
            && self.cases.iter().any(|(other, case)| {
                // An end that a full disk did not take is on disk later than it was.
                let over = case.excused && (case.finishes > 0 || case.panicked);
                let open = case.admitted.filter(|_| case.ends == 0 && !over);
                *other != call && open.is_some_and(|(open, _)| open.person == person)
            });
        self.object_if(twice, Rule::OneCallAPerson, Some(call), || {
            "the person is on another call".to_owned()
        });
        let unlawful =
            admitted.hold.as_ref().is_some_and(|hold| !facts::is_lawful(&hold.rate, admitted.at));
        self.object_if(unlawful, Rule::RateLawful, Some(call), || {
            "the rate is above the cap of its moment".to_owned()
        });
        // The start of the node that kept it may be later than its question.
        let Some(state) = self.registries.at(admitted.at).copied() else { return };
        let word = state.word(*admitted.number.expose(), admitted.at);
        let nobody = admitted.person.is_none();
        let service = facts::service(*admitted.number.expose());
        self.service(admitted, word);
        let right = match (word, admitted.may_record) {
            (Word::Ordinary | Word::Missing | Word::Stale | Word::Shrunken, may_record)
                if service.is_some() =>
            {
                may_record == service.map(|(_, off)| off).map_or(Ok(()), Err)
            }
            (Word::Ordinary | Word::Missing | Word::Stale | Word::Shrunken, may_record)
                if nobody =>
            {
                may_record == Err(OffReason::StationOff)
            }
            (Word::Protected, may_record) => may_record == Err(OffReason::Protected),
            (Word::Ordinary, may_record) => {
                matches!(may_record, Ok(()) | Err(OffReason::FacilityOff))
            }
            (_, may_record) => may_record == Err(OffReason::RegistryUnusable),
        };
        match word {
            Word::Missing => self.coverage.note(Seen::RegistryMissing),
            Word::Stale => self.coverage.note(Seen::RegistryStale),
            Word::Shrunken => self.coverage.note(Seen::RegistryShrunken),
            Word::Protected | Word::Ordinary => {}
        }
        self.object_if(!right, Rule::ScreenedByRegistry, Some(call), || {
            format!("the registry says {word:?} and the admission {:?}", admitted.may_record)
        });
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
        }
    }
}
