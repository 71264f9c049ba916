//! The services behind a node's calls: screening, rating, holding, settling, provisioning,
//! recovery.
//!
//! It implements the switch's `Office` and the line's `Directory`. It takes no packet and plays no
//! sound; it decides, makes the decision durable in the journal, and only then answers.
//! Start with [`Desk::open`], then `office.rs` for one call, `admission.rs` for the decision itself
//! and `recovery.rs` for what a node that died left behind.

mod admission;
mod book;
mod chosen;
mod clerk;
mod condition;
mod desk;
mod directory;
mod disk;
mod entering;
mod footing;
mod forgetting;
mod guesses;
mod limits;
mod naming;
mod office;
mod pin;
mod projector;
pub mod provision;
mod recovery;
mod registering;
mod reload;
mod unsaid;

pub use clerk::{EVIDENCE_KEY_OCTETS, EvidenceConfig, EvidenceKeys, counsel_secret};
pub use condition::{Condition, RegistryCondition, StationPlace};
pub use desk::{Broken, Desk, DeskConfig};
pub use disk::{OCTETS_PER_RECORDED_HOUR, Space};
pub use footing::{Chronicle, Done, Draw, Each, Footing, Hands, Recordings, Room, Sink, Turn};
pub use pin::{PIN_KEY_OCTETS, PinKey};
pub use recovery::Recovered;
