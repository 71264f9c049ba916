//! Decisions about calls: refusals and admissions, by registry, wishes, money and disk.

use super::{Auditor, Case, Lift, Place, Rule, facts, registry::Word};
use crate::seen::Seen;
use model::{
    CallId, E164, FacilityId, Timestamp,
    fact::{Denied, NumberClass, OffReason, Refusal},
    plan::Lifted,
};

impl<'a> Auditor<'a> {
    /// A refusal that blames the law or the registry must be right.
    pub(super) fn denied(&mut self, denied: &Denied) {
        if let Some(seen) = facts::seen_denial(denied.reason) {
            self.coverage.note(seen);
        }
        if let (Refusal::NumberBlocked, Some(number)) = (denied.reason, &denied.number) {
            let wished = self.is_wished(denied.facility, *number.expose(), denied.at);
            self.object_if(!wished, Rule::WishRespected, Some(denied.call), || {
                "refused because its party wants no calls, and they do not say so".to_owned()
            });
        }
        let service = denied.number.as_ref().and_then(|number| facts::service(*number.expose()));
        let ours = matches!(denied.reason, Refusal::AlreadyCalling | Refusal::Unavailable);
        self.object_if(service.is_some() && !ours, Rule::ServicesApart, Some(denied.call), || {
            format!("a service was refused as {:?}", denied.reason)
        });
        let wrong = match (denied.reason, &denied.number) {
            (Refusal::NoLawfulRate, _) => {
                let lawful = |place: &Place| {
                    facts::is_rate_lawful(place.kind, place.base, place.additive, denied.at)
                };
                self.facilities.get(&denied.facility).is_some_and(lawful)
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
            (Refusal::DiskFull, Some(number)) => {
                let word = self.registries.at(denied.at);
                let word = word.map(|state| state.word(*number.expose(), denied.at));
                let refuses = self.facilities.get(&denied.facility).is_some_and(|it| it.refuses);
                let always = self.free.contains(number.expose()) || word == Some(Word::Protected);
                always || !refuses || !self.rooms.known_full(denied.at).0
            }
            // Nobody of this world closes calls.
            (Refusal::Closed, _) => true,
            (Refusal::OwnNumber, Some(number)) => !facts::is_own(*number.expose()),
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

    pub(super) fn admitted(&mut self, admitted: &'a model::fact::Admitted) {
        let (now, call) = (self.now, admitted.call);
        let case = self.cases.entry(call).or_default();
        case.admissions += 1;
        case.admitted = case.admitted.or(Some((admitted, now)));
        let waited = case.unwritten;
        self.on_full_disk(admitted, waited);
        self.books.admitted(admitted);
        let number = *admitted.number.expose();
        let unwanted = self.is_unwanted(admitted.facility, number, admitted.at);
        let own = facts::is_own(*admitted.number.expose());
        self.object_if(own, Rule::NotOurselves, Some(call), || {
            "the number is one of the county's own".to_owned()
        });
        self.object_if(unwanted, Rule::WishRespected, Some(call), || {
            "admitted although its party wants no calls".to_owned()
        });
        let (person, failed) = (admitted.person, self.append_failed);
        // What waited for room is on disk later than it was.
        let waited_here = waited || self.rooms.was_full(admitted.at, now);
        let twice = person.is_some()
            && !waited_here
            && self.cases.iter().any(|(other, case)| {
                // An end that a full disk did not take is on disk later than it was.
                let late = case.excused || failed;
                let over = late && (case.finishes > 0 || case.panicked);
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
        self.screened(admitted, waited);
    }

    /// What the registry says of an admission.
    fn screened(&mut self, admitted: &'a model::fact::Admitted, waited: bool) {
        let (now, call) = (self.now, admitted.call);
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
        // A disk that is full, or a log that does not take an epoch, makes it stricter.
        let stricter = match admitted.may_record {
            Err(OffReason::Disk) => {
                waited
                    || self.rooms.known_full(admitted.at).0
                    || self.rooms.was_full(admitted.at, now)
            }
            Err(OffReason::LogUnavailable) => self.append_failed,
            Ok(()) | Err(_) => false,
        };
        let right = right || stricter && word == Word::Ordinary;
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

    /// What a full disk makes of an admission, whether its record waited for room or not.
    fn on_full_disk(&mut self, admitted: &model::fact::Admitted, waited: bool) {
        let (now, call) = (self.now, Some(admitted.call));
        let (may, surely) = self.rooms.known_full(admitted.at);
        let free = admitted.class == NumberClass::Free
            || facts::service(*admitted.number.expose()).is_some()
            || admitted.may_record == Err(OffReason::Protected);
        let refuses = self.facilities.get(&admitted.facility).is_some_and(|place| place.refuses);
        let asks = self
            .facilities
            .get(&admitted.facility)
            .is_some_and(|place| place.base.micros() + place.additive.micros() > 0);
        if surely {
            self.coverage.note(Seen::AdmittedFull);
        }
        self.object_if(surely && admitted.may_record.is_ok(), Rule::FullDisk, call, || {
            "it may be recorded, and only the reserve of the disk is left".to_owned()
        });
        self.object_if(surely && refuses && !free, Rule::FullDisk, call, || {
            "it is placed on a full disk, and the facility chose otherwise".to_owned()
        });
        if waited {
            self.coverage.note(Seen::AdmittedUnwritten);
            let good = admitted.hold.is_none() && admitted.may_record.is_err();
            self.object_if(!good, Rule::FullDisk, call, || {
                "its record waited for room, and it costs something or may be recorded".to_owned()
            });
            let chose = free || !refuses || !asks;
            self.object_if(!chose, Rule::FullDisk, call, || {
                "its record waited for room, and the facility chose otherwise".to_owned()
            });
        }
        let full = may || self.rooms.was_full(admitted.at, now);
        let blamed = admitted.may_record == Err(OffReason::Disk);
        self.object_if(blamed && !full, Rule::FullDisk, call, || {
            "unrecorded for want of room, and there was room".to_owned()
        });
    }

    /// When staff last took something back for a scope.
    pub(super) fn lifted(
        &self,
        what: Lifted,
        facility: Option<FacilityId>,
        number: E164,
    ) -> Option<Timestamp> {
        let covers = |lift: &&Lift| {
            let within = lift.facility.is_none() || lift.facility == facility;
            lift.what == what && lift.number == number && within
        };
        self.lifts.iter().filter(covers).map(|lift| lift.at).max()
    }

    /// Whether what is on disk says that this number is not to be called.
    fn is_unwanted(&mut self, facility: FacilityId, number: E164, asked: Timestamp) -> bool {
        let mut blocked = false;
        for scope in [Some(facility), None] {
            let said = self.blocks.get(&(scope, number)).copied();
            // An admission that waited for the disk was decided before it was written.
            let Some(at) = said.filter(|at| *at < asked) else { continue };
            let lifted = self.lifted(Lifted::Block, scope, number);
            if lifted.is_some_and(|lifted| lifted >= at) {
                self.coverage.note(Seen::CalledAgain);
            } else {
                blocked = true;
            }
        }
        blocked
    }

    /// Whether the party at this number may still be taken to want no calls: they said so, and what
    /// staff took back since does not cover it, or the desk did not know.
    fn is_wished(&self, facility: FacilityId, number: E164, asked: Timestamp) -> bool {
        let Some(last) = self.wishes.get(&number) else { return false };
        let whole = self.blocks.contains_key(&(None, number));
        let covered = self.lifts.iter().any(|lift| {
            let within = lift.facility.is_none() || lift.facility == Some(facility) && !whole;
            let of_it = lift.what == Lifted::Block && lift.number == number;
            let known = lift.known.is_some_and(|known| known < asked);
            of_it && known && within && lift.at >= *last
        });
        !covered
    }

    /// A notice speaks with somebody's own voice.
    pub(super) fn speaks(&mut self, call: CallId, voice: [u8; 32]) {
        let Some(case) = self.cases.get(&call) else { return };
        let Some((admitted, _)) = case.admitted else { return };
        let (person, at) = (admitted.person, admitted.at);
        let may = person.is_some_and(|person| self.names.may_speak(person, voice, at));
        let names = self.facilities.get(&admitted.facility).is_some_and(|place| place.names);
        self.coverage.note(Seen::NameSpoken);
        self.object_if(!may || !names, Rule::NamesApproved, Some(call), || {
            "a notice speaks with a name that staff did not approve".to_owned()
        });
    }
}
