//! Calls through trunks: which one, in what form, and what happens when it cannot.

use super::session::{Wish, offer_session};
use super::{Dial, Dialling, Engine, Errand, Phase, Wire};
use crate::address;
use crate::cause::Cause;
use crate::credential::Challenge;
use crate::dialog::{Dialog, Outgoing, Party, allow, describe};
use crate::identity::Claim;
use crate::limits::{
    CANCEL_MAX, DIALLING_MAX, ORPHANS_MAX, REST, SESSION_EXPIRES, TRUNK_SILENT_MAX,
};
use crate::sdp::crypto::Crypto;
use crate::stack::Serving;
use crate::transport::{Hop, Transport};
use crate::{Encryption, LineEvent, Target, WireId, sdp};
use core::time::Duration;
use model::{E164, Timestamp};
use rsipstack::sip::{Header, HeadersExt, Method, Response};
use std::net::IpAddr;
use std::sync::atomic::Ordering;

/// Where a call goes, and as what.
pub(super) struct Way {
    /// Request URI.
    pub(super) uri: String,
    /// To value.
    pub(super) to: String,
    /// From value, without its tag.
    pub(super) from: String,
    pub(super) hop: Hop,
    /// Our address as the other end sees it, where a router translates it.
    pub(super) public: Option<IpAddr>,
    /// Headers that the way asks for.
    pub(super) more: Vec<Header>,
    pub(super) encryption: Encryption,
}

/// A call through a trunk, as far as it got.
pub(super) struct Route {
    dial: Dial,
    /// Its place among the trunks.
    trunk: usize,
    /// All that were tried, this one included.
    tried: Vec<usize>,
    /// What the INVITE holds besides its dialog's headers.
    more: Vec<Header>,
    sdp: Vec<u8>,
    challenged: bool,
    /// The carrier found the session too brief once.
    prolonged: bool,
    encryption: Encryption,
}

/// An INVITE that we gave up before anything rang. What still comes of it is taken back: CANCEL
/// after a provisional response, ACK and BYE after a 200. What is said after the end of its
/// transaction, which the library hears no more, makes a telephone ring all the same.
pub(super) struct Orphan {
    dialog: Dialog,
    /// Its transaction; none when that is over.
    serving: Option<Serving>,
    cancelled: bool,
    /// Waited for until then.
    until: Timestamp,
}

impl Engine {
    pub(super) async fn dial(&mut self, wire: WireId, dial: Dial) {
        self.busy = Some(wire);
        if let Target::Trunk { .. } = dial.target {
            return self.dial_trunk(wire, dial, Vec::new(), (503, None)).await;
        }
        let way = self.way(&dial).filter(|_| self.wires.len() < self.config.calls_max);
        let placed = match way {
            Some(way) => self.place(wire, way, dial, None).await,
            None => false,
        };
        if !placed {
            self.tell(LineEvent::Failed { wire, status: 503, cause: None });
        }
    }

    /// Calls through the next trunk that can take it. `last` is what the call failed with last.
    async fn dial_trunk(
        &mut self,
        wire: WireId,
        dial: Dial,
        mut tried: Vec<usize>,
        last: (u16, Option<Cause>),
    ) {
        self.trunks.provision(self.directory.trunk());
        let now = self.clock.now();
        let mut dial = dial;
        while self.wires.len() < self.config.calls_max
            && let Some(index) = self.trunks.choose(now, &tried)
        {
            tried.push(index);
            let Some((way, trunk)) = self.way_out(index, &dial) else { continue };
            dial = match self.place_on(wire, way, dial, (index, tried.clone())).await {
                Ok(()) => return self.tell(LineEvent::Dialled { wire, trunk }),
                Err(dial) => dial,
            };
            self.unreached(index, &tried);
        }
        let (status, cause) = last;
        self.tell(LineEvent::Failed { wire, status, cause });
    }

    async fn place_on(
        &mut self,
        wire: WireId,
        way: Way,
        dial: Dial,
        (trunk, tried): (usize, Vec<usize>),
    ) -> Result<(), Dial> {
        let again = dial.clone();
        if !self.place(wire, way, dial, Some((trunk, tried))).await {
            return Err(again);
        }
        let now = self.clock.now();
        if let Some(trunk) = self.trunks.get_mut(trunk) {
            trunk.take(now);
        }
        Ok(())
    }

    /// Sends the INVITE. `false` when there is no way to the other end.
    async fn place(
        &mut self,
        wire: WireId,
        way: Way,
        dial: Dial,
        through: Option<(usize, Vec<usize>)>,
    ) -> bool {
        let Way { uri, to, from, hop, public, more, encryption } = way;
        let here = self.here(hop, public);
        let party = Party { local: from, remote: to, target: uri, peer: hop, here, public };
        let mut dialog = Dialog::outgoing(party, self.tags.next(), self.tags.next());
        dialog.ours = Some(dial.offer.clone());
        if encryption != Encryption::Off {
            // Without randomness there are no keys, and without keys no call that must have them.
            let Some(keys) = Crypto::offer() else { return false };
            dialog.keys = keys;
        }
        let branch = self.tags.branch();
        let mut invite = dialog.next(Method::Invite, &branch);
        let author = dialog.author();
        let sdp = sdp::offer(author, &dialog.shown(&dial.offer), &dialog.keys);
        let mut headers = vec![dialog.contact(), allow(), self.user_agent()];
        headers.extend(offer_session(SESSION_EXPIRES.as_secs(), None));
        headers.extend(more);
        invite.request.headers.extend(headers.clone());
        describe(&mut invite.request, sdp.clone());
        let Some(serving) = self.invite(wire, &branch, invite).await else { return false };
        let route = through.map(|(trunk, tried)| {
            Box::new(Route {
                dial,
                trunk,
                tried,
                more: headers,
                sdp,
                challenged: false,
                prolonged: false,
                encryption,
            })
        });
        let patience = if route.is_some() { TRUNK_SILENT_MAX } else { DIALLING_MAX };
        let dialling = Dialling {
            serving,
            branch,
            cseq: dialog.cseq,
            reliable: None,
            source: hop,
            provisional: false,
            rang: false,
            forwarded: false,
            cancelled: false,
            stays: false,
            route,
        };
        self.add(wire, dialog, Phase::Dialling(dialling));
        self.set_due(wire, Some(patience));
        true
    }

    pub(super) async fn invite(
        &mut self,
        wire: WireId,
        branch: &str,
        invite: Outgoing,
    ) -> Option<Serving> {
        let connection = self.connection(invite.peer).await?;
        self.stack.invite(wire, branch.to_owned(), invite, connection)
    }

    /// The form in which the trunk at this place wants the call.
    fn way_out(&self, index: usize, dial: &Dial) -> Option<(Way, model::TrunkId)> {
        let Target::Trunk { number } = &dial.target else { return None };
        let config = &self.trunks.get(index)?.config;
        // Keys are shown to nobody on the way.
        let encryption = match (config.transport, config.encryption) {
            (Transport::Tls, policy) => policy,
            (Transport::Udp | Transport::Tcp, Encryption::Required) => return None,
            (Transport::Udp | Transport::Tcp, Encryption::Off | Encryption::Optional) => {
                Encryption::Off
            }
        };
        let host = config.host();
        let parameter = config.transport.parameter();
        let uri = |user: &str| {
            let user = address::encode_user(user);
            format!("sip:{user}@{host};user=phone")
        };
        let called = uri(&config.numbers.write(*number));
        let caller = dial.from.trim_start_matches('+').parse().ok().and_then(E164::new);
        let shown = caller.map_or_else(|| dial.from.clone(), |caller| config.numbers.write(caller));
        let from = match (&config.domain, address::encode_user(&shown)) {
            (Some(domain), user) => format!("<sip:{user}@{domain}>"),
            (None, user) => {
                let here = self.here(config.hop(), config.public);
                format!("<sip:{user}@{here}>")
            }
        };
        let mut more = Vec::new();
        if config.asserted && caller.is_some() {
            more.push(Header::PAssertedIdentity(format!("<{}>", uri(&shown)).into()));
        }
        if let (Some(signer), Some(attest), Some(from)) = (&self.signer, config.attest, caller) {
            let claim = Claim { attest, from, to: *number, at: self.clock.now() };
            let signed = signer.sign_in_force(&claim);
            self.tell_signing(signed.is_some());
            more.extend(signed.into_iter().flatten());
        }
        let way = Way {
            uri: format!("{called}{parameter}"),
            to: format!("<{called}>"),
            from,
            hop: config.hop(),
            public: config.public,
            more,
            encryption,
        };
        Some((way, config.id))
    }

    /// Counts a call that goes out unsigned although its trunk wants it signed, and tells when that
    /// begins or is over.
    fn tell_signing(&self, signs: bool) {
        if !signs {
            self.count(|tally| &tally.unsigned);
        }
        if self.shared.unsigned.swap(!signs, Ordering::Relaxed) == signs {
            self.tell(LineEvent::Signing { signs });
        }
    }

    fn way(&self, dial: &Dial) -> Option<Way> {
        let (uri, to, hop) = match &dial.target {
            Target::Trunk { .. } => return None,
            Target::Address { address, user } => {
                let uri = match user.expose().as_str() {
                    "" => format!("sip:{address}"),
                    user => format!("sip:{}@{address}", address::encode_user(user)),
                };
                (uri.clone(), uri, Hop::udp(*address))
            }
            Target::Registered { station, user } => {
                let contact = self.registrar.find(*station, self.clock.now())?;
                let user = address::encode_user(user.expose());
                let here = self.here(contact.hop, None);
                let at = if user.is_empty() { "" } else { "@" };
                (contact.uri.expose().clone(), format!("sip:{user}{at}{here}"), contact.hop)
            }
        };
        let here = self.here(hop, None);
        let user = address::encode_user(&dial.from);
        let at = if user.is_empty() { "" } else { "@" };
        let from = format!("<sip:{user}{at}{here}>");
        let (to, encryption) = (format!("<{to}>"), Encryption::Off);
        Some(Way { uri, to, from, hop, public: None, more: Vec::new(), encryption })
    }

    /// A call of ours failed: it is tried on another trunk, or its owner is told.
    pub(super) async fn fail(&mut self, id: WireId, status: u16) {
        self.fail_because(id, status, None).await;
    }

    /// As [`Engine::fail`], with what the network behind the trunk said.
    pub(super) async fn fail_because(&mut self, id: WireId, status: u16, cause: Option<Cause>) {
        let Some(mut wire) = self.remove(id) else { return };
        let failed = LineEvent::Failed { wire: id, status, cause };
        if status == 408 {
            self.wait_for_late(&wire);
        }
        if wire.silent {
            return;
        }
        let Phase::Dialling(dialling) = &mut wire.phase else { return self.tell(failed) };
        let over = !dialling.rang && !dialling.cancelled && fails_over(status, cause);
        match dialling.route.take().filter(|_| over) {
            Some(route) => self.fail_over(id, *route, (status, cause)).await,
            None => self.tell(failed),
        }
    }

    async fn fail_over(&mut self, id: WireId, route: Route, last: (u16, Option<Cause>)) {
        let now = self.clock.now();
        let elsewhere = self.unreached(route.trunk, &route.tried);
        if let Some(trunk) = self.trunks.get_mut(route.trunk).filter(|_| !elsewhere) {
            trunk.rest(now.after(REST));
        }
        self.count(|tally| &tally.failed_over);
        self.dial_trunk(id, route.dial, route.tried, last).await;
    }

    /// A trunk could not take a call where it was looked for. Says whether it has another place
    /// where this call was not tried (RFC 3263 section 4.3).
    fn unreached(&mut self, index: usize, tried: &[usize]) -> bool {
        self.look_up_soon(index);
        self.trunks.get_mut(index).is_some_and(|trunk| trunk.turn(index, tried))
    }

    /// A trunk said nothing at all for some seconds, or only that it tries. Where there is another
    /// one, the call goes there; what may still come from this one is taken back.
    pub(super) async fn trunk_hangs(&mut self, id: WireId) {
        let now = self.clock.now();
        let Some(Wire { phase: Phase::Dialling(dialling), .. }) = self.wires.get_mut(&id) else {
            return;
        };
        let trunks = &self.trunks;
        if !dialling.route.as_ref().is_some_and(|route| trunks.has_other(now, &route.tried)) {
            dialling.stays = true;
            return self.set_due(id, Some(DIALLING_MAX));
        }
        let Some(Wire { dialog, phase: Phase::Dialling(dialling), .. }) = self.remove(id) else {
            return;
        };
        let Dialling { serving, branch, route, provisional, .. } = dialling;
        // It is sent for as long as a CANCEL, and heard of for as long again.
        self.add_orphan(branch.clone(), dialog, Some(serving), CANCEL_MAX * 2);
        if provisional {
            self.cancel_orphan(&branch).await;
        }
        if let Some(route) = route {
            self.fail_over(id, *route, (408, None)).await;
        }
    }

    /// Nobody said anything to an INVITE for as long as it was sent. Who does it now is heard, too.
    fn wait_for_late(&mut self, wire: &Wire) {
        if let Phase::Dialling(dialling) = &wire.phase
            && !dialling.provisional
            && self.orphans.len() < ORPHANS_MAX
        {
            self.add_orphan(dialling.branch.clone(), wire.dialog.clone(), None, CANCEL_MAX);
        }
    }

    fn add_orphan(
        &mut self,
        branch: String,
        dialog: Dialog,
        serving: Option<Serving>,
        most: Duration,
    ) {
        let until = self.clock.now().after(most);
        self.orphans.insert(branch, Orphan { dialog, serving, cancelled: false, until });
        self.errands.insert((until, Errand::Orphans));
    }

    /// The INVITE that was given up to which this is a response, by its branch.
    pub(super) fn orphan(&self, response: &Response) -> Option<String> {
        if response.cseq_header().and_then(|cseq| cseq.method()).ok()? != Method::Invite {
            return None;
        }
        let via = response.via_header().ok()?;
        let branch = address::parameter(via.value(), "branch")?;
        self.orphans.contains_key(branch).then(|| branch.to_owned())
    }

    /// A response to an INVITE that was given up.
    pub(super) async fn orphan_response(&mut self, branch: &str, response: &Response) {
        match response.status_code.code() {
            100..200 => self.cancel_orphan(branch).await,
            200..300 => {
                let Some(orphan) = self.orphans.remove(branch) else { return };
                let peer = orphan.dialog.peer;
                let Some(dialog) = orphan.dialog.confirmed(response, peer) else { return };
                self.send_ack(&dialog, dialog.cseq).await;
                self.send_bye(dialog).await;
            }
            _ => drop(self.orphans.remove(branch)),
        }
    }

    /// Cancels an INVITE that was given up, once.
    async fn cancel_orphan(&mut self, branch: &str) {
        // RFC 3261 section 9.1.
        let until = self.clock.now().after(CANCEL_MAX);
        let Some(orphan) = self.orphans.get_mut(branch) else { return };
        if std::mem::replace(&mut orphan.cancelled, true) {
            return;
        }
        orphan.until = until;
        let cancel = orphan.dialog.request(Method::Cancel, orphan.dialog.cseq, branch);
        self.errands.insert((until, Errand::Orphans));
        self.send_request(cancel, None).await;
    }

    /// Forgets INVITEs of which nothing came any more.
    pub(super) fn forget_orphans(&mut self, now: Timestamp) {
        self.orphans.retain(|_, orphan| {
            let over = orphan.until <= now;
            if let Some(serving) = orphan.serving.as_ref().filter(|_| over) {
                serving.terminate();
            }
            !over
        });
    }

    /// Asks again where the other end said how it wants to be asked: with an answer to its
    /// challenge (401, 407), for a longer session (422), or with audio in clear where that will do
    /// (488). `false` when there is nothing to say, or it was said already.
    pub(super) async fn ask_again(&mut self, id: WireId, response: &Response) -> bool {
        let branch = self.tags.branch();
        let cnonce = self.tags.next();
        let Some(wire) = self.wires.get_mut(&id) else { return false };
        let Phase::Dialling(dialling) = &mut wire.phase else { return false };
        let Some(route) = dialling.route.as_mut() else { return false };
        let status = response.status_code.code();
        if status == 422 {
            if !route.prolong(&Wish::of(&response.headers.0)) {
                return false;
            }
        } else if !matches!(status, 401 | 407) {
            // Encrypted audio was refused: where it need not be, it is offered in clear.
            if route.encryption != Encryption::Optional || wire.dialog.keys.is_empty() {
                return false;
            }
            wire.dialog.keys.clear();
            let author = wire.dialog.author();
            route.sdp = sdp::offer(author, &wire.dialog.shown(&route.dial.offer), &[]);
        } else {
            let trunk = self.trunks.get(route.trunk);
            let account = trunk.and_then(|trunk| trunk.config.account.as_ref());
            let challenge = Challenge::of(&response.headers.0).filter(|_| !route.challenged);
            let Some((account, challenge)) = account.zip(challenge) else { return false };
            let method = Method::Invite.to_string();
            route.challenged = true;
            route.more.push(challenge.answer(account, &method, &wire.dialog.target, &cnonce));
        }
        let mut invite = wire.dialog.next(Method::Invite, &branch);
        invite.request.headers.extend(route.more.clone());
        describe(&mut invite.request, route.sdp.clone());
        dialling.branch.clone_from(&branch);
        dialling.cseq = wire.dialog.cseq;
        dialling.provisional = false;
        let Some(serving) = self.invite(id, &branch, invite).await else { return false };
        if let Some(Wire { phase: Phase::Dialling(dialling), .. }) = self.wires.get_mut(&id) {
            dialling.serving = serving;
        }
        true
    }
}

impl Route {
    /// Asks for a session as long as the other end wants it at least.
    fn prolong(&mut self, wish: &Wish) -> bool {
        let Some(seconds) = wish.longer().filter(|_| !self.prolonged) else { return false };
        self.prolonged = true;
        let other = |header: &Header| {
            !matches!(header, Header::SessionExpires(_) | Header::Supported(_) | Header::MinSE(_))
        };
        self.more.retain(other);
        self.more.extend(offer_session(seconds.max(SESSION_EXPIRES.as_secs()), Some(seconds)));
        true
    }

    pub(super) const fn trunk(&self) -> usize {
        self.trunk
    }
}

/// Whether a call that failed so may be tried on another trunk: the trunk was at fault, not the
/// called party, and nothing rang yet.
pub(super) fn fails_over(status: u16, cause: Option<Cause>) -> bool {
    let at_fault = status == 408 || (500..600).contains(&status);
    at_fault && !cause.is_some_and(Cause::is_of_called)
}
