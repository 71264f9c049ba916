//! One telephone of the demo and the person who holds it: they listen, wait for silence, press
//! keys, talk and hang up.

use std::{
    fmt,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use line::WireId;
use media::Voice;
use model::{Key, LegId, MediaDescription};

use super::exchange::Exchange;

/// A telephone in a call.
pub(crate) struct Phone {
    exchange: Exchange,
    wire: WireId,
    leg: LegId,
    local: MediaDescription,
    voice: Voice,
    events: Receiver<PhoneEvent>,
    sounding: bool,
    over: bool,
}

/// What a phone notices.
#[derive(Clone, Debug)]
pub(crate) enum PhoneEvent {
    /// The other end answered.
    Answered(MediaDescription),
    /// The call did not come about.
    Failed(u16),
    /// The other end hung up.
    HungUp,
    /// It became loud or quiet.
    Sound(bool),
    /// The other end pressed a key.
    Key(Key),
}

/// What somebody waited for did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotHeard {
    /// The call was over first.
    Over,
    /// It took too long.
    TooLong,
    /// The call failed with this SIP status.
    Failed(u16),
}

impl fmt::Display for NotHeard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over => f.write_str("the other end hung up first"),
            Self::TooLong => f.write_str("nothing came in time"),
            Self::Failed(status) => write!(f, "the call failed with SIP status {status}"),
        }
    }
}

impl std::error::Error for NotHeard {}

impl Phone {
    pub(crate) fn new(
        exchange: Exchange,
        wire: WireId,
        leg: LegId,
        local: MediaDescription,
        voice: Voice,
        events: Receiver<PhoneEvent>,
    ) -> Self {
        Self { exchange, wire, leg, local, voice, events, sounding: false, over: false }
    }

    /// Starts to listen; the phone's audio is connected.
    pub(crate) fn connected(&mut self) {
        self.exchange.media().listen(self.leg, true);
    }

    /// Waits until the other end answers.
    pub(crate) fn wait_answer(&mut self, within: Duration) -> Result<(), NotHeard> {
        let deadline = deadline(within);
        loop {
            if let PhoneEvent::Answered(answer) = self.next(deadline)? {
                let agreed = line::agree(&self.local, &answer).ok_or(NotHeard::Failed(488))?;
                self.exchange.media().connect(self.leg, agreed);
                self.connected();
                return Ok(());
            }
        }
    }

    /// Waits until somebody speaks.
    pub(crate) fn wait_sound(&mut self, within: Duration) -> Result<(), NotHeard> {
        let deadline = deadline(within);
        while !self.sounding {
            self.next(deadline)?;
        }
        Ok(())
    }

    /// Waits until somebody has spoken and then been quiet for [`QUIET`].
    pub(crate) fn wait_spoken(&mut self, within: Duration) -> Result<(), NotHeard> {
        let until = deadline(within);
        loop {
            while !self.sounding {
                self.next(until)?;
            }
            while self.sounding {
                self.next(until)?;
            }
            match self.next(deadline(QUIET)) {
                Err(NotHeard::TooLong) => return Ok(()),
                Err(other) => return Err(other),
                Ok(_) => {}
            }
        }
    }

    /// Lets time pass; fails when the other end hangs up.
    pub(crate) fn stay(&mut self, time: Duration) -> Result<(), NotHeard> {
        let deadline = deadline(time);
        loop {
            match self.next(deadline) {
                Err(NotHeard::TooLong) => return Ok(()),
                Err(other) => return Err(other),
                Ok(_) => {}
            }
        }
    }

    /// Waits until the other end hangs up.
    pub(crate) fn wait_hang_up(&mut self, within: Duration) -> Result<(), NotHeard> {
        match self.stay(within) {
            Err(NotHeard::Over) => Ok(()),
            Err(other) => Err(other),
            Ok(()) => Err(NotHeard::TooLong),
        }
    }

    /// Presses keys, one after the other, and returns when the last one is up.
    pub(crate) fn press(&mut self, keys: &str) -> Result<(), NotHeard> {
        let keys: Vec<Key> = keys.chars().filter_map(Key::from_char).collect();
        self.press_keys(&keys);
        let count = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        self.stay(KEY.saturating_mul(count))
    }

    /// Presses keys, one after the other.
    pub(crate) fn press_keys(&self, keys: &[Key]) {
        self.exchange.media().press(self.leg, keys);
    }

    /// The next key that the other end presses within a time, or `None`.
    pub(crate) fn wait_key(&mut self, within: Duration) -> Result<Option<Key>, NotHeard> {
        let deadline = deadline(within);
        loop {
            match self.next(deadline) {
                Ok(PhoneEvent::Key(key)) => return Ok(Some(key)),
                Ok(_) => {}
                Err(NotHeard::TooLong) => return Ok(None),
                Err(other) => return Err(other),
            }
        }
    }

    /// Talks, or stops talking.
    pub(crate) fn talk(&self, on: bool) {
        self.exchange.media().babble(self.leg, on.then_some(self.voice));
    }

    /// Hangs up.
    pub(crate) fn hang_up(&mut self) {
        if !self.over {
            self.over = true;
            self.exchange.line().hang_up(self.wire);
        }
    }

    fn next(&mut self, deadline: Instant) -> Result<PhoneEvent, NotHeard> {
        if self.over {
            return Err(NotHeard::Over);
        }
        let left = deadline.saturating_duration_since(now());
        match self.events.recv_timeout(left) {
            Ok(PhoneEvent::HungUp) => {
                self.over = true;
                Err(NotHeard::Over)
            }
            Ok(PhoneEvent::Failed(status)) => {
                self.over = true;
                Err(NotHeard::Failed(status))
            }
            Ok(event) => {
                if let PhoneEvent::Sound(sounding) = event {
                    self.sounding = sounding;
                }
                Ok(event)
            }
            Err(RecvTimeoutError::Timeout) => Err(NotHeard::TooLong),
            Err(RecvTimeoutError::Disconnected) => Err(NotHeard::Over),
        }
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.hang_up();
        self.exchange.forget(self.wire, self.leg);
    }
}

/// A key and the pause behind it.
const KEY: Duration = Duration::from_millis(200);

/// How long it must be quiet before a person takes a sentence for finished: longer than the pauses
/// inside a notice.
const QUIET: Duration = Duration::from_millis(600);

fn deadline(within: Duration) -> Instant {
    now() + within
}

#[expect(clippy::disallowed_methods, reason = "a phone of the demo waits in real time")]
fn now() -> Instant {
    Instant::now()
}
