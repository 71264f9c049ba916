//! A keyholder: holds private keys, and opens a share of a recording's key only when the log
//! proves that this very disclosure was entered before.
//!
//! It trusts nobody who asks: it checks the log's signature, as many witnesses as it was told to
//! want, that the log only grew since it last looked, that the entry is in it, and that the entry
//! names this recording and this recipient. Then it seals the share again to that recipient.
//! Shares of a journal's segments it opens in the same way, and only once its owner said yes.
//! What it is not: it sees no recording, decides no policy and knows no call. Start with
//! [`Holder::open`]; `serve.rs` is the same over HTTPS with mutual TLS.

mod ask;
mod command;
mod config;
mod holder;
mod limits;
mod memory;
mod patience;
pub mod probe;
mod program;
mod remote;
mod request;
mod ring;
mod serve;
mod sheet;

pub use ask::{Answer, Ask, BadAsk, SegmentAnswer, SegmentAsk};
pub use command::{Command, Folder, write_settings};
pub use config::{BadConfig, Config, Serve};
pub use holder::{Holder, Refused, State};
pub use memory::{Memory, Opened};
pub use program::Program;
pub use remote::{NotAnswered, Remote};
pub use request::Request;
pub use ring::{KeyRing, RingError};
pub use serve::{ServeError, Server, client_tls, server_tls};
pub use sheet::{BadSheet, sheet, typed};
