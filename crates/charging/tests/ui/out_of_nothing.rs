//! There is no proof by default, and no quote either.

use charging::{LawfulRate, Quote};

fn main() {
    let _: LawfulRate = Default::default();
    let _: Quote = Default::default();
}
