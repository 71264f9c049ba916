//! The vault begins with a consent, and with nothing that merely describes one.

use model::{CallId, RecordingId, fact::ConsentEvidence};
use vault::{About, Vault};

fn begun(vault: &Vault, call: CallId, evidence: ConsentEvidence, about: About) {
    let _ = vault.begin(call, about, |_| {});
    let _ = vault.begin(evidence, about, |_| {});
    let _ = vault.begin(None, about, |_| {});
    let _ = vault.resume(RecordingId(call.0));
}

fn main() {
    let _ = begun;
}
