//! A quote has no way in but `new`.

use charging::{LawfulRate, Quote};

fn around(rate: LawfulRate) -> Quote {
    Quote { rate }
}

fn main() {
    let _ = around;
}
