//! What an entry says does not become a receipt by being read.

use access::{Intent, Opening, Receipt};

fn from_intent(intent: Intent) -> Receipt {
    intent.into()
}

fn from_opening(opening: &Opening) -> Option<Receipt> {
    parsed(&opening.detail)
}

fn parsed<T: serde::de::DeserializeOwned>(_octets: &[u8]) -> Option<T> {
    None
}

fn main() {
    let _ = (from_intent, from_opening);
}
