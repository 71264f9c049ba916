use super::*;
use model::PromptId;

type MadeUp = Vec<(Language, String, Vec<u8>)>;

/// A clip for everything in the vocabulary and one name, none like another.
pub(super) fn made_up_clips(octets: usize) -> MadeUp {
    let mut clips = MadeUp::new();
    for language in LANGUAGES {
        let names = speak::vocabulary(language).map(|name| name.key());
        for name in names.chain(Some("name/cedar".to_owned())) {
            let number = u16::try_from(clips.len()).unwrap().to_le_bytes();
            let audio = (0..octets)
                .map(|at| number.get(at).copied().unwrap_or(at.to_le_bytes()[0]))
                .collect();
            clips.push((language, name, audio));
        }
    }
    clips
}

pub(super) fn file_of(clips: &MadeUp) -> Vec<u8> {
    let mut index = "parlatory prompts 1\nvoice\ten\tnobody\nvoice\tes\tnobody\n".to_owned();
    let mut audio = Vec::new();
    for (language, name, octets) in clips {
        let hash: String =
            Sha256::digest(octets).iter().map(|octet| format!("{octet:02x}")).collect();
        let text = name.split_once('/').unwrap().1;
        let (code, from, length) = (language.code(), audio.len(), octets.len());
        index += &format!("clip\t{code}\t{name}\t{from}\t{length}\t{hash}\t{text}\n");
        audio.extend(octets);
    }
    index += &format!("audio\t{}\n", audio.len());
    [index.into_bytes(), audio].concat()
}

/// The kind of error alone, for comparing.
fn refusal(file: &[u8]) -> String {
    Pack::parse(file).unwrap_err().to_string()
}

#[test]
fn the_builtin_pack_is_whole_and_within_its_size() {
    let pack = Pack::builtin().unwrap();
    for language in LANGUAGES {
        assert!(!pack.voice(language).is_empty());
        for id in PromptId::ALL {
            let clip = pack.clip(language, &ClipName::Prompt(*id));
            assert!(clip.text.len() > 3, "{}", id.name());
            assert!(clip.range.len() > 2_000, "{} is shorter than 0.25 s", id.name());
            assert!(clip.range.len() < 80_000, "{} is longer than 10 s", id.name());
        }
    }
    assert!(pack.audio().len() < 8_000_000);
}

#[test]
fn the_builtin_pack_speaks_the_texts_as_they_are() {
    let pack = Pack::builtin().unwrap();
    for (language, texts) in [
        (Language::En, include_str!("../../../../prompts/en.toml")),
        (Language::Es, include_str!("../../../../prompts/es.toml")),
    ] {
        assert_eq!(
            pack.texts(language),
            <[u8; 32]>::from(Sha256::digest(texts)),
            "prompts/{}.toml was changed after prompts/pack.plp was built: run `cargo xtask prompts`",
            language.code()
        );
    }
}

#[test]
fn the_demo_s_names_are_spoken_as_words() {
    let pack = Pack::builtin().unwrap();
    for name in ["Marcus Bell", "Rosa Delgado", "Tyrone Fields", "Anna Kowalski", "Luis Ortega"]
        .iter()
        .chain(&["Grace Whitfield", "Cedar County Jail", "Cedar County"])
    {
        for part in name.split(' ').map(speak::fold) {
            for language in LANGUAGES {
                assert!(pack.knows_name(language, &part), "{part} in {}", language.code());
            }
        }
    }
}

#[test]
fn no_clip_of_the_builtin_pack_is_clipped_silent_or_loud() {
    let pack = Pack::builtin().unwrap();
    let audio = pack.audio();
    for ((language, name), clip) in &pack.inner.clips {
        let samples: Vec<i32> = audio[clip.range.clone()].iter().map(|o| linear(*o)).collect();
        let peak = samples.iter().map(|sample| sample.abs()).max().unwrap();
        // µ-law is full at 32,124; the pack stays 1 dB below, and never so soft that nobody hears.
        assert!((6_000..=30_000).contains(&peak), "{} {name}: peak {peak}", language.code());
    }
}

/// G.711 µ-law to 16-bit linear, ITU-T G.711 table 2a scaled by 4.
fn linear(octet: u8) -> i32 {
    let bits = !octet;
    let magnitude = (((i32::from(bits & 0x0f) << 3) + 0x84) << ((bits >> 4) & 7)) - 0x84;
    if bits & 0x80 == 0 { magnitude } else { -magnitude }
}

#[test]
fn a_pack_file_loads_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pack.plp");
    assert!(matches!(Pack::load(&path), Err(PackError::Unreadable(_))));
    std::fs::write(&path, file_of(&made_up_clips(8))).unwrap();
    assert_eq!(Pack::load(&path).unwrap().version(), made_up(8).version());
}

#[test]
fn every_missing_clip_is_refused_by_name() {
    let clips = made_up_clips(4);
    // Every sentence, and some of the many words.
    for (at, (language, name, _)) in clips.iter().enumerate() {
        if !name.starts_with("prompt/") && at % 7 != 0 && name != "name/cedar" {
            continue;
        }
        let mut fewer = clips.clone();
        fewer.remove(at);
        let parsed = Pack::parse(&file_of(&fewer));
        if name == "name/cedar" {
            parsed.unwrap();
            continue;
        }
        let message = parsed.unwrap_err().to_string();
        let expected = format!("lacks clip `{name}` in language `{}`", language.code());
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn every_damaged_octet_of_audio_is_refused() {
    let file = file_of(&made_up_clips(4));
    let audio = Index::read(&file).unwrap().1.len();
    for back in (1..=audio).step_by(13) {
        let mut damaged = file.clone();
        let at = damaged.len() - back;
        damaged[at] ^= 1;
        assert!(refusal(&damaged).contains("is damaged"));
    }
    assert!(refusal(&file[..file.len() - 1]).contains("octets in place of"));
    assert!(refusal(&[file.as_slice(), b"x"].concat()).contains("octets in place of"));
}

#[test]
fn bad_indexes_are_refused_with_the_line() {
    let hash = "0".repeat(64);
    for (second_line, expected) in [
        ("noise".to_owned(), "it is neither voice"),
        ("voice\tfr\tsomebody".to_owned(), "the language is neither"),
        ("texts\ten\tabc".to_owned(), "64 hexadecimal digits"),
        (format!("texts\ten\t{}", "é".repeat(32)), "64 hexadecimal digits"),
        (format!("clip\ten\tword/x\t-1\t1\t{hash}\tx"), "the start is no number"),
        (format!("clip\ten\tword/x\t0\tx\t{hash}\tx"), "the length is no number"),
        (format!("clip\ten\tword/x\t0\t0\t{hash}\tx"), "the clip is empty"),
        (format!("clip\ten\tword/x\t{}\t1\t{hash}\tx", usize::MAX), "beyond all numbers"),
        ("audio\tmany".to_owned(), "the length is no number"),
    ] {
        let message = refusal(format!("parlatory prompts 1\n{second_line}\n").as_bytes());
        assert!(message.starts_with("line 2 "), "{message}");
        assert!(message.contains(expected), "{message}");
    }
    let twice =
        format!("parlatory prompts 1\n{0}{0}", format_args!("clip\ten\ta\t0\t1\t{hash}\ta\n"));
    assert!(
        refusal(twice.as_bytes())
            .contains("line 3 of the prompt pack's index is wrong: the clip is listed twice")
    );
    let beyond = format!("parlatory prompts 1\nclip\ten\ta\t0\t9\t{hash}\ta\naudio\t1\nx");
    assert!(
        refusal(beyond.as_bytes()).contains("`a` in language `en` of the prompt pack is damaged")
    );
    for file in [&b""[..], b"parlatory prompts 2\n", b"parlatory prompts 1\n", b"RIFF"] {
        assert!(refusal(file).contains("no prompt pack"));
    }
    assert!(refusal(b"parlatory prompts 1\n\xff\n").contains("not text"));
}

#[test]
fn the_version_changes_with_any_clip() {
    let clips = made_up_clips(4);
    let mut changed = clips.clone();
    changed[7].2[3] ^= 1;
    let versions = [&clips, &changed].map(|each| Pack::parse(&file_of(each)).unwrap().version());
    assert_ne!(versions[0], versions[1]);
}
