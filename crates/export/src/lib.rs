//! The package that a recipient gets: what was disclosed, why, and everything with which somebody
//! who trusts nobody here can check it.
//!
//! What it is not: it decides nothing, opens nothing and reads no file; whoever calls it has
//! released the data against a [`access::Receipt`] before. Start with [`Package::pack`]; what lies
//! in a package stands in `docs/formats/export.md`.

mod limits;
mod manifest;
mod package;
mod record;
mod seal;
mod text;
mod vcon;
mod wav;

pub use manifest::{Clock, Copy, Custody, Manifest, Software, TimeStamp};
pub use package::{Contents, Entry, NotPacked, Package, Recording};
pub use record::Record;
pub use seal::{NotSealed, Passphrase, seal};
pub use wav::{wav_head, wav_second};
