//! From a script to what is heard: which clips, in which order, with which pauses.

mod english;
mod grammar;
mod name;
mod spanish;

use crate::pack::Pack;
use model::{Phrase, PromptId, Script, speech::ContentHash};
use sha2::{Digest, Sha256};
use std::{fmt, ops::Range, sync::Arc, time::Duration};

#[cfg(test)]
pub(crate) use grammar::amount_words;
pub(crate) use grammar::{ClipName, Step, vocabulary};
#[cfg(test)]
pub(crate) use name::fold;

/// The audio of a script, 8 kHz µ-law, as a list of shared clips and pauses with a reading
/// position. Cheap to make and to clone.
#[derive(Clone, Debug)]
pub struct Rendered {
    audio: Arc<[u8]>,
    pieces: Arc<[Piece]>,
    content: ContentHash,
    len: usize,
    /// Where reading goes on: the piece, how far into it, and octets read in all.
    piece: usize,
    within: usize,
    read: usize,
}

impl Rendered {
    /// Length in octets, which are samples at 8 kHz: 8 octets a millisecond.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing to hear at all, not even silence.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What is played: the same for the same sounds and pauses in the same order, and no other.
    pub const fn content(&self) -> ContentHash {
        self.content
    }

    /// Octets that were not read yet.
    pub const fn remaining(&self) -> usize {
        self.len - self.read
    }

    /// Fills `out` with the next octets and returns how many of them were of the script; the rest
    /// of `out` is silence. Returns 0 once everything was read. Does not allocate.
    pub fn read(&mut self, out: &mut [u8]) -> usize {
        let mut filled = 0;
        while let Some(piece) = self.pieces.get(self.piece) {
            let Some(room) = out.get_mut(filled..).filter(|room| !room.is_empty()) else { break };
            let count = piece.copy(&self.audio, self.within, room);
            filled += count;
            self.within += count;
            if self.within >= piece.len() {
                self.piece += 1;
                self.within = 0;
            }
        }
        out.iter_mut().skip(filled).for_each(|octet| *octet = SILENCE);
        self.read += filled;
        filled
    }

    /// Back to the beginning.
    pub const fn rewind(&mut self) {
        (self.piece, self.within, self.read) = (0, 0, 0);
    }

    /// Renders `script` with the clips of `pack`.
    pub(crate) fn of(pack: &Pack, script: &Script) -> Self {
        let mut pieces: Vec<Piece> = Vec::new();
        for step in steps(script, pack) {
            match step {
                Step::Clip(language, name) => {
                    let clip = pack.clip(language, &name);
                    pieces.push(Piece::Clip { range: clip.range.clone(), hash: clip.hash });
                }
                Step::Recorded(voice) => {
                    let voice = Arc::clone(voice.expose());
                    let hash = Sha256::digest(&voice).into();
                    pieces.push(Piece::Voice { voice, hash });
                }
                Step::Pause(length) => match pieces.last_mut() {
                    Some(Piece::Silence(before)) => *before += octets(length),
                    Some(Piece::Clip { .. } | Piece::Voice { .. }) | None => {
                        pieces.push(Piece::Silence(octets(length)))
                    }
                },
            }
        }
        pieces.retain(|piece| piece.len() > 0);
        Self {
            audio: pack.audio(),
            content: content(&pieces),
            len: pieces.iter().map(Piece::len).sum(),
            pieces: pieces.into(),
            piece: 0,
            within: 0,
            read: 0,
        }
    }
}

/// What a script says, in order, with the pauses that make sentences of its phrases.
pub(crate) fn steps(script: &Script, pack: &Pack) -> Vec<Step> {
    let known = |part: &str| pack.knows_name(script.language, part);
    let mut steps = Vec::new();
    let mut before: Option<&Phrase> = None;
    for phrase in &script.phrases {
        steps.extend(before.map(|before| Step::Pause(between(before, phrase))));
        steps.extend(grammar::steps(phrase, script.language, &known));
        before = Some(phrase);
    }
    steps
}

/// The pause between two phrases: none where the script has its own, a breath inside a sentence, a
/// longer one between sentences.
fn between(before: &Phrase, after: &Phrase) -> Duration {
    match (before, after) {
        (Phrase::Pause(_), _) | (_, Phrase::Pause(_)) => Duration::ZERO,
        (_, Phrase::Prompt(PromptId::InCustodyAt)) => COMMA,
        (Phrase::Prompt(id), _) if leads_in(*id) => WITHIN_SENTENCE,
        (_, Phrase::Prompt(PromptId::PerMinute)) => WITHIN_SENTENCE,
        _ => BETWEEN_SENTENCES,
    }
}

/// Whether the sentence of this prompt goes on with the next phrase.
const fn leads_in(id: PromptId) -> bool {
    matches!(
        id,
        PromptId::BalanceIs
            | PromptId::CallCosts
            | PromptId::CallFrom
            | PromptId::InCustodyAt
            | PromptId::CallerPays
            | PromptId::NameIs
    )
}

/// One stretch of sound.
#[derive(Clone)]
enum Piece {
    /// A clip of the pack: where it stands in the pack's audio, and its SHA-256.
    Clip { range: Range<usize>, hash: [u8; 32] },
    /// What somebody said, and its SHA-256. It is hashed here, where it is about to be played, so
    /// that the evidence cannot name another.
    Voice { voice: Arc<[u8]>, hash: [u8; 32] },
    /// So many octets of silence.
    Silence(usize),
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Piece({} octets)", self.len())
    }
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Clip { range, .. } => range.end - range.start,
            Self::Voice { voice, .. } => voice.len(),
            Self::Silence(octets) => *octets,
        }
    }

    /// Copies octets from `within` the piece to the start of `out` and returns how many.
    fn copy(&self, audio: &[u8], within: usize, out: &mut [u8]) -> usize {
        let count = out.len().min(self.len().saturating_sub(within));
        let Some(out) = out.get_mut(..count) else { return 0 };
        match self {
            Self::Silence(_) => out.fill(SILENCE),
            Self::Clip { range, .. } => {
                let from = range.start + within;
                if let Some(octets) = audio.get(from..from + count) {
                    out.copy_from_slice(octets);
                }
            }
            Self::Voice { voice, .. } => {
                if let Some(octets) = voice.get(within..within + count) {
                    out.copy_from_slice(octets);
                }
            }
        }
        count
    }
}

/// SHA-256 over the pieces in order: 1 and its own SHA-256 for a clip or a recorded name, 0 and the
/// length in octets (8 octets, big-endian) for silence. Hashing names of sounds in place of the
/// sounds costs two microseconds for a notice where the 160,000 octets of its audio would cost
/// hundreds.
fn content(pieces: &[Piece]) -> ContentHash {
    let mut hash = Sha256::new();
    for piece in pieces {
        match piece {
            Piece::Clip { hash: sound, .. } | Piece::Voice { hash: sound, .. } => {
                hash.update([1]);
                hash.update(sound);
            }
            Piece::Silence(octets) => {
                hash.update([0]);
                hash.update((*octets as u64).to_be_bytes());
            }
        }
    }
    ContentHash(hash.finalize().into())
}

/// The octets of a pause; longer ones than [`PAUSE_MAX`] are cut.
fn octets(pause: Duration) -> usize {
    let micros = pause.min(PAUSE_MAX).as_micros();
    usize::try_from(micros * OCTETS_PER_SECOND / 1_000_000).unwrap_or_default()
}

/// G.711 section 3.2: µ-law at 8 kHz, one octet a sample.
const OCTETS_PER_SECOND: u128 = 8_000;
/// µ-law for a sample of zero.
const SILENCE: u8 = 0xff;
const WITHIN_SENTENCE: Duration = Duration::from_millis(100);
const COMMA: Duration = Duration::from_millis(220);
const BETWEEN_SENTENCES: Duration = Duration::from_millis(450);
/// No pause of a dialogue is longer; one that is would block the leg.
const PAUSE_MAX: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
