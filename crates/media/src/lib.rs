//! The audio of calls: RTP legs, keys, spoken prompts, the bridge between two legs, and the tap.
//!
//! What it is not: it knows no jail, no consent and no SIP. It plays what it is told, says
//! truthfully whether that was heard to its end, and takes audio out of a bridge only through the
//! [`Tap`] that whoever holds a consent hands in; without one, no code that could keep audio exists
//! in a call. The [`Capture`] of a name is handed in the same way, and only while nobody is called.
//! Start with [`Media`], the handle; then `thread.rs` (the loop), `call.rs` (the two legs) and
//! `leg.rs`.

mod call;
mod capture;
mod engine;
mod event;
pub mod g711;
mod inband;
mod leg;
pub mod limits;
mod outgoing;
mod pack;
mod path;
mod poller;
mod ports;
pub mod probe;
mod relay;
mod repack;
#[cfg(test)]
mod rig;
mod rtcp;
mod rtp;
mod sound;
mod speak;
mod srtp;
mod thread;
mod timeline;
mod tone;

pub use engine::{Capture, Media, MediaConfig, MediaError, MediaEvent, PlayEnded, Statistics, Tap};
pub use inband::ToneEar;
pub use pack::{Pack, PackError};
pub use speak::Rendered;
pub use tone::Voice;
