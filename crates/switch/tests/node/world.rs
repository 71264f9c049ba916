//! A node, its stations and its trunk.

use line::{Directory, Inbound, LineEvent};
use model::{
    CallId, Clock, Private, StationId,
    fact::{EndReason, Heard},
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::RangeInclusive,
    sync::{
        Arc, Mutex,
        atomic::Ordering,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};
use switch::{Mailbox, Office, Parts, Step, StepKind, Switch, SwitchConfig};
use tempfile::TempDir;
use vault::{Keyholders, Vault, VaultConfig, generate};

use crate::{
    office::{Habit, Scripted, Told},
    phone::{self, PATIENCE, PORTS, Phone},
};

pub(crate) struct World {
    switch: Option<Switch>,
    pub(crate) node: SocketAddr,
    told: Receiver<Told>,
    steps: Receiver<Step>,
    gateway: Arc<Gateway>,
    office: Arc<Scripted>,
    _folder: TempDir,
}

/// Every caller is a station of a gateway, named by its number; and there is one trunk.
#[derive(Default)]
struct Gateway {
    trunk: Mutex<Option<SocketAddr>>,
}

impl Directory for Gateway {
    fn station(&self, _: SocketAddr, user: &str) -> Option<StationId> {
        user.parse().ok().map(StationId)
    }
    fn digest(&self, _: &str) -> Option<(StationId, Private<[u8; 16]>)> {
        None
    }
    fn trunk(&self) -> Option<SocketAddr> {
        *self.trunk.lock().unwrap()
    }
}

/// What a node has counted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) live: u64,
    pub(crate) taken: u64,
    pub(crate) turned_away: u64,
    pub(crate) faults: u64,
}

impl World {
    /// A node whose stations 1, 2 and so on meet these habits.
    pub(crate) fn new(habits: &[Habit]) -> Self {
        Self::with(habits, 8, PORTS)
    }

    pub(crate) fn with(habits: &[Habit], calls_max: usize, ports: RangeInclusive<u16>) -> Self {
        let heard = Mutex::default();
        let office = |told| Scripted { habits: habits.to_vec(), told, stall: None, heard };
        Self::on(phone::clock(), |_| {}, calls_max, ports, office)
    }

    /// A node on another clock, whose line's events are shown to `arrived` once they are posted.
    pub(crate) fn on(
        clock: Clock,
        arrived: impl Fn(&LineEvent) + Send + Sync + 'static,
        calls_max: usize,
        ports: RangeInclusive<u16>,
        office: impl FnOnce(Sender<Told>) -> Scripted,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (sender, told) = channel();
        let gateway = Arc::<Gateway>::default();
        let mailbox = Mailbox::new();
        let media = phone::media(ports, mailbox.media_events(clock.clone()));
        let post = mailbox.line_events(clock.clone());
        let posted = move |event: LineEvent| {
            let seen = event.clone();
            post(event);
            arrived(&seen);
        };
        let directory: Arc<dyn Directory> = Arc::<Gateway>::clone(&gateway);
        let line = phone::line(Inbound::Stations, directory, posted);
        let node = line.local_address();
        let office = Arc::new(office(sender));
        let vault = vault(&folder);
        let (sender, steps) = channel();
        let sender = Mutex::new(sender);
        // A test that is over does not watch any more.
        let watch = move |step: &Step| drop(sender.lock().unwrap().send(step.clone()));
        let asked: Arc<dyn Office> = Arc::<Scripted>::clone(&office);
        let parts = Parts { line, media, vault, office: asked, watch: Some(Arc::new(watch)) };
        let config = SwitchConfig { boot: 1, calls_max, calls_per_station_max: 3 };
        let switch = Some(Switch::start(config, mailbox, parts, clock).unwrap());
        Self { switch, node, told, steps, gateway, office, _folder: folder }
    }

    pub(crate) fn connect_trunk(&self, trunk: SocketAddr) {
        *self.gateway.trunk.lock().unwrap() = Some(trunk);
    }

    /// The next thing that the office was told.
    pub(crate) fn told(&self) -> Told {
        self.told.recv_timeout(PATIENCE).unwrap()
    }

    /// Presses keys until the office is asked this for a call. A key that comes before the node's
    /// end of the leg is connected is lost, as on any telephone.
    pub(crate) fn press_until_asked(&self, phone: &Phone, call: CallId, question: &'static str) {
        for _ in 0..40 {
            phone.press("1#");
            if let Ok(told) = self.told.recv_timeout(A_MOMENT) {
                if told == Told::Asked(call, question) {
                    return;
                }
                assert_eq!(told, Told::Asked(call, "identify"));
            }
        }
        panic!("the office was never asked to {question}");
    }

    /// The next thing that the office was told besides questions and what was dialled.
    pub(crate) fn told_end(&self) -> Told {
        loop {
            match self.told() {
                Told::Asked(..) | Told::Dialled(..) | Told::Forwarded(..) | Told::Name(..) => {}
                end @ (Told::Finished(..) | Told::Broken(_)) => return end,
            }
        }
    }

    /// The next step of a call that is not yet seen and for which `is` holds; what came before it
    /// is passed over.
    pub(crate) fn wait_step(&self, call: CallId, is: impl Fn(&StepKind) -> bool) -> StepKind {
        loop {
            let step = self.steps.recv_timeout(PATIENCE).unwrap();
            if step.call == call && is(&step.kind) {
                return step.kind;
            }
        }
    }

    /// Ends calls as cut by staff; gives those that there were.
    pub(crate) fn end(&self, calls: Vec<CallId>) -> Vec<CallId> {
        self.switch.as_ref().unwrap().ender()(calls, EndReason::CutByStaff)
    }

    /// How the audio of calls was, as far as it was told.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.office.heard.lock().unwrap().clone()
    }

    pub(crate) fn begin_stop(&self, limit: Duration) {
        self.switch.as_ref().unwrap().begin_stop(limit);
    }

    /// Tells when the node's thread has ended.
    pub(crate) fn ended(&self) -> Receiver<()> {
        let (sender, ended) = channel();
        self.switch.as_ref().unwrap().when_ended(move || sender.send(()).unwrap());
        ended
    }

    /// Returns when the node has stopped.
    pub(crate) fn join(&mut self) {
        self.switch.take().unwrap().join();
    }

    /// Returns when no call is left: only then does a node that stops have nothing to wait for.
    pub(crate) fn wait_empty(&mut self) {
        self.begin_stop(Duration::from_secs(3_600));
        self.join();
    }

    /// Nothing more was told after the node has stopped.
    pub(crate) fn assert_told_nothing_more(&self) {
        let more: Vec<Told> = self.told.try_iter().collect();
        assert_eq!(more, []);
    }

    pub(crate) fn counted(&self) -> Counted {
        let counts = self.switch.as_ref().unwrap().counts();
        Counted {
            live: counts.live.load(Ordering::Relaxed),
            taken: counts.taken.load(Ordering::Relaxed),
            turned_away: counts.turned_away.load(Ordering::Relaxed),
            faults: counts.faults.load(Ordering::Relaxed),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(switch) = self.switch.take() {
            switch.begin_stop(Duration::ZERO);
            // A test that failed while the node hangs must not hang with it.
            if !std::thread::panicking() {
                switch.join();
            }
        }
    }
}

fn vault(folder: &TempDir) -> Vault {
    let key = || generate().unwrap().1;
    let keyholders = Keyholders::new(key(), BTreeMap::new(), key()).unwrap();
    let dir = folder.path().join("recordings");
    let config = VaultConfig { dir, keyholders, sync_every: Duration::from_secs(2) };
    Vault::open(config, Arc::new(nobody_asks), phone::clock()).unwrap()
}

/// A registry for calls without a consent.
fn nobody_asks<T>() -> T {
    panic!("a recording was to begin")
}

/// Longer than it takes to press two keys.
const A_MOMENT: Duration = Duration::from_secs(1);
