//! Nobody outside its module fills in a consent.

use call::Consent;
use model::{
    CallId, E164, Private,
    fact::{ConsentEvidence, Epoch},
};

fn forged(call: CallId, number: Private<E164>, evidence: ConsentEvidence) -> Consent {
    Consent { call, number, epoch: Epoch(1), evidence }
}

fn main() {
    let _ = forged;
}
