//! SIP: telephones and carriers, over UDP, TCP and TLS (RFC 3261). The only crate that
//! knows the SIP library.
//!
//! What it is not: it knows no jail, no call of two legs, no screening and no RTP. It turns
//! datagrams into events about one dialog ([`WireId`]) and commands about it into datagrams, behind
//! a guard that refuses what must never reach the library's parser. Start reading with [`Line`],
//! then [`LineEvent`].

mod address;
mod cause;
mod config;
mod counts;
mod credential;
mod dialog;
mod digest;
mod engine;
mod event;
mod gate;
pub mod guard;
mod history;
mod identity;
mod limits;
mod line;
mod look;
pub mod probe;
mod registrar;
mod resolve;
pub mod sdp;
mod stack;
mod stream;
mod tags;
mod tls;
mod transport;
mod trunk;
mod turns;

pub use cause::Cause;
pub use config::{Directory, Encryption, Inbound, LineConfig, Network, TlsListen};
pub use counts::LineCounts;
pub use digest::ha1;
pub use event::{LineEvent, Origin, Target, WireId};
pub use identity::{Attest, IdentityConfig, IdentityError, RENEW_DAYS, Standing, Term};
pub use line::{Line, LineError};
pub use look::{LineLook, TrunkHealth, TrunkLook};
pub use resolve::TrunkName;
pub use sdp::agree;
pub use tls::{TlsError, TlsFiles, TlsPeer};
pub use transport::Transport;
pub use trunk::{NumberForm, NumberFormat, TrunkAccount, TrunkConfig};
pub use turns::{Kept, Turns};
