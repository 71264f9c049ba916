//! The handle to all audio, what is asked of it, and what it reports.

use crate::{
    Pack,
    limits::{ANSWER_WAIT, THREADS_MAX},
    ports::{PortPair, Ports},
    speak::Rendered,
    thread::Worker,
    tone::{Tones, Voice},
};
use model::{
    Agreed, CallId, Clock, Key, LegId, PlayId, Script, Second, SrtpKeys, Timestamp, Tone,
    fact::KeyPath, speech::ContentHash,
};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Sender, SyncSender, channel, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

/// What [`Media::start`] needs to know.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// The address that RTP is bound to and that session descriptions name; not `0.0.0.0`.
    pub ip: IpAddr,
    /// UDP ports that legs may use, two for each: RTP on the even one, RTCP on the odd one after
    /// it.
    pub ports: RangeInclusive<u16>,
    /// Sockets of RTCP at most. A leg whose reports share the port of RTP, or that never has audio,
    /// needs none; one for which there is none left hears no reports.
    pub report_sockets_max: usize,
    /// Media threads, at least one. Both legs of a call live on the same.
    pub threads: usize,
    /// A leg is live while its last RTP packet is not older than this; 1.5 s is usual.
    pub live_within: Duration,
    /// A leg is lost when its last RTP packet is older than this; 10 s is usual.
    pub lost_after: Duration,
}

/// All audio of a node. A cheap handle: clones share the threads, which stop with [`Media::stop`]
/// or when the last handle is gone. No method waits for the network; those without a result only
/// queue a command, and commands for a leg that does not exist do nothing.
#[derive(Clone)]
pub struct Media {
    shared: Arc<Shared>,
}

impl Media {
    /// Starts the threads. `events` is called on them and must not block or call
    /// [`Media::statistics`] or [`Media::stop`]: it passes the event on and returns.
    ///
    /// # Errors
    /// [`MediaError::Config`] when the configuration makes no sense, [`MediaError::Broken`] when a
    /// thread or its poller cannot be made.
    pub fn start(
        config: MediaConfig,
        pack: Arc<Pack>,
        clock: Clock,
        events: impl Fn(MediaEvent) + Send + Sync + 'static,
    ) -> Result<Self, MediaError> {
        if config.ip.is_unspecified() {
            return Err(MediaError::Config("`ip` must be the address that phones send audio to"));
        }
        if config.threads == 0 || config.threads > THREADS_MAX {
            return Err(MediaError::Config("`threads` must be 1 to 64"));
        }
        let ports = Ports::new(config.ip, config.ports.clone(), config.report_sockets_max)?;
        let events: Events = Arc::new(events);
        let tones = Arc::new(Tones::generate());
        let mut threads = Vec::with_capacity(config.threads);
        let mut handles = Vec::with_capacity(config.threads);
        for number in 0..config.threads {
            let (sender, commands) = channel();
            let worker = Worker::new(&config, Arc::clone(&tones), Arc::clone(&events))?;
            let clock = clock.clone();
            let handle = std::thread::Builder::new()
                .name(format!("media-{number}"))
                .spawn(move || worker.run(&commands, &clock))
                .map_err(MediaError::Broken)?;
            threads.push(sender);
            handles.push(handle);
        }
        Ok(Self { shared: Arc::new(Shared { ports, pack, threads, handles: Mutex::new(handles) }) })
    }

    /// Takes two ports for a leg and returns the address of RTP. The leg neither reads nor sends
    /// until [`Media::connect`]. A leg of that id that is still open is closed first.
    ///
    /// # Errors
    /// [`MediaError::NoPort`] when all ports are taken, [`MediaError::Broken`] when a socket cannot
    /// be made, [`MediaError::Stopped`] after [`Media::stop`].
    pub fn open(&self, leg: LegId) -> Result<SocketAddr, MediaError> {
        let pair = self.shared.ports.take()?;
        let address = pair.address();
        let open = Command::Open { leg, pair: Box::new(pair) };
        if self.shared.send(leg.call, open) { Ok(address) } else { Err(MediaError::Stopped) }
    }

    /// Sends to and hears only the agreed remote address from now on. Called again after a
    /// re-INVITE.
    pub fn connect(&self, leg: LegId, agreed: Agreed) {
        self.shared.send(leg.call, Command::Connect { leg, agreed, keys: None });
    }

    /// As [`Media::connect`], with audio encrypted (RFC 3711) under keys that came by encrypted
    /// signalling. From here on the leg neither hears nor sends anything in clear: keys stay when
    /// it is connected without any, and a direction whose key is the same goes on where it was.
    pub fn connect_secured(&self, leg: LegId, agreed: Agreed, keys: SrtpKeys) {
        let keys = Some(Box::new(keys));
        self.shared.send(leg.call, Command::Connect { leg, agreed, keys });
    }

    /// Plays a script to a leg from its next packet on. Whatever plays on the leg ends
    /// [`PlayEnded::Cut`]; so does a play during which the remote address changes. While a bridged
    /// leg is played to, it does not hear the other leg.
    pub fn play(&self, leg: LegId, play: PlayId, script: Script) {
        let rendered = Box::new(self.shared.pack.render(&script));
        self.shared.send(leg.call, Command::Play { leg, play, rendered });
    }

    /// Ends what plays on a leg, if anything does: [`PlayEnded::Cut`].
    pub fn hush(&self, leg: LegId) {
        self.shared.send(leg.call, Command::Hush { leg });
    }

    /// What a leg hears from here on wherever nothing else is sent to it: the ringing tone of the
    /// United States (440 and 480 Hz, 2 s on, 4 s off), a soft tone that says that the wait goes on
    /// (twice a quarter of a second every 4 s), or nothing. Scripts and the other leg of a bridge
    /// go before it, and are never mixed with it.
    pub fn tone(&self, leg: LegId, tone: Option<Tone>) {
        self.shared.send(leg.call, Command::Tone { leg, tone });
    }

    /// Joins the two legs of a call: each hears the other. With a tap, both directions are handed
    /// to it as well; without, nothing that could keep audio exists. When one of the legs is not
    /// open, nothing is joined and the tap ends at once.
    pub fn bridge(&self, call: CallId, tap: Option<Box<dyn Tap>>) {
        self.shared.send(call, Command::Bridge { call, tap });
    }

    /// Takes the next words of the station's leg: a name, at most two seconds of it, until it is
    /// quiet again or a key is pressed. Only while the call has no called leg: where there is one,
    /// or there comes one before the end, `capture` is dropped and nothing is taken.
    pub fn capture(&self, call: CallId, capture: Box<dyn Capture>) {
        self.shared.send(call, Command::Capture { call, capture });
    }

    /// Parts the two legs of a call, which stay open: neither hears the other any more, and the tap
    /// ends with what was said until now. Without a bridge, nothing happens.
    pub fn unbridge(&self, call: CallId) {
        self.shared.send(call, Command::Unbridge { call });
    }

    /// Closes a leg and its ports. The bridge and its tap end with the first leg that closes; what
    /// plays on the leg ends [`PlayEnded::Cut`].
    pub fn close(&self, leg: LegId) {
        self.shared.send(leg.call, Command::Close { leg });
    }

    /// As a telephone: presses keys one after the other, as telephone-events (RFC 4733), each 100
    /// ms long with 100 ms of pause. Nothing happens when the other end did not agree to such
    /// events.
    pub fn press(&self, leg: LegId, keys: &[Key]) {
        self.shared.send(leg.call, Command::Press { leg, keys: keys.to_vec() });
    }

    /// As a telephone: reports [`MediaEvent::Sound`] when sound begins or ends on a leg.
    pub fn listen(&self, leg: LegId, on: bool) {
        self.shared.send(leg.call, Command::Listen { leg, on });
    }

    /// As a telephone: talks in a voice (generated sound with the rhythm of speech, the same each
    /// time for the same leg) instead of sending silence; with `None`, silence again.
    pub fn babble(&self, leg: LegId, voice: Option<Voice>) {
        self.shared.send(leg.call, Command::Babble { leg, voice });
    }

    /// Packets counted on a leg so far; `None` when it is not open. Waits for the media thread.
    pub fn statistics(&self, leg: LegId) -> Option<Statistics> {
        let (answer, statistics) = sync_channel(1);
        self.shared.send(leg.call, Command::Statistics { leg, answer });
        statistics.recv_timeout(ANSWER_WAIT).ok().flatten()
    }

    /// Ends all plays and taps, closes all legs, and waits until the threads have ended.
    pub fn stop(&self) {
        for thread in &self.shared.threads {
            // A thread that is gone has stopped already.
            let _ = thread.send(Command::Stop);
        }
        let handles = std::mem::take(
            &mut *self.shared.handles.lock().unwrap_or_else(PoisonError::into_inner),
        );
        for handle in handles {
            if handle.join().is_err() {
                tracing::error!("a media thread had died of a fault before it was stopped");
            }
        }
    }
}

/// Takes the audio of a bridge, second by second. Called on a media thread: it queues and returns.
pub trait Tap: Send {
    /// The next second of both directions, about [`crate::limits::TAP_GRACE`] after it is over.
    /// Only the last one of a call is shorter than a second.
    fn second(&mut self, second: Second);
    /// The conversation is over; nothing follows.
    fn end(self: Box<Self>);
}

/// Takes a name that somebody says alone in their call. Called on a media thread: it queues and
/// returns. Dropped without a call, nothing was taken.
pub trait Capture: Send {
    /// It is over: µ-law at 8 kHz, at most [`model::speech::OWN_VOICE_OCTETS_MAX`] octets; `None`
    /// when nothing was said.
    fn captured(self: Box<Self>, spoken: Option<Vec<u8>>);
}

/// What happened on a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaEvent {
    /// A key was pressed: once for each tone.
    Key {
        /// On which leg.
        leg: LegId,
        /// The key.
        key: Key,
        /// When the tone began.
        onset: Timestamp,
        /// How it came in.
        path: KeyPath,
    },
    /// A script is over.
    Played {
        /// On which leg.
        leg: LegId,
        /// Which one.
        play: PlayId,
        /// How it ended.
        end: PlayEnded,
    },
    /// The first packet arrived from the connected remote address, or the first after
    /// [`Self::Lost`].
    Live {
        /// On which leg.
        leg: LegId,
    },
    /// No packet arrived for too long, while the other end did not hold the call.
    Lost {
        /// On which leg.
        leg: LegId,
        /// Arrival of the last packet; if there was none, the time the leg was connected.
        last: Timestamp,
    },
    /// A leg that is listened to became audible or quiet.
    Sound {
        /// On which leg.
        leg: LegId,
        /// Whether something is heard.
        sounding: bool,
        /// Since when.
        since: Timestamp,
    },
    /// A leg was closed.
    Closed {
        /// Which one.
        leg: LegId,
        /// What was counted on it.
        statistics: Statistics,
    },
    /// A fault of ours ended both legs of a call. Plays that ran are not reported any more; the
    /// tap, if there was one, has ended.
    Broken {
        /// The call.
        call: CallId,
    },
}

/// How a play ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayEnded {
    /// Every packet was sent to a leg that was live at the end.
    Complete {
        /// What was played.
        content: ContentHash,
        /// When its last sample was over.
        ended: Timestamp,
    },
    /// It was replaced, hushed or closed, some of it was not sent or went to another address, or
    /// the leg was not live.
    Cut,
}

/// Packets of one leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Valid packets that arrived from the connected remote address.
    pub received: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets that the network refused to take.
    pub unsent: u64,
    /// Datagrams that are not RTP or RTCP of version 2, or are cut, empty or longer than 60 ms.
    pub bad: u64,
    /// Packets of a payload type that was not agreed, or of an event that is no key.
    pub unknown: u64,
    /// Datagrams from an address that is not the connected one and were dropped here. Nearly all
    /// such are dropped by the kernel, which does not count them.
    pub foreign: u64,
    /// Datagrams on an encrypted leg that its key does not open, or that were heard before.
    pub forged: u64,
    /// Times that the other end was found at another address, by its key.
    pub moved: u64,
    /// Packets that never arrived, as their sequence numbers show (RFC 3550 section 6.4.1).
    pub lost: u64,
    /// How unevenly packets arrive, in samples of 125 µs (RFC 3550 section 6.4.1).
    pub jitter_samples: u32,
    /// Packets of ours that never arrived, as the other end reported last (RTCP).
    pub lost_there: u32,
    /// How unevenly ours arrive, in samples, as the other end reported last.
    pub jitter_there_samples: u32,
}

/// Why audio cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The configuration makes no sense.
    #[error("media configuration: {0}")]
    Config(&'static str),
    /// All ports are taken.
    #[error("no audio port is free; widen the range of ports or allow fewer calls")]
    NoPort,
    /// [`Media::stop`] was called, or the thread has died.
    #[error("audio has stopped")]
    Stopped,
    /// The operating system refused.
    #[error("the system refuses a socket, poller or thread for audio: {0}")]
    Broken(#[source] io::Error),
}

/// Where events go.
pub(crate) type Events = Arc<dyn Fn(MediaEvent) + Send + Sync>;

/// What a media thread is told.
pub(crate) enum Command {
    Open { leg: LegId, pair: Box<PortPair> },
    Connect { leg: LegId, agreed: Agreed, keys: Option<Box<SrtpKeys>> },
    Play { leg: LegId, play: PlayId, rendered: Box<Rendered> },
    Hush { leg: LegId },
    Tone { leg: LegId, tone: Option<Tone> },
    Bridge { call: CallId, tap: Option<Box<dyn Tap>> },
    Unbridge { call: CallId },
    Capture { call: CallId, capture: Box<dyn Capture> },
    Close { leg: LegId },
    Press { leg: LegId, keys: Vec<Key> },
    Listen { leg: LegId, on: bool },
    Babble { leg: LegId, voice: Option<Voice> },
    Statistics { leg: LegId, answer: SyncSender<Option<Statistics>> },
    Stop,
}

struct Shared {
    ports: Ports,
    pack: Arc<Pack>,
    threads: Vec<Sender<Command>>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl Shared {
    /// Queues a command on the thread of that call; `false` when it has stopped.
    fn send(&self, call: CallId, command: Command) -> bool {
        let count = u64::try_from(self.threads.len()).unwrap_or(1).max(1);
        let number = usize::try_from(call.0 % count).unwrap_or(0);
        self.threads.get(number).is_some_and(|thread| thread.send(command).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pack::made_up,
        rig::{CALLED, Phone, STATION, config, script},
    };
    use std::sync::mpsc;

    #[expect(clippy::disallowed_methods, reason = "a test of the threads needs the real clock")]
    fn clock() -> Clock {
        let start = std::time::Instant::now();
        Clock::new(move || {
            let passed = i64::try_from(start.elapsed().as_micros()).unwrap();
            Timestamp::from_micros(passed)
        })
    }

    fn started(ports: RangeInclusive<u16>) -> (Media, mpsc::Receiver<MediaEvent>) {
        let (sender, events) = mpsc::channel();
        let config = MediaConfig { threads: 2, ..config(ports) };
        let report = move |event| drop(sender.send(event));
        (Media::start(config, Arc::new(made_up(520)), clock(), report).unwrap(), events)
    }

    #[test]
    fn a_script_is_played_in_real_time() {
        let (media, events) = started(24_000..=24_099);
        let mut phone = Phone::new(media.open(STATION).unwrap());
        assert_eq!(phone.leg.port() % 2, 0);
        media.connect(STATION, phone.agreed());
        media.play(STATION, PlayId(1), script());
        let mut heard = Vec::new();
        let end = loop {
            heard.push(phone.hear());
            phone.speak(&[0xff; 160]);
            match events.try_recv() {
                Ok(MediaEvent::Played { end, .. }) => break end,
                Ok(MediaEvent::Live { leg: STATION }) | Err(mpsc::TryRecvError::Empty) => {}
                other => panic!("{other:?}"),
            }
        };
        let content = made_up(520).render(&script()).content();
        assert!(matches!(end, PlayEnded::Complete { content: played, .. } if played == content));
        for pair in heard.windows(2) {
            assert_eq!(pair[1].0.sequence, pair[0].0.sequence.wrapping_add(1));
        }
        assert!(media.statistics(STATION).unwrap().sent >= heard.len() as u64);
        assert_eq!(media.statistics(CALLED), None);
        media.close(STATION);
        assert_eq!(media.statistics(STATION), None);
        media.stop();
        assert!(matches!(media.open(STATION), Err(MediaError::Stopped)));
        media.stop();
    }

    #[test]
    fn threads_end_with_the_last_handle() {
        let (media, events) = started(24_100..=24_199);
        let other = media.clone();
        media.open(STATION).unwrap();
        media.play(STATION, PlayId(1), script());
        drop(media);
        other.open(CALLED).unwrap();
        drop(other);
        // The threads report what they cut, then let go of the sender.
        let cut = MediaEvent::Played { leg: STATION, play: PlayId(1), end: PlayEnded::Cut };
        let statistics = Statistics::default();
        let closed = [STATION, CALLED].map(|leg| MediaEvent::Closed { leg, statistics });
        assert_eq!(events.iter().collect::<Vec<_>>(), [&[cut][..], &closed].concat());
    }

    #[test]
    fn a_configuration_without_sense_is_refused() {
        let ports = 24_200..=24_299;
        for config in [
            MediaConfig { threads: 0, ..config(ports.clone()) },
            MediaConfig { threads: THREADS_MAX + 1, ..config(ports.clone()) },
            MediaConfig { ip: IpAddr::from([0, 0, 0, 0]), ..config(ports.clone()) },
            MediaConfig { ports: 24_201..=24_202, ..config(ports.clone()) },
        ] {
            let started = Media::start(config, Arc::new(made_up(1)), clock(), drop);
            assert!(matches!(started, Err(MediaError::Config(_))));
        }
    }
}
