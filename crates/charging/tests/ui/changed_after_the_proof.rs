//! A proof cannot be bent to another rate.

use charging::{LawfulRate, Rate};

fn dearer(mut proof: LawfulRate, rate: Rate) -> LawfulRate {
    proof.rate = rate;
    proof
}

fn main() {
    let _ = dearer;
}
