//! How many keys are heard where there are none: hours of generated speech, music and tones. Prints
//! what was heard and what the listening costs as JSON, and fails with the name of each false key.
//!
//! `cargo xtask bench keys` runs it. By hand: `cargo run --release -p media --example dtmf -- HOURS
//! [SEED]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

#[path = "../tests/inband/sound.rs"]
#[expect(dead_code, clippy::indexing_slicing, reason = "shared with a test, which uses it all")]
mod sound;

use media::ToneEar;
use model::{Codec, Timestamp};
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let hours: u32 = words.next().and_then(|word| word.parse().ok()).unwrap_or(1);
    let seed: u64 = words.next().and_then(|word| word.parse().ok()).unwrap_or(1);
    let mut dice = sound::Dice::new(seed);
    let mut ears = [(Codec::Pcmu, ToneEar::default()), (Codec::Pcma, ToneEar::default())];
    let mut spent = Duration::ZERO;
    let (mut samples, mut found) = (0_u64, 0);
    while samples < u64::from(hours) * 3_600 * 8_000 {
        let mut sound = Vec::new();
        let name = sound::scene(&mut dice, &mut sound);
        for (codec, ear) in &mut ears {
            let octets = sound::encode(*codec, &sound);
            let begun = Instant::now();
            let mut at = samples;
            for packet in octets.chunks(160) {
                let timestamp = u32::try_from(at % (1 << 32)).unwrap_or(0);
                ear.hear(*codec, timestamp, packet, Timestamp::from_micros(0), |key, _| {
                    found += 1;
                    eprintln!("{} in {name} after {} ms of {codec:?}", key.label(), at / 8);
                });
                at += packet.len() as u64;
            }
            spent += begun.elapsed();
        }
        samples += sound.len() as u64;
    }
    // Both laws heard everything.
    let seconds = samples * 2 / 8_000;
    let each = spent.as_nanos() / u128::from(seconds.max(1));
    println!(r#"{{"seed":{seed},"seconds":{seconds},"false_keys":{found},"ns_each":{each}}}"#);
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
