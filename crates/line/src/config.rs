//! What a line is told when it starts, and whom it asks about its callers.

use crate::{IdentityConfig, TlsFiles, TrunkConfig};
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
    /// What is spoken besides UDP, and to which carriers.
    pub network: Network,
}

/// What a line speaks besides UDP, and to which carriers. As it is by default: nothing and nobody.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Where TCP is taken.
    pub tcp: Option<SocketAddr>,
    /// Where TLS is taken, and as whom.
    pub tls: Option<TlsListen>,
    /// The ways out. Where there is none, the [`Directory`] is asked.
    pub trunks: Vec<TrunkConfig>,
    /// The name server that is asked about trunks with a name; those of the system where there is
    /// none.
    pub name_server: Option<SocketAddr>,
    /// With what calls are signed on trunks that want it.
    pub identity: Option<IdentityConfig>,
    /// Whether audio of stations is encrypted. It only can be where they speak TLS.
    pub stations: Encryption,
}

/// Where TLS is taken, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsListen {
    /// The address.
    pub address: SocketAddr,
    /// What is shown to telephones. It is read again when the files change.
    pub files: TlsFiles,
}

/// Whether audio is encrypted (SDES, RFC 4568). The keys stand in the session description, so
/// without TLS it is never offered, whatever is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// Never.
    #[default]
    Off,
    /// Where the other end can.
    Optional,
    /// Always: a call without it does not come about.
    Required,
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

    /// Where calls go out when [`Network::trunks`] says nothing, or `None` when there is no trunk.
    fn trunk(&self) -> Option<SocketAddr>;
}
