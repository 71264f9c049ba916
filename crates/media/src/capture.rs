//! A name that somebody says, alone in their call: the one piece of audio that is taken outside of
//! a bridge.

use crate::{
    Capture,
    g711::translate,
    inband::ToneEar,
    limits::{
        NAME_BEFORE_OCTETS, NAME_MIN_OCTETS, NAME_QUIET, NAME_SPOKEN_WITHIN, NAME_TAIL_OCTETS,
        QUIET_BELOW_AMPLITUDE, SAMPLES_PER_MS, SOUND_FROM_AMPLITUDE,
    },
    rtp::Header,
    sound::mean_amplitude,
};
use model::{Codec, Timestamp, speech::OWN_VOICE_OCTETS_MAX};
use std::time::Duration;

/// Listens until something was said and it is quiet again, a key is pressed, or two seconds are
/// full. Dropped, it leaves nothing behind.
pub(crate) struct Capturing {
    capture: Box<dyn Capture>,
    began: Timestamp,
    /// When the last packet that was not quiet came; `None` before anything was said.
    voiced: Option<Timestamp>,
    /// µ-law: a moment before the first sound, then everything.
    kept: Vec<u8>,
    /// Octets up to the end of the last packet that was not quiet.
    spoken: usize,
    /// The stream, and the timestamp of its next packet.
    next: Option<(u32, u32)>,
    tones: ToneEar,
}

/// Whether it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listening {
    On,
    Over,
}

impl Capturing {
    pub(crate) fn new(now: Timestamp, capture: Box<dyn Capture>) -> Self {
        Self {
            capture,
            began: now,
            voiced: None,
            kept: Vec::new(),
            spoken: 0,
            next: None,
            tones: ToneEar::default(),
        }
    }

    /// Takes a packet of the leg.
    pub(crate) fn hear(
        &mut self,
        header: Header,
        codec: Codec,
        octets: &[u8],
        now: Timestamp,
    ) -> Listening {
        let samples = u32::try_from(octets.len()).unwrap_or(0);
        let ahead = match self.next {
            Some((ssrc, next)) if ssrc == header.ssrc => header.timestamp.wrapping_sub(next),
            Some(_) | None => 0,
        };
        if ahead > u32::MAX / 2 {
            // Late, or a second time.
            return Listening::On;
        }
        self.next = Some((header.ssrc, header.timestamp.wrapping_add(samples)));
        // A tone that is played again in a notice would be a key of whoever hears it.
        let mut key = None;
        self.tones.hear(codec, header.timestamp, octets, now, |_, onset| key = Some(onset));
        let amplitude = mean_amplitude(codec, octets);
        let from = if self.voiced.is_some() { QUIET_BELOW_AMPLITUDE } else { SOUND_FROM_AMPLITUDE };
        self.keep(ahead, codec, octets);
        if amplitude >= from {
            self.voiced = Some(now);
            self.spoken = self.kept.len();
        } else if self.voiced.is_none() {
            let before = self.kept.len().saturating_sub(NAME_BEFORE_OCTETS);
            self.kept.drain(..before);
        }
        if let Some(onset) = key {
            self.cut_after(onset, now);
            return Listening::Over;
        }
        let full = self.kept.len() >= OWN_VOICE_OCTETS_MAX;
        if full || now >= self.due() { Listening::Over } else { Listening::On }
    }

    /// When it is over if nothing comes.
    pub(crate) fn due(&self) -> Timestamp {
        match self.voiced {
            Some(voiced) => voiced.after(NAME_QUIET),
            None => self.began.after(NAME_SPOKEN_WITHIN),
        }
    }

    /// Hands over what was said, without the quiet after it.
    pub(crate) fn finish(mut self) {
        let end = self.spoken.saturating_add(NAME_TAIL_OCTETS);
        self.kept.truncate(end);
        let said = self.voiced.is_some() && self.spoken >= NAME_MIN_OCTETS;
        self.capture.captured(said.then_some(self.kept));
    }

    /// Appends a packet that comes `ahead` samples after what is there; never more than there is
    /// room for.
    fn keep(&mut self, ahead: u32, codec: Codec, octets: &[u8]) {
        let gap = usize::try_from(ahead).unwrap_or(usize::MAX);
        let length = self.kept.len().saturating_add(gap).min(OWN_VOICE_OCTETS_MAX);
        self.kept.resize(length, Codec::Pcmu.silence());
        let room = octets.len().min(OWN_VOICE_OCTETS_MAX.saturating_sub(length));
        self.kept.extend_from_slice(octets.get(..room).unwrap_or_default());
        if let Some(appended) = self.kept.get_mut(length..) {
            translate(appended, codec, Codec::Pcmu);
        }
    }

    /// Forgets what came from `onset` on; the last octet came `now`.
    fn cut_after(&mut self, onset: Timestamp, now: Timestamp) {
        let late = octets_of(now.since(onset));
        self.kept.truncate(self.kept.len().saturating_sub(late));
        self.spoken = self.spoken.min(self.kept.len());
    }
}

fn octets_of(length: Duration) -> usize {
    let octets = length.as_micros() * u128::from(SAMPLES_PER_MS) / 1_000;
    usize::try_from(octets).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
