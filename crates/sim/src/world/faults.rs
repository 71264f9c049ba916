//! What happens to the node: starts, stops, deaths, and money.

use super::{Node, Office, World, source::CONFIRM_EVERY};
use crate::{
    agenda::Event,
    desk::{
        Desk,
        recovery::{Caught, Find},
    },
    journal::{Done, Written},
    live::Stage,
    real::Real,
    seen::Seen,
    tape::What,
};
use call::Input;
use desk::Broken;
use model::{
    AccountId, Money, Side,
    fact::{EndReason, Fact},
};
use std::{mem, sync::Arc};

impl World<'_> {
    /// The node starts: recovery settles what a death left behind, and only then there is a desk.
    pub(super) fn start(&mut self) {
        if self.node.is_some() || self.fault.is_some() {
            return;
        }
        self.ending = false;
        let started = if self.site.is_some() { self.start_real() } else { self.start_model() };
        let Some((boot, office)) = started else {
            self.coverage.note(Seen::KilledRecovery);
            let again = self.now.after(self.dice.ms(500, 20_000));
            self.agenda.add(again, Event::Start);
            return;
        };
        if boot > 1 {
            self.coverage.note(Seen::Restarted);
        }
        let model = matches!(office, Office::Model(_));
        self.tape.add(self.now, What::Started { boot });
        self.node =
            Some(Node { boot, counter: 0, office, stopping: false, tried: false, live_count: 0 });
        self.note_registry(true);
        self.looked();
        self.tape.add(self.now, What::KnowsLifts);
        if !self.finale {
            if model {
                let version = String::new();
                let fact = Fact::Boot { boot, at: self.now, version };
                self.journal.lock().append(fact, Done::Nobody);
            }
            self.agenda.add(self.now.after(CONFIRM_EVERY), Event::Reload { boot, every: true });
        }
    }

    fn start_model(&mut self) -> Option<(u32, Office)> {
        self.boots += 1;
        let boot = self.boots;
        let caught = Caught::up_with(self.journal.lock().kept().iter().map(|(_, fact)| fact));
        let registry = self.read_registry();
        let find = Find { now: self.now, caps: self.caps, files: &self.files, registry: &registry };
        let ends = caught.ends(&find, self.sabotage);
        if !ends.is_empty() && !self.settle_found(ends) {
            return None;
        }
        let caught = Caught::up_with(self.journal.lock().kept().iter().map(|(_, fact)| fact));
        let mut desk = Desk::new(Arc::new(registry), self.sabotage);
        for (account, deposited) in &self.deposited {
            let settled = caught.settled.get(account).copied().unwrap_or_default();
            desk.ledger.open(*account, *deposited, settled);
        }
        desk.languages = caught.languages;
        desk.chosen = caught.chosen;
        desk.chosen.lift(&self.lifts);
        desk.names = caught.names;
        desk.shelf = self.voices.clone();
        desk.full = self.is_out_of_room();
        Some((boot, Office::Model(Box::new(desk))))
    }

    /// A start of the real desk can fail at each of its appends.
    fn start_real(&mut self) -> Option<(u32, Office)> {
        let dies = !self.finale && !self.plan.kills.is_empty() && self.dice.percent(20);
        let fails = dies.then(|| (self.dice.below(4), self.dice.percent(50)));
        let mut journal = self.journal.lock();
        let planned = journal.stops_at;
        let stops = fails.map(|(after, kept)| (journal.groups_count() + 1 + after, kept));
        journal.stops_at = if self.finale { None } else { stops };
        drop(journal);
        let site = self.site.as_ref()?;
        let started = Real::start(site, &self.journal, &self.files, &self.around, &mut self.dice);
        let mut journal = self.journal.lock();
        journal.stops_at = planned;
        if started.is_err() {
            journal.end_start();
        }
        drop(journal);
        let failed = started.is_err();
        let result = match started {
            Ok((real, _)) => Some((real.boot(), Office::Real(real))),
            Err(Broken::Journal(_)) if !self.finale => None,
            Err(broken) => {
                self.fault = Some(Box::new(broken));
                None
            }
        };
        self.follow_journal();
        if failed {
            self.tape.add(self.now, What::Killed);
        }
        result
    }

    /// Writes the ends that recovery found, in one append. It can fail as any other, or the node
    /// can die again, with the append on disk or not.
    fn settle_found(&mut self, ends: Vec<Fact>) -> bool {
        let dies = !self.finale && !self.plan.kills.is_empty() && self.dice.percent(20);
        let kept = dies.then(|| self.dice.percent(50));
        let mut journal = self.journal.lock();
        for end in ends {
            journal.append(end, Done::Nobody);
        }
        journal.begin_group();
        let written = match kept {
            _ if journal.full => Written::Full,
            Some(kept) => Written::Unknown { kept },
            None => Written::Well,
        };
        journal.end_group(written);
        journal.stopped = false;
        drop(journal);
        self.follow_journal();
        written == Written::Well
    }

    /// Kills the node at this moment.
    pub(super) fn kill(&mut self) {
        let Some(node) = self.node.take() else { return };
        if node.live_count == 0 {
            self.coverage.note(Seen::KilledIdle);
        }
        self.tape.add(self.now, What::Killed);
        let group = self.journal.lock().group_count();
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
        self.journal.lock().die(count);
        self.follow_journal();
        if let Office::Model(desk) = node.office {
            self.voices = desk.shelf;
        }
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
            self.files.written(call, seconds);
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
        if self.node.as_ref().is_some_and(done) && self.journal.lock().is_idle() {
            // What was refused is tried once more.
            let tried = self.node.as_mut().is_none_or(|node| mem::replace(&mut node.tried, true));
            if !tried && self.append_again() {
                return;
            }
            self.coverage.note(Seen::Stopped);
            self.stopped();
            let again = self.now.after(self.dice.ms(500, 30_000));
            self.agenda.add(again, Event::Start);
        }
    }

    pub(super) fn stopped(&mut self) {
        let Some(node) = self.node.take() else { return };
        match node.office {
            Office::Model(desk) => {
                let totals = desk.ledger.totals();
                let what = What::Totals {
                    held: totals.held,
                    settled: totals.settled,
                    released: totals.released,
                    expired: totals.expired,
                    open: totals.open,
                };
                self.tape.add(self.now, what);
                self.voices = desk.shelf;
            }
            Office::Real(real) => {
                real.close();
                self.follow_journal();
            }
        }
        self.tape.add(self.now, What::Stopped);
        self.journal.lock().end_start();
    }

    /// Writes everything that waits.
    pub(super) fn drain_journal(&mut self) {
        while !self.journal.lock().is_idle() {
            self.journal.lock().begin_group();
            if let Some(boot) = self.node.as_ref().map(|node| node.boot) {
                self.group_written(boot);
            }
        }
    }

    /// No space at all is left, or some again.
    pub(super) fn disk_full(&mut self, full: bool) {
        let full = full && !self.finale;
        self.journal.lock().full = full;
        self.tape.add(self.now, What::DiskFull { full });
    }

    pub(super) fn deposit(&mut self, person: usize) {
        let amount =
            Money::from_micros(self.dice.pick([(1, 90_000), (1, 100_001), (1, 5_000_000)]));
        let Some(account) = self.county.people.get(person).map(|person| person.account) else {
            return;
        };
        self.pay_in(account, amount);
        if let Some(site) = &mut self.site {
            let paid = site.deposit(person, amount, self.now);
            self.fault = self.fault.take().or(paid.err());
            return self.look_again();
        }
        if let Some(Office::Model(desk)) = self.node.as_mut().map(|node| &mut node.office) {
            let _ = desk.ledger.deposit(account, amount);
        }
    }

    pub(super) fn pay_in(&mut self, account: AccountId, amount: Money) {
        let paid = self.deposited.entry(account).or_default();
        *paid = paid.checked_add(amount).unwrap_or(*paid);
        self.tape.add(self.now, What::Deposited { account, amount });
    }
}
