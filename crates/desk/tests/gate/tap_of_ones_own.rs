//! The switch's tap cannot be had outside the switch, and neither a vault nor a consent is one.

use call::Consent;
use media::Tap;
use vault::{Vault, Writer};

fn out_of_a_vault(vault: Vault) -> Box<dyn Tap> {
    Box::new(vault)
}

fn out_of_a_consent(consent: Consent) -> Box<dyn Tap> {
    Box::new(consent)
}

fn out_of_a_writer(writer: Writer) -> Box<dyn Tap> {
    Box::new(switch::tapping::Tapping::new(writer))
}

fn main() {
    let _ = (out_of_a_vault, out_of_a_consent, out_of_a_writer);
}
