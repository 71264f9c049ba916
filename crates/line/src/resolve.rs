//! Names of carriers: the addresses they have now (RFC 3263 section 4).
//!
//! Only trunks of the settings are looked up. A name that the other end of a call says never is.

use crate::Transport;
use crate::limits::{PLACES_MAX, RESOLVE_MAX};
use domain::base::{Name, RelativeName};
use domain::resolv::StubResolver;
use domain::resolv::stub::conf::{ResolvConf, ServerConf, Transport as Asked};
use std::net::SocketAddr;
use tokio::time::timeout;

/// A carrier that is known by a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrunkName {
    /// A host, and the port on it.
    Host {
        /// Its name, which the system looks up.
        host: String,
        /// The port.
        port: u16,
    },
    /// A domain, whose service records (RFC 2782) say which hosts there are and in what order.
    /// One without any is a host, with the transport's usual port.
    Services {
        /// The domain.
        domain: String,
    },
}

impl TrunkName {
    /// As URIs write it.
    pub(crate) fn host(&self) -> String {
        match self {
            Self::Host { host, port } => format!("{host}:{port}"),
            Self::Services { domain } => domain.clone(),
        }
    }
}

/// Who is asked about names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking {
    /// The name server; those of the system where there is none.
    pub(crate) server: Option<SocketAddr>,
    /// Whether addresses of version 4 are wanted, or of version 6: those of our own socket.
    pub(crate) version_4: bool,
}

/// The addresses of a carrier in the order in which they are tried; none where nobody knows.
pub(crate) async fn resolve(
    name: &TrunkName,
    transport: Transport,
    asking: Asking,
) -> Vec<SocketAddr> {
    let found = timeout(RESOLVE_MAX, look_up(name, transport, asking.server)).await;
    let found = found.ok().flatten().unwrap_or_default();
    let mut places: Vec<SocketAddr> = Vec::new();
    for place in found {
        let usable = place.is_ipv4() == asking.version_4
            && !place.ip().is_unspecified()
            && !place.ip().is_multicast()
            && place.port() > 0;
        if usable && !places.contains(&place) && places.len() < PLACES_MAX {
            places.push(place);
        }
    }
    places
}

async fn look_up(
    name: &TrunkName,
    transport: Transport,
    server: Option<SocketAddr>,
) -> Option<Vec<SocketAddr>> {
    match name {
        TrunkName::Host { host, port } => addresses(host, *port, server).await,
        TrunkName::Services { domain } => services(domain, transport, server).await,
    }
}

async fn addresses(host: &str, port: u16, server: Option<SocketAddr>) -> Option<Vec<SocketAddr>> {
    if server.is_none() {
        return Some(tokio::net::lookup_host((host, port)).await.ok()?.collect());
    }
    let host: Name<Vec<u8>> = host.parse().ok()?;
    let found = resolver(server).lookup_host(host).await.ok()?;
    Some(found.port_iter(port).collect())
}

/// The addresses of a domain's servers, in the order of their records; where it has no such
/// records, its own.
async fn services(
    domain: &str,
    transport: Transport,
    server: Option<SocketAddr>,
) -> Option<Vec<SocketAddr>> {
    let service: RelativeName<Vec<u8>> = service(transport).parse().ok()?;
    let domain: Name<Vec<u8>> = domain.parse().ok()?;
    let found = resolver(server).lookup_srv(service, domain, usual_port(transport)).await;
    let mut places = Vec::new();
    for record in found.ok()??.into_srvs().take(PLACES_MAX) {
        let host = record.target().to_string();
        places.extend(addresses(&host, record.port(), server).await.unwrap_or_default());
    }
    Some(places)
}

fn resolver(server: Option<SocketAddr>) -> StubResolver {
    let Some(server) = server else { return StubResolver::new() };
    let mut settings = ResolvConf::new();
    settings.servers = vec![ServerConf::new(server, Asked::UdpTcp)];
    StubResolver::from_conf(settings)
}

/// As service records name it (RFC 3263 section 4.1).
const fn service(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
    }
}

/// RFC 3261 section 19.1.2.
const fn usual_port(transport: Transport) -> u16 {
    match transport {
        Transport::Udp | Transport::Tcp => 5060,
        Transport::Tls => 5061,
    }
}
