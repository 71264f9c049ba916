//! One consent begins one recording.

use call::Consent;
use vault::{About, NotRecorded, Vault, Writer};

fn twice(
    vault: &Vault,
    consent: Consent,
    about: About,
) -> Result<(Writer, Writer), NotRecorded> {
    Ok((vault.begin(consent, about, |_| {})?, vault.begin(consent, about, |_| {})?))
}

fn main() {
    let _ = twice;
}
