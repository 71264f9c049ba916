//! The door of a node for programs, commands and later pages: JSON over HTTP, on the machine itself
//! or over HTTPS.
//!
//! What it is not: it decides nothing, keeps nothing and has no key. It finds out who asks, reads
//! what they ask for, has it carried out by the services below, and says what came of it. Start
//! with [`Console::start`], then [`ROUTES`]: every way in, and what leaves by it.

mod answer;
mod around;
mod ask;
mod document;
mod limits;
mod metrics;
mod route;
mod routes;
mod server;
mod session;
mod shared;
pub mod status;
mod throttle;
mod tls;

pub use document::document;
pub use route::{Entry, Method, ROUTES, Route};
pub use server::{Console, ConsoleConfig, NotStarted};
pub use shared::Services;
pub use tls::{BadTls, TlsFiles};
