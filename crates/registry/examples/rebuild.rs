//! How long the map of an epoch takes: `cargo run --release -p registry --example rebuild`.

use std::{
    io::{Write, stdout},
    time::{Duration, Instant},
};

use model::{E164, fact::Epoch};
use registry::map::{LabelKey, Map};

fn main() -> std::io::Result<()> {
    let key = LabelKey::new([7; 32]);
    let numbers = (0..NUMBERS).filter_map(|line| E164::new(12_000_000_000 + line * 7_919));
    let numbers: Vec<E164> = numbers.collect();
    let (map, built) = timed(|| Map::new(Epoch(1), &key, numbers.iter().copied()));
    let Some(asked) = E164::new(12_025_550_142) else { return Ok(()) };
    let label = key.label(asked);
    let (octets, proved) = timed(|| map.prove(&label).octets().len());
    writeln!(
        stdout(),
        "{} numbers: map in {} ms, one proof in {} us, {octets} octets",
        map.head().count,
        built.as_millis(),
        proved.as_micros(),
    )
}

#[expect(clippy::disallowed_methods, reason = "a measurement of the machine's own time")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

const NUMBERS: u64 = 100_000;
