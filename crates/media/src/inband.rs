//! Keys as tones in the audio (ITU-T Q.23), told from speech and music after Q.24.
//!
//! Each key is a pair of tones, one of a low and one of a high group. The ear looks at overlapping
//! blocks of 12.75 ms, with a filter for each tone (Goertzel's), and takes a pair for a key when it
//! holds nearly all the power of several blocks on end, both tones are about equally loud and
//! steady, and the phase from block to block shows that each is within 2.5 % of its frequency:
//! filters so short hear as "697 Hz" what is 8 % off, and a voice passes through every pair.

use crate::{g711::linear, limits::SAMPLES_PER_MS};
use model::{Codec, Key, Timestamp};
use std::{f32::consts::TAU, sync::LazyLock, time::Duration};

/// Listens to one stream for tones of keys. Where telephone-events (RFC 4733) are agreed, nobody
/// needs it.
#[derive(Clone, Debug)]
pub struct ToneEar {
    /// The block that is being filled.
    block: [f32; BLOCK_SAMPLES],
    filled: usize,
    /// RTP timestamp of the next sample.
    next: Option<u32>,
    /// What the last block was.
    last: Option<Block>,
    run: Run,
    /// The key that sounds, and blocks since it was heard.
    sounding: Option<(u8, u32)>,
}

impl Default for ToneEar {
    fn default() -> Self {
        Self {
            block: [0.0; BLOCK_SAMPLES],
            filled: 0,
            next: None,
            last: None,
            run: Run::default(),
            sounding: None,
        }
    }
}

impl ToneEar {
    /// A packet of audio that begins at this RTP timestamp. Gives each key whose tones have lasted
    /// long enough, once, and when they began: the arrival of the packet is taken as the time of
    /// its end. `found` is called at most once for 25 ms of audio.
    pub fn hear(
        &mut self,
        codec: Codec,
        timestamp: u32,
        octets: &[u8],
        arrived: Timestamp,
        mut found: impl FnMut(Key, Timestamp),
    ) {
        if self.next.is_some_and(|next| next != timestamp) {
            // Lost, late or another stream: blocks do not reach across. What sounds may go on.
            self.filled = 0;
            self.last = None;
            self.run = Run::default();
        }
        let length = u32::try_from(octets.len()).unwrap_or(0);
        self.next = Some(timestamp.wrapping_add(length));
        let mut rest = length;
        for octet in octets {
            rest = rest.saturating_sub(1);
            if let Some(place) = self.block.get_mut(self.filled) {
                *place = f32::from(linear(codec, *octet));
            }
            self.filled += 1;
            if self.filled < BLOCK_SAMPLES {
                continue;
            }
            if let Some((key, blocks)) = self.look() {
                let heard = u32::try_from(BLOCK_SAMPLES).unwrap_or(0) + (blocks - 1) * HOP_SAMPLES;
                let ago = Duration::from_micros(
                    u64::from(heard + rest) * 1_000 / u64::from(SAMPLES_PER_MS),
                );
                let ago = i64::try_from(ago.as_micros()).unwrap_or(0);
                found(key, Timestamp::from_micros(arrived.micros().saturating_sub(ago)));
            }
            self.block.copy_within(HOP.., 0);
            self.filled = BLOCK_SAMPLES - HOP;
        }
    }

    /// Looks at a full block. Gives the key that it completes, and of how many blocks.
    fn look(&mut self) -> Option<(Key, u32)> {
        let block = Block::of(&self.block);
        let before = self.last.replace(block);
        let pair = block.pair();
        let steady = pair.is_some_and(|pair| {
            self.run.pair == Some(pair)
                && before.is_some_and(|before| block.continues(&before, pair, self.run.blocks > 1))
        });
        self.run = match pair {
            Some(pair) if steady => Run { pair: Some(pair), blocks: self.run.blocks + 1 },
            Some(pair) => Run { pair: Some(pair), blocks: 1 },
            None => Run::default(),
        };
        if let Some((code, missed)) = &mut self.sounding {
            let same = pair.is_some_and(|pair| pair.code() == *code);
            *missed = if same { 0 } else { *missed + 1 };
            if *missed >= PAUSE_BLOCKS {
                self.sounding = None;
            }
        }
        let pair = self.run.pair.filter(|_| self.run.blocks >= KEY_BLOCKS)?;
        let code = pair.code();
        if self.sounding.is_some_and(|(sounding, _)| sounding == code) {
            return None;
        }
        self.sounding = Some((code, 0));
        Key::from_event(code).map(|key| (key, self.run.blocks))
    }
}

/// Blocks on end that held the same pair.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    pair: Option<Pair>,
    blocks: u32,
}

/// One tone of each group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pair {
    low: usize,
    high: usize,
}

impl Pair {
    /// The telephone-event code (RFC 4733 section 3.2) of the key.
    fn code(self) -> u8 {
        KEYS.get(self.low).and_then(|row| row.get(self.high)).copied().unwrap_or(u8::MAX)
    }
}

/// What the filters say of one block.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// Sum of squares of all samples.
    energy: f32,
    real: [f32; TONES],
    imaginary: [f32; TONES],
    power: [f32; TONES],
}

impl Block {
    fn of(samples: &[f32; BLOCK_SAMPLES]) -> Self {
        let (mut one, mut two) = ([0.0_f32; TONES], [0.0_f32; TONES]);
        let turns = &*TURN;
        let mut energy = 0.0;
        for sample in samples {
            energy += sample * sample;
            for ((one, two), turn) in one.iter_mut().zip(&mut two).zip(turns) {
                let next = 2.0 * turn.0 * *one - *two + sample;
                *two = *one;
                *one = next;
            }
        }
        let mut block = Self { energy, real: one, imaginary: two, power: [0.0; TONES] };
        for (((real, imaginary), power), turn) in
            block.real.iter_mut().zip(&mut block.imaginary).zip(&mut block.power).zip(turns)
        {
            let (one, two) = (*real, *imaginary);
            *real = one - two * turn.0;
            *imaginary = two * turn.1;
            *power = *real * *real + *imaginary * *imaginary;
        }
        block
    }

    /// The pair that this block holds, and next to nothing else.
    fn pair(&self) -> Option<Pair> {
        if self.energy < ENERGY_MIN {
            return None;
        }
        let (low_group, high_group) = self.power.split_at(GROUP);
        let (low, low_power) = strongest(low_group)?;
        let (high, high_power) = strongest(high_group)?;
        let both = low_power + high_power;
        let even =
            high_power < low_power * HIGH_STRONGER_MAX && low_power < high_power * LOW_STRONGER_MAX;
        let loud = low_power.min(high_power) > TONE_POWER_MIN;
        // A pure pair of tones has all the power there is.
        let pure = both * 2.0 > self.energy * BLOCK_LENGTH * SHARE_MIN;
        (even && loud && pure).then_some(Pair { low, high })
    }

    /// Whether the pair goes on from the block before: at its own frequencies, and, between blocks
    /// that it fills, as loud.
    fn continues(&self, before: &Self, pair: Pair, steady: bool) -> bool {
        [pair.low, pair.high + GROUP].into_iter().all(|tone| {
            let (Some(power), Some(earlier)) = (self.power.get(tone), before.power.get(tone))
            else {
                return false;
            };
            let (louder, softer) = (power.max(*earlier), power.min(*earlier));
            let level = if steady { LEVEL_CHANGE_MAX } else { LEVEL_RISE_MAX };
            louder < softer * level && self.is_tuned(before, tone)
        })
    }

    /// Whether a tone is at its frequency: it turns by a known angle from block to block.
    fn is_tuned(&self, before: &Self, tone: usize) -> bool {
        let at = |block: &Self| Some((*block.real.get(tone)?, *block.imaginary.get(tone)?));
        let (Some((a, b)), Some((c, d)), Some(step)) = (at(self), at(before), STEP.get(tone))
        else {
            return false;
        };
        // This block over the one before, less the turn that is expected.
        let (real, imaginary) = (a * c + b * d, b * c - a * d);
        let (real, imaginary) =
            (real * step.0 + imaginary * step.1, imaginary * step.0 - real * step.1);
        let off_hz = imaginary.atan2(real) / TAU * SAMPLE_RATE / HOP_LENGTH;
        FREQUENCIES_HZ.get(tone).is_some_and(|hz| off_hz.abs() < hz * DETUNE_MAX)
    }
}

/// The strongest tone of a group, when no other comes near.
fn strongest(group: &[f32]) -> Option<(usize, f32)> {
    let (at, power) =
        group.iter().copied().enumerate().max_by(|one, other| one.1.total_cmp(&other.1))?;
    let alone = group
        .iter()
        .enumerate()
        .all(|(other, weaker)| other == at || *weaker * NEIGHBOUR_WEAKER_MIN < power);
    alone.then_some((at, power))
}

const GROUP: usize = 4;
const TONES: usize = 2 * GROUP;
/// The low group, then the high group (ITU-T Q.23).
const FREQUENCIES_HZ: [f32; TONES] =
    [697.0, 770.0, 852.0, 941.0, 1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// Event codes by low and high tone.
const KEYS: [[u8; GROUP]; GROUP] = [[1, 2, 3, 12], [4, 5, 6, 13], [7, 8, 9, 14], [10, 0, 11, 15]];

const SAMPLE_RATE: f32 = 8_000.0;
/// 12.75 ms: short enough that four half-overlapping blocks lie within a tone of 40 ms.
const BLOCK_SAMPLES: usize = 102;
const BLOCK_LENGTH: f32 = 102.0;
const HOP: usize = 51;
const HOP_SAMPLES: u32 = 51;
const HOP_LENGTH: f32 = 51.0;
/// Blocks on end that make a key: 32 ms. Q.24 has 40 ms accepted and 20 to 23 ms refused.
const KEY_BLOCKS: u32 = 4;
/// Blocks without the key after which it has been let go: a gap of 10 ms is none, one of 40 ms is.
const PAUSE_BLOCKS: u32 = 5;
/// A tone of -33 dBm0 (a sine of amplitude 500): filter power is its square times that of half a
/// block.
const TONE_POWER_MIN: f32 = 500.0 * 500.0 * BLOCK_LENGTH * BLOCK_LENGTH / 4.0;
/// Less cannot hold two such tones.
const ENERGY_MIN: f32 = 500.0 * 500.0 * BLOCK_LENGTH;
/// The high tone may be 6 dB stronger than the low one, the low one 10 dB (Q.24: 4 and 8 dB).
const HIGH_STRONGER_MAX: f32 = 3.98;
const LOW_STRONGER_MAX: f32 = 10.0;
/// Every other tone of a group is at least 7 dB weaker.
const NEIGHBOUR_WEAKER_MIN: f32 = 5.0;
/// The least part of a block's power that the pair has.
const SHARE_MIN: f32 = 0.75;
/// Q.24 has 1.5 % accepted and 3.5 % refused.
const DETUNE_MAX: f32 = 0.025;
/// 5 dB between blocks that a tone fills, since the louder tone reaches into the filters of the
/// weaker one; the first block is filled in part.
const LEVEL_CHANGE_MAX: f32 = 3.16;
const LEVEL_RISE_MAX: f32 = 10.0;

/// Cosine and sine of each tone's turn from one sample to the next.
static TURN: LazyLock<[(f32, f32); TONES]> = LazyLock::new(|| turns(1.0));
/// The same from one block to the next.
static STEP: LazyLock<[(f32, f32); TONES]> = LazyLock::new(|| turns(HOP_LENGTH));

fn turns(samples: f32) -> [(f32, f32); TONES] {
    FREQUENCIES_HZ.map(|hz| {
        let angle = TAU * hz * samples / SAMPLE_RATE;
        (angle.cos(), angle.sin())
    })
}
