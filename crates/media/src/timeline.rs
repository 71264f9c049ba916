//! Both directions of a conversation, laid out second by second for a tap.

use crate::limits::{
    SAMPLES_PER_MS, TAP_DRIFT_MAX_SAMPLES, TAP_DRIFT_STEP_SAMPLES, TAP_EARLY_MAX_SAMPLES,
    TAP_GRACE, TAP_JUMP_MAX_SAMPLES,
};
use crate::{g711::translate, rtp::Header};
use model::{Codec, Second, Side, Timestamp, Track, audio::OCTETS_PER_SECOND};
use std::time::Duration;
use zeroize::Zeroize;

/// The time line of one conversation. Each packet lies where its RTP timestamp puts it, counted
/// from the first packet of its stream, which lies where it arrived; so what was lost, late or
/// never sent is a gap, filled with silence, and everything after it lies in its right place. Holds
/// at most the open second and the beginning of the next.
pub(crate) struct Timeline {
    started: Timestamp,
    /// The open second.
    index: u32,
    station: Lane,
    called: Lane,
}

impl Timeline {
    pub(crate) fn new(started: Timestamp) -> Self {
        Self { started, index: 0, station: Lane::default(), called: Lane::default() }
    }

    /// Lays down a packet of one side.
    pub(crate) fn place(
        &mut self,
        side: Side,
        header: Header,
        codec: Codec,
        octets: &[u8],
        arrived: Timestamp,
    ) {
        let arrived = samples(arrived.since(self.started));
        let begins = i64::from(self.index) * SECOND_SAMPLES;
        self.lane(side).place(header, codec, octets, arrived, begins);
    }

    /// When [`Self::poll_second`] has the next second.
    pub(crate) fn ready_at(&self) -> Timestamp {
        self.begin_of(self.index.saturating_add(1)).after(TAP_GRACE)
    }

    /// The open second, when it is over and packets for it had time to come.
    pub(crate) fn poll_second(&mut self, now: Timestamp) -> Option<Second> {
        (now >= self.ready_at()).then(|| self.take_second(OCTETS_PER_SECOND))
    }

    /// The conversation ends at `now`: what is left, one second after the other, then `None`.
    pub(crate) fn poll_rest(&mut self, now: Timestamp) -> Option<Second> {
        let spoken = samples(now.since(self.begin_of(self.index)));
        let spoken = usize::try_from(spoken).unwrap_or(usize::MAX).min(OCTETS_PER_SECOND);
        let kept = self.station.octets().max(self.called.octets()).min(OCTETS_PER_SECOND);
        let length = spoken.max(kept);
        (length > 0).then(|| self.take_second(length))
    }

    fn take_second(&mut self, length: usize) -> Second {
        let index = self.index;
        let begins = i64::from(index) * SECOND_SAMPLES;
        self.index = index.saturating_add(1);
        Second {
            index,
            started: self.begin_of(index),
            station: self.station.take_track(begins, length),
            called: self.called.take_track(begins, length),
        }
    }

    fn begin_of(&self, index: u32) -> Timestamp {
        self.started.after(Duration::from_secs(u64::from(index)))
    }

    const fn lane(&mut self, side: Side) -> &mut Lane {
        match side {
            Side::Station => &mut self.station,
            Side::Called => &mut self.called,
        }
    }
}

/// One direction.
struct Lane {
    /// Of the last packet.
    codec: Codec,
    anchor: Option<Anchor>,
    /// Least delay of the packets of this second against the anchor, and how many there were.
    delay: Option<i64>,
    packets: u32,
    open: Part,
    next: Part,
}

/// Where a stream's timestamps lie on the time line.
#[derive(Clone, Copy)]
struct Anchor {
    ssrc: u32,
    timestamp: u32,
    position: i64,
}

/// What is known of one second.
///
/// It lies in blocks that are made as it grows and wiped as it is handed over: half of it on
/// average, and no copy of what was said stays behind, as one would where a vector grows.
struct Part {
    codec: Codec,
    rtp_time: Option<u32>,
    /// Octets from the beginning to the end of what is known.
    length: usize,
    blocks: [Option<Box<Block>>; BLOCKS],
}

type Block = [u8; BLOCK_OCTETS];

impl Lane {
    /// `arrived` and `begins` (of the open second) in samples since the conversation began.
    fn place(&mut self, header: Header, codec: Codec, octets: &[u8], arrived: i64, begins: i64) {
        self.codec = codec;
        let anchor = self.anchored(header, arrived, begins);
        let position = anchor.position_of(header.timestamp);
        let delay = arrived - position;
        self.delay = Some(self.delay.map_or(delay, |least| least.min(delay)));
        self.packets += 1;
        let offset = position - begins;
        // What belongs to a second that was handed over is lost: the beginning or all of it.
        let missed = usize::try_from(offset.min(0).unsigned_abs()).unwrap_or(usize::MAX);
        let Some(octets) = octets.get(missed..).filter(|octets| !octets.is_empty()) else { return };
        let offset = usize::try_from(offset.max(0)).unwrap_or(usize::MAX);
        let rtp_time = |position: i64| anchor.timestamp_of(position);
        if let Some(after) = offset.checked_sub(OCTETS_PER_SECOND) {
            self.next.write(codec, rtp_time(begins + SECOND_SAMPLES), after, octets);
            return;
        }
        let room = OCTETS_PER_SECOND - offset;
        let (now, later) = octets.split_at_checked(room).unwrap_or((octets, &[]));
        self.open.write(codec, rtp_time(begins), offset, now);
        if !later.is_empty() {
            self.next.write(codec, rtp_time(begins + SECOND_SAMPLES), 0, later);
        }
    }

    /// The anchor of the packet's stream, a new one when its clock was set anew.
    fn anchored(&mut self, header: Header, arrived: i64, begins: i64) -> Anchor {
        if let Some(anchor) = self.anchor.filter(|anchor| anchor.ssrc == header.ssrc) {
            let early = anchor.position_of(header.timestamp) - arrived;
            if (-TAP_JUMP_MAX_SAMPLES..=TAP_EARLY_MAX_SAMPLES).contains(&early) {
                return anchor;
            }
        }
        // Not over what lies there already.
        let end = i64::try_from(self.octets()).unwrap_or(0) + begins;
        let position = if self.octets() == 0 { arrived } else { arrived.max(end) };
        let anchor = Anchor { ssrc: header.ssrc, timestamp: header.timestamp, position };
        self.anchor = Some(anchor);
        self.delay = None;
        anchor
    }

    /// Octets from the beginning of the open second to the end of what is known.
    fn octets(&self) -> usize {
        if self.next.length == 0 { self.open.length } else { OCTETS_PER_SECOND + self.next.length }
    }

    fn take_track(&mut self, begins: i64, length: usize) -> Track {
        self.follow_clock();
        let next = std::mem::take(&mut self.next);
        let mut part = std::mem::replace(&mut self.open, next);
        if part.length == 0 {
            part.codec = self.codec;
        }
        let octets = part.take_octets(length);
        let extrapolated = self.anchor.map_or(0, |anchor| anchor.timestamp_of(begins));
        let rtp_time = part.rtp_time.unwrap_or(extrapolated);
        Track { codec: part.codec, rtp_time, octets }
    }

    /// The sender's clock and ours differ by a little. The packet that came fastest shows how far
    /// they are apart; the stream is moved in steps too small to notice.
    fn follow_clock(&mut self) {
        let least = self.delay.take().filter(|_| self.packets >= CLOCK_PACKETS_MIN);
        self.packets = 0;
        if let (Some(least), Some(anchor)) = (least, &mut self.anchor)
            && least.abs() > TAP_DRIFT_MAX_SAMPLES
        {
            anchor.position += TAP_DRIFT_STEP_SAMPLES * least.signum();
        }
    }
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            codec: Codec::Pcmu,
            anchor: None,
            delay: None,
            packets: 0,
            open: Part::default(),
            next: Part::default(),
        }
    }
}

impl Anchor {
    fn position_of(self, timestamp: u32) -> i64 {
        let apart = timestamp.wrapping_sub(self.timestamp).cast_signed();
        self.position + i64::from(apart)
    }

    fn timestamp_of(self, position: i64) -> u32 {
        // Wraps as timestamps do.
        let apart = (position - self.position).rem_euclid(1 << 32);
        self.timestamp.wrapping_add(u32::try_from(apart).unwrap_or(0))
    }
}

impl Part {
    /// Lays octets down at `offset`, with silence before them if they leave a gap.
    fn write(&mut self, codec: Codec, rtp_time: u32, offset: usize, octets: &[u8]) {
        if self.length == 0 {
            self.codec = codec;
            self.rtp_time = Some(rtp_time);
        }
        let Some(end) = offset.checked_add(octets.len()).filter(|end| *end <= OCTETS_PER_SECOND)
        else {
            return;
        };
        self.length = self.length.max(end);
        let silence = self.codec.silence();
        let (mut at, mut rest) = (offset, octets);
        while let Some(block) = self.blocks.get_mut(at / BLOCK_OCTETS).filter(|_| !rest.is_empty())
        {
            let block = block.get_or_insert_with(|| Box::new([silence; BLOCK_OCTETS]));
            let within = at % BLOCK_OCTETS;
            let count = rest.len().min(BLOCK_OCTETS - within);
            let (now, later) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            if let Some(place) = block.get_mut(within..within + count) {
                place.copy_from_slice(now);
                translate(place, codec, self.codec);
            }
            (at, rest) = (at + count, later);
        }
    }

    /// The first `length` octets, with silence where nothing is known.
    fn take_octets(&mut self, length: usize) -> Vec<u8> {
        let silence = self.codec.silence();
        let mut octets = Vec::with_capacity(length);
        for block in &mut self.blocks {
            let count = (length - octets.len()).min(BLOCK_OCTETS);
            match block.take() {
                Some(mut block) => {
                    octets.extend_from_slice(block.get(..count).unwrap_or_default());
                    block.zeroize();
                }
                None => octets.resize(octets.len() + count, silence),
            }
        }
        octets
    }
}

impl Default for Part {
    fn default() -> Self {
        Self { codec: Codec::Pcmu, rtp_time: None, length: 0, blocks: [const { None }; BLOCKS] }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.blocks.iter_mut().flatten().for_each(|block| block.zeroize());
    }
}

fn samples(time: Duration) -> i64 {
    let samples = time.as_micros() * u128::from(SAMPLES_PER_MS) / 1_000;
    i64::try_from(samples).unwrap_or(i64::MAX)
}

const SECOND_SAMPLES: i64 = 8_000;
const BLOCK_OCTETS: usize = 1_000;
const BLOCKS: usize = OCTETS_PER_SECOND / BLOCK_OCTETS;
/// Fewer packets in a second say too little about a clock.
const CLOCK_PACKETS_MIN: u32 = 10;

#[cfg(test)]
mod tests;
