//! The registry's source, and how the desk reads it again.

use super::{Office, World};
use crate::{
    agenda::Event,
    county::{County, FIRST_NUMBER},
    dice::Dice,
    journal::Done,
    plan::{Plan, RegistryPlan},
    sabotage::Sabotage,
    seen::Seen,
    tape::What,
};
use core::time::Duration;
use desk::Turn;
use model::{E164, Private, fact::Epoch, plan::RegistryData};
use registry::{Guard, NotASuccessor, Snapshot};
use std::sync::Arc;

/// The registry as the seed begins with it.
pub(super) fn first_registry(dice: &mut Dice, plan: &Plan, county: &County) -> RegistryData {
    if plan.registry == RegistryPlan::Missing {
        return RegistryData::default();
    }
    let fillers = (0..FILLERS_COUNT).filter_map(|index| E164::new(FIRST_FILLER + index));
    let protected: Vec<_> = county.lines.iter().filter(|_| dice.percent(12)).collect();
    let lines = protected.into_iter().map(|line| line.number);
    let numbers: Vec<_> = fillers.chain(lines).map(Private::new).collect();
    let count_max = u64::try_from(numbers.len()).unwrap_or(0);
    RegistryData { epoch: Epoch(3), confirmed: plan.start, count_max, numbers }
}

impl World<'_> {
    /// The registry's source changes; the desk sees it at its next look.
    pub(super) fn registry_changes(&mut self) {
        if self.plan.registry == RegistryPlan::Missing && self.dice.percent(70) {
            return;
        }
        if core::mem::take(&mut self.source_broken) {
            return self.repair_registry();
        }
        let line = self.changed_line();
        if self.site.is_some() {
            return self.provision_registry(line);
        }
        let source = &mut self.source;
        let listed = source.numbers.iter().any(|number| *number.expose() == line);
        source.count_max = source.count_max.max(u64::try_from(source.numbers.len()).unwrap_or(0));
        match self.dice.below(10) {
            0..=4 => {
                source.epoch.0 += 1;
                if !listed {
                    source.numbers.push(Private::new(line));
                    source.count_max += 1;
                }
            }
            5 => {
                source.epoch.0 += 1;
                source.numbers.retain(|number| *number.expose() != line);
            }
            6 => {
                // A migration that silently drops numbers.
                source.epoch.0 += 1;
                self.source_broken = true;
                let keep = source.numbers.len().saturating_sub(8);
                source.numbers.truncate(keep);
            }
            7 => {
                source.epoch.0 += 1;
                source.count_max = u64::try_from(source.numbers.len()).unwrap_or(0);
            }
            8 => {
                self.source_broken = true;
                source.epoch.0 = source.epoch.0.saturating_sub(1);
            }
            _ => {
                self.source_broken = true;
                if listed {
                    source.numbers.retain(|number| *number.expose() != line);
                } else {
                    source.numbers.push(Private::new(line));
                }
            }
        }
        self.epoch_highest = self.epoch_highest.max(source.epoch.0);
        if self.source_broken {
            let repaired = self.now.after(self.dice.ms(5_000, 300_000));
            self.agenda.add(repaired, Event::Registry);
        }
        self.look_again();
    }

    /// The same by a provision file, which can neither set the registry back nor change it within
    /// an epoch.
    fn provision_registry(&mut self, line: E164) {
        let mut sure = false;
        let numbers = &mut self.source.numbers;
        match self.dice.below(8) {
            0..=4 => {
                if !numbers.iter().any(|number| *number.expose() == line) {
                    numbers.push(Private::new(line));
                }
            }
            5 => numbers.retain(|number| *number.expose() != line),
            6 => {
                // A migration that silently drops numbers.
                self.source_broken = true;
                numbers.truncate(numbers.len().saturating_sub(8));
            }
            _ => sure = true,
        }
        self.provision(sure);
        if self.source_broken {
            let repaired = self.now.after(self.dice.ms(5_000, 300_000));
            self.agenda.add(repaired, Event::Registry);
        }
        self.look_again();
    }

    fn provision(&mut self, sure: bool) {
        if let Some(site) = &self.site {
            let done = site.protect(&mut self.source, sure, self.now);
            self.fault = self.fault.take().or(done.err());
        }
    }

    /// Somebody has noticed, and loads the registry anew.
    fn repair_registry(&mut self) {
        if self.site.is_some() {
            self.provision(true);
            return self.look_again();
        }
        self.epoch_highest += 1;
        let source = &mut self.source;
        source.epoch.0 = self.epoch_highest;
        source.count_max = u64::try_from(source.numbers.len()).unwrap_or(0);
        self.look_again();
    }

    pub(super) fn look_again(&mut self) {
        if let Some(boot) = self.node.as_ref().map(|node| node.boot) {
            let look = self.now.after(self.dice.ms(0, 500));
            self.agenda.add(look, Event::Reload { boot, every: false });
        }
    }

    /// Preferably the line of a call in progress.
    fn changed_line(&mut self) -> E164 {
        let running = self.calls.iter().filter(|live| live.machine.is_some());
        let lines: Vec<usize> = running.map(|live| live.person.line).collect();
        let some = self.dice.index(self.county.lines.len());
        let index = lines.get(self.dice.index(lines.len().max(1))).copied().unwrap_or(some);
        let line = self.county.lines.get(index);
        line.map_or_else(|| unreachable!("a county has lines"), |line| line.number)
    }

    pub(super) fn reload_due(&mut self, boot: u32, every: bool) {
        let going = self.now < self.plan.start.after(self.plan.horizon);
        let Some(node) = self.node.as_mut().filter(|node| node.boot == boot) else { return };
        if !going && node.live_count == 0 {
            return;
        }
        if every {
            self.agenda.add(self.now.after(CONFIRM_EVERY), Event::Reload { boot, every });
        }
        if let RegistryPlan::Unread(from, until) = self.plan.registry
            && (self.plan.start.after(from)..self.plan.start.after(until)).contains(&self.now)
        {
            return;
        }
        if self.site.is_some() {
            self.reload_real()
        } else {
            self.reload_model()
        }
        self.looked();
        self.tape.add(self.now, What::KnowsLifts);
    }

    fn reload_real(&mut self) {
        let Some(Office::Real(real)) = self.node.as_ref().map(|node| &node.office) else { return };
        real.turn(Turn::Reload);
        if self.dice.percent(50) {
            real.turn(Turn::Project);
        }
        let confirmed = real.registry().confirmed() == self.now;
        self.follow_desk();
        if confirmed {
            self.note_registry(true);
        }
    }

    /// The model of the desk appends again what the journal refused. Says whether there was any.
    pub(super) fn append_again(&mut self) -> bool {
        let Some(Office::Model(desk)) = self.node.as_mut().map(|node| &mut node.office) else {
            return false;
        };
        let again = desk.again();
        let any = !again.is_empty();
        if any {
            let done = Done::Again(again.clone());
            self.journal.lock().append_all(again, Vec::new(), done);
        }
        any
    }

    fn reload_model(&mut self) {
        self.append_again();
        let new = self.read_registry();
        let out_of_room = self.is_out_of_room();
        let deaf = self.sabotage == Some(Sabotage::DeafToRoom);
        let Some(Office::Model(desk)) = self.node.as_mut().map(|node| &mut node.office) else {
            return;
        };
        desk.full = out_of_room && !deaf;
        desk.chosen.lift(&self.lifts);
        let any = self.sabotage == Some(Sabotage::TakeAnyRegistry);
        let succeeded = if any { Ok(new) } else { Snapshot::succeed(&desk.registry, new) };
        let accepted = succeeded.is_ok();
        match succeeded {
            Ok(new) => desk.registry = Arc::new(new),
            Err(NotASuccessor::Older { .. }) => self.coverage.note(Seen::RegistrySetBack),
            Err(NotASuccessor::Differs { .. }) => self.coverage.note(Seen::RegistryDiffers),
        }
        self.note_registry(accepted);
    }

    pub(super) fn read_registry(&self) -> Snapshot {
        let mut data = self.source.clone();
        data.confirmed = self.now;
        GUARD.snapshot(&data)
    }

    /// Tells the tape what the source offered, as its list says, and whether the desk took it.
    pub(super) fn note_registry(&mut self, accepted: bool) {
        let (mut lines, mut list) = (0_u64, 0_u64);
        for number in &self.source.numbers {
            let digits = number.expose().digits();
            // The order in which the source has its numbers does not matter.
            list = list.wrapping_add(digits.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
            let index = digits.saturating_sub(FIRST_NUMBER);
            if index < 64 && self.county.line(*number.expose()).is_some() {
                lines |= 1 << index;
            }
        }
        let (epoch, count_max) = (self.source.epoch, self.source.count_max);
        let count = u64::try_from(self.source.numbers.len()).unwrap_or(0);
        let what = What::Registry { epoch, count, count_max, lines, list, accepted };
        self.tape.add(self.now, what);
    }
}

const GUARD: Guard = Guard { stale_after: Duration::from_secs(60), shrink_percent_max: 10 };
pub(super) const CONFIRM_EVERY: Duration = Duration::from_secs(20);
const FILLERS_COUNT: u64 = 30;
/// Three digits away from every line, so that nobody mistypes one into another.
const FIRST_FILLER: u64 = 12_145_550_150;
