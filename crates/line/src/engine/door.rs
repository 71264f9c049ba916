//! Who may come in: origin of calls, registration, and everything that is refused before it costs
//! memory.

use super::session::{Wish, has};
use super::{Engine, retry_after, session};
use crate::address;
use crate::dialog::{Reply, allow};
use crate::digest::{Asked, Verdict};
use crate::history::is_diverted;
use crate::limits::{CONTACT_MAX, CONTACT_MIN, PENDING_MAX, PENDING_PER_SOURCE_MAX, SESSION_MIN};
use crate::registrar::Granted;
use crate::sdp::Session;
use crate::transport::{Hop, Transport};
use crate::{Encryption, Inbound, Origin};
use model::StationId;
use rsipstack::sip::{Header, HeadersExt, Method, Request};
use rsipstack::transaction::transaction::Transaction;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::atomic::Ordering;

/// A final response, and what it says besides its status.
pub(super) struct Final {
    pub(super) status: u16,
    pub(super) more: Vec<Header>,
}

impl From<u16> for Final {
    fn from(status: u16) -> Self {
        Self { status, more: Vec::new() }
    }
}

/// A call that may come in.
pub(super) struct Admitted {
    pub(super) origin: Origin,
    pub(super) offer: Option<Session>,
}

impl Engine {
    /// Serves a request that begins a transaction.
    pub(super) async fn request(&mut self, transaction: Transaction, source: Hop, uri: &str) {
        let request = &transaction.original;
        match request.method {
            Method::Invite if has_to_tag(request) => self.reinvite(transaction, source).await,
            // Who is nobody yet is asked for a password, and not without end.
            Method::Invite
                if self.known_station(request, source).is_none()
                    && self.config.inbound == Inbound::Stations
                    && !self.may_ask(source.address.ip()) => {}
            Method::Invite => match self.admit(request, source, uri) {
                Ok(admitted) => self.offered(transaction, source, uri, admitted),
                Err(answer) => self.answer_stateless(&transaction, source, answer).await,
            },
            Method::Register => {
                let (status, more) = match self.register(request, source) {
                    Ok(more) => (200, more),
                    Err(Final { status, more }) => (status, more),
                };
                self.answer_stateless(&transaction, source, Final { status, more }).await;
            }
            Method::Options => {
                let accept = Header::Accept(crate::dialog::SDP_TYPE.into());
                let answer = Final { status: 200, more: vec![allow(), accept] };
                self.answer_stateless(&transaction, source, answer).await;
            }
            Method::Bye | Method::Info | Method::Update => self.within(transaction, source).await,
            Method::Refer => {
                self.count(|tally| &tally.refused_transfer);
                self.answer_stateless(&transaction, source, 603.into()).await;
            }
            Method::Message
            | Method::Notify
            | Method::PRack
            | Method::Publish
            | Method::Subscribe => {
                self.count(|tally| &tally.refused_method);
                let answer = Final { status: 405, more: vec![allow()] };
                self.answer_stateless(&transaction, source, answer).await;
            }
            // The library answers these itself, or drops them.
            Method::Ack | Method::Cancel => {}
        }
    }

    /// Answers a request of a dialog other than INVITE for good: its retransmissions get the same
    /// answer and mean nothing.
    pub(super) async fn finish(
        &mut self,
        mut transaction: Transaction,
        status: u16,
        mut more: Vec<Header>,
    ) {
        let request = &transaction.original;
        let tag = self.stateless_tag(request);
        more.push(self.server());
        let response = Reply::to(request, &tag).with(status, more);
        // It fails only when the socket does; then the other end's timers tell.
        let _ = transaction.respond(response).await;
    }

    /// Answers a request without keeping anything of it: whoever has no dialog with us, known or
    /// not, cannot make us keep a transaction for 32 seconds each. Its retransmissions are judged
    /// anew, with the same outcome (RFC 3261 section 8.2.7).
    pub(super) async fn answer_stateless(
        &mut self,
        transaction: &Transaction,
        source: Hop,
        answer: Final,
    ) {
        let request = &transaction.original;
        let tag = self.stateless_tag(request);
        let mut more = answer.more;
        more.push(self.server());
        let response = Reply::to(request, &tag).with(answer.status, more);
        self.send_stateless(&response, source).await;
    }

    /// Answers a request whose method the library does not know (RFC 3261 section 8.2.1).
    pub(super) async fn refuse_unknown_method(&mut self, headers: &str, source: Hop) {
        self.count(|tally| &tally.refused_method);
        let answer = unknown_method_answer(headers, &self.server());
        self.send_octets(answer.as_bytes(), source).await;
    }

    /// Whether this call may come in, and from whom it is.
    fn admit(&mut self, request: &Request, source: Hop, uri: &str) -> Result<Admitted, Final> {
        let origin = self.origin(request, source)?;
        if takes_over(request) {
            self.count(|tally| &tally.refused_transfer);
            return Err(403.into());
        }
        self.room(source)?;
        if let Some(unsupported) = required(request) {
            return Err(Final { status: 420, more: vec![unsupported] });
        }
        if !address::scheme(uri).eq_ignore_ascii_case("sip") {
            return Err(416.into());
        }
        if Wish::of(&request.headers.0).is_too_brief() {
            let min = Header::MinSE(SESSION_MIN.as_secs().to_string().into());
            return Err(Final { status: 422, more: vec![min] });
        }
        let policy = self.station_policy(source)?;
        let offer = session(&request.headers.0, &request.body, policy).map_err(|status| {
            self.count_refused_sdp(status);
            let accept = Header::Accept(crate::dialog::SDP_TYPE.into());
            Final { status, more: vec![accept] }
        })?;
        Ok(Admitted { origin, offer })
    }

    /// Whether one more request of no dialog is answered.
    pub(super) fn may_ask(&mut self, source: IpAddr) -> bool {
        let may = self.requests.admit(source, self.clock.now());
        if !may {
            self.count(|tally| &tally.overload_requests);
        }
        may
    }

    /// Whether audio of a station is encrypted: never where its keys would be in clear, and then no
    /// call where it must be.
    pub(super) fn station_policy(&self, source: Hop) -> Result<Encryption, Final> {
        match (source.transport, self.config.network.stations) {
            (Transport::Tls, policy) => Ok(policy),
            (Transport::Udp | Transport::Tcp, Encryption::Required) => {
                self.count(|tally| &tally.refused_clear);
                Err(488.into())
            }
            (Transport::Udp | Transport::Tcp, Encryption::Off | Encryption::Optional) => {
                Ok(Encryption::Off)
            }
        }
    }

    /// Whether there is room for one more call.
    fn room(&mut self, source: Hop) -> Result<(), Final> {
        let from_source = self.pending.get(&source.address.ip()).copied().unwrap_or(0);
        if self.shared.refusing.load(Ordering::Relaxed) {
            self.count(|tally| &tally.refused_stopping);
        } else if self.wires.len() >= self.config.calls_max {
            self.count(|tally| &tally.overload_calls);
        } else if from_source >= PENDING_PER_SOURCE_MAX || self.pending_all >= PENDING_MAX {
            self.count(|tally| &tally.overload_pending);
        } else if !self.calls.admit(source.address.ip(), self.clock.now()) {
            self.count(|tally| &tally.overload_rate);
        } else {
            return Ok(());
        }
        Err(Final { status: 503, more: vec![retry_after()] })
    }

    fn origin(&mut self, request: &Request, source: Hop) -> Result<Origin, Final> {
        if let Some(station) = self.known_station(request, source) {
            return Ok(Origin::Station(station));
        }
        if self.config.inbound == Inbound::Anyone {
            return Ok(Origin::Unknown);
        }
        self.trunks.provision(self.directory.trunk());
        if self.trunks.is_source(source.address) {
            self.count(|tally| &tally.refused_from_trunk);
            if is_diverted(&request.headers.0) {
                self.count(|tally| &tally.refused_forwarded);
            }
            return Err(403.into());
        }
        self.authenticate(request, source).map(Origin::Station)
    }

    fn known_station(&self, request: &Request, source: Hop) -> Option<StationId> {
        let from = request.from_header().ok()?;
        self.directory.station(source.address, &address::user(address::uri(from.value())))
    }

    /// The station that a request proves to be from (RFC 3261 section 22.2). Whoever proves nothing
    /// is challenged, known or not.
    fn authenticate(&mut self, request: &Request, source: Hop) -> Result<StationId, Final> {
        let now = self.clock.now();
        let Some(answer) = request.authorization_header() else {
            self.count(|tally| &tally.refused_foreign);
            return Err(self.challenge(source, false));
        };
        let asked = Asked {
            method: &request.method.to_string(),
            authorization: answer.value(),
            source: source.address.ip(),
            now,
            print: self.tags.print(&request.to_bytes()),
        };
        match self.challenger.verify(&asked, &*self.directory) {
            Verdict::Station(station) => Ok(station),
            Verdict::Stale => Err(self.challenge(source, true)),
            Verdict::Wrong => {
                self.count(|tally| &tally.refused_password);
                Err(403.into())
            }
        }
    }

    fn challenge(&mut self, source: Hop, stale: bool) -> Final {
        let value = self.challenger.challenge(self.clock.now(), source.address.ip(), stale);
        Final { status: 401, more: vec![Header::WwwAuthenticate(value.into())] }
    }

    /// Keeps a station's contact (RFC 3261 section 10.3). Gives the headers of the 200.
    fn register(&mut self, request: &Request, source: Hop) -> Result<Vec<Header>, Final> {
        let known = self.known_station(request, source);
        let station = match known {
            Some(station) => station,
            None => self.authenticate(request, source)?,
        };
        let now = self.clock.now();
        let mut contacts = request
            .contact_headers()
            .into_iter()
            .flat_map(|contact| address::list(contact.value()));
        let Some(contact) = contacts.next() else {
            return Ok(self.registered_contact(station));
        };
        let header = request.expires_header().map(|expires| expires.value().trim());
        let asked = address::parameter(contact, "expires").or(header);
        let asked = asked.and_then(|seconds| seconds.parse().ok()).unwrap_or(CONTACT_MAX.as_secs());
        let uri = address::uri(contact);
        let all = contact == "*";
        if all && asked != 0 || !all && !address::is_plain(uri) {
            return Err(400.into());
        }
        let address = match source.transport {
            Transport::Udp => address::next_hop(uri, source.address),
            Transport::Tcp | Transport::Tls => source.address,
        };
        let hop = Hop { transport: source.transport, address };
        match self.registrar.keep(station, uri, hop, asked, now) {
            Granted::For(_) => {
                self.count(|tally| &tally.registered);
                Ok(self.registered_contact(station))
            }
            Granted::Removed => Ok(Vec::new()),
            Granted::TooBrief => {
                let seconds = CONTACT_MIN.as_secs().to_string();
                Err(Final { status: 423, more: vec![Header::MinExpires(seconds.into())] })
            }
            Granted::Full => Err(Final { status: 503, more: vec![retry_after()] }),
        }
    }

    fn registered_contact(&self, station: StationId) -> Vec<Header> {
        let now = self.clock.now();
        let contact = self.registrar.find(station, now).map(|contact| {
            let seconds = contact.expires.since(now).as_secs();
            Header::Contact(format!("<{}>;expires={seconds}", contact.uri.expose()).into())
        });
        contact.into_iter().collect()
    }

    pub(super) fn count_refused_sdp(&self, status: u16) {
        if status == 488 {
            self.count(|tally| &tally.refused_codec);
        } else {
            self.count(|tally| &tally.malformed_sdp);
        }
    }

    fn stateless_tag(&self, request: &Request) -> String {
        let call_id = request.call_id_header().map_or("", |id| id.value());
        let from = request.from_header().map_or("", |from| from.value());
        self.tags.of(&format!("{call_id}\n{from}"))
    }
}

/// The 501 to a request with these headers.
pub(crate) fn unknown_method_answer(headers: &str, server: &Header) -> String {
    let mut answer = String::from("SIP/2.0 501 Not Implemented\r\n");
    let mut repeated = false;
    for line in headers.split("\r\n") {
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap_or("").trim_end().to_ascii_lowercase();
            repeated = REPEATED.contains(&name.as_str());
        }
        if repeated {
            let _ = write!(answer, "{line}\r\n");
        }
    }
    let _ = write!(answer, "{}\r\n{server}\r\nContent-Length: 0\r\n\r\n", allow());
    answer
}

/// Whether a request would put its sender into somebody else's call: Replaces (RFC 3891), Join (RFC
/// 3911).
pub(super) fn takes_over(request: &Request) -> bool {
    let named = |name: &str| TAKE_OVER.iter().any(|taking| name.eq_ignore_ascii_case(taking));
    request.headers.iter().any(|header| named(header.name()))
}

/// An Unsupported header with what a request demands and we do not know. Session timers (RFC 4028)
/// are served; where provisional responses must be reliable (RFC 3262), none is sent.
pub(super) fn required(request: &Request) -> Option<Header> {
    let all = request.headers.iter().filter_map(|header| {
        let Header::Require(tags) = header else { return None };
        Some(tags.value())
    });
    let known = |tag: &&str| ["timer", "100rel"].iter().any(|own| own.eq_ignore_ascii_case(tag));
    let tags = all.flat_map(|tags| tags.split(',')).map(str::trim);
    let unknown: Vec<&str> = tags.filter(|tag| !tag.is_empty() && !known(tag)).collect();
    (!unknown.is_empty()).then(|| Header::Unsupported(unknown.join(", ").into()))
}

/// Whether every provisional response to a request must be reliable.
pub(super) fn wants_reliable(request: &Request) -> bool {
    request
        .headers
        .iter()
        .any(|header| matches!(header, Header::Require(tags) if has(tags.value(), "100rel")))
}

fn has_to_tag(request: &Request) -> bool {
    request.to_header().is_ok_and(|to| address::parameter(to.value(), "tag").is_some())
}

const TAKE_OVER: [&str; 2] = ["Replaces", "Join"];

/// What a response repeats of its request, long and short names (RFC 3261 section 8.2.6.2).
const REPEATED: [&str; 9] = ["via", "v", "from", "f", "to", "t", "call-id", "i", "cseq"];
