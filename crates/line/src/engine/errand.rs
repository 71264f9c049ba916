//! What is asked of trunks besides calls: are you there (OPTIONS), and do you know where we are
//! (REGISTER, RFC 3261 section 10.2).

use super::Engine;
use crate::LineEvent;
use crate::WireId;
use crate::credential::Challenge;
use crate::dialog::{Dialog, Outgoing, Party};
use crate::limits::{
    PROBE_MAX, REGISTER_AGAIN_MAX, REGISTER_AGAIN_MIN, REGISTER_EXPIRES_MAX, RESOLVE_AGAIN,
    RESOLVE_EVERY,
};
use crate::resolve::{Asking, resolve};
use crate::stack::Happening;
use core::time::Duration;
use model::Timestamp;
use rsipstack::sip::{Header, HeadersExt, Method, Response};
use std::net::SocketAddr;

/// Something to ask of the trunk at this place, or an answer that is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Errand {
    Probe(usize),
    ProbeLate(usize),
    Register(usize),
    /// The session timer of this dialog.
    Session(WireId),
    /// The name of the trunk is looked up.
    Resolve(usize),
    /// An INVITE that was given up has been waited for.
    Orphans,
}

/// How the registration with a trunk stands.
#[derive(Default)]
pub(super) struct Registration {
    dialog: Option<Dialog>,
    /// How long it shall last; the other end can ask for more.
    expires: Duration,
    challenged: bool,
    failures: u32,
}

impl Engine {
    /// Begins to ask all trunks what is to be asked of them.
    pub(super) fn begin_errands(&mut self) {
        let now = self.clock.now();
        for (index, trunk) in self.trunks.iter() {
            if trunk.config.name.is_some() {
                self.errands.insert((now, Errand::Resolve(index)));
            }
            if trunk.config.probe_every.is_some() {
                self.errands.insert((now, Errand::Probe(index)));
            }
            let account = trunk.config.account.as_ref();
            if let Some(account) = account.filter(|account| account.register) {
                let registration =
                    Registration { expires: account.expires, ..Registration::default() };
                self.registrations.insert(index, registration);
                self.errands.insert((now, Errand::Register(index)));
            }
        }
    }

    /// Does every errand whose time has come.
    pub(super) async fn run_errands(&mut self) {
        let now = self.clock.now();
        while let Some(&(at, errand)) = self.errands.first() {
            if at > now {
                break;
            }
            self.errands.pop_first();
            match errand {
                Errand::Probe(index) => self.probe(index, now).await,
                Errand::ProbeLate(index) => self.trunk_answers(index, false),
                Errand::Register(index) => self.send_register(index, None, false).await,
                Errand::Session(id) => self.session_due(id, now).await,
                Errand::Resolve(index) => self.look_up(index, now),
                Errand::Orphans => self.forget_orphans(now),
            }
        }
    }

    /// Has the name of a trunk looked up, if it has one, while everything else goes on.
    fn look_up(&mut self, index: usize, now: Timestamp) {
        let Some(trunk) = self.trunks.get(index) else { return };
        let Some(name) = trunk.config.name.clone() else { return };
        let transport = trunk.config.transport;
        let asking =
            Asking { server: self.config.network.name_server, version_4: self.local.udp.is_ipv4() };
        let happens = self.happens.clone();
        tokio::spawn(async move {
            let places = resolve(&name, transport, asking).await;
            // A line that has stopped does not ask any more.
            let _ = happens.send(Happening::Resolved { trunk: index, places });
        });
        self.look_up_at(index, now.after(RESOLVE_EVERY));
    }

    /// The name of a trunk was looked up. Where nobody knows it, what was known is used on.
    pub(super) fn resolved(&mut self, index: usize, places: Vec<SocketAddr>) {
        let now = self.clock.now();
        if places.is_empty() {
            self.count(|tally| &tally.unknown_names);
            return self.look_up_soon(index);
        }
        let Some(trunk) = self.trunks.get_mut(index) else { return };
        let was_up = trunk.is_up(now);
        let moved = trunk.found(places);
        let registers = self.registrations.get_mut(&index).filter(|_| moved);
        if let Some(registration) = registers {
            // The next one asks at the new place, as somebody new.
            registration.dialog = None;
            self.errands.retain(|(_, errand)| *errand != Errand::Register(index));
            self.errands.insert((now, Errand::Register(index)));
        }
        if self.trunks.get(index).is_some_and(|trunk| trunk.is_up(now) != was_up) {
            self.tell_trunk(index);
        }
    }

    /// A trunk could not be reached: its name may have another address by now.
    pub(super) fn look_up_soon(&mut self, index: usize) {
        self.look_up_at(index, self.clock.now().after(RESOLVE_AGAIN));
    }

    /// A trunk said nothing where it was looked for. Says whether it is looked for elsewhere now.
    fn look_elsewhere(&mut self, index: usize) -> bool {
        self.look_up_soon(index);
        let Some(trunk) = self.trunks.get_mut(index) else { return false };
        let before = trunk.config.address;
        trunk.turn(index, &[]);
        trunk.config.address != before
    }

    fn look_up_at(&mut self, index: usize, at: Timestamp) {
        let named = self.trunks.get(index).is_some_and(|trunk| trunk.config.name.is_some());
        let sooner =
            |(due, errand): &(Timestamp, Errand)| *errand == Errand::Resolve(index) && *due <= at;
        if named && !self.errands.iter().any(sooner) {
            self.errands.retain(|(_, errand)| *errand != Errand::Resolve(index));
            self.errands.insert((at, Errand::Resolve(index)));
        }
    }

    /// An errand was answered, or never was.
    pub(super) async fn errand_done(&mut self, errand: Errand, response: Option<&Response>) {
        match errand {
            Errand::Probe(index) | Errand::ProbeLate(index) => {
                self.errands.retain(|(_, errand)| *errand != Errand::ProbeLate(index));
                let status = response.map(|response| response.status_code.code());
                // Whatever it says, somebody is there; 503 and 408 say that nobody is.
                self.trunk_answers(index, !matches!(status, None | Some(408 | 503)));
            }
            Errand::Register(index) => self.register_answered(index, response).await,
            Errand::Session(id) => self.update_done(id, response).await,
            // No request: it is done when `resolved` is told.
            Errand::Resolve(_) | Errand::Orphans => {}
        }
    }

    async fn probe(&mut self, index: usize, now: Timestamp) {
        let Some(every) = self.trunks.get(index).and_then(|t| t.config.probe_every) else {
            return;
        };
        self.errands.insert((now.after(every), Errand::Probe(index)));
        let Some(mut dialog) = self.outside(index, None) else { return };
        self.errands.insert((now.after(PROBE_MAX), Errand::ProbeLate(index)));
        let branch = self.tags.branch();
        let options = dialog.next(Method::Options, &branch);
        self.send_request(options, Some(Errand::Probe(index))).await;
    }

    fn trunk_answers(&mut self, index: usize, answers: bool) {
        let Some(trunk) = self.trunks.get_mut(index) else { return };
        let news = trunk.answered(answers);
        if !answers {
            self.look_elsewhere(index);
        }
        if news {
            self.tell_trunk(index);
        }
    }

    fn tell_trunk(&self, index: usize) {
        let now = self.clock.now();
        if let Some(trunk) = self.trunks.get(index) {
            self.tell(LineEvent::Trunk { trunk: trunk.config.id, up: trunk.is_up(now) });
        }
    }

    /// Sends a REGISTER; with an answer to a challenge, or to be forgotten.
    async fn send_register(&mut self, index: usize, challenge: Option<Challenge>, leave: bool) {
        let Some(account) = self.trunks.get(index).and_then(|trunk| trunk.config.account.clone())
        else {
            return;
        };
        let fresh = self.outside(index, Some(&account.user));
        let (branch, cnonce) = (self.tags.branch(), self.tags.next());
        let Some(registration) = self.registrations.get_mut(&index) else { return };
        registration.challenged = challenge.is_some();
        let seconds = if leave { 0 } else { registration.expires.as_secs() };
        if registration.dialog.is_none() {
            registration.dialog = fresh;
        }
        let Some(dialog) = registration.dialog.as_mut() else { return };
        let Outgoing { mut request, peer } = dialog.next(Method::Register, &branch);
        let parameter = peer.transport.parameter();
        let user = crate::address::encode_user(&account.user);
        let contact = format!("<sip:{user}@{}{parameter}>", dialog.here);
        request.headers.push(Header::Contact(contact.into()));
        request.headers.push(Header::Expires(seconds.to_string().into()));
        if let Some(challenge) = challenge {
            let method = Method::Register.to_string();
            request.headers.push(challenge.answer(&account, &method, &dialog.target, &cnonce));
        }
        self.send_request(Outgoing { request, peer }, Some(Errand::Register(index))).await;
    }

    async fn register_answered(&mut self, index: usize, response: Option<&Response>) {
        let now = self.clock.now();
        let Some(registration) = self.registrations.get_mut(&index) else { return };
        let status = response.map_or(408, |response| response.status_code.code());
        let headers = response.map_or(&[][..], |response| &response.headers.0);
        let challenge = Challenge::of(headers).filter(|_| !registration.challenged);
        match (status, challenge) {
            (401 | 407, Some(challenge)) => {
                return self.send_register(index, Some(challenge), false).await;
            }
            (200..300, _) => {
                registration.failures = 0;
                let granted = response.and_then(granted).unwrap_or(registration.expires);
                // Renewed well before it ends, and never in a rush.
                let again = (granted * 4 / 5).max(REGISTER_AGAIN_MIN.min(granted));
                self.errands.insert((now.after(again), Errand::Register(index)));
            }
            (423, _) => {
                let longer = response.and_then(wanted).unwrap_or(registration.expires * 2);
                registration.expires = longer.min(REGISTER_EXPIRES_MAX);
                registration.failures += 1;
                self.errands.insert((now.after(REGISTER_AGAIN_MIN), Errand::Register(index)));
            }
            _ => {
                let doubled = 1u32 << registration.failures.min(6);
                registration.failures += 1;
                let wait = (REGISTER_AGAIN_MIN * doubled).min(REGISTER_AGAIN_MAX);
                self.errands.insert((now.after(wait), Errand::Register(index)));
            }
        }
        if matches!(status, 408 | 503) && self.look_elsewhere(index) {
            // It is asked at another place the next time, as somebody new.
            self.registrations.entry(index).and_modify(|registration| registration.dialog = None);
        }
        let registered = (200..300).contains(&status);
        if self.trunks.get_mut(index).is_some_and(|trunk| trunk.registered(registered)) {
            self.tell_trunk(index);
        }
    }

    /// Asks all trunks to forget where we are: the line is about to stop.
    pub(super) async fn leave_trunks(&mut self) {
        let now = self.clock.now();
        let registered: Vec<usize> = self.registrations.keys().copied().collect();
        for index in registered {
            if self.trunks.get(index).is_some_and(|trunk| trunk.is_up(now)) {
                self.send_register(index, None, true).await;
            }
        }
    }

    /// The dialog that a request outside of calls is written from; none while nobody knows where
    /// the trunk is.
    fn outside(&mut self, index: usize, user: Option<&str>) -> Option<Dialog> {
        let (call_id, tag) = (self.tags.next(), self.tags.next());
        let config = &self.trunks.get(index).filter(|trunk| trunk.is_somewhere())?.config;
        let (host, hop, public) = (config.host(), config.hop(), config.public);
        let here = self.here(hop, public);
        let parameter = hop.transport.parameter();
        let user = user.map(crate::address::encode_user);
        let (local, remote) = match user {
            Some(user) => (format!("<sip:{user}@{host}>"), format!("<sip:{user}@{host}>")),
            None => (format!("<sip:{here}>"), format!("<sip:{host}>")),
        };
        let target = format!("sip:{host}{parameter}");
        let party = Party { local, remote, target, peer: hop, here, public };
        Some(Dialog::outgoing(party, call_id, tag))
    }
}

/// For how long a registrar keeps our contact: its own word on it, or on all of them.
fn granted(response: &Response) -> Option<Duration> {
    let contact = response.contact_header().ok().map(|contact| contact.value());
    let of_contact = contact.and_then(|contact| crate::address::parameter(contact, "expires"));
    let of_all = response.expires_header().map(|expires| expires.value().trim());
    of_contact.or(of_all)?.parse().ok().map(Duration::from_secs)
}

/// How long a registrar wants a contact to last at least (423).
fn wanted(response: &Response) -> Option<Duration> {
    response.headers.iter().find_map(|header| {
        let Header::MinExpires(seconds) = header else { return None };
        seconds.value().trim().parse().ok().map(Duration::from_secs)
    })
}
