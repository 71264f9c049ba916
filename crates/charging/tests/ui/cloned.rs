//! A proof is not copied, and neither is a quote.

use charging::{LawfulRate, Quote};

fn copies(proof: &LawfulRate, quote: &Quote) -> (LawfulRate, Quote) {
    (proof.clone(), quote.clone())
}

fn main() {
    let _ = copies;
}
