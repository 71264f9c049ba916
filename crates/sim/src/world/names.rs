//! What a person does about their recorded name, and how the switch takes it.

use super::World;
use crate::{
    agenda::Event,
    desk::recorded,
    habit::NameHabit,
    journal::Done,
    sabotage::Sabotage,
    seen::Seen,
    sound::{NamePart, Sounding},
    tape::What,
};
use call::{Enrolment, Input};
use model::{AgencyId, Key, Side, Timestamp};
use sha2::{Digest, Sha256};

impl World<'_> {
    /// The person hears something of their name. Says whether they do something about it.
    pub(super) fn hears_of_name(
        &mut self,
        slot: usize,
        sounding: &Sounding,
        ends: Timestamp,
    ) -> bool {
        let Some(part) = sounding.naming else { return false };
        let Some(live) = self.calls.get_mut(slot) else { return false };
        let asked = match part {
            NamePart::Offer | NamePart::Stored => {
                // They come for it once in a call.
                live.naming = live.person.name.take();
                live.naming.map(|_| (self.now.after(self.dice.ms(200, 2_500)), '#'))
            }
            NamePart::Explain => self.asked_to_choose(slot, ends),
            NamePart::Speak => None,
            NamePart::Check => self.asked_to_keep(slot, ends),
            NamePart::Remove => {
                let label = self.dice.pick([(1, '1'), (1, '*')]);
                Some((ends.after(self.dice.ms(0, 3_000)), label))
            }
        };
        if let Some((at, label)) = asked {
            self.person_presses(slot, at, label);
        }
        asked.is_some() || !matches!(part, NamePart::Offer | NamePart::Stored)
    }

    fn asked_to_choose(&mut self, slot: usize, ends: Timestamp) -> Option<(Timestamp, char)> {
        let habit = self.calls.get(slot)?.naming?;
        let later = ends.after(self.dice.ms(120, 4_000));
        Some(match habit {
            NameHabit::GoesBack => (self.now.after(self.dice.ms(100, 4_000)), '*'),
            NameHabit::ChoosesEarly => {
                self.coverage.note(Seen::NameChosenEarly);
                let early = self.now.after(self.dice.ms(10, 900));
                self.person_presses(slot, early, '1');
                (later, '1')
            }
            NameHabit::Keeps
            | NameHabit::KeepsSecond
            | NameHabit::SaysNothing
            | NameHabit::DropsIt => (later, '1'),
        })
    }

    fn asked_to_keep(&mut self, slot: usize, ends: Timestamp) -> Option<(Timestamp, char)> {
        let live = self.calls.get_mut(slot)?;
        let at = ends.after(self.dice.ms(0, 4_000));
        Some(match live.naming? {
            NameHabit::KeepsSecond => {
                live.naming = Some(NameHabit::Keeps);
                (at, '2')
            }
            NameHabit::DropsIt => (at, self.dice.pick([(1, '*'), (1, '7')])),
            NameHabit::Keeps
            | NameHabit::ChoosesEarly
            | NameHabit::GoesBack
            | NameHabit::SaysNothing => (at, '1'),
        })
    }

    fn person_presses(&mut self, slot: usize, at: Timestamp, label: char) {
        let Some(key) = Key::from_char(label) else { return };
        self.agenda.add(at, Event::Press { slot, side: Side::Station, key, delay_us: 0 });
    }

    /// The switch takes the name that is said next, while nobody else is in the call.
    pub(super) fn record_name(&mut self, slot: usize, enrolment: Enrolment) {
        let Some(live) = self.calls.get(slot) else { return };
        if live.called_leg.node_up || enrolment.call() != live.call {
            return;
        }
        let (call, person) = (live.call, enrolment.person());
        self.tape.add(self.now, What::NameTaken { call, person });
        let at = self.now.after(self.dice.ms(500, 4_000));
        self.agenda.add(at, Event::NameSaid { slot, enrolment });
    }

    /// They have spoken, and media hands it on.
    pub(super) fn name_said(&mut self, slot: usize, enrolment: Enrolment) {
        let silent = |live: &crate::live::Live| {
            let mute = live.naming == Some(NameHabit::SaysNothing);
            mute || live.station_leg.silent_since.is_some()
        };
        let Some(live) = self.calls.get(slot).filter(|live| live.machine.is_some()) else { return };
        let (call, silent) = (live.call, silent(live));
        let length = if silent { 0 } else { self.dice.between(8, 24) };
        let octet = |roll: u64| u8::try_from(roll % 251).unwrap_or(0);
        let spoken: Vec<u8> = (0..length).map(|_| octet(self.dice.roll())).collect();
        let clip = enrolment.captured(spoken);
        let voice = clip.as_ref().map(|clip| Sha256::digest(clip.voice().expose()).into());
        if voice.is_none() {
            self.coverage.note(Seen::NameUnsaid);
        }
        self.tape.add(self.now, What::NameSaid { call, voice });
        if let (Some(Sabotage::KeepNameUnasked), Some(clip)) = (self.sabotage, &clip) {
            let (fact, _) = recorded(AgencyId(1), clip, self.now);
            self.journal.lock().append(fact, Done::Nobody);
        }
        self.media_reports(slot, Side::Station, Input::NameCaptured(clip));
    }
}
