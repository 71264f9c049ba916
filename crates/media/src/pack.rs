//! The prompt pack: every spoken clip of both languages in one file, checked when it is loaded.
//!
//! The file is a text index, line by line, columns separated by tabs, then the audio:
//!
//! ```text
//! parlatory prompts 1
//! voice  en  festival 2.5.0, voice cmu_us_slt_arctic_hts      what spoke the clips of a language
//! texts  en  SHA-256 of prompts/en.toml                       what was to be spoken
//! clip   en  word/seven  FROM  OCTETS  SHA-256  seven         FROM counts in the audio
//! audio  OCTETS                                               the last line of the index
//! ```
//!
//! `cargo xtask prompts` writes it.

use crate::speak::{self, ClipName, Rendered};
use model::{Language, Private, Script, speech::ContentHash};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, io, ops::Range, path::Path, str::Utf8Error, sync::Arc};

/// All clips that Parlatory can speak. Cheap to clone. A `Pack` that exists is whole: each clip has
/// the hash its index names, and no clip that a script can need is missing, so that a notice never
/// has a gap.
#[derive(Clone, Debug)]
pub struct Pack {
    inner: Arc<Inner>,
}

impl Pack {
    /// Reads and checks a pack file.
    ///
    /// # Errors
    /// [`PackError`] when it is malformed, damaged, or lacks a clip.
    pub fn parse(file: &[u8]) -> Result<Self, PackError> {
        let (index, rest) = Index::read(file)?;
        if rest.len() != index.audio {
            return Err(PackError::Cut { expected: index.audio, found: rest.len() });
        }
        let version = ContentHash(Sha256::digest(file.get(..index.octets).unwrap_or(file)).into());
        for ((language, name), clip) in &index.clips {
            let Some(octets) = rest.get(clip.range.clone()) else {
                return Err(PackError::Damaged { language: *language, clip: name.clone() });
            };
            if <[u8; 32]>::from(Sha256::digest(octets)) != clip.hash {
                return Err(PackError::Damaged { language: *language, clip: name.clone() });
            }
        }
        for language in LANGUAGES {
            for name in speak::vocabulary(language).map(|name| name.key()) {
                let key = (language, name);
                if !index.clips.contains_key(&key) {
                    return Err(PackError::Missing { language, clip: key.1 });
                }
            }
        }
        let audio = Arc::from(rest);
        let Index { clips, texts, voices, .. } = index;
        Ok(Self { inner: Arc::new(Inner { version, audio, clips, texts, voices }) })
    }

    /// Reads and checks the pack file at `path`.
    ///
    /// # Errors
    /// As for [`Pack::parse`], or when the file cannot be read or is longer than 64 MB.
    pub fn load(path: &Path) -> Result<Self, PackError> {
        let length = std::fs::metadata(path).map_err(PackError::Unreadable)?.len();
        if length > FILE_OCTETS_MAX {
            return Err(PackError::TooLong(length));
        }
        Self::parse(&std::fs::read(path).map_err(PackError::Unreadable)?)
    }

    /// The pack that comes with the program.
    ///
    /// # Errors
    /// As for [`Pack::parse`]; a test holds that there is none.
    pub fn builtin() -> Result<Self, PackError> {
        Self::parse(include_bytes!("../../../prompts/pack.plp"))
    }

    /// SHA-256 of the pack's index, which names the hash of every clip: two packs with the same
    /// version say the same.
    pub fn version(&self) -> ContentHash {
        self.inner.version
    }

    /// What spoke the clips of `language`: engine, version and voice.
    pub fn voice(&self, language: Language) -> &str {
        self.inner.voices.get(&language).map_or("", String::as_str)
    }

    /// What is heard when `script` is played. Cheap: clips are shared, not copied.
    ///
    /// Names and digits longer than 80 and 40 characters are cut there, a pause at one minute.
    pub fn render(&self, script: &Script) -> Rendered {
        Rendered::of(self, script)
    }

    /// The words of `script` as text, in the order in which [`Pack::render`] speaks them. Personal
    /// data, since scripts hold names and numbers.
    pub fn transcript(&self, script: &Script) -> Private<String> {
        let clips = speak::steps(script, self).into_iter().filter_map(|step| match step {
            speak::Step::Clip(language, name) => Some(self.clip(language, &name).text.as_str()),
            speak::Step::Pause(_) => None,
            speak::Step::Recorded(_) => Some("(in their own voice)"),
        });
        Private::new(clips.collect::<Vec<_>>().join(" "))
    }

    /// The SHA-256 of the texts from which the clips of `language` were spoken.
    #[cfg(test)]
    fn texts(&self, language: Language) -> [u8; 32] {
        self.inner.texts[&language]
    }

    /// Whether this folded part of a name has a clip of its own.
    pub(crate) fn knows_name(&self, language: Language, part: &str) -> bool {
        let name = ClipName::Name(part.to_owned()).key();
        self.inner.clips.contains_key(&(language, name))
    }

    /// One clip.
    pub(crate) fn clip(&self, language: Language, name: &ClipName) -> &Clip {
        #[expect(
            clippy::expect_used,
            reason = "a pack without every clip of the vocabulary is refused when it is loaded, and \
                      names are asked for first; to go on would leave a hole in a notice"
        )]
        self.inner.clips.get(&(language, name.key())).expect("a loaded pack has every clip")
    }

    /// The audio that the ranges of clips count in.
    pub(crate) fn audio(&self) -> Arc<[u8]> {
        Arc::clone(&self.inner.audio)
    }
}

/// Why a prompt pack is refused.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The file cannot be read.
    #[error("the prompt pack cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// The file is longer than any pack, in octets.
    #[error(
        "the prompt pack is {0} octets long, more than {FILE_OCTETS_MAX}: give a pack \
         that `cargo xtask prompts` wrote"
    )]
    TooLong(u64),
    /// The file is something else.
    #[error("this is no prompt pack of format 1: give a file that `cargo xtask prompts` wrote")]
    NotAPack,
    /// The index is not text.
    #[error("the index of the prompt pack is not text: {0}")]
    NotText(#[source] Utf8Error),
    /// A line of the index, counted from 1, does not say what it should.
    #[error("line {line} of the prompt pack's index is wrong: {what}")]
    Malformed {
        /// The line.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// The audio is shorter or longer than the index says, in octets.
    #[error(
        "the audio of the prompt pack has {found} octets in place of {expected}: copy the file \
         again"
    )]
    Cut {
        /// As the index says.
        expected: usize,
        /// As it is.
        found: usize,
    },
    /// A clip is not what the index says.
    #[error("clip `{clip}` in language `{}` of the prompt pack is damaged: copy the file \
         again", language.code())]
    Damaged {
        /// Its language.
        language: Language,
        /// Its name in the index.
        clip: String,
    },
    /// A clip that scripts need is not there.
    #[error(
        "the prompt pack lacks clip `{clip}` in language `{}`: add its text to prompts/{}.toml and \
         run `cargo xtask prompts`",
        language.code(), language.code()
    )]
    Missing {
        /// Its language.
        language: Language,
        /// Its name in the index.
        clip: String,
    },
}

#[derive(Debug)]
struct Inner {
    version: ContentHash,
    audio: Arc<[u8]>,
    clips: Clips,
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds that the pack is up to date"))]
    texts: BTreeMap<Language, [u8; 32]>,
    voices: BTreeMap<Language, String>,
}

/// One clip of the pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clip {
    /// Where its octets stand in [`Pack::audio`].
    pub(crate) range: Range<usize>,
    /// SHA-256 of its octets.
    pub(crate) hash: [u8; 32],
    /// What it says.
    pub(crate) text: String,
}

type Clips = BTreeMap<(Language, String), Clip>;

/// The index of a pack file.
#[derive(Default)]
struct Index {
    clips: Clips,
    texts: BTreeMap<Language, [u8; 32]>,
    voices: BTreeMap<Language, String>,
    /// Length of the index itself.
    octets: usize,
    /// Length of the audio after it.
    audio: usize,
}

impl Index {
    /// The index of `file`, and what follows it.
    fn read(file: &[u8]) -> Result<(Self, &[u8]), PackError> {
        let mut index = Self::default();
        let mut rest = file;
        for line in 1..=INDEX_LINES_MAX {
            let Some(end) = rest.iter().position(|octet| *octet == b'\n') else { break };
            let (text, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            if line == 1 {
                if text != MAGIC {
                    return Err(PackError::NotAPack);
                }
                continue;
            }
            let text = std::str::from_utf8(text).map_err(PackError::NotText)?;
            if index.line(text).map_err(|what| PackError::Malformed { line, what })? {
                index.octets = file.len() - rest.len();
                return Ok((index, rest));
            }
        }
        Err(PackError::NotAPack)
    }

    /// Takes one line in; `true` when it was the last.
    fn line(&mut self, line: &str) -> Result<bool, &'static str> {
        let columns: Vec<&str> = line.split('\t').collect();
        match columns.as_slice() {
            ["voice", code, voice] => {
                self.voices.insert(language(code)?, (*voice).to_owned());
            }
            ["texts", code, hash] => {
                self.texts.insert(language(code)?, sha256(hash)?);
            }
            ["clip", code, name, from, octets, hash, text] => {
                let from: usize = from.parse().map_err(|_| "the start is no number")?;
                let octets: usize = octets.parse().map_err(|_| "the length is no number")?;
                let to = from.checked_add(octets).ok_or("the clip ends beyond all numbers")?;
                if octets == 0 {
                    return Err("the clip is empty");
                }
                let clip = Clip { range: from..to, hash: sha256(hash)?, text: (*text).to_owned() };
                if self.clips.insert((language(code)?, (*name).to_owned()), clip).is_some() {
                    return Err("the clip is listed twice");
                }
            }
            ["audio", octets] => {
                self.audio = octets.parse().map_err(|_| "the length is no number")?;
                return Ok(true);
            }
            _ => return Err("it is neither voice, texts, clip nor audio with its columns"),
        }
        Ok(false)
    }
}

fn language(code: &str) -> Result<Language, &'static str> {
    LANGUAGES
        .into_iter()
        .find(|each| each.code() == code)
        .ok_or("the language is neither en nor es")
}

fn sha256(hex: &str) -> Result<[u8; 32], &'static str> {
    const WRONG: &str = "the hash is not 64 hexadecimal digits";
    let mut hash = [0; 32];
    if hex.len() != 64 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(WRONG);
    }
    for (octet, pair) in hash.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| WRONG)?;
        *octet = u8::from_str_radix(pair, 16).map_err(|_| WRONG)?;
    }
    Ok(hash)
}

const MAGIC: &[u8] = b"parlatory prompts 1";
const LANGUAGES: [Language; 2] = [Language::En, Language::Es];
const INDEX_LINES_MAX: usize = 50_000;
const FILE_OCTETS_MAX: u64 = 64_000_000;

/// A whole pack without speech for the tests of this crate: every clip is `octets` (at least 4)
/// long and no two are alike.
#[cfg(test)]
pub(crate) fn made_up(octets: usize) -> Pack {
    Pack::parse(&tests::file_of(&tests::made_up_clips(octets))).unwrap()
}

#[cfg(test)]
mod tests;
