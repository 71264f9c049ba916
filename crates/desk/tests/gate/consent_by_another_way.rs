//! The function that makes a consent cannot be called, not even by whoever has played a notice.

use call::Consent;

fn accepted(consent: &mut Consent) {
    let _ = call::consent::accept;
    let _ = Consent::new;
    consent.epoch = model::fact::Epoch(9);
}

fn main() {
    let _ = accepted;
}
