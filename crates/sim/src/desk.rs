//! The desk, by the rules of `crates/desk`: screening, rating, holding, committing and settling
//! over the real ledger, tariff and registry. What is durable when is the world's business: appends
//! come back to [`Desk::appended`].

use crate::{
    county::{County, Facility, Person, Station},
    journal::{Done, Written},
    sabotage::Sabotage,
};
use call::{
    AcceptKey, Admission, Answer, CallEvent, Choices, Connect, Finished, Identified, Price,
};
use charging::{CapTable, Hold as HeldOf, LawfulRate, Ledger, Quote, Rate, Settlement};
use core::time::Duration;
use model::{
    CallId, E164, Language, Money, PersonId, Private, StationId, Timestamp,
    fact::{
        Admitted, ConsentEvidence, Denied, EndReason, Ended, Epoch, Fact, HoldFact, NumberClass,
        OffReason, Refusal, Rest,
    },
    plan::{BlockScope, DiskFull, RegistryDown, ServiceKind},
};
use registry::{Dialled, Home, Snapshot, Standing};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

mod chosen;
mod names;
pub(crate) mod recovery;

pub(crate) use chosen::{Chosen, Lift};
pub(crate) use names::{Named, Names, Shelf, Want, recorded};

/// The desk of one boot.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) ledger: Ledger,
    pub(crate) calls: BTreeMap<CallId, OpenCall>,
    /// People who are on a call.
    pub(crate) calling: BTreeSet<PersonId>,
    pub(crate) languages: BTreeMap<E164, Language>,
    pub(crate) chosen: Chosen,
    pub(crate) registry: Arc<Snapshot>,
    wrong_pins: BTreeMap<StationId, (u32, Timestamp)>,
    /// What the journal refused and must not be missing; it is appended again, in its order.
    pub(crate) unsaid: Vec<Fact>,
    /// Whether facts are being appended again: later ones wait behind them.
    pub(crate) appending_again: bool,
    /// Whether only the reserve of the disk is left, as last looked at.
    pub(crate) full: bool,
    pub(crate) names: Names,
    /// What people said who have a name.
    pub(crate) shelf: Shelf,
    sabotage: Option<Sabotage>,
}

/// A call between admission and settlement.
#[derive(Debug)]
pub(crate) struct OpenCall {
    pub(crate) admitted: Admitted,
    quote: Option<Quote>,
    pub(crate) talked: Duration,
    /// The vault's word that there is no recording although there was consent.
    pub(crate) off: Option<OffReason>,
}

/// What the desk says: at once, or after a fact is durable.
#[derive(Debug)]
pub(crate) enum Said {
    Now(Answer),
    After(Fact, Done),
    /// An answer, and a fact for whose durability nobody waits.
    Both(Answer, Fact),
}

/// Somebody wants to make a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) slot: usize,
    pub(crate) call: CallId,
    pub(crate) station: &'a Station,
    pub(crate) dialled: &'a str,
    pub(crate) now: Timestamp,
}

struct Screened {
    number: E164,
    class: NumberClass,
    epoch: Epoch,
    may_record: Result<Epoch, OffReason>,
    free: bool,
    connect: Connect,
    talk_max: Duration,
}

type Refused = (Refusal, Option<E164>);

impl Desk {
    pub(crate) fn new(registry: Arc<Snapshot>, sabotage: Option<Sabotage>) -> Self {
        Self {
            ledger: Ledger::new(),
            calls: BTreeMap::new(),
            calling: BTreeSet::new(),
            languages: BTreeMap::new(),
            chosen: Chosen::default(),
            registry,
            wrong_pins: BTreeMap::new(),
            unsaid: Vec::new(),
            appending_again: false,
            full: false,
            names: Names::default(),
            shelf: Shelf::new(),
            sabotage,
        }
    }

    pub(crate) fn identify(
        &mut self,
        county: &County,
        station: &Station,
        pin: &str,
        now: Timestamp,
    ) -> Said {
        let locked = self.wrong_pins.get(&station.id);
        if locked.is_some_and(|(count, at)| *count >= WRONG_PINS_MAX && now.since(*at) < PIN_LOCK) {
            return Said::Now(Answer::PinLocked);
        }
        let pin: Option<u64> = pin.parse().ok();
        let here = |person: &&Person| person.facility == station.facility;
        let person = county.people.iter().filter(here).find(|person| Some(person.pin) == pin);
        if let Some(person) = person {
            return Said::Now(Answer::Person(Identified {
                person: person.id,
                name: Private::new(String::new()),
                language: person.language,
                own_name: self.own_name(county.facility(person.facility), person.id),
            }));
        }
        let (count, last) = self.wrong_pins.entry(station.id).or_insert((0, now));
        if now.since(*last) >= PIN_LOCK {
            *count = 0;
        }
        *count += 1;
        *last = now;
        let locked = *count >= WRONG_PINS_MAX;
        let answer = if locked { Answer::PinLocked } else { Answer::PinUnknown };
        Said::Both(answer, Fact::PinRefused { station: station.id, at: now })
    }

    pub(crate) fn balance(&self, county: &County, person: PersonId) -> Said {
        let person = county.people.iter().find(|known| known.id == person);
        let available = person.and_then(|person| self.ledger.available(person.account));
        Said::Now(Answer::Balance(available.unwrap_or(Money::ZERO)))
    }

    pub(crate) fn admit(
        &mut self,
        county: &County,
        caps: &CapTable,
        person: Option<PersonId>,
        wish: Wish<'_>,
    ) -> Said {
        let facility = county.facility(wish.station.facility).copied();
        let who = county.people.iter().find(|known| Some(known.id) == person).copied();
        let (Some(facility), true) = (facility, who.is_some() == person.is_some()) else {
            return Said::Now(Answer::Denied(Refusal::Unavailable));
        };
        let decided = self
            .screen(county, &facility, person, wish)
            .and_then(|screened| self.as_disk_allows(&facility, screened))
            .and_then(|screened| self.hold(caps, &facility, who.as_ref(), wish, screened));
        match decided {
            Ok((admission, admitted)) => {
                let (slot, call) = (wish.slot, wish.call);
                let unwritten = self.goes_unwritten(&admission, facility.disk_full);
                let admission = Box::new(admission);
                let kept = Box::new(admitted.clone());
                let done = Done::Admitted { slot, call, admission, kept, unwritten };
                Said::After(Fact::Admitted(Box::new(admitted)), done)
            }
            Err((reason, number)) => {
                let denied = Denied {
                    call: wish.call,
                    at: wish.now,
                    agency: facility.agency,
                    facility: facility.id,
                    station: wish.station.id,
                    person,
                    number: number.map(Private::new),
                    reason,
                };
                Said::Both(Answer::Denied(reason), Fact::Denied(Box::new(denied)))
            }
        }
    }

    fn screen(
        &self,
        county: &County,
        facility: &Facility,
        person: Option<PersonId>,
        wish: Wish<'_>,
    ) -> Result<Screened, Refused> {
        let number = match Dialled::from_keys(wish.dialled, Home::NorthAmerica) {
            Dialled::Number(number) => number,
            Dialled::Emergency => return Err((Refusal::EmergencyNotHere, None)),
            Dialled::Service(code) => {
                county.service(&code.keys()).ok_or((Refusal::NumberNotAllowed, None))?
            }
            Dialled::Invalid => return Err((Refusal::NumberInvalid, None)),
        };
        let refuse = |reason| (reason, Some(number));
        let line = county.line(number);
        if let Some(kind) = line.and_then(|line| line.service)
            && self.sabotage != Some(Sabotage::RelayAsAnyNumber)
        {
            return Ok(self.service(facility, number, kind, wish.now));
        }
        if line.is_some_and(|line| line.blocked) {
            return Err(refuse(Refusal::NumberNotAllowed));
        }
        // A call to it would come back here.
        if county.is_own(number) && self.sabotage != Some(Sabotage::CallOurselves) {
            return Err(refuse(Refusal::OwnNumber));
        }
        let wished = self.chosen.is_blocked(facility.id, number, self.sabotage);
        if wished && self.sabotage != Some(Sabotage::ForgetBlocks) {
            return Err(refuse(Refusal::NumberBlocked));
        }
        let mut standing = self.registry.ask(number, wish.now);
        if self.sabotage == Some(Sabotage::ScreenWithoutRegistry) {
            standing = Standing::Ordinary { epoch: self.registry.epoch() };
        }
        let protected = matches!(standing, Standing::Protected { .. });
        let hotline = wish.station.hotline.is_some();
        let free = line.is_some_and(|line| line.free) || hotline;
        let allowed = line.is_some_and(|line| line.allowed);
        let nobody = person.is_none() && !hotline;
        if nobody || facility.allowed_only && !protected && !free && !allowed {
            return Err(refuse(Refusal::NumberNotAllowed));
        }
        let may_record = match standing {
            Standing::Protected { .. } => Err(OffReason::Protected),
            Standing::Unusable(_) | Standing::Ordinary { .. } if hotline => {
                Err(OffReason::StationOff)
            }
            Standing::Unusable(_) => match facility.registry_down {
                RegistryDown::PlaceUnrecorded => Err(OffReason::RegistryUnusable),
                RegistryDown::Refuse => return Err(refuse(Refusal::RegistryUnavailable)),
            },
            Standing::Ordinary { epoch } if facility.recording => Ok(epoch),
            Standing::Ordinary { .. } => Err(OffReason::FacilityOff),
        };
        let class = match (protected, free) {
            (true, _) => NumberClass::Protected,
            (false, true) => NumberClass::Free,
            (false, false) => NumberClass::Ordinary,
        };
        let connect = if hotline { Connect::AtOnce } else { Connect::Announced };
        let (epoch, talk_max) = (self.registry.epoch(), facility.talk_max);
        Ok(Screened { number, class, epoch, may_record, free, connect, talk_max })
    }

    /// A relay service or a line for help: on nobody's list, free and never recorded.
    fn service(
        &self,
        facility: &Facility,
        number: E164,
        kind: ServiceKind,
        now: Timestamp,
    ) -> Screened {
        let (class, off, talk_max) = match kind {
            ServiceKind::Relay => (NumberClass::Relay, OffReason::Relay, facility.relay_talk_max),
            ServiceKind::Help | ServiceKind::Speed => {
                (NumberClass::Service, OffReason::Service, facility.talk_max)
            }
        };
        let protected = matches!(self.registry.ask(number, now), Standing::Protected { .. });
        let off = if protected { OffReason::Protected } else { off };
        let (epoch, connect) = (self.registry.epoch(), Connect::AtOnce);
        let may_record = Err(off);
        Screened { number, class, epoch, may_record, free: true, connect, talk_max }
    }

    fn hold(
        &mut self,
        caps: &CapTable,
        facility: &Facility,
        person: Option<&Person>,
        wish: Wish<'_>,
        screened: Screened,
    ) -> Result<(Admission, Admitted), Refused> {
        let refuse = |reason| (reason, Some(screened.number));
        let busy = person.is_some_and(|person| self.calling.contains(&person.id));
        if busy && self.sabotage != Some(Sabotage::CallTwice) {
            return Err(refuse(Refusal::AlreadyCalling));
        }
        let mut talk_max = screened.talk_max;
        let (quote, hold, price) = if screened.free {
            (None, None, Price::Free)
        } else {
            let refused = self.sabotage == Some(Sabotage::RefuseForNothing);
            let lawful = self.rate(facility, wish.now, caps).filter(|_| !refused);
            let lawful = lawful.ok_or(Refusal::NoLawfulRate);
            let quote = Quote::new(lawful.map_err(refuse)?);
            let id = wish.call.hold();
            let person = person.ok_or_else(|| refuse(Refusal::NumberNotAllowed))?;
            let held = self
                .ledger
                .hold(id, person.account, &quote, facility.talk_max, wish.now)
                .map_err(|_| refuse(Refusal::InsufficientFunds))?;
            talk_max = held.talk_max;
            if held.amount == Money::ZERO {
                // A rate of nothing: the ledger holds nothing, so there is no hold to write down.
                (None, None, Price::Free)
            } else {
                let rate = self.written_rate(&quote);
                let HeldOf { account, amount, expires, .. } = held;
                let price = Price::PerMinute(quote.per_minute());
                (Some(quote), Some(HoldFact { account, amount, rate, expires }), price)
            }
        };
        if self.sabotage == Some(Sabotage::TalkTooLong) {
            talk_max *= 2;
        }
        let admitted = Admitted {
            call: wish.call,
            at: wish.now,
            agency: facility.agency,
            facility: facility.id,
            unit: wish.station.unit,
            station: wish.station.id,
            person: person.map(|person| person.id),
            number: Private::new(screened.number),
            class: screened.class,
            epoch: screened.epoch,
            may_record: screened.may_record.map(|_| ()),
            hold,
        };
        let open =
            OpenCall { admitted: admitted.clone(), quote, talked: Duration::ZERO, off: None };
        self.calls.insert(wish.call, open);
        self.calling.extend(person.map(|person| person.id));
        let mut may_record = screened.may_record;
        if self.sabotage == Some(Sabotage::AnnounceRecording) {
            may_record = Ok(screened.epoch);
        }
        let called_language = self.languages.get(&screened.number).copied().unwrap_or_default();
        let admission = Admission {
            number: Private::new(screened.number),
            class: screened.class,
            may_record,
            price,
            talk_max,
            called_language,
            connect: screened.connect,
            choices: self.choices(facility, &screened, wish.call),
            voice: self.voice(facility, person.map(|person| person.id)),
        };
        Ok((admission, admitted))
    }

    fn choices(&self, facility: &Facility, screened: &Screened, call: CallId) -> Choices {
        let number = screened.number;
        let reminded = !matches!(screened.class, NumberClass::Relay | NumberClass::Service);
        // The call's number is as good as a die here, and leaves the seed's dice alone.
        let [drawn, ..] = call.0.to_le_bytes();
        let accept =
            if facility.called.drawn_key { AcceptKey::drawn(drawn) } else { AcceptKey::One };
        let private_claim = self.chosen.may_claim(facility, number)
            || self.sabotage == Some(Sabotage::ClaimsForEver);
        let reminder_every = facility.called.reminder_every.filter(|_| reminded);
        Choices { accept, private_claim, reminder_every }
    }

    /// The called party wants no more calls: that holds at once, and is told when it is on disk.
    pub(crate) fn block(
        &mut self,
        county: &County,
        slot: usize,
        call: CallId,
        at: Timestamp,
    ) -> Said {
        let open = self.calls.get(&call).map(|open| &open.admitted);
        let found = open.and_then(|admitted| {
            let facility = county.facility(admitted.facility)?;
            let reach = match facility.called.block {
                BlockScope::Facility => Some(facility.id),
                BlockScope::Agency => None,
            };
            Some((admitted.agency, reach, admitted.number))
        });
        let Some((agency, facility, number)) = found else {
            return Said::Now(Answer::Blocked { kept: false });
        };
        self.chosen.block((facility, *number.expose()), at);
        let fact = Fact::CallsBlocked { call, agency, facility, number, at };
        Said::After(fact.clone(), Done::Blocked { slot, fact: Box::new(fact) })
    }

    fn rate(&self, facility: &Facility, now: Timestamp, caps: &CapTable) -> Option<LawfulRate> {
        let rate = Rate {
            base_per_minute: facility.base_per_minute,
            additive_per_minute: facility.additive_per_minute,
        };
        LawfulRate::prove(rate, facility.site, now, caps).ok()
    }

    fn written_rate(&self, quote: &Quote) -> model::fact::RateFact {
        let mut rate = quote.fact();
        if self.sabotage == Some(Sabotage::RateAboveCap) {
            rate.base_per_minute = Money::from_cents(50);
        }
        rate
    }

    /// The acceptance is to be made durable.
    pub(crate) fn commit(
        &self,
        slot: usize,
        call: CallId,
        evidence: ConsentEvidence,
        recording: Result<Epoch, OffReason>,
    ) -> Said {
        let fact = Fact::Accepted { call, evidence: Box::new(evidence), recording };
        if self.sabotage == Some(Sabotage::CommitBeforeDurable) {
            return Said::Both(Answer::Committed { recording }, fact);
        }
        Said::After(fact, Done::Committed { slot, recording })
    }

    /// An append was answered. Gives what to tell the machine.
    pub(crate) fn appended(
        &mut self,
        done: Done,
        written: Written,
        now: Timestamp,
    ) -> Option<(usize, Answer)> {
        let durable = written == Written::Well;
        match done {
            Done::Nobody => None,
            Done::Admitted { slot, admission, .. } if durable => {
                Some((slot, Answer::Admitted(*admission)))
            }
            Done::Admitted { slot, call, admission, kept, unwritten } => {
                let open = self.close(call);
                if open.is_some() {
                    self.ledger.release(call.hold(), now);
                    self.ledger.forget(call.hold());
                }
                let full = written == Written::Full;
                let reason = if full { Refusal::DiskFull } else { Refusal::Unavailable };
                if !(full && unwritten && open.is_some()) {
                    return Some((slot, Answer::Denied(reason)));
                }
                Some((slot, Answer::Admitted(self.unwritten(*admission, *kept, open))))
            }
            Done::Named(named) => self.named(named, durable),
            Done::Again(facts) => {
                self.appending_again = false;
                if durable {
                    facts.iter().for_each(|fact| self.said(fact));
                } else {
                    self.unsaid.splice(..0, facts);
                }
                None
            }
            Done::Desk(_) => None,
            Done::Committed { slot, recording } => {
                let recording = if durable { recording } else { Err(OffReason::LogUnavailable) };
                Some((slot, Answer::Committed { recording }))
            }
            Done::Blocked { slot, fact } => {
                if !durable {
                    self.unsaid.push(*fact);
                }
                Some((slot, Answer::Blocked { kept: durable }))
            }
            Done::Insisted(fact) => {
                if durable {
                    self.said(&fact);
                } else {
                    self.unsaid.push(*fact);
                }
                None
            }
        }
    }

    fn said(&mut self, fact: &Fact) {
        if let Fact::Ended(ended) = fact {
            self.ledger.forget(ended.call.hold());
        }
    }

    /// What remains of a screened call on a full disk: nothing is recorded, and only what is free,
    /// protected or as the facility chose is placed.
    fn as_disk_allows(&self, facility: &Facility, screened: Screened) -> Result<Screened, Refused> {
        if !self.full || self.sabotage == Some(Sabotage::RecordOnFullDisk) {
            return Ok(screened);
        }
        let always = screened.free || screened.may_record == Err(OffReason::Protected);
        let always = always && self.sabotage != Some(Sabotage::RefuseFreeOnFullDisk);
        match facility.disk_full {
            DiskFull::Refuse if !always => Err((Refusal::DiskFull, Some(screened.number))),
            DiskFull::Refuse | DiskFull::PlaceUnrecorded => {
                let may_record = screened.may_record.and(Err(OffReason::Disk));
                Ok(Screened { may_record, ..screened })
            }
        }
    }

    /// Whether a call is placed although its record cannot be written.
    fn goes_unwritten(&self, admission: &Admission, disk_full: DiskFull) -> bool {
        let always =
            admission.price == Price::Free || admission.may_record == Err(OffReason::Protected);
        let always = always && self.sabotage != Some(Sabotage::RefuseFreeOnFullDisk);
        always || disk_full == DiskFull::PlaceUnrecorded
    }

    /// A call is placed, unrecorded and for nothing, and its record waits for room.
    fn unwritten(
        &mut self,
        admission: Admission,
        kept: Admitted,
        open: Option<OpenCall>,
    ) -> Admission {
        if self.sabotage == Some(Sabotage::ChargeUnwritten) {
            // It was released above; what is written down is what was wanted before.
            self.reopen(kept, open.and_then(|open| open.quote));
            return admission;
        }
        let may_record = admission.may_record.and(Err(OffReason::Disk));
        let kept = Admitted { hold: None, may_record: may_record.map(|_| ()), ..kept };
        self.reopen(kept, None);
        Admission { may_record, price: Price::Free, ..admission }
    }

    fn reopen(&mut self, admitted: Admitted, quote: Option<Quote>) {
        let call = admitted.call;
        self.unsaid.push(Fact::Admitted(Box::new(admitted.clone())));
        self.calling.extend(admitted.person);
        self.calls.insert(call, OpenCall { admitted, quote, talked: Duration::ZERO, off: None });
    }

    /// Everything that must not be missing and waits, to be appended in one.
    pub(crate) fn again(&mut self) -> Vec<Fact> {
        if self.appending_again || self.unsaid.is_empty() {
            return Vec::new();
        }
        self.appending_again = true;
        std::mem::take(&mut self.unsaid)
    }

    /// Keeps a fact that must not be missing behind others that wait; gives it back where none do.
    pub(crate) fn behind(&mut self, fact: Fact) -> Option<Fact> {
        if self.appending_again || !self.unsaid.is_empty() {
            self.unsaid.push(fact);
            return None;
        }
        Some(fact)
    }

    /// Something the office keeps.
    pub(crate) fn tell(&mut self, call: CallId, event: &CallEvent) -> Option<Fact> {
        match event {
            CallEvent::Answered { at } => Some(Fact::Answered { call, at: *at }),
            CallEvent::LanguageChosen { language, at } => {
                let open = self.calls.get(&call)?;
                let (agency, number) = (open.admitted.agency, open.admitted.number);
                self.languages.insert(*number.expose(), *language);
                Some(Fact::LanguageChosen { agency, number, language: *language, at: *at })
            }
            CallEvent::PrivateClaimed { at } => {
                let open = self.calls.get(&call)?;
                let (agency, number) = (open.admitted.agency, open.admitted.number);
                self.chosen.claim(*number.expose(), *at);
                Some(Fact::PrivateClaimed { call, agency, number, at: *at })
            }
            CallEvent::Talked { talked, at } => {
                if let Some(open) = self.calls.get_mut(&call) {
                    open.talked = *talked;
                }
                Some(Fact::Talked { call, talked: *talked, at: *at })
            }
            CallEvent::NoticeStarted { .. } | CallEvent::TalkStarted { .. } => None,
        }
    }

    /// A fault of ours ended the call: what is known to have been talked is settled.
    pub(crate) fn broken(&mut self, call: CallId, at: Timestamp) -> Option<Fact> {
        let talked = self.calls.get(&call)?.talked;
        let finished =
            Finished { at, reason: Some(EndReason::Fault), talked, decision_key: None, off: None };
        self.settle(call, EndReason::Fault, &finished)
    }

    /// The call is over: the person may make another one.
    fn close(&mut self, call: CallId) -> Option<OpenCall> {
        let open = self.calls.remove(&call)?;
        if let Some(person) = open.admitted.person {
            self.calling.remove(&person);
        }
        Some(open)
    }

    /// Settles a call exactly once: it is taken out of the open calls first.
    pub(crate) fn settle(
        &mut self,
        call: CallId,
        reason: EndReason,
        finished: &Finished,
    ) -> Option<Fact> {
        let open = self.close(call)?;
        let mut talked = finished.talked;
        match self.sabotage {
            Some(Sabotage::ChargeSecondTooMany) if talked > Duration::ZERO => {
                talked += Duration::from_secs(1);
            }
            Some(Sabotage::ChargeSecondTooLittle) => {
                talked = talked.saturating_sub(Duration::from_secs(1));
            }
            Some(Sabotage::ChargeUnaccepted) => talked = talked.max(Duration::from_secs(60)),
            _ => {}
        }
        let settlement = match &open.quote {
            Some(quote) => self.ledger.settle(call.hold(), quote, talked, finished.at),
            None => Settlement { charged: Money::ZERO, rest: Money::ZERO, kind: Rest::NoHold },
        };
        let mut off = if finished.talked.is_zero() { None } else { open.off.or(finished.off) };
        let mut rest = settlement.kind;
        if self.sabotage == Some(Sabotage::ForgetOff) {
            off = None;
        }
        if self.sabotage == Some(Sabotage::EverythingExpired) {
            rest = Rest::Expired;
        }
        Some(Fact::Ended(Box::new(Ended {
            call,
            at: finished.at,
            reason,
            talked: finished.talked,
            charged: settlement.charged,
            rest,
            decision_key: finished.decision_key,
            off,
        })))
    }
}

const WRONG_PINS_MAX: u32 = 9;
const PIN_LOCK: Duration = Duration::from_secs(5 * 60);
