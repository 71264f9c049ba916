//! What happens to the node: starts, stops, deaths, money, and the registry's source.

use super::{Node, World};
use crate::{
    agenda::Event,
    county::{County, FIRST_NUMBER},
    desk::{
        Desk,
        recovery::{Caught, Find},
    },
    dice::Dice,
    journal::{Done, Written},
    live::Stage,
    plan::{Plan, RegistryPlan},
    sabotage::Sabotage,
    seen::Seen,
    tape::What,
};
use call::Input;
use core::time::Duration;
use model::{
    AccountId, E164, Money, Private, Side,
    fact::{EndReason, Epoch, Fact},
    plan::RegistryData,
};
use registry::{Guard, NotASuccessor, Snapshot};

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
    /// The node starts: recovery settles what a death left behind, and only then there is a desk.
    pub(super) fn start(&mut self) {
        if self.node.is_some() {
            return;
        }
        self.boots += 1;
        let boot = self.boots;
        if boot > 1 {
            self.coverage.note(Seen::Restarted);
        }
        let caught = Caught::up_with(self.journal.kept().iter().map(|(_, fact)| fact));
        let registry = self.read_registry();
        let find = Find { now: self.now, caps: self.caps, files: &self.files, registry: &registry };
        let ends = caught.ends(&find, self.sabotage);
        if !ends.is_empty() && !self.settle_found(ends) {
            self.coverage.note(Seen::KilledRecovery);
            let again = self.now.after(self.dice.ms(500, 20_000));
            self.agenda.add(again, Event::Start);
            return;
        }
        let caught = Caught::up_with(self.journal.kept().iter().map(|(_, fact)| fact));
        let mut desk = Desk::new(registry, self.sabotage);
        for (account, deposited) in &self.deposited {
            let settled = caught.settled.get(account).copied().unwrap_or_default();
            desk.ledger.open(*account, *deposited, settled);
        }
        desk.languages = caught.languages;
        desk.chosen = caught.chosen;
        self.tape.add(self.now, What::Started { boot });
        self.node = Some(Node { boot, counter: 0, desk, stopping: false, live_count: 0 });
        self.note_registry(true);
        if !self.finale {
            let version = String::new();
            self.journal.append(Fact::Boot { boot, at: self.now, version }, Done::Nobody);
            self.agenda.add(self.now.after(CONFIRM_EVERY), Event::Reload { boot, every: true });
        }
    }

    /// Writes the ends that recovery found, in one append. It can fail as any other, or the node
    /// can die again, with the append on disk or not.
    fn settle_found(&mut self, ends: Vec<Fact>) -> bool {
        for end in ends {
            self.journal.append(end, Done::Nobody);
        }
        self.journal.begin_group();
        let dies = !self.finale && !self.plan.kills.is_empty() && self.dice.percent(20);
        let written = if self.journal.full {
            Written::Full
        } else if dies {
            Written::Unknown { kept: self.dice.percent(50) }
        } else {
            Written::Well
        };
        let (first, _) = self.journal.end_group(self.now, written);
        self.journal.stopped = false;
        self.note_kept(first);
        written == Written::Well
    }

    /// Kills the node at this moment.
    pub(super) fn kill(&mut self) {
        let Some(node) = self.node.take() else { return };
        if node.live_count == 0 {
            self.coverage.note(Seen::KilledIdle);
        }
        self.tape.add(self.now, What::Killed);
        let group = self.journal.group_count();
        let count = match self.dice.below(3) {
            0 => 0,
            1 => group,
            _ => self.dice.index(group + 1),
        };
        if group > 0 {
            self.coverage.note(Seen::KilledGroup);
            if count < group {
                self.coverage.note(Seen::JournalTorn);
            }
        }
        let first = self.journal.die(self.now, count);
        self.note_kept(first);
        for slot in 0..self.calls.len() {
            self.lose(slot);
        }
        let again = self.now.after(self.dice.ms(500, 60_000));
        self.agenda.add(again, Event::Start);
    }

    /// A call whose node is gone: nobody speaks to its phones any more.
    fn lose(&mut self, slot: usize) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        if live.machine.take().is_none() {
            return;
        }
        let seen = match live.stage {
            Stage::Menu => Seen::KilledInMenu,
            Stage::Admitted => Seen::KilledBeforeDial,
            Stage::Ringing => Seen::KilledRinging,
            Stage::Notice => Seen::KilledInNotice,
            Stage::Committing => Seen::KilledCommitting,
            Stage::Talking | Stage::Over => Seen::KilledTalking,
        };
        self.coverage.note(seen);
        live.stage = Stage::Over;
        for side in [Side::Station, Side::Called] {
            let leg = live.leg(side);
            (leg.phone_up, leg.node_up, leg.connected) = (false, false, false);
            leg.playing = None;
        }
        let (call, now) = (live.call, self.now);
        let sealing = live.talk.take().and_then(|talk| Some((talk.since, talk.sealing?)));
        if let Some((since, limit)) = sealing {
            let seconds = now.since(since).as_secs().min(limit);
            self.tape.add(now, What::RecordingOver { call, seconds });
        }
    }

    /// The node is asked to stop: no new calls, and a limit for the running ones.
    pub(super) fn stop(&mut self) {
        let Some(node) = self.node.as_mut() else { return };
        node.stopping = true;
        let deadline = self.now.after(self.dice.ms(0, 40_000));
        self.agenda.add(deadline, Event::StopDeadline { boot: node.boot });
    }

    pub(super) fn stop_deadline(&mut self, boot: u32) {
        if self.node.as_ref().is_none_or(|node| node.boot != boot) {
            return;
        }
        for slot in 0..self.calls.len() {
            if self.calls.get(slot).is_some_and(|live| live.machine.is_some()) {
                self.give(slot, self.now, Input::Stop(EndReason::NodeStopping));
            }
        }
    }

    /// A node that was asked to stop is gone when its last call and its last append are.
    pub(super) fn stop_if_done(&mut self) {
        let done = |node: &Node| node.stopping && node.live_count == 0;
        if self.node.as_ref().is_some_and(done) && self.journal.is_idle() {
            self.coverage.note(Seen::Stopped);
            self.stopped();
            let again = self.now.after(self.dice.ms(500, 30_000));
            self.agenda.add(again, Event::Start);
        }
    }

    pub(super) fn stopped(&mut self) {
        let Some(node) = self.node.take() else { return };
        let totals = node.desk.ledger.totals();
        let what = What::Totals {
            held: totals.held,
            settled: totals.settled,
            released: totals.released,
            expired: totals.expired,
            open: totals.open,
        };
        self.tape.add(self.now, what);
        self.tape.add(self.now, What::Stopped);
        self.journal.stopped = false;
    }

    /// Writes everything that waits.
    pub(super) fn drain_journal(&mut self) {
        while !self.journal.is_idle() {
            self.journal.begin_group();
            if let Some(boot) = self.node.as_ref().map(|node| node.boot) {
                self.group_written(boot);
            }
        }
    }

    pub(super) fn deposit(&mut self, person: usize) {
        let amount =
            Money::from_micros(self.dice.pick([(1, 90_000), (1, 100_001), (1, 5_000_000)]));
        let Some(account) = self.county.people.get(person).map(|person| person.account) else {
            return;
        };
        self.pay_in(account, amount);
        if let Some(node) = self.node.as_mut() {
            let _ = node.desk.ledger.deposit(account, amount);
        }
    }

    pub(super) fn pay_in(&mut self, account: AccountId, amount: Money) {
        let paid = self.deposited.entry(account).or_default();
        *paid = paid.checked_add(amount).unwrap_or(*paid);
        self.tape.add(self.now, What::Deposited { account, amount });
    }

    /// The registry's source changes; the desk sees it at its next look.
    pub(super) fn registry_changes(&mut self) {
        if self.plan.registry == RegistryPlan::Missing && self.dice.percent(70) {
            return;
        }
        if core::mem::take(&mut self.source_broken) {
            return self.repair_registry();
        }
        let line = self.changed_line();
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

    /// Somebody has noticed, and loads the registry anew.
    fn repair_registry(&mut self) {
        self.epoch_highest += 1;
        let source = &mut self.source;
        source.epoch.0 = self.epoch_highest;
        source.count_max = u64::try_from(source.numbers.len()).unwrap_or(0);
        self.look_again();
    }

    fn look_again(&mut self) {
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
        for fact in node.desk.unsaid.drain(..).collect::<Vec<_>>() {
            self.insist(fact);
        }
        let new = self.read_registry();
        let Some(node) = self.node.as_mut() else { return };
        let any = self.sabotage == Some(Sabotage::TakeAnyRegistry);
        let succeeded = if any { Ok(new) } else { Snapshot::succeed(&node.desk.registry, new) };
        let accepted = succeeded.is_ok();
        match succeeded {
            Ok(new) => node.desk.registry = new,
            Err(NotASuccessor::Older { .. }) => self.coverage.note(Seen::RegistrySetBack),
            Err(NotASuccessor::Differs { .. }) => self.coverage.note(Seen::RegistryDiffers),
        }
        self.note_registry(accepted);
    }

    fn read_registry(&self) -> Snapshot {
        let mut data = self.source.clone();
        data.confirmed = self.now;
        GUARD.snapshot(&data)
    }

    /// Tells the tape what the source offered, as its list says, and whether the desk took it.
    fn note_registry(&mut self, accepted: bool) {
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
const CONFIRM_EVERY: Duration = Duration::from_secs(20);
const FILLERS_COUNT: u64 = 30;
/// Three digits away from every line, so that nobody mistypes one into another.
const FIRST_FILLER: u64 = 12_145_550_150;
