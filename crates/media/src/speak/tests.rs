use super::*;
use crate::pack::made_up;
use model::{Language, Money, Private};
use proptest::prelude::*;

const LANGUAGES: [Language; 2] = [Language::En, Language::Es];

fn script(language: Language, phrases: Vec<Phrase>) -> Script {
    Script { language, phrases }
}

fn name(text: &str) -> Phrase {
    Phrase::Name(Private::new(text.to_owned()))
}

/// Everything a rendering says, read by `chunk` octets.
fn all(mut rendered: Rendered, chunk: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut buffer = vec![0; chunk];
    loop {
        let before = rendered.remaining();
        let count = rendered.read(&mut buffer);
        assert_eq!(rendered.remaining(), before - count);
        assert!(buffer[count..].iter().all(|octet| *octet == SILENCE));
        octets.extend(&buffer[..count]);
        if count < chunk {
            assert_eq!(rendered.read(&mut buffer), 0);
            return octets;
        }
    }
}

/// The notice to a called party who pays nothing.
fn notice(language: Language) -> Script {
    use PromptId::{
        CallFrom, CallerPays, ChooseAcceptRefuse, ChooseLanguage, InCustodyAt, NoChargeToYou,
        NoticeRecorded, PerMinute,
    };
    script(
        language,
        vec![
            Phrase::Prompt(CallFrom),
            name("Marcus Bell"),
            Phrase::Prompt(InCustodyAt),
            name("Cedar County Jail"),
            Phrase::Prompt(NoChargeToYou),
            Phrase::Prompt(CallerPays),
            Phrase::Amount(Money::from_cents(7)),
            Phrase::Prompt(PerMinute),
            Phrase::Prompt(NoticeRecorded),
            Phrase::Prompt(ChooseAcceptRefuse),
            Phrase::PromptInOther(ChooseLanguage),
        ],
    )
}

#[test]
fn a_rendering_is_its_clips_and_pauses_in_order() {
    let pack = made_up(16);
    let amount = Phrase::Amount(Money::from_cents(107));
    let rendered = pack.render(&script(
        Language::En,
        vec![Phrase::Prompt(PromptId::BalanceIs), amount, Phrase::PromptInOther(PromptId::Goodbye)],
    ));
    let clip =
        |language, name: ClipName| pack.audio()[pack.clip(language, &name).range.clone()].to_vec();
    let silence = |millis: usize| vec![SILENCE; millis * 8];
    let word = |word| clip(Language::En, ClipName::Word(word));
    let expected = [
        clip(Language::En, ClipName::Prompt(PromptId::BalanceIs)),
        silence(100),
        word("one"),
        silence(40),
        word("dollar"),
        silence(40),
        word("and"),
        silence(40),
        word("seven"),
        silence(40),
        word("cents"),
        silence(450),
        clip(Language::Es, ClipName::Prompt(PromptId::Goodbye)),
    ]
    .concat();
    assert_eq!(rendered.len(), expected.len());
    for chunk in [1, 7, 160, 480, 100_000] {
        assert_eq!(all(rendered.clone(), chunk), expected, "read by {chunk}");
    }
}

#[test]
fn rewinding_starts_again() {
    let mut rendered = made_up(500).render(&notice(Language::Es));
    let mut frame = [0; 160];
    rendered.read(&mut frame);
    let first = frame;
    rendered.read(&mut frame);
    rendered.rewind();
    assert_eq!(rendered.remaining(), rendered.len());
    rendered.read(&mut frame);
    assert_eq!(frame, first);
}

#[test]
fn nothing_to_say_is_empty() {
    let mut rendered = made_up(4).render(&script(Language::En, vec![]));
    assert!(rendered.is_empty());
    let mut frame = [0; 160];
    assert_eq!(rendered.read(&mut frame), 0);
    assert_eq!(frame, [SILENCE; 160]);
}

#[test]
fn pauses_last_as_long_as_the_script_says_up_to_a_minute() {
    let pack = made_up(4);
    for (millis, octets) in [(0, 0), (1, 8), (250, 2_000), (60_000, 480_000), (90_000, 480_000)] {
        let pause = Phrase::Pause(Duration::from_millis(millis));
        assert_eq!(pack.render(&script(Language::En, vec![pause])).len(), octets);
    }
    // A pause of the script stands in place of the usual one.
    let goodbye = || Phrase::Prompt(PromptId::Goodbye);
    let pause = Phrase::Pause(Duration::from_millis(10));
    assert_eq!(pack.render(&script(Language::En, vec![goodbye(), pause, goodbye()])).len(), 88);
    assert_eq!(pack.render(&script(Language::En, vec![goodbye(), goodbye()])).len(), 3_608);
}

#[test]
fn the_content_hash_changes_with_every_clip_pause_and_order() {
    let pack = made_up(8);
    let hash = |phrases: Vec<Phrase>| pack.render(&script(Language::En, phrases)).content();
    let mut hashes: Vec<_> = LANGUAGES
        .iter()
        .flat_map(|language| {
            PromptId::ALL.iter().map(|id| pack.render(&Script::of(*language, &[*id])).content())
        })
        .collect();
    let (busy, goodbye) = (PromptId::Busy, PromptId::Goodbye);
    let pause = |millis| Phrase::Pause(Duration::from_millis(millis));
    hashes.push(hash(vec![Phrase::Prompt(busy), Phrase::Prompt(goodbye)]));
    hashes.push(hash(vec![Phrase::Prompt(goodbye), Phrase::Prompt(busy)]));
    hashes.push(hash(vec![Phrase::Prompt(busy), pause(1), Phrase::Prompt(goodbye)]));
    hashes.push(hash(vec![pause(1), Phrase::Prompt(busy)]));
    hashes.push(hash(vec![Phrase::Prompt(busy), pause(1)]));
    hashes.push(hash(vec![]));
    let count = hashes.len();
    hashes.sort_by_key(|hash| hash.0);
    hashes.dedup();
    assert_eq!(hashes.len(), count);

    // The same sounds have the same hash, however the script puts them.
    let twice = vec![pause(10), pause(20), Phrase::Prompt(busy)];
    assert_eq!(hash(twice), hash(vec![pause(30), Phrase::Prompt(busy)]));
    // Other audio under the same name has another hash.
    let other = made_up(9).render(&Script::of(Language::En, &[busy])).content();
    assert_ne!(other, hash(vec![Phrase::Prompt(busy)]));
}

#[test]
fn the_notice_is_whole_in_both_languages_and_soon_over() {
    let pack = Pack::builtin().unwrap();
    for (language, words) in [
        (
            Language::En,
            "Hello. This is a call from Marcus Bell a person in custody at Cedar County Jail \
             You will not be charged for this call. The caller pays seven cents per minute. \
             This call will be recorded and may be listened to. To accept, press 1. \
             To refuse, press 2. Para español, oprima 9.",
        ),
        (
            Language::Es,
            "Hola. Esta es una llamada de Marcus Bell una persona bajo custodia en \
             Cedar County Jail A usted no se le cobrará esta llamada. La persona que llama paga \
             siete centavos por minuto. Esta llamada será grabada y podría ser escuchada. \
             Para aceptar la llamada, oprima 1. Para rechazarla, oprima 2. For English, press 9.",
        ),
    ] {
        assert_eq!(pack.transcript(&notice(language)).expose(), words);
        let seconds = pack.render(&notice(language)).len() / 8_000;
        assert!((12..25).contains(&seconds), "{seconds} s in {}", language.code());
    }
}

#[test]
fn transcripts_and_steps_print_nothing_personal() {
    let pack = made_up(4);
    let phrases = vec![name("Cedar Bo"), Phrase::Digits(Private::new("2025550142".to_owned()))];
    let script = script(Language::En, phrases);
    assert_eq!(format!("{:?}", pack.transcript(&script)), "[private]");
    let printed = format!("{:?}", steps(&script, &pack));
    assert!(!printed.contains("cedar") && !printed.contains("five"), "{printed}");
}

#[test]
fn every_amount_to_100_000_dollars_has_its_clips() {
    let pack = made_up(4);
    for language in LANGUAGES {
        let sayable: std::collections::HashSet<&str> = vocabulary(language)
            .filter_map(|name| if let ClipName::Word(word) = name { Some(word) } else { None })
            .filter(|word| pack.clip(language, &ClipName::Word(word)).range.len() == 4)
            .collect();
        let all_said = |amount: Money| {
            for word in amount_words(amount, language) {
                assert!(sayable.contains(word), "{word}");
            }
        };
        // Dollars and cents are spoken independently: every dollar count, and every cent count.
        for dollars in 0..=100_000 {
            all_said(Money::from_micros(dollars * 1_000_000 + 10_000 * (dollars % 100)));
        }
        for micros in 0..1_000_000 / 50 {
            all_said(Money::from_micros(-micros * 50));
        }
    }
}

/// For the cases below: to make one takes longer than to use it.
static PACK: std::sync::OnceLock<Pack> = std::sync::OnceLock::new();

proptest! {
    #[test]
    fn whatever_is_scripted_renders_and_counts_right(
        amount: i64,
        seconds: u32,
        digits in "\\PC{0,60}",
        person in "\\PC{0,100}",
        spanish: bool,
    ) {
        let pack = PACK.get_or_init(|| made_up(5));
        let language = if spanish { Language::Es } else { Language::En };
        let script = script(language, vec![
            Phrase::Amount(Money::from_micros(amount)),
            Phrase::Length(Duration::from_secs(seconds.into())),
            Phrase::Digits(Private::new(digits)),
            Phrase::Name(Private::new(person)),
        ]);
        let rendered = pack.render(&script);
        let sum: usize = steps(&script, pack).iter().map(|step| match step {
            Step::Clip(language, name) => pack.clip(*language, name).range.len(),
            Step::Pause(pause) => octets(*pause),
            Step::Recorded(voice) => voice.expose().len(),
        }).sum();
        prop_assert_eq!(rendered.len(), sum);
        prop_assert_eq!(all(rendered, 160).len(), sum);
    }
}

#[test]
fn a_recorded_name_is_played_octet_for_octet_and_the_content_names_it() {
    let pack = made_up(16);
    let voice: Vec<u8> = (0..200).collect();
    let said = |voice: &[u8]| {
        let voice = Phrase::Recorded(Private::new(voice.into()));
        let phrases = vec![Phrase::Prompt(PromptId::CallFrom), voice];
        pack.render(&script(Language::En, phrases))
    };
    let rendered = said(&voice);
    let heard = all(rendered.clone(), 7);
    assert!(heard.ends_with(&voice));
    assert_eq!(heard.len(), 16 + octets(WITHIN_SENTENCE) + 200);
    assert!(!format!("{:?}", rendered.pieces).contains("199"), "no octets are printed");
    let mut other = voice.clone();
    other[100] ^= 1;
    assert_ne!(said(&other).content(), rendered.content());
    assert_eq!(said(&voice).content(), rendered.content());
}
