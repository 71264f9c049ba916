//! One dialog: who both ends are to each other, and the messages that say so (RFC 3261 section 12).

use crate::Encryption;
use crate::address;
use crate::sdp::crypto::{Crypto, accept, chosen};
use crate::sdp::{Author, Session};
use crate::transport::{Hop, Transport};
use model::{MediaDescription, SrtpKeys};
use rsipstack::sip::headers::untyped;
use rsipstack::sip::{
    Domain, Header, HeadersExt, Host, HostWithPort, Method, Request, Response, StatusCode, Uri,
    Version,
};
use std::net::{IpAddr, SocketAddr};

/// A request of ours and where it goes.
pub(crate) struct Outgoing {
    pub(crate) request: Request,
    pub(crate) peer: Hop,
}

/// Both ends of a dialog that we begin.
pub(crate) struct Party {
    /// Our From value, without a tag.
    pub(crate) local: String,
    /// The To value.
    pub(crate) remote: String,
    /// Request URI.
    pub(crate) target: String,
    pub(crate) peer: Hop,
    pub(crate) here: SocketAddr,
    pub(crate) public: Option<IpAddr>,
}

/// What both ends are to each other. `remote_tag` is empty until the other end gave one.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    pub(crate) call_id: String,
    pub(crate) local_tag: String,
    pub(crate) remote_tag: String,
    /// Our From (or To) value, with our tag.
    pub(crate) local: String,
    /// The other end's From (or To) value.
    pub(crate) remote: String,
    /// Request URI of our requests: the other end's Contact.
    pub(crate) target: String,
    /// Where our requests are sent.
    pub(crate) peer: Hop,
    /// Values of our Route headers.
    pub(crate) routes: Vec<String>,
    /// Our address, as the other end sees it.
    pub(crate) here: SocketAddr,
    /// The address that stands in our session descriptions instead of our own, where a router
    /// translates it one to one.
    pub(crate) public: Option<IpAddr>,
    /// Number of our last request.
    pub(crate) cseq: u32,
    /// Number of the other end's last request.
    pub(crate) remote_cseq: u32,
    /// Whether we began it, and so gave it its Call-ID.
    pub(crate) began: bool,
    /// The keys in our last description: several while they are offered, one when it is agreed.
    pub(crate) keys: Vec<Crypto>,
    /// What we described last, or are about to offer.
    pub(crate) ours: Option<MediaDescription>,
    /// Counts our descriptions.
    pub(crate) author: Author,
}

impl Dialog {
    /// The dialog that answering `request` makes (RFC 3261 section 12.1.1); `None` when it lacks
    /// a tag or a number.
    pub(crate) fn incoming(
        request: &Request,
        source: Hop,
        here: SocketAddr,
        local_tag: String,
    ) -> Option<Self> {
        let from = request.from_header().ok()?.value();
        let to = request.to_header().ok()?.value();
        let mut dialog = Self {
            call_id: request.call_id_header().ok()?.value().to_owned(),
            remote_tag: address::parameter(from, "tag")?.to_owned(),
            local: format!("{to};tag={local_tag}"),
            remote: from.to_owned(),
            target: format!("sip:{}{}", source.address, source.transport.parameter()),
            peer: source,
            routes: record_routes(&request.headers.0),
            here,
            public: None,
            cseq: 0,
            remote_cseq: request.cseq_header().ok()?.seq().ok()?,
            began: false,
            keys: Vec::new(),
            ours: None,
            author: Author::new(&local_tag),
            local_tag,
        };
        dialog.retarget(&request.headers.0, source);
        Some(dialog)
    }

    /// A dialog that we begin.
    pub(crate) fn outgoing(party: Party, call_id: String, local_tag: String) -> Self {
        let Party { local, remote, target, peer, here, public } = party;
        Self {
            call_id,
            remote_tag: String::new(),
            local: format!("{local};tag={local_tag}"),
            remote,
            target,
            peer,
            routes: Vec::new(),
            here,
            public,
            cseq: 0,
            remote_cseq: 0,
            began: true,
            keys: Vec::new(),
            ours: None,
            author: Author::new(&local_tag),
            local_tag,
        }
    }

    /// The dialog that `response` to our INVITE makes (RFC 3261 section 12.1.2).
    pub(crate) fn confirmed(&self, response: &Response, source: Hop) -> Option<Self> {
        let to = response.to_header().ok()?.value();
        let mut dialog = self.clone();
        dialog.remote_tag = address::parameter(to, "tag")?.to_owned();
        to.clone_into(&mut dialog.remote);
        dialog.routes = record_routes(&response.headers.0);
        dialog.routes.reverse();
        dialog.retarget(&response.headers.0, source);
        Some(dialog)
    }

    /// Takes over the other end's Contact (RFC 3261 section 12.2).
    pub(crate) fn retarget(&mut self, headers: &[Header], source: Hop) {
        let contact = headers.iter().find_map(|header| {
            let Header::Contact(contact) = header else { return None };
            address::list(contact.value()).next().map(address::uri)
        });
        if let Some(contact) = contact.filter(|uri| address::is_plain(uri)) {
            contact.clone_into(&mut self.target);
        }
        let first = self.routes.first().map_or(self.target.as_str(), |route| address::uri(route));
        // A stream is the way back by itself; nobody makes us open another one.
        let address = match source.transport {
            Transport::Udp => address::next_hop(first, source.address),
            Transport::Tcp | Transport::Tls => source.address,
        };
        self.peer = Hop { transport: source.transport, address };
    }

    /// Whether a request with these tags is of this dialog.
    pub(crate) fn owns(&self, call_id: &str, remote_tag: &str) -> bool {
        self.call_id == call_id && self.remote_tag == remote_tag
    }

    /// The next request of ours.
    pub(crate) fn next(&mut self, method: Method, branch: &str) -> Outgoing {
        self.cseq += 1;
        self.request(method, self.cseq, branch)
    }

    /// A request of ours with a number of its own: INVITE, its CANCEL, its ACK.
    pub(crate) fn request(&self, method: Method, cseq: u32, branch: &str) -> Outgoing {
        let mut headers = Vec::with_capacity(12);
        let transport = self.peer.transport.via();
        let via = format!("SIP/2.0/{transport} {};branch={branch};rport", self.here);
        headers.push(Header::Via(via.into()));
        headers.push(Header::MaxForwards(MAX_FORWARDS.into()));
        headers.push(Header::From(self.local.as_str().into()));
        headers.push(Header::To(self.remote.as_str().into()));
        headers.push(Header::CallId(self.call_id.as_str().into()));
        headers.push(Header::CSeq(format!("{cseq} {method}").into()));
        for route in &self.routes {
            headers.push(Header::Route(route.as_str().into()));
        }
        let request = Request {
            method,
            uri: verbatim(&self.target),
            version: Version::V2,
            headers: headers.into(),
            body: Vec::new(),
        };
        Outgoing { request, peer: self.peer }
    }

    /// Our Contact.
    pub(crate) fn contact(&self) -> Header {
        let parameter = self.peer.transport.parameter();
        Header::Contact(format!("<sip:{}{parameter}>", self.here).into())
    }

    /// Our description as the other end must see it.
    pub(crate) fn shown(&self, ours: &MediaDescription) -> MediaDescription {
        let mut shown = ours.clone();
        if let Some(public) = self.public {
            shown.address.set_ip(public);
        }
        shown
    }

    /// How the other end's descriptions are read: once audio is encrypted it stays so, and the
    /// other way round.
    pub(crate) const fn encryption(&self) -> Encryption {
        if self.keys.is_empty() { Encryption::Off } else { Encryption::Required }
    }

    /// Takes the keys that the other end offers, and keeps ours where it still fits. `None` when
    /// nothing is encrypted.
    pub(crate) fn accept_keys(&mut self, offered: &[Crypto]) -> Option<SrtpKeys> {
        let (own, keys) = accept(offered, self.keys.first().map(|own| &own.key))?;
        self.keys = vec![own];
        Some(keys)
    }

    /// Takes the other end's choice among ours.
    pub(crate) fn choose_keys(&mut self, answered: &[Crypto]) -> Option<SrtpKeys> {
        let keys = chosen(&self.keys, answered)?;
        self.keys.retain(|own| own.key == keys.send);
        Some(keys)
    }

    /// The other end's answer to our offer, with the keys that both use; `None` when it chose none
    /// of ours although we offered encrypted audio.
    pub(crate) fn choose(
        &mut self,
        answer: Session,
    ) -> Option<(MediaDescription, Option<SrtpKeys>)> {
        if self.keys.is_empty() {
            return Some((answer.audio, None));
        }
        let keys = self.choose_keys(&answer.crypto)?;
        Some((answer.audio, Some(keys)))
    }

    /// Who describes our media next; each description counts one up.
    pub(crate) fn author(&mut self) -> Author {
        let author = self.author;
        self.author.version = self.author.version.wrapping_add(1);
        author
    }
}

/// What every response to a request repeats of it (RFC 3261 section 8.2.6.2).
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    headers: Vec<Header>,
    routes: Vec<Header>,
}

impl Reply {
    /// Takes what is needed from `request`. `tag` is ours, and is added where To has none yet.
    pub(crate) fn to(request: &Request, tag: &str) -> Self {
        let mut headers = Vec::with_capacity(10);
        let mut routes = Vec::new();
        for header in request.headers.iter() {
            #[expect(clippy::wildcard_enum_match_arm, reason = "the library has 60 headers")]
            match header {
                Header::Via(_) | Header::From(_) | Header::CallId(_) | Header::CSeq(_) => {
                    headers.push(header.clone());
                }
                Header::To(to) if address::parameter(to.value(), "tag").is_none() => {
                    headers.push(Header::To(format!("{};tag={tag}", to.value()).into()));
                }
                Header::To(_) => headers.push(header.clone()),
                Header::RecordRoute(_) => routes.push(header.clone()),
                _ => {}
            }
        }
        Self { headers, routes }
    }

    /// A response without a body.
    pub(crate) fn with(&self, status: u16, more: impl IntoIterator<Item = Header>) -> Response {
        self.response(status, more, None)
    }

    /// A response within a dialog that is being made: with the route it has, and a body if any.
    pub(crate) fn routed(
        &self,
        status: u16,
        more: impl IntoIterator<Item = Header>,
        sdp: Option<Vec<u8>>,
    ) -> Response {
        self.response(status, self.routes.iter().cloned().chain(more), sdp)
    }

    fn response(
        &self,
        status: u16,
        more: impl IntoIterator<Item = Header>,
        sdp: Option<Vec<u8>>,
    ) -> Response {
        let mut headers = self.headers.clone();
        headers.extend(more);
        if sdp.is_some() {
            headers.push(Header::ContentType(SDP_TYPE.into()));
        }
        let body = sdp.unwrap_or_default();
        headers.push(content_length(&body));
        Response {
            status_code: StatusCode::from(status),
            wire_reason: None,
            version: Version::V2,
            headers: headers.into(),
            body,
        }
    }
}

/// Puts a session description into a request.
pub(crate) fn describe(request: &mut Request, sdp: Vec<u8>) {
    request.headers.push(Header::ContentType(SDP_TYPE.into()));
    request.body = sdp;
}

/// The header that says how long `body` is.
pub(crate) fn content_length(body: &[u8]) -> Header {
    Header::ContentLength(untyped::ContentLength::new(body.len().to_string()))
}

/// What is served here, for Allow.
pub(crate) fn allow() -> Header {
    Header::Allow("INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REGISTER".into())
}

fn record_routes(headers: &[Header]) -> Vec<String> {
    let mut routes = Vec::new();
    for header in headers {
        if let Header::RecordRoute(value) = header {
            let plain = |route: &&str| address::is_plain(address::uri(route));
            routes.extend(address::list(value.value()).filter(plain).map(str::to_owned));
        }
    }
    routes
}

/// A URI that is written exactly as `text`: the library would escape again what the other end
/// had escaped. Where the request goes does not depend on it.
fn verbatim(text: &str) -> Uri {
    Uri {
        scheme: None,
        auth: None,
        host_with_port: HostWithPort { host: Host::Domain(Domain::from(text)), port: None },
        params: Vec::new(),
        headers: Vec::new(),
    }
}

/// Session descriptions in a body.
pub(crate) const SDP_TYPE: &str = "application/sdp";
/// RFC 3261 section 8.1.1.6.
const MAX_FORWARDS: u32 = 70;
