//! A rate that was written down is data: it prices nothing until it is proved again.

use charging::{LawfulRate, Quote};
use model::fact::{HoldFact, RateFact};

fn quoted(fact: RateFact) -> Quote {
    Quote::new(fact)
}

fn trusted(hold: HoldFact) -> LawfulRate {
    hold.rate.into()
}

fn read<T: serde::de::DeserializeOwned>(_octets: &str) -> Option<T> {
    None
}

fn main() {
    let _ = (quoted, trusted);
    let _ = read::<LawfulRate>("");
    let _ = read::<Quote>("");
}
