//! What a line is told when it starts, and whom it asks about its callers.

use model::{Private, StationId};
use std::net::SocketAddr;

/// How one line is set up.
#[derive(Clone, Debug)]
pub struct LineConfig {
    /// Local UDP address. Port 0 lets the system choose; [`crate::Line::local_address`] tells
    /// which.
    pub bind: SocketAddr,
    /// Realm of digest challenges (RFC 3261 section 22.1); stored HA1 values depend on it.
    pub realm: String,
    /// Text of the User-Agent and Server headers.
    pub user_agent: String,
    /// Whose calls are taken.
    pub inbound: Inbound,
    /// Most dialogs at once, incoming and outgoing together; past it a new INVITE gets 503.
    pub calls_max: usize,
}

/// Whose calls a line takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inbound {
    /// Stations of the [`Directory`] only: a node. A call from the trunk or from anybody else is
    /// refused and counted.
    Stations,
    /// Anybody: a softphone.
    Anyone,
}

/// Who is who on the wire. It is asked on the line's own thread at each INVITE and REGISTER, so it
/// answers from memory and never blocks.
pub trait Directory: Send + Sync + 'static {
    /// The station that sends from `source`, with `user` as the user part of its From URI (one line
    /// of a gateway), or `None` when stations are not known by this address.
    fn station(&self, source: SocketAddr, user: &str) -> Option<StationId>;

    /// The station with digest user name `user`, and its HA1: the MD5 of `user:realm:password`
    /// (RFC 7616 section 3.4.2).
    fn digest(&self, user: &str) -> Option<(StationId, Private<[u8; 16]>)>;

    /// Where calls go out, or `None` when there is no trunk.
    fn trunk(&self) -> Option<SocketAddr>;
}
