//! A rate alone makes no quote.

use charging::{Quote, Rate};

fn main() {
    let _ = Quote::new(Rate::FREE);
}
