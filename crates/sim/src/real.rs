//! The real desk of one boot, over the world's journal and recordings, on a footing without
//! threads: answers come out as values, and everything that threads do is a turn.

use crate::{
    dice::Dice,
    shelf::Shelf,
    site::{self, PIN_KEY, Site},
    vault::Files,
};
use call::{Answer, CallEvent, Finished, Question, Start};
use charging::CapTable;
use desk::{Broken, Desk, DeskConfig, Footing, Hands, Recovered, Space, Turn};
use journal::{EntrySeq, Recovery, Seq};
use model::{
    CallId, Clock, StationId, Timestamp, TrunkId,
    fact::{OffReason, RecordingEnd},
    plan::Dialling,
    speech::ContentHash,
};
use registry::Snapshot;
use std::{
    collections::VecDeque,
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};
use switch::{Office, Reply};
use vault::RegistryView;

/// The desk of one boot.
pub(crate) struct Real {
    desk: Desk,
    view: RegistryView,
    answers: Arc<Mutex<VecDeque<(usize, Answer)>>>,
}

impl std::fmt::Debug for Real {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Real")
    }
}

/// What lies around the desk, whichever boot it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around {
    now: Arc<AtomicI64>,
    /// Thousandths of the disk that are free.
    room: Arc<AtomicU64>,
}

impl Around {
    pub(crate) fn set_now(&self, now: Timestamp) {
        self.now.store(now.micros(), Ordering::Relaxed);
    }

    pub(crate) fn set_room(&self, permille: u64) {
        self.room.store(permille, Ordering::Relaxed);
    }

    fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Clock::new(move || Timestamp::from_micros(now.load(Ordering::Relaxed)))
    }
}

impl Real {
    /// Starts a desk: the store catches up, what a death left is settled, and the start is entered.
    ///
    /// # Errors
    /// What the desk says that is broken: a journal that does not take what a start must append.
    pub(crate) fn start(
        site: &Site,
        shelf: &Shelf,
        files: &Files,
        around: &Around,
        dice: &mut Dice,
    ) -> Result<(Self, Recovered), Broken> {
        let config = DeskConfig {
            store: site.database(),
            column_keys: site::column_keys(),
            journal_key: journal::SealKey::derive(&[7; 32]),
            journal: site.names_folder(),
            journal_segment_octets: 0,
            recordings: site.names_folder(),
            pin_key: PIN_KEY,
            pack: ContentHash([7; 32]),
            version: String::new(),
            timing: call::limits::Timing::default(),
            caps: CapTable::builtin(),
            evidence: site.evidence(),
            names: Some(site.names()),
        };
        let (room, dice) = (Arc::clone(&around.room), Mutex::new(dice.fork()));
        let footing = |sink| {
            let mut journal = shelf.lock();
            journal.sink = Some(sink);
            let last = u64::try_from(journal.kept().len()).unwrap_or(0);
            let entry = u64::try_from(journal.entries().len()).unwrap_or(0);
            Footing {
                chronicle: Box::new(shelf.clone()),
                found: Recovery { last: Seq(last), entry: EntrySeq(entry), torn: None },
                room: Box::new(move || space(room.load(Ordering::Relaxed))),
                draw: Box::new(move || {
                    let octet = dice.lock().unwrap_or_else(PoisonError::into_inner).below(256);
                    u8::try_from(octet).ok()
                }),
                hands: Hands::Turns,
            }
        };
        let mut view = None;
        let open = |registry: RegistryView| {
            view = Some(registry);
            Ok(files.clone())
        };
        let (desk, _, recovered) = Desk::open_by_hand(config, around.clock(), footing, open)?;
        let view = view.unwrap_or_else(|| desk.registry_view());
        Ok((Self { desk, view, answers: Arc::default() }, recovered))
    }

    pub(crate) fn boot(&self) -> u32 {
        self.desk.boot()
    }

    /// What a station says by itself, as the switch hands it on.
    pub(crate) fn begins(&self, station: StationId) -> Option<Start> {
        let plan = self.desk.station(station)?;
        let dialled = match plan.dialling {
            Dialling::Hotline(hotline) => Some(hotline.dialled),
            Dialling::Menu | Dialling::EnBloc => None,
        };
        Some(Start { caller: plan.caller, dialled, help: plan.help })
    }

    pub(crate) fn ask(&self, slot: usize, call: CallId, station: StationId, question: Question) {
        let answers = Arc::clone(&self.answers);
        let reply = Reply::new(move |answer| {
            answers.lock().unwrap_or_else(PoisonError::into_inner).push_back((slot, answer));
        });
        self.desk.ask(call, station, question, reply);
    }

    /// What was answered since.
    pub(crate) fn answers(&self) -> VecDeque<(usize, Answer)> {
        mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn tell(&self, call: CallId, event: CallEvent) {
        self.desk.tell(call, event);
    }

    pub(crate) fn dialled(&self, call: CallId, at: Timestamp) {
        self.desk.dialled(call, TrunkId(1), at);
    }

    pub(crate) fn not_recorded(&self, call: CallId, reason: OffReason) {
        self.desk.not_recorded(call, reason);
    }

    pub(crate) fn recording_closed(&self, call: CallId, end: RecordingEnd) {
        self.desk.recording_closed(call, Some(end));
    }

    pub(crate) fn finished(&self, call: CallId, finished: Finished) {
        self.desk.finished(call, finished);
    }

    pub(crate) fn broken(&self, call: CallId, at: Timestamp) {
        self.desk.broken(call, at);
    }

    pub(crate) fn turn(&self, turn: Turn) {
        self.desk.turn(turn);
    }

    pub(crate) fn registry(&self) -> Arc<Snapshot> {
        (self.view)()
    }

    pub(crate) fn space(&self) -> Space {
        self.desk.space()
    }

    /// Ends the desk in order.
    pub(crate) fn close(&self) {
        self.desk.close();
    }
}

/// How full a disk of a tebibyte is.
pub(crate) fn space(permille: u64) -> Space {
    Space::of(permille * (DISK_OCTETS / 1_000), DISK_OCTETS)
}

const DISK_OCTETS: u64 = 1_000 << 30;
