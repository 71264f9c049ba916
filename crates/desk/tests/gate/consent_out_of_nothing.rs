//! A consent is not copied, not defaulted, and not read from a file or a socket.

use call::{Consent, Recording};

fn copied<T: Clone>() {}
fn defaulted<T: Default>() {}
fn written_down<T: serde::Serialize>() {}

fn main() {
    copied::<Consent>();
    copied::<Recording>();
    defaulted::<Consent>();
    defaulted::<Recording>();
    written_down::<Consent>();
}
