//! The telephones of the demo: one SIP port and one audio engine that play many phones, built from
//! the same `line` and `media` as the node. They know of the node only what a phone knows.

use std::{
    collections::HashMap,
    net::SocketAddr,
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use line::{Directory, Inbound, Line, LineConfig, LineEvent, Target, WireId};
use media::{Media, MediaConfig, MediaEvent, Pack, Voice};
use model::{
    CallId, Clock, Codec, LegId, MediaDescription, Private, Side, StationId, audio::Direction,
};

use super::phone::{Phone, PhoneEvent};

/// A telephone exchange: many phones behind one SIP address.
#[derive(Clone)]
pub(crate) struct Exchange(Arc<Inner>);

struct Inner {
    line: Line,
    media: Media,
    board: Arc<Mutex<Board>>,
    counter: AtomicU32,
}

/// Which phone is told what.
#[derive(Default)]
struct Board {
    by_wire: HashMap<WireId, Sender<PhoneEvent>>,
    by_leg: HashMap<LegId, Sender<PhoneEvent>>,
    /// Who waits for a call to a number.
    waiting: HashMap<String, Sender<Arrival>>,
}

/// A call that came in for a number somebody waits at.
pub(crate) struct Arrival {
    wire: WireId,
    offer: MediaDescription,
}

/// Who may register with an exchange: at most one account, the reader's own softphone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account(pub(crate) Option<(String, Private<[u8; 16]>)>);

impl Directory for Account {
    fn station(&self, _source: SocketAddr, _user: &str) -> Option<StationId> {
        None
    }

    fn digest(&self, user: &str) -> Option<(StationId, Private<[u8; 16]>)> {
        let (known, ha1) = self.0.as_ref()?;
        (known == user).then_some((READER, *ha1))
    }

    fn trunk(&self) -> Option<SocketAddr> {
        None
    }
}

/// The reader's own softphone, as the exchange numbers it.
pub(crate) const READER: StationId = StationId(1);

impl Exchange {
    /// An exchange that takes SIP at `sip` and audio on `ports` of the same address.
    pub(crate) fn start(
        sip: SocketAddr,
        ports: RangeInclusive<u16>,
        account: Account,
        pack: Arc<Pack>,
        clock: &Clock,
    ) -> Result<Self> {
        let board = Arc::new(Mutex::new(Board::default()));
        let at_media = Arc::clone(&board);
        let config = MediaConfig {
            ip: sip.ip(),
            ports,
            report_sockets_max: usize::MAX,
            threads: 1,
            live_within: LIVE_WITHIN,
            lost_after: LOST_AFTER,
        };
        let media = Media::start(config, pack, clock.clone(), move |event| {
            lock(&at_media).media(event);
        })
        .context("cannot start the audio of the demo's phones")?;
        let at_line = Arc::clone(&board);
        let config = LineConfig {
            bind: sip,
            realm: crate::node::REALM.to_owned(),
            user_agent: "Parlatory-demo-phone".to_owned(),
            inbound: Inbound::Anyone,
            calls_max: CALLS_MAX,
            network: line::Network::default(),
        };
        let line = Line::start(config, Arc::new(account), clock.clone(), move |event| {
            lock(&at_line).line(event);
        })
        .context("cannot start the demo's phones")?;
        let inner = Inner { line, media, board, counter: AtomicU32::new(0) };
        Ok(Self(Arc::new(inner)))
    }

    /// Where its SIP port is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.line.local_address()
    }

    /// A phone that calls `target`, showing `from`.
    pub(crate) fn call(&self, target: Target, from: &str) -> Result<Phone> {
        self.call_on(self.next_call().leg(Side::Station), target, from)
    }

    /// The same on a leg of the caller's choice.
    pub(crate) fn call_on(&self, leg: LegId, target: Target, from: &str) -> Result<Phone> {
        let local = self.open(leg)?;
        let (sender, events) = channel();
        let mut board = self.board();
        board.by_leg.insert(leg, sender.clone());
        // The board is held: an event of this dialog cannot overtake its entry.
        let wire = self.0.line.dial(target, from.to_owned(), local.clone());
        board.by_wire.insert(wire, sender);
        drop(board);
        Ok(Phone::new(self.clone(), wire, leg, local, Voice::Low, events))
    }

    /// From now on calls to `number` ring at the receiver.
    pub(crate) fn wait_at(&self, number: &str) -> Receiver<Arrival> {
        let (sender, arrivals) = channel();
        self.board().waiting.insert(number.to_owned(), sender);
        arrivals
    }

    /// Lets a call that came in ring.
    pub(crate) fn ring(&self, arrival: &Arrival) {
        self.0.line.ring(arrival.wire);
    }

    /// Answers a call that came in.
    pub(crate) fn answer(&self, arrival: &Arrival) -> Result<Phone> {
        self.answer_on(self.next_call().leg(Side::Station), arrival)
    }

    /// The same on a leg of the caller's choice.
    pub(crate) fn answer_on(&self, leg: LegId, arrival: &Arrival) -> Result<Phone> {
        let local = self.open(leg)?;
        let (sender, events) = channel();
        let mut board = self.board();
        board.by_leg.insert(leg, sender.clone());
        board.by_wire.insert(arrival.wire, sender);
        drop(board);
        let agreed = line::agree(&local, &arrival.offer).context("no common codec")?;
        self.0.media.connect(leg, agreed);
        self.0.line.answer(arrival.wire, local.clone());
        let mut phone = Phone::new(self.clone(), arrival.wire, leg, local, Voice::High, events);
        phone.connected();
        Ok(phone)
    }

    /// Refuses a call that came in.
    pub(crate) fn reject(&self, arrival: &Arrival, status: u16) {
        self.0.line.reject(arrival.wire, status);
    }

    /// Joins two phones of this exchange, as it does for the reader's own softphone.
    pub(crate) fn join(&self, call: CallId) {
        self.0.media.bridge(call, None);
    }

    pub(crate) fn line(&self) -> &Line {
        &self.0.line
    }

    pub(crate) fn media(&self) -> &Media {
        &self.0.media
    }

    /// Forgets a phone.
    pub(crate) fn forget(&self, wire: WireId, leg: LegId) {
        let mut board = self.board();
        board.by_wire.remove(&wire);
        board.by_leg.remove(&leg);
        drop(board);
        self.0.media.close(leg);
    }

    /// Ends everything.
    pub(crate) fn stop(&self) {
        self.0.line.stop();
        self.0.media.stop();
    }

    /// A number for a call between phones of this exchange.
    pub(crate) fn next_call(&self) -> CallId {
        CallId::from_parts(0, self.0.counter.fetch_add(1, Ordering::Relaxed))
    }

    fn open(&self, leg: LegId) -> Result<MediaDescription> {
        let address = self.0.media.open(leg).context("no audio port for a phone of the demo")?;
        Ok(our_audio(address))
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        lock(&self.0.board)
    }
}

impl Board {
    fn line(&mut self, event: LineEvent) {
        let (wire, told) = match event {
            LineEvent::Incoming { wire, dialled, offer, .. } => {
                let waiting = self.waiting.get(dialled.expose().trim_start_matches('+'));
                if let (Some(waiting), Some(offer)) = (waiting, offer) {
                    let _ = waiting.send(Arrival { wire, offer });
                }
                return;
            }
            LineEvent::Answered { wire, answer, .. } => (wire, PhoneEvent::Answered(answer)),
            LineEvent::Failed { wire, status, .. } => (wire, PhoneEvent::Failed(status)),
            LineEvent::HungUp { wire } => (wire, PhoneEvent::HungUp),
            LineEvent::Key { wire, key, .. } => (wire, PhoneEvent::Key(key)),
            LineEvent::Dialled { .. }
            | LineEvent::Trunk { .. }
            | LineEvent::Signing { .. }
            | LineEvent::Ringing { .. }
            | LineEvent::Forwarded { .. }
            | LineEvent::Reoffered { .. } => {
                return;
            }
        };
        if let Some(phone) = self.by_wire.get(&wire) {
            let _ = phone.send(told);
        }
    }

    fn media(&mut self, event: MediaEvent) {
        let (leg, told) = match event {
            MediaEvent::Sound { leg, sounding, .. } => (leg, PhoneEvent::Sound(sounding)),
            MediaEvent::Key { leg, key, .. } => (leg, PhoneEvent::Key(key)),
            MediaEvent::Played { .. }
            | MediaEvent::Live { .. }
            | MediaEvent::Closed { .. }
            | MediaEvent::Lost { .. }
            | MediaEvent::Broken { .. } => return,
        };
        if let Some(phone) = self.by_leg.get(&leg) {
            let _ = phone.send(told);
        }
    }
}

/// What a phone of the demo says about its audio.
fn our_audio(address: SocketAddr) -> MediaDescription {
    MediaDescription {
        address,
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        telephone_event: Some(TELEPHONE_EVENT),
        packet_ms: 20,
        direction: Direction::SendRecv,
        rtcp_port: address.port().saturating_add(1),
        rtcp_mux: true,
        signals_from: None,
    }
}

fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Payload type for keys that the demo's phones offer; not the one the node offers, on purpose.
const TELEPHONE_EVENT: u8 = 96;
const CALLS_MAX: usize = 64;
const LIVE_WITHIN: Duration = Duration::from_millis(1_500);
const LOST_AFTER: Duration = Duration::from_secs(60);
