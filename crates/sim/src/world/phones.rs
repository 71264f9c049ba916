//! What people and their phones do, and what the wires make of it.

use super::World;
use crate::{
    agenda::Event,
    habit::{Choice, Manner, Mistake, PartyHabit, TalkHabit, TrunkHabit},
    live::{LOST_AFTER, Playing},
    sabotage::Sabotage,
    seen::Seen,
    sound::{Sounding, before},
    tape::What,
};
use call::{Input, PlayEnd, TrunkFailure};
use core::time::Duration;
use model::{
    Key, PlayId, Side,
    Side::{Called, Station},
    Timestamp,
    fact::{EndReason, KeyPath},
};

impl World<'_> {
    /// What a person does as soon as the receiver is lifted.
    pub(super) fn person_begins(&mut self, slot: usize) {
        let Some(live) = self.calls.get(slot) else { return };
        let person = live.person;
        if self.dice.percent(3) {
            // Staff end the call, wherever it stands.
            let at = self.now.after(self.dice.ms(1_000, 150_000));
            let input = Input::Stop(EndReason::CutByStaff);
            self.agenda.add(at, Event::Input { slot, input });
        }
        if let Some(patience) = person.patience {
            self.agenda.add(self.now.after(patience), Event::HangUp { slot, side: Station });
        }
        match person.manner {
            Manner::Quick => {
                self.coverage.note(Seen::Quick);
                let mut keys = self.pin_entry(slot);
                keys.push_str(&self.number_entry(slot));
                let from = self.now.after(self.dice.ms(100, 900));
                self.type_keys(slot, from, &keys);
            }
            Manner::Silent => self.coverage.note(Seen::SilentPerson),
            Manner::NoPound => self.coverage.note(Seen::NoPound),
            Manner::Fumbles => self.coverage.note(Seen::Fumbled),
            Manner::Steady | Manner::Late => {}
        }
    }

    /// Somebody hears the beginning of a script.
    pub(super) fn hears(&mut self, slot: usize, side: Side, sounding: Sounding) {
        let ends = self.now.after(sounding.length);
        if side == Station && self.hears_of_name(slot, &sounding, ends) {
            return;
        }
        match side {
            Station if sounding.pin => self.asked_for_pin(slot, ends),
            Station if sounding.number => self.asked_for_number(slot, ends),
            // Both notices have begun: the called party's is asked for first.
            Station if sounding.notice.is_some() => self.notice_begins(slot, ends),
            Called if sounding.confirm => self.asked_to_confirm(slot),
            Called if sounding.keys => self.told_keys(slot, ends),
            Station | Called => {}
        }
    }

    fn asked_for_pin(&mut self, slot: usize, ends: Timestamp) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        let person = live.person;
        if person.chooses_language && live.pins_typed == 0 && person.manner != Manner::Quick {
            live.person.chooses_language = false;
            self.coverage.note(Seen::ChoseLanguage);
            let from = self.now.after(self.dice.ms(300, 3_000));
            self.type_keys(slot, from, "2");
            return;
        }
        let quick = person.manner == Manner::Quick && live.pins_typed == 1;
        if quick || person.manner == Manner::Silent || live.pins_typed > TRIES_COUNT_MAX {
            return;
        }
        let keys = self.pin_entry(slot);
        self.type_entry(slot, person.manner, ends, &keys);
    }

    fn asked_for_number(&mut self, slot: usize, ends: Timestamp) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        let person = live.person;
        if person.asks_balance {
            live.person.asks_balance = false;
            self.coverage.note(Seen::Balance);
            let from = self.now.after(self.dice.ms(300, 2_000));
            self.type_keys(slot, from, "*");
            return;
        }
        if person.manner == Manner::Silent || live.numbers_typed > TRIES_COUNT_MAX {
            return;
        }
        let keys = self.number_entry(slot);
        self.type_entry(slot, person.manner, ends, &keys);
    }

    fn type_entry(&mut self, slot: usize, manner: Manner, ends: Timestamp, keys: &str) {
        let from = match manner {
            Manner::Late => ends.after(self.dice.ms(100, 4_000)),
            Manner::Quick | Manner::Steady | Manner::NoPound | Manner::Fumbles | Manner::Silent => {
                self.now.after(self.dice.ms(200, 2_500))
            }
        };
        let wiped = if manner == Manner::Fumbles { "7*" } else { "" };
        self.type_keys(slot, from, wiped);
        let keys = if manner == Manner::NoPound { keys.trim_end_matches('#') } else { keys };
        self.type_keys(slot, from.after(Duration::from_millis(600)), keys);
    }

    fn pin_entry(&mut self, slot: usize) -> String {
        let Some(live) = self.calls.get_mut(slot) else { return String::new() };
        let wrong = live.pins_typed < live.person.wrong_pins;
        live.pins_typed += 1;
        if wrong {
            self.coverage.note(Seen::WrongPin);
            return "9999#".to_owned();
        }
        if live.person.service.is_some_and(|service| service.without_pin) {
            self.coverage.note(Seen::HelpKey);
            return "*".to_owned();
        }
        let pin = self.county.people.get(live.person.person).map_or(0, |person| person.pin);
        format!("{pin}#")
    }

    fn number_entry(&mut self, slot: usize) -> String {
        let Some(live) = self.calls.get_mut(slot) else { return String::new() };
        let mistake = live.person.mistake.filter(|_| live.numbers_typed == 0);
        if live.numbers_typed == 1 && live.person.mistake.is_some() {
            self.coverage.note(Seen::WrongNumber);
        }
        live.numbers_typed += 1;
        let last = self.county.lines.len();
        let line = match mistake {
            None => match live.person.service {
                Some(service) => return format!("{}#", service.code),
                None => live.person.line,
            },
            Some(Mistake::Blocked) => last.saturating_sub(2),
            Some(Mistake::Unlisted) => last.saturating_sub(1),
            Some(Mistake::Incomplete) => return "20255501#".to_owned(),
            Some(Mistake::TooLong) => return "202555010020255501002025550100#".to_owned(),
            Some(Mistake::Emergency) => return "911#".to_owned(),
            Some(Mistake::Own) => {
                let own = self.county.facilities.first().map(|facility| facility.caller_id);
                return format!("{}#", own.map_or(0, |own| own.digits() % NATIONAL));
            }
        };
        let national = self.county.lines.get(line).map_or(0, |line| line.number.digits());
        let mut keys = (national % NATIONAL).to_string();
        keys.push('#');
        keys
    }

    fn type_keys(&mut self, slot: usize, from: Timestamp, keys: &str) {
        let mut at = from;
        for key in keys.chars().filter_map(Key::from_char) {
            self.agenda.add(at, Event::Press { slot, side: Station, key, delay_us: 0 });
            at = at.after(self.dice.ms(60, 250));
        }
    }

    /// Both hear the notice. Its end at the called party's is known from what plays there.
    fn notice_begins(&mut self, slot: usize, station_ends: Timestamp) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        let Some(called) = live.called_leg.playing.filter(|playing| playing.notice) else { return };
        live.notices_heard += 1;
        let count = live.notices_heard;
        let choice = live.party.choice;
        if live.switches_left > 0 {
            live.switches_left -= 1;
            self.coverage.note(Seen::Switched);
            let at = self.now.after(self.dice.ms(100, 9_000));
            self.party_presses(slot, at, '9', 0);
            return;
        }
        if self.dice.percent(5) {
            // The person tries to accept for them.
            let at = station_ends.after(self.dice.ms(10, 3_000));
            let key = Key::from_char('1').unwrap_or(Key::POUND);
            self.agenda.add(at, Event::Press { slot, side: Station, key, delay_us: 0 });
        }
        let (first, both) = (called.ends.min(station_ends), called.ends.max(station_ends));
        self.party_chooses(slot, choice, count, first, both);
    }

    /// The called party pressed a key without a meaning, and hears until `ends` which there are.
    fn told_keys(&mut self, slot: usize, ends: Timestamp) {
        let Some(live) = self.calls.get(slot) else { return };
        let choice = live.party.choice;
        let yes = live.accept.unwrap_or(Key::POUND).label();
        let later = ends.after(self.dice.ms(200, 7_000));
        if choice == Choice::WrongThenAccepts {
            self.coverage.note(Seen::WrongThenRight);
            return self.party_presses(slot, later, yes, 0);
        }
        let early = self.now.after(self.dice.ms(100, 5_000).min(ends.since(self.now)));
        let gap = self.dice.pick([(1, 0), (1, 99_999), (2, 100_000)]);
        let exact = ends.after(Duration::from_micros(gap));
        let at = self.dice.pick([(2, early), (2, exact), (2, later)]);
        self.party_presses(slot, at, yes, 0);
    }

    /// The called party pressed the key for no more calls, and is asked whether they mean it.
    fn asked_to_confirm(&mut self, slot: usize) {
        let Some(live) = self.calls.get(slot) else { return };
        let label = match live.party.choice {
            Choice::Blocks => '0',
            Choice::BlocksNot => self.dice.pick([(2, '1'), (1, '7'), (1, '9')]),
            Choice::Accepts
            | Choice::AcceptsEarly
            | Choice::AcceptsEarlyAndAgain
            | Choice::AcceptsExactly
            | Choice::OnsetBefore
            | Choice::BetweenEnds
            | Choice::Refuses
            | Choice::RefusesEarly
            | Choice::WrongThenAccepts
            | Choice::Silent
            | Choice::Mashes
            | Choice::ClaimsPrivate
            | Choice::AsksPrice
            | Choice::Machine => return,
        };
        let at = self.now.after(self.dice.ms(300, 8_000));
        self.party_presses(slot, at, label, 0);
    }

    fn party_chooses(
        &mut self,
        slot: usize,
        choice: Choice,
        count: u32,
        first: Timestamp,
        both: Timestamp,
    ) {
        let Some(live) = self.calls.get(slot) else { return };
        let yes = live.accept.unwrap_or(Key::POUND).label();
        if yes != '1' {
            self.coverage.note(Seen::KeyDrawn);
        }
        let later = both.after(self.dice.ms(200, 7_000));
        let early = self.now.after(self.dice.ms(100, 5_000).min(first.since(self.now)));
        match choice {
            Choice::Accepts => self.party_accepts(slot, later, yes),
            Choice::AcceptsEarly => {
                self.coverage.note(Seen::AcceptEarly);
                self.party_presses(slot, before(early, 1), yes, 0);
            }
            Choice::AcceptsEarlyAndAgain => {
                self.coverage.note(Seen::AcceptEarly);
                self.party_presses(slot, before(early, 1), yes, 0);
                self.party_presses(slot, later, yes, 0);
            }
            Choice::AcceptsExactly => {
                self.coverage.note(Seen::AcceptExact);
                // The report of the end comes first, or else the key is typed ahead. A tenth of a
                // second after the end is the first moment at which it counts.
                let delay_us = self.dice.between(0, 200_000);
                let gap = self.dice.pick([(1, 0), (1, 99_999), (2, 100_000)]);
                let at = both.after(Duration::from_micros(gap));
                self.party_presses(slot, at, yes, delay_us);
            }
            Choice::OnsetBefore => {
                let early_us = self.dice.between(1, 150_000);
                let delay_us = early_us + self.dice.between(0, 600_000);
                self.party_presses(slot, before(both, early_us), yes, delay_us);
                if count > 1 {
                    self.party_presses(slot, later, yes, 0);
                }
            }
            Choice::BetweenEnds => {
                self.coverage.note(Seen::AcceptBetweenEnds);
                let gap = u64::try_from(both.since(first).as_micros()).unwrap_or(0);
                let at = first.after(Duration::from_micros(self.dice.below(gap)));
                self.party_presses(slot, at, yes, 0);
            }
            Choice::Refuses => self.party_presses(slot, later, '2', 0),
            Choice::RefusesEarly => self.party_presses(slot, early, '2', 0),
            Choice::WrongThenAccepts if count == 1 => self.party_presses(slot, later, '0', 0),
            Choice::WrongThenAccepts => {
                self.coverage.note(Seen::WrongThenRight);
                self.party_presses(slot, later, yes, 0);
            }
            Choice::ClaimsPrivate | Choice::AsksPrice | Choice::Blocks | Choice::BlocksNot => {
                self.party_chooses_first(slot, choice, count, (early, later), yes);
            }
            // It does not listen.
            Choice::Machine => {}
            Choice::Silent => self.coverage.note(Seen::SilentParty),
            Choice::Mashes => {
                for place in 0..6_u64 {
                    let at = before(both, 900_000).after(Duration::from_millis(place * 311));
                    let label = self.dice.pick([(3, yes), (1, '3'), (1, '#')]);
                    self.party_presses(slot, at, label, 0);
                }
            }
        }
    }

    /// Chooses something else at the first notice, and accepts at the next one.
    fn party_chooses_first(
        &mut self,
        slot: usize,
        choice: Choice,
        count: u32,
        (early, later): (Timestamp, Timestamp),
        yes: char,
    ) {
        let label = if choice == Choice::ClaimsPrivate {
            '3'
        } else if choice == Choice::AsksPrice {
            '4'
        } else {
            '7'
        };
        if count == 1 {
            let at = self.dice.pick([(1, early), (1, later)]);
            return self.party_presses(slot, at, label, 0);
        }
        match label {
            '4' => self.coverage.note(Seen::AskedPrice),
            '7' => self.coverage.note(Seen::WentBack),
            _ => {}
        }
        self.party_accepts(slot, later, yes);
    }

    /// Accepts in time; now and then the carrier moves them just then.
    fn party_accepts(&mut self, slot: usize, at: Timestamp, yes: char) {
        self.party_presses(slot, at, yes, 0);
        if self.dice.percent(4) {
            let moves = at.after(self.dice.ms(5, 80));
            self.agenda.add(moves, Event::Moves { slot });
        }
    }

    fn party_presses(&mut self, slot: usize, at: Timestamp, label: char, delay_us: u64) {
        if let Some(key) = Key::from_char(label) {
            let at = at.max(self.now);
            self.agenda.add(at, Event::Press { slot, side: Called, key, delay_us });
        }
    }

    /// What both do once they can talk.
    pub(super) fn talk_begins(&mut self, slot: usize) {
        let Some(live) = self.calls.get(slot) else { return };
        for (side, habit) in [(Station, live.person.talk), (Called, live.party.talk)] {
            match habit {
                TalkHabit::HangsUp(after) => {
                    self.agenda.add(self.now.after(after), Event::HangUp { slot, side });
                }
                TalkHabit::Stays => {}
                TalkHabit::FallsSilent(after) => {
                    self.agenda.add(self.now.after(after), Event::Silence { slot, side });
                }
                TalkHabit::TypesAndHangsUp(after) => {
                    self.coverage.note(Seen::TypedWhileTalking);
                    for (label, ms) in [('1', 700), ('9', 1_400), ('2', 2_100)] {
                        let at = self.now.after(Duration::from_millis(ms));
                        let key = Key::from_char(label).unwrap_or(Key::STAR);
                        self.agenda.add(at, Event::Press { slot, side, key, delay_us: 0 });
                    }
                    self.agenda.add(self.now.after(after), Event::HangUp { slot, side });
                }
            }
        }
        if self.dice.percent(10) {
            self.pauses(slot, Called);
        }
    }

    /// Silent for a while, but not for so long that the call is lost.
    fn pauses(&mut self, slot: usize, side: Side) {
        let from = self.now.after(self.dice.ms(0, 15_000));
        self.agenda.add(from, Event::Silence { slot, side });
        self.agenda.add(from.after(self.dice.ms(500, 9_500)), Event::Sound { slot, side });
    }

    pub(super) fn press(&mut self, slot: usize, side: Side, key: Key, delay_us: u64) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        let leg = *live.leg(side);
        // Whoever was moved a moment ago is not there yet.
        let moving = live.moved.is_some_and(|moved| self.now.since(moved) < MOVING);
        if !leg.phone_up || !leg.connected || moving && side == Called {
            return;
        }
        let (call, party) = (live.call, live.party);
        self.tape.add(self.now, What::Pressed { call, side, key });
        let (onset, arrives) = (self.now, self.now.after(Duration::from_micros(delay_us)));
        let path = if side == Called { party.path } else { KeyPath::TelephoneEvent };
        self.agenda.add(arrives, Event::KeyArrives { slot, side, key, onset, path });
        if side == Called && party.both_paths && path != KeyPath::Info {
            self.coverage.note(Seen::Doubled);
            let arrives = arrives.after(self.dice.ms(1, 200));
            let path = KeyPath::Info;
            self.agenda.add(arrives, Event::KeyArrives { slot, side, key, onset, path });
        }
    }

    pub(super) fn key_arrives(
        &mut self,
        slot: usize,
        side: Side,
        key: Key,
        onset: Timestamp,
        path: KeyPath,
    ) {
        let events = |live: &crate::live::Live| live.party.path != KeyPath::Info;
        if path == KeyPath::Info && self.calls.get(slot).is_none_or(events) {
            // The switch drops it: this leg's keys come as telephone-events.
            return;
        }
        let told = if self.sabotage == Some(Sabotage::OnsetIsArrival) { self.now } else { onset };
        let onset = (path == KeyPath::TelephoneEvent).then_some(told);
        let at = match path {
            KeyPath::Info => self.now.after(self.dice.ms(1, 60)),
            KeyPath::TelephoneEvent | KeyPath::Inband => self.media_time(slot, side),
        };
        self.agenda.add(at, Event::Key { slot, side, key, onset, path });
        if self.sabotage == Some(Sabotage::KeysOfTheWrongLeg) && side == Station {
            self.agenda.add(at, Event::Key { slot, side: Called, key, onset, path });
        }
    }

    /// When the node handles what media reports of this leg at this moment. The two legs may
    /// overtake each other; one leg's events stay in order.
    pub(super) fn media_time(&mut self, slot: usize, side: Side) -> Timestamp {
        let late = if self.is_sloppy() { 400 } else { 12 };
        let at = self.now.after(self.dice.ms(0, late));
        let Some(live) = self.calls.get_mut(slot) else { return at };
        let leg = live.leg(side);
        leg.arrives = leg.arrives.max(at);
        leg.arrives
    }

    pub(super) fn media_reports(&mut self, slot: usize, side: Side, input: Input) {
        let at = self.media_time(slot, side);
        self.agenda.add(at, Event::Input { slot, input });
    }

    pub(super) fn phone_hangs_up(&mut self, slot: usize, side: Side) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        let call = live.call;
        let leg = live.leg(side);
        if !leg.phone_up {
            return;
        }
        leg.phone_up = false;
        leg.silent_since = leg.silent_since.or(Some(self.now));
        if !leg.node_up {
            self.coverage.note(Seen::Crossed);
        }
        self.tape.add(self.now, What::PhoneHungUp { call, side });
        let delay = self.dice.ms(1, 60);
        self.send(slot, delay, Input::HungUp(side));
        if self.is_sloppy() {
            self.coverage.note(Seen::Doubled);
            self.send(slot, delay, Input::HungUp(side));
        }
    }

    pub(super) fn phone_falls_silent(&mut self, slot: usize, side: Side) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        let call = live.call;
        let leg = live.leg(side);
        if leg.phone_up && leg.silent_since.is_none() {
            leg.silent_since = Some(self.now);
            self.tape.add(self.now, What::FellSilent { call, side });
            self.agenda.add(self.now.after(LOST_AFTER), Event::LostCheck { slot, side });
        }
    }

    /// The carrier moves the called leg; the line says so by a new offer.
    pub(super) fn phone_moves(&mut self, slot: usize) {
        let now = self.now;
        let delay = self.dice.ms(0, 30);
        let Some(live) = self.calls.get_mut(slot) else { return };
        if !live.called_leg.phone_up || !live.called_leg.connected {
            return;
        }
        live.moved = Some(now);
        self.tape.add(now, What::PhoneMoved { call: live.call, side: Called });
        if self.sabotage != Some(Sabotage::MovesUntold) {
            let input = Input::LegMoved(Called);
            self.agenda.add(now.after(delay), Event::Input { slot, input });
        }
    }

    /// A greeting is spoken, with a tone in it, whatever is announced meanwhile.
    fn greets(&mut self, slot: usize) {
        self.coverage.note(Seen::Greeted);
        let (since, lasts) = (self.now, self.dice.ms(1_000, 20_000));
        let ends = since.after(lasts);
        let tone = since.after(self.dice.ms(100, 20_000).min(lasts));
        self.party_presses(slot, tone, '1', 0);
        let begins = Input::Sound { side: Called, sounding: true, since };
        self.agenda.add(since.after(self.dice.ms(40, 90)), Event::Input { slot, input: begins });
        let over = Input::Sound { side: Called, sounding: false, since: ends };
        self.agenda.add(ends.after(Duration::from_millis(400)), Event::Input { slot, input: over });
    }

    pub(super) fn phone_sounds(&mut self, slot: usize, side: Side) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        let call = live.call;
        let leg = live.leg(side);
        if leg.phone_up && leg.silent_since.take().is_some() {
            leg.lost = false;
            self.coverage.note(Seen::SpokeAgain);
            self.tape.add(self.now, What::SoundsAgain { call, side });
        }
    }

    pub(super) fn lost_check(&mut self, slot: usize, side: Side) {
        let now = self.now;
        let Some(live) = self.calls.get_mut(slot) else { return };
        let leg = live.leg(side);
        let Some(last) = leg.silent_since.filter(|since| now.since(*since) >= LOST_AFTER) else {
            return;
        };
        if leg.node_up && leg.connected && !leg.lost {
            leg.lost = true;
            self.media_reports(slot, side, Input::MediaLost { side, last });
        }
    }

    /// The last sample of a script is over, unless it was replaced.
    pub(super) fn play_over(&mut self, slot: usize, side: Side, play: PlayId) {
        let now = self.now;
        let sabotaged = self.sabotage == Some(Sabotage::CutCountsAsPlayed);
        let Some(live) = self.calls.get_mut(slot) else { return };
        let call = live.call;
        let leg = live.leg(side);
        let Some(Playing { content, ends, .. }) =
            leg.playing.take_if(|playing| playing.play == play)
        else {
            return;
        };
        let whole = leg.is_live(now);
        if whole {
            self.tape.add(now, What::Heard { call, side, play });
        } else {
            self.coverage.note(Seen::PlayCut);
        }
        let complete = PlayEnd::Complete { content, ended: ends };
        let end = if whole || sabotaged { complete } else { PlayEnd::Cut };
        self.media_reports(slot, side, Input::Played { side, play, end });
    }

    /// The trunk was dialled.
    pub(super) fn trunk_begins(&mut self, slot: usize) {
        let Some(live) = self.calls.get(slot) else { return };
        let fail = |world: &mut Self, failure| {
            let at = world.now.after(world.dice.ms(50, 3_000));
            world.agenda.add(at, Event::Fails { slot, failure });
        };
        let trunk = live.party.trunk;
        let rings = self.now.after(self.dice.ms(80, 900));
        match trunk {
            TrunkHabit::Answers(after) => {
                self.agenda.add(rings, Event::Rings { slot });
                self.agenda.add(self.now.after(after), Event::Answers { slot });
            }
            TrunkHabit::AnswersUnrung(after) => {
                self.agenda.add(self.now.after(after), Event::Answers { slot });
            }
            TrunkHabit::AnswersLate => {
                self.agenda.add(rings, Event::Rings { slot });
                let at = self.now.after(self.dice.ms(44_900, 45_100));
                self.agenda.add(at, Event::Answers { slot });
            }
            TrunkHabit::RingsForever => self.agenda.add(rings, Event::Rings { slot }),
            TrunkHabit::FailsAfterRinging => {
                self.agenda.add(rings, Event::Rings { slot });
                let at = rings.after(self.dice.ms(1, 20_000));
                self.agenda.add(at, Event::Fails { slot, failure: TrunkFailure::Declined });
            }
            TrunkHabit::Busy => fail(self, TrunkFailure::Busy),
            TrunkHabit::Unallocated => fail(self, TrunkFailure::Unallocated),
            TrunkHabit::Forwards => fail(self, TrunkFailure::Forwarded),
            TrunkHabit::Declines => fail(self, TrunkFailure::Declined),
            TrunkHabit::GivesUp => fail(self, TrunkFailure::NoAnswer),
            TrunkHabit::Fails => fail(self, TrunkFailure::Failed),
            TrunkHabit::NoPort => {}
        }
    }

    pub(super) fn rings(&mut self, slot: usize) {
        let delay = self.dice.ms(1, 30);
        self.send(slot, delay, Input::Ringing);
        if self.is_sloppy() {
            self.coverage.note(Seen::Doubled);
            self.send(slot, delay, Input::Ringing);
        }
    }

    pub(super) fn answers(&mut self, slot: usize) {
        let now = self.now;
        let Some(live) = self.calls.get_mut(slot) else { return };
        if !live.called_leg.node_up {
            self.coverage.note(Seen::LateAnswer);
            return;
        }
        live.called_leg.phone_up = true;
        let PartyHabit { patience, soundless, moves, choice, .. } = live.party;
        if let Some(patience) = patience {
            self.agenda.add(now.after(patience), Event::HangUp { slot, side: Called });
        }
        if soundless {
            self.coverage.note(Seen::NoSound);
            live.called_leg.silent_since = Some(now);
            let (call, side) = (live.call, Called);
            self.tape.add(now, What::FellSilent { call, side });
            self.agenda.add(now.after(LOST_AFTER), Event::LostCheck { slot, side: Called });
        } else if self.dice.percent(5) {
            self.pauses(slot, Called);
        }
        if let Some(moves) = moves {
            self.agenda.add(now.after(moves), Event::Moves { slot });
        }
        if choice == Choice::Machine {
            self.greets(slot);
        }
        let delay = self.dice.ms(1, 30);
        self.send(slot, delay, Input::CalledAnswered);
        if self.is_sloppy() {
            self.coverage.note(Seen::Doubled);
            self.send(slot, delay, Input::CalledAnswered);
        }
    }

    pub(super) fn fails(&mut self, slot: usize, failure: TrunkFailure) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        if live.called_leg.node_up {
            let delay = self.dice.ms(1, 30);
            self.send(slot, delay, Input::CalledFailed(failure));
        }
    }
}

/// A leg that is moved carries nobody's keys for so long.
const MOVING: Duration = Duration::from_secs(1);
const TRIES_COUNT_MAX: u32 = 4;
const NATIONAL: u64 = 10_000_000_000;
