//! What a line makes of octets, without a line: for whoever wants to try octets on it, such as
//! the fuzz targets and the diagnosis of a telephone that is not understood. It changes nothing
//! and sends nothing.

use crate::dialog::{Dialog, Reply, allow};
use crate::digest::{Asked, Challenger, Verdict};
use crate::engine::unknown_method_answer;
use crate::guard::{self, Malformed, Passed};
use crate::sdp::{self, Author, SdpError, Session};
use crate::stream::cut;
use crate::transport::Hop;
use crate::{Directory, address};
use model::{MediaDescription, Timestamp};
use rsipstack::sip::{Header, HeadersExt, SipMessage, Transport};
use rsipstack::transport::SipConnection;
use std::net::SocketAddr;

/// What a datagram turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// Keeps a NAT binding open; nothing is answered.
    KeepAlive,
    /// A response.
    Response,
    /// A request, and the answer of a line that takes none: to be read by whoever sent it. It has
    /// no octets for an ACK, which is never answered.
    Request(Vec<u8>),
}

/// Looks at a datagram as a line does: guard, the SIP library, who it is from and which dialog it
/// would make.
///
/// # Errors
/// [`Malformed`] when a line drops it. It never panics, whatever the octets.
pub fn datagram(octets: &[u8], source: SocketAddr) -> Result<Probed, Malformed> {
    let uri = match guard::inspect(octets)? {
        Passed::KeepAlive => return Ok(Probed::KeepAlive),
        Passed::UnknownMethod { headers } => {
            let server = Header::Server(NAME.into());
            return Ok(Probed::Request(unknown_method_answer(headers, &server).into_bytes()));
        }
        Passed::Request { uri, .. } => uri,
        Passed::Response => "",
    };
    let message = SipMessage::try_from(octets).map_err(|_| Malformed::Mandatory)?;
    let message = SipConnection::update_msg_received(message, source, Transport::Udp)
        .map_err(|_| Malformed::Mandatory)?;
    let request = match message {
        SipMessage::Response(_) => return Ok(Probed::Response),
        SipMessage::Request(request) => request,
    };
    if request.method == rsipstack::sip::Method::Ack {
        return Ok(Probed::Request(Vec::new()));
    }
    // Whatever it names is read, so that reading it is tried too.
    let _ = (address::user(uri), address::socket(uri));
    let from = request.from_header().map_or("", |from| from.value());
    let _ = (address::user(address::uri(from)), address::parameter(from, "tag"));
    let _ = Dialog::incoming(&request, Hop::udp(source), source, NAME.to_owned());
    let more = [allow(), Header::Server(NAME.into())];
    Ok(Probed::Request(Reply::to(&request, NAME).with(STATUS, more).to_bytes()))
}

/// What a stream was cut into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// The messages, in their order.
    pub messages: Vec<Vec<u8>>,
    /// Pings, each of which wants a pong (RFC 5626 section 4.4.1).
    pub pings: usize,
    /// Where its next message begins is not known any more: a line closes such a stream.
    pub given_up: bool,
}

/// Cuts what a TCP or TLS connection brought, read in these pieces, into messages as a line does.
/// Each of them is then for [`datagram`]. It never panics, whatever the octets.
pub fn stream<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Cut {
    cut(pieces)
}

/// Writes the answer of an end that can do what `local` says to `offer`.
///
/// # Errors
/// When they have no codec or no IP version in common.
pub fn answer(offer: &Session, local: &MediaDescription) -> Result<Vec<u8>, SdpError> {
    sdp::answer(Author::new(NAME), offer, local, None)
}

/// The value of a WWW-Authenticate header of a line whose key is all zero, asked from `source` at
/// `now`: such a line is for trying only, as anybody can make its nonces.
pub fn challenge(realm: &str, source: SocketAddr, now: Timestamp) -> String {
    Challenger::new(realm.to_owned(), [0; 32]).challenge(now, source.ip(), false)
}

/// Whether the value of an Authorization header in a request with this method proves to the line
/// of [`challenge`] that a station of `directory` sent it.
pub fn authorizes(
    realm: &str,
    authorization: &str,
    method: &str,
    source: SocketAddr,
    now: Timestamp,
    directory: &dyn Directory,
) -> bool {
    let asked = Asked { method, authorization, source: source.ip(), now, print: [0; 32] };
    let verdict = Challenger::new(realm.to_owned(), [0; 32]).verify(&asked, directory);
    matches!(verdict, Verdict::Station(_))
}

/// Tag and name of an end that does not exist.
const NAME: &str = "probe";
/// What it answers: busy.
const STATUS: u16 = 486;
