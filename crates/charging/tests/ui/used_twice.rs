//! One proof makes one quote.

use charging::{LawfulRate, Quote};

fn twice(proof: LawfulRate) -> (Quote, Quote) {
    (Quote::new(proof), Quote::new(proof))
}

fn main() {
    let _ = twice;
}
