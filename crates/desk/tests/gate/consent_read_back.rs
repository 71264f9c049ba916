//! What the journal says of an acceptance does not become a consent again.

use call::{Consent, Recording};
use model::fact::ConsentEvidence;

fn read_back(evidence: ConsentEvidence) -> Consent {
    evidence.into()
}

fn recorded_again(octets: &str) -> Option<Recording> {
    parsed::<Consent>(octets).map(Recording::Consented)
}

fn parsed<T: serde::de::DeserializeOwned>(_octets: &str) -> Option<T> {
    None
}

fn main() {
    let _ = (read_back, recorded_again);
}
