//! How SIP travels, and where a message goes.

use rsipstack::sip::Transport as Spoken;
use std::net::SocketAddr;

/// How SIP travels (RFC 3261 section 18).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams, in clear.
    #[default]
    Udp,
    /// A stream, in clear.
    Tcp,
    /// A stream within TLS 1.2 or later.
    Tls,
}

impl Transport {
    /// As Via writes it.
    pub(crate) const fn via(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// As a parameter of a URI; UDP is what a URI without one means.
    pub(crate) const fn parameter(self) -> &'static str {
        match self {
            Self::Udp => "",
            Self::Tcp => ";transport=tcp",
            Self::Tls => ";transport=tls",
        }
    }

    /// In the library's words.
    pub(crate) const fn spoken(self) -> Spoken {
        match self {
            Self::Udp => Spoken::Udp,
            Self::Tcp => Spoken::Tcp,
            Self::Tls => Spoken::Tls,
        }
    }
}

/// Where a message came from or goes. A stream is named by the address of its other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Hop {
    pub(crate) transport: Transport,
    pub(crate) address: SocketAddr,
}

impl Hop {
    /// Over UDP.
    pub(crate) const fn udp(address: SocketAddr) -> Self {
        Self { transport: Transport::Udp, address }
    }
}
