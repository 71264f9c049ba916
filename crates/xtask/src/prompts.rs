//! `cargo xtask prompts`: speaks the texts of `prompts/*.toml` into `prompts/pack.plp`.
//!
//! English is spoken by festival with the HTS voice `slt`: over a telephone's band an offline
//! recogniser missed half of its words, as many as of flite's `kal16`, and nearly all of
//! espeak-ng's; `slt` is preferred for its smoother sound, by judgement. Spanish is spoken by
//! espeak-ng's Latin American voice, the only Spanish one in Debian's main archive; no recogniser
//! has checked it. The same versions of the programs give the same octets, so the pack
//! changes only with its texts. Crate `media` (`pack.rs`) describes the file and reads it.

use anyhow::{Context, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Builds the pack. The only option is `--wav FOLDER`: keep every clip there as a WAV file, for
/// listening.
///
/// # Errors
/// When a program or voice is missing (the message says what to install), a text is wrong, or a
/// clip comes out silent.
pub(crate) fn run(root: &Path, args: &[String]) -> anyhow::Result<()> {
    let wav = match args {
        [] => None,
        [option, folder] if option == "--wav" => Some(PathBuf::from(folder)),
        _ => bail!("`cargo xtask prompts` takes nothing, or `--wav FOLDER`"),
    };
    if let Some(folder) = &wav {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let versions = Versions::find()?;
    let folder = root.join("prompts");
    let (mut index, mut clips) = (String::from("parlatory prompts 1\n"), Vec::new());
    for (code, voice) in [("en", versions.english()), ("es", versions.spanish())] {
        let path = folder.join(format!("{code}.toml"));
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        writeln!(index, "voice\t{code}\t{voice}")?;
        writeln!(index, "texts\t{code}\t{}", hex(text.as_bytes()))?;
        let texts: Texts =
            toml::from_str(&text).with_context(|| format!("{} is wrong", path.display()))?;
        clips.extend(texts.clips(code).with_context(|| format!("{} is wrong", path.display()))?);
    }
    clips.sort_by(|a, b| (a.language, &a.name).cmp(&(b.language, &b.name)));
    let audio = speak(&clips, wav.as_deref())?;
    let mut octets = Vec::new();
    // Names that both languages leave to the English voice sound the same: they are kept once.
    let mut kept: BTreeMap<String, usize> = BTreeMap::new();
    for (clip, sound) in clips.iter().zip(&audio) {
        let (length, hash) = (sound.len(), hex(sound));
        let from = *kept.entry(hash.clone()).or_insert_with(|| {
            octets.extend_from_slice(sound);
            octets.len() - length
        });
        let Clip { language, name, text, .. } = clip;
        writeln!(index, "clip\t{language}\t{name}\t{from}\t{length}\t{hash}\t{text}")?;
    }
    writeln!(index, "audio\t{}", octets.len())?;
    let path = folder.join("pack.plp");
    let version = hex(index.as_bytes());
    let (count, seconds) = (clips.len(), octets.len() / 8_000);
    let file = [index.into_bytes(), octets].concat();
    let new = folder.join("pack.plp.new");
    fs::write(&new, &file).with_context(|| format!("cannot write {}", new.display()))?;
    fs::rename(&new, &path).with_context(|| format!("cannot write {}", path.display()))?;
    println!(
        "{}: {count} clips, {seconds} s of speech, {} kB, version {version}\n\
         now run `cargo test -p media` (it checks that no clip is missing) and commit the pack",
        path.display(),
        file.len() / 1_000,
    );
    Ok(())
}

/// One text file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    /// Sentences by their names.
    prompts: BTreeMap<String, String>,
    /// Lists of words; the names of the lists are for the reader of the file.
    vocabulary: BTreeMap<String, Vec<String>>,
    /// Letters and how they are called.
    letters: BTreeMap<char, String>,
    names: Names,
    /// What the engine is given in place of a text, by the name of the clip.
    say: BTreeMap<String, String>,
}

/// Parts of names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    /// Spoken by the voice of the file's language.
    words: Vec<String>,
    /// Spoken by the English voice in a file of another language.
    #[serde(default)]
    english: Vec<String>,
}

impl Texts {
    fn clips(self, language: &'static str) -> anyhow::Result<Vec<Clip>> {
        let own = if language == "en" { Voice::English } else { Voice::Spanish };
        let prompts = self.prompts.into_iter().map(|(name, text)| ("prompt", name, text, own));
        let words = self.vocabulary.into_values().flatten();
        let words = words.map(|word| ("word", word.clone(), word, own));
        let letters = self.letters.into_iter().map(|(l, text)| ("letter", l.into(), text, own));
        let names = self.names.words.into_iter().map(|word| (word, own));
        let names = names.chain(self.names.english.into_iter().map(|word| (word, Voice::English)));
        let names = names.map(|(word, voice)| ("name", fold(&word), word, voice));
        let mut clips: BTreeMap<String, Clip> = BTreeMap::new();
        for (kind, name, text, voice) in prompts.chain(words).chain(letters).chain(names) {
            let name = format!("{kind}/{name}");
            ensure!(!text.trim().is_empty(), "`{name}` has no text");
            ensure!(!text.contains(char::is_control), "the text of `{name}` is not one line");
            ensure!(
                kind != "name"
                    || name.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'/'),
                "`{text}` is not one word of letters: list the parts of names one by one"
            );
            let said = self.say.get(&name).unwrap_or(&text).clone();
            ensure!(
                voice != Voice::English || said.is_ascii(),
                "festival reads `{said}` only without accents: put that under [say] as `{name}`"
            );
            let clip = Clip { language, name: name.clone(), text, said, voice };
            ensure!(clips.insert(name.clone(), clip).is_none(), "`{name}` stands there twice");
        }
        for name in self.say.keys() {
            ensure!(clips.contains_key(name), "[say] names `{name}`, which is no clip");
        }
        Ok(clips.into_values().collect())
    }
}

/// One clip to be spoken.
struct Clip {
    language: &'static str,
    /// As in the index: `word/seven`.
    name: String,
    text: String,
    /// What the engine is given.
    said: String,
    voice: Voice,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Voice {
    English,
    Spanish,
}

/// As crate `media` folds names when it looks them up, for the letters that stand in our lists.
fn fold(word: &str) -> String {
    word.to_lowercase()
        .chars()
        .filter(|letter| *letter != '\'')
        .map(|letter| match letter {
            'á' => 'a',
            'é' => 'e',
            'í' => 'i',
            'ó' => 'o',
            'ú' | 'ü' => 'u',
            'ñ' => 'n',
            other => other,
        })
        .collect()
}

/// The programs' versions, kept in the pack: other versions speak other octets.
struct Versions {
    festival: String,
    slt: String,
    espeak: String,
    sox: String,
}

impl Versions {
    fn find() -> anyhow::Result<Self> {
        let mut versions = Vec::new();
        let mut missing = Vec::new();
        for package in PACKAGES {
            match Command::new("dpkg-query").args(["-W", "-f=${Version}", package]).output() {
                Ok(output) if output.status.success() && !output.stdout.is_empty() => {
                    versions.push(String::from_utf8_lossy(&output.stdout).trim().to_owned());
                }
                Ok(_) | Err(_) => missing.push(package),
            }
        }
        match <[String; 4]>::try_from(versions) {
            Ok([festival, slt, espeak, sox]) => Ok(Self { festival, slt, espeak, sox }),
            Err(_) => bail!(
                "to speak the prompts, first run: apt-get install {} (the pack is committed: only \
                 who edits the texts needs this)",
                missing.join(" ")
            ),
        }
    }

    fn english(&self) -> String {
        let Self { festival, slt, sox, .. } = self;
        format!("festival {festival}, {ENGLISH_VOICE} {slt}, sox {sox}")
    }

    fn spanish(&self) -> String {
        let Self { espeak, sox, .. } = self;
        format!("espeak-ng {espeak}, {SPANISH_VOICE}, sox {sox}; names from English as in en")
    }
}

/// Speaks all clips, in order, as µ-law.
fn speak(clips: &[Clip], wav: Option<&Path>) -> anyhow::Result<Vec<Vec<u8>>> {
    let folder = std::env::temp_dir().join(format!("parlatory-prompts-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let style = ProgressStyle::with_template("{msg:9} {bar:40} {pos}/{len}, {eta} left")?;
    let bar = ProgressBar::new(clips.len() as u64 * 2).with_style(style);
    let result = spoken(clips, &folder, &bar).and_then(|()| {
        clips
            .iter()
            .enumerate()
            .map(|(at, clip)| finish(clip, &raw(&folder, at), wav, &bar))
            .collect()
    });
    bar.finish_and_clear();
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    result
}

/// Where the engine's own sound of a clip stands.
fn raw(folder: &Path, at: usize) -> PathBuf {
    folder.join(format!("{at}.wav"))
}

/// Has the engines speak every clip into its file.
fn spoken(clips: &[Clip], folder: &Path, bar: &ProgressBar) -> anyhow::Result<()> {
    bar.set_message("speaking");
    let mut script = format!("(voice_{ENGLISH_VOICE})\n");
    for (at, clip) in clips.iter().enumerate() {
        let file = raw(folder, at);
        match clip.voice {
            Voice::English => {
                let text = clip.said.replace('\\', "\\\\").replace('"', "\\\"");
                writeln!(
                    script,
                    "(utt.save.wave (utt.synth (Utterance Text \"{text}\")) \"{}\" 'riff)\n\
                     (format t \"done\\n\")",
                    file.display()
                )?;
            }
            Voice::Spanish => {
                let mut espeak = Command::new("espeak-ng");
                espeak.args(["-v", SPANISH_VOICE, "-s", SPANISH_WORDS_PER_MINUTE]);
                espeak.arg("-w").arg(&file).arg("--").arg(&clip.said);
                let output = espeak.output().context("cannot run espeak-ng")?;
                ensure!(output.status.success(), "espeak-ng cannot say `{}`", clip.said);
                bar.inc(1);
            }
        }
    }
    // One run for all clips: loading the voice takes longer than speaking a word.
    let program = folder.join("english.scm");
    fs::write(&program, script).with_context(|| format!("cannot write {}", program.display()))?;
    let mut festival = Command::new("festival")
        .arg("-b")
        .arg(&program)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run festival")?;
    if let Some(output) = festival.stdout.take() {
        for line in BufReader::new(output).lines() {
            line.context("cannot read what festival says")?;
            bar.inc(1);
        }
    }
    ensure!(festival.wait()?.success(), "festival failed: see its message above");
    Ok(())
}

/// From the engine's sound to what goes out on a telephone line.
fn finish(
    clip: &Clip,
    file: &Path,
    wav: Option<&Path>,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<u8>> {
    bar.set_message("finishing");
    bar.inc(1);
    // -D: dither would only add noise below µ-law's own. The gain leaves the filters headroom.
    let sox = Command::new("sox")
        .arg("-D")
        .arg(file)
        .args(["-t", "raw", "-e", "signed", "-b", "16", "-L", "-c", "1", "-"])
        .args(["gain", "-6", "rate", "-v", "8000", "sinc", "300-3400"])
        .output()
        .context("cannot run sox")?;
    let name = &clip.name;
    ensure!(
        sox.status.success(),
        "sox failed on `{name}`: {}",
        String::from_utf8_lossy(&sox.stderr)
    );
    let samples = sox.stdout.chunks_exact(2).map(|pair| match pair {
        [low, high] => f64::from(i16::from_le_bytes([*low, *high])),
        _ => 0.0,
    });
    let samples: Vec<f64> = samples.collect();
    let Some(spoken) = levelled(trimmed(&samples)) else {
        bail!("`{name}` came out silent: give it another text under [say]")
    };
    let octets: Vec<u8> = spoken.iter().map(|sample| mu_law(*sample)).collect();
    if let Some(folder) = wav {
        let name = name.replace(['/', ' '], "_");
        let path = folder.join(format!("{}_{name}.wav", clip.language));
        fs::write(&path, wav_file(&octets))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(octets)
}

/// Without the silence before and after the speech.
fn trimmed(samples: &[f64]) -> &[f64] {
    let frames: Vec<f64> = samples.chunks(TRIM_FRAME).map(rms).collect();
    let loudest = frames.iter().copied().fold(0.0, f64::max);
    let sounds = |frame: &f64| *frame > loudest * TRIM_BELOW_LOUDEST;
    let (Some(first), Some(last)) =
        (frames.iter().position(sounds), frames.iter().rposition(sounds))
    else {
        return &[];
    };
    let from = first.saturating_sub(TRIM_FRAMES_KEPT) * TRIM_FRAME;
    let to = ((last + 1 + TRIM_FRAMES_KEPT) * TRIM_FRAME).min(samples.len());
    samples.get(from..to).unwrap_or_default()
}

/// At the loudness of all clips, with soft edges; `None` for silence.
fn levelled(samples: &[f64]) -> Option<Vec<f64>> {
    let frames: Vec<f64> = samples.chunks(LOUDNESS_FRAME).map(rms).collect();
    let loudest = frames.iter().copied().fold(0.0, f64::max);
    let peak = samples.iter().map(|sample| sample.abs()).fold(0.0, f64::max);
    if loudest < SILENT_BELOW {
        return None;
    }
    // Loudness is that of the frames in which somebody speaks, as ITU-T P.56 measures it.
    let active: Vec<f64> =
        frames.into_iter().filter(|frame| *frame > loudest * ACTIVE_ABOVE_LOUDEST).collect();
    let gain = (LOUDNESS_RMS / rms(&active)).min(PEAK_MAX / peak);
    let edge = |at: usize| {
        let from_edge = at.min(samples.len() - 1 - at);
        (from_edge as f64 / FADE_SAMPLES).min(1.0)
    };
    Some(samples.iter().enumerate().map(|(at, sample)| sample * gain * edge(at)).collect())
}

fn rms(samples: &[f64]) -> f64 {
    (samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}

/// 16-bit linear to G.711 µ-law (ITU-T G.711 table 2a, in units of 16-bit samples).
fn mu_law(sample: f64) -> u8 {
    let sign: u8 = if sample < 0.0 { 0x80 } else { 0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 32,635")]
    let magnitude = sample.abs().round().min(32_635.0) as u32 + 0x84;
    let segment = magnitude.ilog2() - 7;
    let [step, ..] = ((magnitude >> (segment + 3)) & 0x0f).to_le_bytes();
    let [segment, ..] = segment.to_le_bytes();
    !(sign | (segment << 4) | step)
}

/// A WAV file of µ-law (RIFF, format 7), 8 kHz.
fn wav_file(octets: &[u8]) -> Vec<u8> {
    let length = u32::try_from(octets.len()).unwrap_or(u32::MAX);
    let mut file = b"RIFF".to_vec();
    file.extend((length + 38).to_le_bytes());
    file.extend(b"WAVEfmt \x12\0\0\0\x07\0\x01\0");
    file.extend(8_000_u32.to_le_bytes());
    file.extend(8_000_u32.to_le_bytes());
    file.extend(b"\x01\0\x08\0\0\0data");
    file.extend(length.to_le_bytes());
    file.extend(octets);
    file
}

fn hex(octets: &[u8]) -> String {
    Sha256::digest(octets).iter().map(|octet| format!("{octet:02x}")).collect()
}

/// In the order of [`Versions`]' fields.
const PACKAGES: [&str; 4] = ["festival", "festvox-us-slt-hts", "espeak-ng", "sox"];
const ENGLISH_VOICE: &str = "cmu_us_slt_arctic_hts";
const SPANISH_VOICE: &str = "es-419";
const SPANISH_WORDS_PER_MINUTE: &str = "170";
/// Trimming looks at 5 ms at a time, keeps 15 ms around the speech, and takes for silence what is
/// 46 dB below the loudest: an f at the end of a word is 40 dB down once the band is cut.
const TRIM_FRAME: usize = 40;
const TRIM_FRAMES_KEPT: usize = 3;
const TRIM_BELOW_LOUDEST: f64 = 0.005;
const LOUDNESS_FRAME: usize = 160;
/// Frames within 16 dB of the loudest are speech.
const ACTIVE_ABOVE_LOUDEST: f64 = 0.16;
/// -20 dB below full scale, the usual level of announcements.
const LOUDNESS_RMS: f64 = 3_277.0;
/// 1.5 dB below full scale.
const PEAK_MAX: f64 = 27_500.0;
const SILENT_BELOW: f64 = 30.0;
const FADE_SAMPLES: f64 = 40.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of 1 kHz.
    fn tone(amplitude: f64, samples: usize) -> Vec<f64> {
        (0..samples).map(|at| (at as f64 * std::f64::consts::FRAC_PI_4).sin() * amplitude).collect()
    }

    #[test]
    fn silence_around_speech_goes_and_speech_stays() {
        let mut samples = vec![0.0; 4_000];
        samples.extend(tone(8_000.0, 1_600));
        samples.extend(vec![1.0; 2_400]);
        assert_eq!(trimmed(&samples).len(), 1_600 + 2 * 120);
        assert!(trimmed(&[0.0; 500]).is_empty());
        assert!(trimmed(&[]).is_empty());
    }

    #[test]
    fn loudness_is_the_same_and_nothing_clips() {
        for amplitude in [200.0, 5_000.0, 32_000.0] {
            let levelled = levelled(&tone(amplitude, 8_000)).unwrap();
            assert!((rms(&levelled) / LOUDNESS_RMS - 1.0).abs() < 0.02, "{amplitude}");
            assert_eq!(levelled[0], 0.0);
        }
        // Short peaks far above the rest bound the gain.
        let mut spiky = tone(100.0, 8_000);
        spiky[4_000] = 20_000.0;
        let peak = levelled(&spiky).unwrap().into_iter().fold(0.0, f64::max);
        assert!((peak - PEAK_MAX).abs() < 1.0, "{peak}");
        assert_eq!(levelled(&tone(10.0, 800)), None);
    }

    #[test]
    fn mu_law_is_that_of_the_recommendation() {
        for (sample, octet) in [
            (0.0, 0xff),
            (-1.0, 0x7f),
            (8.0, 0xfe),
            (1_000.0, 0xce),
            (-1_000.0, 0x4e),
            (32_124.0, 0x80),
            (-40_000.0, 0x00),
        ] {
            assert_eq!(mu_law(sample), octet, "{sample}");
        }
    }

    #[test]
    fn texts_become_clips_with_their_voices() {
        let read = |text: &str| toml::from_str::<Texts>(text).unwrap().clips("es");
        let text = "[prompts]\nbusy = 'La línea está ocupada.'\n[vocabulary]\nnumbers = ['uno']\n\
                    [letters]\n'ñ' = 'eñe'\n[names]\nwords = ['Núñez']\nenglish = ['Bell']\n\
                    [say]\n'word/uno' = 'úno'\n";
        let clips = read(text).unwrap();
        let names: Vec<_> = clips.iter().map(|clip| clip.name.as_str()).collect();
        assert_eq!(names, ["letter/ñ", "name/bell", "name/nunez", "prompt/busy", "word/uno"]);
        let uno = clips.last().unwrap();
        assert_eq!((uno.text.as_str(), uno.said.as_str()), ("uno", "úno"));
        assert!(clips[1].voice == Voice::English && clips[2].voice == Voice::Spanish);
        for (change, expected) in [
            (("'Bell'", "'Bell', 'NUNEZ'"), "`name/nunez` stands there twice"),
            (("'Bell'", "'St. John'"), "`St. John` is not one word of letters"),
            (("'eñe'", "' '"), "`letter/ñ` has no text"),
            (("'eñe'", "\"a\\tb\""), "is not one line"),
            (("word/uno", "word/dos"), "[say] names `word/dos`"),
        ] {
            let error = read(&text.replace(change.0, change.1)).err().unwrap();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
