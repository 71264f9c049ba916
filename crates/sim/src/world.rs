//! The world of a seed: one clock, one agenda, and everything that happens on it.
//!
//! `phones.rs` is what people and their phones do, `node.rs` what the node does with a machine,
//! `faults.rs` what happens to the node.

use crate::{
    agenda::{Agenda, Event},
    audit::Rule,
    county::County,
    desk::{Desk, Lift, Shelf as Voices},
    dice::Dice,
    live::{Leg, Live, Stage},
    plan::Plan,
    real::{Around, Real},
    sabotage::Sabotage,
    seen::{Coverage, Seen},
    shelf::Shelf,
    site::{Fault, Ground, Site},
    tape::{Tape, What},
    vault::Files,
};
use call::Input;
use charging::CapTable;
use core::time::Duration;
use model::{
    AccountId, CallId, Money, Side, Timestamp,
    plan::{DiskFull, RegistryData},
};
use std::collections::BTreeMap;

mod books;
mod faults;
mod names;
mod node;
mod phones;
mod source;
mod staff;
mod writing;

/// Everything there is.
#[derive(Debug)]
pub(crate) struct World<'a> {
    caps: &'a CapTable,
    pub(crate) dice: Dice,
    now: Timestamp,
    agenda: Agenda,
    county: County,
    plan: Plan,
    calls: Vec<Live>,
    node: Option<Node>,
    pub(crate) journal: Shelf,
    pub(crate) tape: Tape,
    pub(crate) coverage: Coverage,
    pub(crate) events: u64,
    sabotage: Option<Sabotage>,
    boots: u32,
    /// The registry as its source has it.
    source: RegistryData,
    source_broken: bool,
    files: Files,
    epoch_highest: u64,
    /// Everything ever paid in.
    deposited: BTreeMap<AccountId, Money>,
    /// Nothing fails any more: the world is being brought to its end.
    finale: bool,
    /// So many facts and failures of the journal are on the tape.
    noted: (usize, u64),
    /// The node is to be killed, since its journal stopped.
    ending: bool,
    around: Around,
    /// Thousandths of the disk that are free.
    permille: u64,
    /// What staff took back.
    lifts: Vec<Lift>,
    /// A line whose party is called again, since staff took their wish back.
    relented: Option<usize>,
    /// What people said whose names are kept, for the model of the desk.
    voices: Voices,
    /// Where the real desk has its files; without it, the model of the desk runs.
    site: Option<Site>,
    /// What is wrong with the entries and the database of the real desk.
    pub(crate) objections: Vec<(Rule, String)>,
    /// What broke here, so that the run says nothing.
    pub(crate) fault: Option<Fault>,
}

/// A node between its start and its end.
#[derive(Debug)]
struct Node {
    boot: u32,
    counter: u32,
    office: Office,
    stopping: bool,
    /// What the journal refused was tried once more before the stop.
    tried: bool,
    live_count: usize,
}

/// Who decides.
#[derive(Debug)]
enum Office {
    /// The model of the desk.
    Model(Box<Desk>),
    /// The desk.
    Real(Real),
}

impl<'a> World<'a> {
    /// The world of a seed, with the real desk where there is `ground` for it.
    pub(crate) fn new(
        caps: &'a CapTable,
        seed: u64,
        sabotage: Option<Sabotage>,
        ground: Option<&Ground>,
    ) -> Self {
        let mut dice = Dice::new(seed);
        let plan = Plan::new(&mut dice.fork());
        let county = County::new(&mut dice.fork());
        let mut world = Self {
            caps,
            now: plan.start,
            agenda: Agenda::default(),
            source: source::first_registry(&mut dice, &plan, &county),
            dice: dice.fork(),
            county,
            plan,
            calls: Vec::new(),
            node: None,
            journal: Shelf::default(),
            tape: Tape::default(),
            coverage: Coverage::default(),
            events: 0,
            sabotage,
            boots: 0,
            source_broken: false,
            files: Files::default(),
            epoch_highest: 3,
            deposited: BTreeMap::new(),
            finale: false,
            noted: (0, 0),
            ending: false,
            around: Around::default(),
            permille: AMPLE_PERMILLE,
            lifts: Vec::new(),
            relented: None,
            voices: Voices::new(),
            site: None,
            objections: Vec::new(),
            fault: None,
        };
        world.journal.lock().stops_at = world.plan.stops_at;
        if let Some(ground) = ground {
            match ground.site(&mut world.county, &mut world.source, world.now) {
                Ok(site) => world.site = Some(site),
                Err(fault) => world.fault = Some(fault),
            }
        }
        world.prepare();
        world
    }

    /// Plays the seed to its end.
    pub(crate) fn play(&mut self) {
        while let Some((at, event)) = self.agenda.next() {
            if self.events >= EVENTS_MAX {
                break;
            }
            self.set_now(self.now.max(at));
            self.events += 1;
            self.happen(event);
            self.follow_desk();
            self.write_on();
            self.stop_if_done();
        }
        self.end();
    }

    fn set_now(&mut self, now: Timestamp) {
        self.now = now;
        self.around.set_now(now);
        self.journal.lock().now = now;
    }

    fn prepare(&mut self) {
        self.set_now(self.now);
        self.has_room(AMPLE_PERMILLE);
        for facility in &self.county.facilities {
            let (base, additive) = (facility.base_per_minute, facility.additive_per_minute);
            let claims_max = facility.called.private_claims_max;
            let (names, refuses) =
                (facility.recorded_names, facility.disk_full == DiskFull::Refuse);
            let (facility, kind) = (facility.id, facility.site.kind);
            self.tape.add(
                self.now,
                What::Facility { facility, kind, base, additive, claims_max, names, refuses },
            );
        }
        for line in self.county.lines.iter().filter(|line| line.free) {
            self.tape.add(self.now, What::FreeLine { number: line.number });
        }
        for person in self.county.people.clone() {
            self.pay_in(person.account, person.deposited);
        }
        let mut add = |offset: Duration, event: Event| {
            self.agenda.add(self.plan.start.after(offset), event);
        };
        add(Duration::ZERO, Event::Start);
        for kill in &self.plan.kills {
            add(*kill, Event::Kill);
        }
        for change in &self.plan.changes {
            add(*change, Event::Registry);
        }
        if let Some(stop) = self.plan.stop {
            add(stop, Event::Stop);
        }
        if let Some((from, until)) = self.plan.full {
            add(from, Event::DiskFull(true));
            add(until, Event::DiskFull(false));
        }
        let horizon_ms = u64::try_from(self.plan.horizon.as_millis()).unwrap_or(0);
        for _ in 0..self.plan.calls_count {
            let count = self.county.stations.len();
            let station = if self.plan.guesser { 0 } else { self.dice.index(count) };
            add(self.dice.ms(10, horizon_ms), Event::Lift { station });
        }
        for (from, permille) in &self.plan.rooms {
            add(*from, Event::Room(*permille));
        }
        for relent in &self.plan.relents {
            add(*relent, Event::Relent);
        }
        for look in &self.plan.looks {
            add(*look, Event::Look);
        }
        for _ in 0..self.dice.below(4) {
            let person = self.dice.index(self.county.people.len());
            add(self.dice.ms(10, horizon_ms), Event::Deposit { person });
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Lift { station } => self.lift(station),
            Event::Press { slot, side, key, delay_us } => self.press(slot, side, key, delay_us),
            Event::KeyArrives { slot, side, key, onset, path } => {
                self.key_arrives(slot, side, key, onset, path);
            }
            Event::Key { slot, side, key, onset, path } => {
                self.key(slot, side, key, onset, path);
            }
            Event::HangUp { slot, side } => self.phone_hangs_up(slot, side),
            Event::Silence { slot, side } => self.phone_falls_silent(slot, side),
            Event::Sound { slot, side } => self.phone_sounds(slot, side),
            Event::Moves { slot } => self.phone_moves(slot),
            Event::PlayOver { slot, side, play } => self.play_over(slot, side, play),
            Event::LostCheck { slot, side } => self.lost_check(slot, side),
            Event::Rings { slot } => self.rings(slot),
            Event::Answers { slot } => self.answers(slot),
            Event::Fails { slot, failure } => self.fails(slot, failure),
            Event::Input { slot, input } => self.input(slot, input),
            Event::Wake { slot } => self.wake(slot),
            Event::Group { boot } => self.group_written(boot),
            Event::Reload { boot, every } => self.reload_due(boot, every),
            Event::Deposit { person } => self.deposit(person),
            Event::Registry => self.registry_changes(),
            Event::DiskFull(full) => self.disk_full(full),
            Event::Room(permille) => self.has_room(permille),
            Event::Relent => self.relent(),
            Event::Look => self.look(),
            Event::NameSaid { slot, enrolment } => self.name_said(slot, enrolment),
            Event::Names { boot } => self.names_due(boot),
            Event::Kill => self.kill(),
            Event::Stop => self.stop(),
            Event::StopDeadline { boot } => self.stop_deadline(boot),
            Event::Start => self.start(),
        }
    }

    /// A station calls, if it is free and there is a node.
    fn lift(&mut self, station: usize) {
        let taken = |live: &Live| live.station == station && live.station_leg.phone_up;
        let busy = self.calls.iter().any(taken);
        let slot = self.calls.len();
        let Some(node) = self.node.as_mut().filter(|node| !node.stopping && !busy) else {
            if self.now < self.plan.start.after(self.plan.horizon) {
                let later = self.now.after(self.dice.ms(5_000, 40_000));
                self.agenda.add(later, Event::Lift { station });
            }
            return;
        };
        node.counter += 1;
        node.live_count += 1;
        let call = CallId::from_parts(node.boot, node.counter);
        self.tape.add(self.now, What::Taken { call });
        let mut live = self.new_live(call, station);
        if live.person.soundless {
            self.tape.add(self.now, What::FellSilent { call, side: Side::Station });
            self.coverage.note(Seen::NoSound);
            live.station_leg.silent_since = Some(self.now);
            let check = self.now.after(crate::live::LOST_AFTER);
            self.agenda.add(check, Event::LostCheck { slot, side: Side::Station });
        }
        self.calls.push(live);
        self.person_begins(slot);
        self.begin_machine(slot);
    }

    fn new_live(&mut self, call: CallId, station: usize) -> Live {
        use crate::habit::{Choice, PartyHabit, PersonHabit};
        let lines = self.county.lines.len();
        let mut person = PersonHabit::new(&mut self.dice, self.county.people.len(), lines);
        // Mostly somebody who lives there; others have a PIN that is not known here.
        let facility = self.county.stations.get(station).map(|station| station.facility);
        let here = |index: &usize| {
            let found = self.county.people.get(*index).map(|person| person.facility);
            found == facility
        };
        if !self.dice.percent(5) {
            let people = self.county.people.len();
            person.person = (person.person..people).chain(0..people).find(here).unwrap_or(0);
        }
        if self.plan.guesser {
            person.wrong_pins = 9;
        }
        let mut party = PartyHabit::new(&mut self.dice);
        if let Some(line) = self.relented
            && self.dice.percent(60)
        {
            (person.line, person.mistake, person.service) = (line, None, None);
            if self.dice.percent(50) {
                party.choice = Choice::Blocks;
            }
        }
        let mut leg = || {
            let pace_percent = self.dice.pick([(3, 100), (1, 60), (1, 170)]);
            Leg { pace_percent, ..Leg::default() }
        };
        let called_leg = leg();
        let station_leg = Leg { phone_up: true, node_up: true, connected: true, ..leg() };
        Live {
            call,
            station,
            machine: None,
            until: None,
            wake: None,
            stage: Stage::Menu,
            station_leg,
            called_leg,
            person,
            party,
            pins_typed: 0,
            numbers_typed: 0,
            notices_heard: 0,
            switches_left: party.switches,
            accept: None,
            moved: None,
            talk: None,
            panic_in: None,
            naming: None,
        }
    }

    /// Puts an input on the agenda: `delay` later, sometimes much later or twice.
    fn send(&mut self, slot: usize, delay: Duration, input: Input) {
        let mut at = self.now.after(delay);
        if self.is_sloppy() {
            at = at.after(self.dice.ms(0, 1_500));
        }
        self.agenda.add(at, Event::Input { slot, input });
    }

    fn is_sloppy(&mut self) -> bool {
        self.dice.percent(self.plan.sloppy_percent)
    }

    /// The world comes to its end: the node stops in order, and starts once more on a sound disk.
    fn end(&mut self) {
        self.finale = true;
        self.disk_full(false);
        self.has_room(AMPLE_PERMILLE);
        self.journal.lock().stops_at = None;
        if self.node.is_some() {
            self.drain_journal();
            self.append_again();
            self.drain_journal();
            self.stopped();
        }
        self.start();
        self.close_books();
    }
}

/// Thousandths of the disk that are free where there is room.
const AMPLE_PERMILLE: u64 = 800;
/// A seed that is not over by then never will be.
const EVENTS_MAX: u64 = 1_000_000;
