//! Incoming calls, and requests within dialogs.

use super::door::{Admitted, Final, required, takes_over, wants_reliable};
use super::session::Wish;
use super::{Engine, Offered, Phase, Reoffer, Wire, retry_after, session};
use crate::address;
use crate::dialog::{Dialog, Reply, allow};
use crate::limits::{KEY_LASTED_MAX, REANSWER_MAX, TRYING_AFTER, UNANSWERED_MAX};
use crate::sdp::crypto::Crypto;
use crate::transport::Hop;
use crate::{Encryption, LineEvent, WireId, sdp};
use model::{Key, MediaDescription, Private};
use rsipstack::sip::{Header, HeadersExt, Method, Request};
use rsipstack::transaction::transaction::Transaction;
use std::time::Duration;

impl Wire {
    /// What the other end described, with where it signals from when it is a station.
    fn located(&self, audio: MediaDescription) -> MediaDescription {
        if self.trunk.is_some() { audio } else { located(audio, self.dialog.peer) }
    }
}

impl Engine {
    /// Takes an admitted INVITE and asks the owner what to do with it.
    pub(super) fn offered(
        &mut self,
        transaction: Transaction,
        source: Hop,
        uri: &str,
        admitted: Admitted,
    ) {
        let (here, peer) = (self.here(source, None), source);
        let request = &transaction.original;
        let Some(dialog) = Dialog::incoming(request, source, here, self.tags.next()) else {
            return self.count(|tally| &tally.malformed_mandatory);
        };
        let wire = self.shared.next_wire();
        self.busy = Some(wire);
        let reply = Reply::to(request, &dialog.local_tag);
        let (wish, quiet) = (Wish::of(&request.headers.0), wants_reliable(request));
        let serving = self.stack.serve(transaction, wire, source.address.ip());
        let Admitted { origin, offer } = admitted;
        let described = offer.as_ref().map(|session| located(session.audio.clone(), source));
        let mut dialog = dialog;
        let keys = offer.as_ref().and_then(|session| dialog.accept_keys(&session.crypto));
        if offer.is_none() && matches!(self.station_policy(peer), Ok(Encryption::Required)) {
            // We shall have to offer.
            dialog.keys = Crypto::offer().unwrap_or_default();
        }
        let dialled = Private::new(address::user(uri));
        let source = peer.address.ip();
        let theirs = described.clone();
        let offered = Offered { serving, source, reply, offer, wish, quiet, said: false };
        self.add(wire, dialog, Phase::Offered(offered));
        if let Some(wire) = self.wires.get_mut(&wire) {
            wire.theirs = theirs;
        }
        self.set_due(wire, Some(TRYING_AFTER));
        self.tell(LineEvent::Incoming { wire, origin, dialled, offer: described, keys });
    }

    pub(super) fn ring(&mut self, id: WireId) {
        self.busy = Some(id);
        let server = self.server();
        let Some(Wire { dialog, phase: Phase::Offered(offered), .. }) = self.wires.get_mut(&id)
        else {
            return;
        };
        offered.said = true;
        if offered.quiet {
            return self.set_due(id, Some(UNANSWERED_MAX));
        }
        offered.serving.respond(offered.reply.routed(180, [dialog.contact(), server], None));
        self.set_due(id, Some(UNANSWERED_MAX));
    }

    pub(super) fn answer(&mut self, id: WireId, local: MediaDescription) {
        self.busy = Some(id);
        let server = self.server();
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let Phase::Offered(offered) = &wire.phase else { return };
        let author = wire.dialog.author();
        let shown = wire.dialog.shown(&local);
        let described = match &offered.offer {
            Some(offer) => sdp::answer(author, offer, &shown, wire.dialog.keys.first()),
            None => Ok(sdp::offer(author, &shown, &wire.dialog.keys)),
        };
        let sdp = match described {
            Ok(sdp) => sdp,
            Err(error) => {
                self.count_refused_sdp(error.status());
                self.reject(id, error.status());
                return self.tell(LineEvent::HungUp { wire: id });
            }
        };
        let mut more = vec![wire.dialog.contact(), allow(), server];
        wire.dialog.ours = Some(local);
        let (offerless, source) = (offered.offer.is_none(), offered.source);
        let wish = offered.wish;
        more.extend(self.serve_session(id, &wish));
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let Phase::Offered(offered) = &wire.phase else { return };
        offered.serving.respond(offered.reply.routed(200, more, Some(sdp)));
        let answered = |serving| Phase::Answered { serving, offerless, hang_up: false };
        wire.phase = match std::mem::replace(&mut wire.phase, Phase::Up { ack: None }) {
            Phase::Offered(Offered { serving, .. }) => answered(serving),
            other @ (Phase::Answered { .. } | Phase::Dialling(_) | Phase::Up { .. }) => other,
        };
        self.hold_pending(source);
        self.set_due(id, None);
    }

    pub(super) fn reject(&mut self, id: WireId, status: u16) {
        self.busy = Some(id);
        if !matches!(self.wires.get(&id), Some(Wire { phase: Phase::Offered(_), .. })) {
            return;
        }
        let status = if (300..700).contains(&status) { status } else { 500 };
        let server = self.server();
        if let Some(Wire { phase: Phase::Offered(offered), .. }) = self.remove(id) {
            let later = (status == 503).then(retry_after);
            let more = [server].into_iter().chain(later);
            offered.serving.respond(offered.reply.with(status, more));
        }
    }

    /// The caller gave up before we answered.
    pub(super) fn cancelled(&mut self, id: WireId) {
        if matches!(self.wires.get(&id), Some(Wire { phase: Phase::Offered(_), .. })) {
            self.reject(id, 487);
            self.tell(LineEvent::HungUp { wire: id });
        } else if let Some(wire) = self.wires.get_mut(&id) {
            // CANCEL of a re-INVITE: the call goes on as it was.
            if let Some(reoffer) = wire.reoffer.take() {
                reoffer.serving.respond(reoffer.reply.with(487, None));
                self.set_due(id, None);
            }
        }
    }

    /// The ACK of our 200.
    pub(super) async fn acked(&mut self, id: WireId, body: &[u8]) {
        self.busy = Some(id);
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let described = sdp::parse_for(body, wire.dialog.encryption()).ok();
        match &wire.phase {
            Phase::Answered { hang_up: true, .. } => self.leave(id).await,
            Phase::Answered { offerless, .. } => {
                let offerless = *offerless;
                wire.phase = Phase::Up { ack: None };
                if !offerless {
                    return;
                }
                let ours = wire.dialog.ours.as_ref();
                let agreed =
                    ours.zip(described.as_ref()).and_then(|(us, them)| sdp::agree(us, &them.audio));
                match described.filter(|_| agreed.is_some()).and_then(|s| wire.dialog.choose(s)) {
                    Some((answer, keys)) => {
                        let answer = wire.located(answer);
                        self.tell(LineEvent::Answered { wire: id, answer, keys });
                    }
                    None => {
                        self.count(|tally| &tally.refused_codec);
                        self.leave(id).await;
                        self.tell(LineEvent::HungUp { wire: id });
                    }
                }
            }
            // The answer to what we offered in the 200 of a re-INVITE without an offer.
            Phase::Up { .. } => {
                let silent = wire.silent;
                let chosen = described.and_then(|session| wire.dialog.choose(session));
                if let Some((offer, keys)) = chosen.filter(|_| !silent) {
                    let offer = wire.located(offer);
                    self.tell(LineEvent::Reoffered { wire: id, offer, keys });
                }
            }
            Phase::Offered(_) | Phase::Dialling(_) => {}
        }
    }

    /// No ACK came for as long as the 200 was repeated (RFC 3261 section 13.3.1.4).
    pub(super) async fn ack_lost(&mut self, id: WireId) {
        let Some(wire) = self.wires.get(&id) else { return };
        let silent = wire.silent;
        self.count(|tally| &tally.lost_ack);
        self.leave(id).await;
        if !silent {
            self.tell(LineEvent::HungUp { wire: id });
        }
    }

    /// BYE, INFO or UPDATE.
    pub(super) async fn within(&mut self, transaction: Transaction, source: Hop) {
        let request = &transaction.original;
        let method = request.method;
        let Some(id) = self.find(request) else { return self.stray(&transaction, source).await };
        self.busy = Some(id);
        if method != Method::Bye && !self.may_change(id, source) {
            return self.answer_stateless(&transaction, source, 403.into()).await;
        }
        if let Some(unsupported) = required(request) {
            let answer = Final { status: 420, more: vec![unsupported] };
            return self.answer_stateless(&transaction, source, answer).await;
        }
        if !self.count_up(id, request) {
            let answer = Final { status: 500, more: vec![retry_after()] };
            return self.answer_stateless(&transaction, source, answer).await;
        }
        if method == Method::Bye {
            self.finish(transaction, 200, Vec::new()).await;
            self.gone(id);
        } else if method == Method::Info {
            let key = info_key(request);
            let status = if key.is_some() || request.body.is_empty() { 200 } else { 415 };
            self.finish(transaction, status, Vec::new()).await;
            let talks = self.wires.get(&id).is_some_and(|wire| !wire.silent);
            if let Some((key, lasted)) = key.filter(|_| talks) {
                self.tell(LineEvent::Key { wire: id, key, lasted });
            }
        } else {
            self.update(id, transaction, source).await;
        }
    }

    /// INVITE within a dialog (RFC 3261 section 14.2).
    pub(super) async fn reinvite(&mut self, transaction: Transaction, source: Hop) {
        let request = &transaction.original;
        let Some(id) = self.find(request) else { return self.stray(&transaction, source).await };
        self.busy = Some(id);
        let replaces = takes_over(request);
        if replaces {
            self.count(|tally| &tally.refused_transfer);
        }
        if replaces || !self.may_change(id, source) {
            return self.answer_stateless(&transaction, source, 403.into()).await;
        }
        let offer = match self.may_reoffer(id, request) {
            Ok(offer) => offer,
            Err(status) => return self.answer_stateless(&transaction, source, status.into()).await,
        };
        let reply = Reply::to(request, "");
        let wish = Wish::of(&request.headers.0);
        let headers = request.headers.0.clone();
        let cseq = request.cseq_header().and_then(|cseq| cseq.seq()).unwrap_or(0);
        self.hold_pending(source.address.ip());
        let serving = self.stack.serve(transaction, id, source.address.ip());
        let server = self.server();
        let Some(wire) = self.wires.get_mut(&id) else { return };
        wire.dialog.remote_cseq = cseq;
        wire.dialog.retarget(&headers, source);
        let Some(offer) = offer else {
            // No offer: our 200 offers what we have, and the ACK answers.
            let timer = self.serve_session(id, &wish);
            let Some(wire) = self.wires.get_mut(&id) else { return };
            let author = wire.dialog.author();
            let sdp = wire
                .dialog
                .ours
                .as_ref()
                .map(|ours| sdp::offer(author, &wire.dialog.shown(ours), &wire.dialog.keys));
            let more = [wire.dialog.contact(), allow(), server].into_iter().chain(timer);
            return serving.respond(reply.routed(200, more, sdp));
        };
        self.hold_reoffer(id, Reoffer { serving, reply, offer, wish });
    }

    /// A request of a dialog that there is not.
    async fn stray(&mut self, transaction: &Transaction, source: Hop) {
        if self.may_ask(source.address.ip()) {
            self.answer_stateless(transaction, source, 481.into()).await;
        }
    }

    /// Whether a request from `source` may change the audio of a call or press its keys. Who knows
    /// the tags of a dialog could have read them on the way; only the host that the call is with
    /// has the authority.
    fn may_change(&self, id: WireId, source: Hop) -> bool {
        let may = self
            .wires
            .get(&id)
            .is_some_and(|wire| wire.dialog.peer.address.ip() == source.address.ip());
        if !may {
            self.count(|tally| &tally.refused_source);
        }
        may
    }

    async fn update(&mut self, id: WireId, transaction: Transaction, source: Hop) {
        let request = &transaction.original;
        let Some(wire) = self.wires.get_mut(&id) else { return };
        wire.dialog.retarget(&request.headers.0, source);
        let mut more = vec![wire.dialog.contact()];
        let wish = Wish::of(&request.headers.0);
        if request.body.is_empty() {
            if matches!(wire.phase, Phase::Up { .. }) {
                more.extend(self.serve_session(id, &wish));
            }
            return self.finish(transaction, 200, more).await;
        }
        match self.may_reoffer(id, request) {
            Ok(Some(offer)) => {
                let reply = Reply::to(request, "");
                let serving = self.stack.serve(transaction, id, source.address.ip());
                self.hold_reoffer(id, Reoffer { serving, reply, offer, wish });
            }
            Ok(None) => self.finish(transaction, 200, more).await,
            Err(status) => self.finish(transaction, status, Vec::new()).await,
        }
    }

    /// Whether a new offer can be looked at now, and what it says.
    fn may_reoffer(&self, id: WireId, request: &Request) -> Result<Option<sdp::Session>, u16> {
        let wire = self.wires.get(&id).ok_or(481u16)?;
        let up = matches!(wire.phase, Phase::Up { .. }) && !wire.silent;
        let invite = request.method == Method::Invite;
        let number = request.cseq_header().and_then(|cseq| cseq.seq()).unwrap_or(0);
        // The number of an UPDATE was taken note of before.
        if wire.reoffer.is_some() || invite && number <= wire.dialog.remote_cseq {
            return Err(500);
        }
        if required(request).is_some() {
            return Err(420);
        }
        if !up || self.is_inviting(id) {
            return Err(491);
        }
        session(&request.headers.0, &request.body, wire.dialog.encryption())
            .inspect_err(|status| self.count_refused_sdp(*status))
    }

    fn hold_reoffer(&mut self, id: WireId, reoffer: Reoffer) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let offer = wire.located(reoffer.offer.audio.clone());
        let keys = wire.dialog.accept_keys(&reoffer.offer.crypto);
        wire.reoffer = Some(reoffer);
        wire.theirs = Some(offer.clone());
        self.set_due(id, Some(REANSWER_MAX));
        self.tell(LineEvent::Reoffered { wire: id, offer, keys });
    }

    pub(super) fn reanswer(&mut self, id: WireId, local: MediaDescription) {
        self.busy = Some(id);
        let server = self.server();
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let Some(reoffer) = wire.reoffer.take() else { return };
        let author = wire.dialog.author();
        let wish = reoffer.wish;
        let response = match sdp::answer(
            author,
            &reoffer.offer,
            &wire.dialog.shown(&local),
            wire.dialog.keys.first(),
        ) {
            Ok(sdp) => {
                wire.dialog.ours = Some(local);
                let mut more = vec![wire.dialog.contact(), allow(), server];
                more.extend(self.serve_session(id, &wish));
                reoffer.reply.routed(200, more, Some(sdp))
            }
            Err(error) => reoffer.reply.with(error.status(), [server]),
        };
        reoffer.serving.respond(response);
        self.set_due(id, None);
    }

    /// The owner did not answer a new offer in time.
    pub(super) fn refuse_reoffer(&mut self, id: WireId) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        if let Some(reoffer) = wire.reoffer.take() {
            reoffer.serving.respond(reoffer.reply.with(488, None));
        }
    }

    /// The wire whose dialog a request names.
    fn find(&self, request: &Request) -> Option<WireId> {
        let to = request.to_header().ok()?.value();
        let from = request.from_header().ok()?.value();
        let id = *self.by_tag.get(address::parameter(to, "tag")?)?;
        let call_id = request.call_id_header().ok()?.value();
        let dialog = &self.wires.get(&id)?.dialog;
        dialog.owns(call_id, address::parameter(from, "tag")?).then_some(id)
    }

    /// Takes note of a request's number; `false` when it is not a new one (RFC 3261 section
    /// 12.2.2).
    fn count_up(&mut self, id: WireId, request: &Request) -> bool {
        let Ok(number) = request.cseq_header().and_then(|cseq| cseq.seq()) else { return false };
        let Some(wire) = self.wires.get_mut(&id) else { return false };
        let new = number > wire.dialog.remote_cseq;
        wire.dialog.remote_cseq = wire.dialog.remote_cseq.max(number);
        new
    }

    /// The other end said BYE.
    fn gone(&mut self, id: WireId) {
        let Some(wire) = self.remove(id) else { return };
        match &wire.phase {
            Phase::Offered(offered) => offered.serving.respond(offered.reply.with(487, None)),
            Phase::Answered { serving, .. } => serving.terminate(),
            Phase::Dialling(_) | Phase::Up { .. } => {}
        }
        if !wire.silent {
            self.tell(LineEvent::HungUp { wire: id });
        }
    }
}

/// The key that an INFO carries, and how long it was pressed: `Signal=5` and `Duration=160`, in
/// milliseconds, in `application/dtmf-relay`, or `5` in `application/dtmf`.
fn info_key(request: &Request) -> Option<(Key, Duration)> {
    let kind = request.headers.iter().find_map(|header| {
        let Header::ContentType(kind) = header else { return None };
        Some(kind.value())
    })?;
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let text = std::str::from_utf8(&request.body).ok()?;
    let field = |wanted| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once(['=', ':'])?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    let (signal, lasted) = match kind.as_str() {
        "application/dtmf-relay" => (field("signal")?, field("duration").map(lasted)),
        "application/dtmf" => (text.trim(), None),
        _ => return None,
    };
    let mut chars = signal.chars();
    let key = match (chars.next(), chars.next()) {
        (Some(label), None) => Key::from_char(label),
        // Some telephones write the event code of RFC 4733 for `*` and `#`.
        _ if signal == "10" => Some(Key::STAR),
        _ if signal == "11" => Some(Key::POUND),
        _ => None,
    };
    Some((key?, lasted.unwrap_or_default()))
}

/// How long a key was pressed. What cannot be read may have begun long ago: a key must not pass for
/// one that began later than it did.
fn lasted(text: &str) -> Duration {
    text.parse().map_or(KEY_LASTED_MAX, Duration::from_millis).min(KEY_LASTED_MAX)
}

/// What a station described that signals from `peer`.
fn located(audio: MediaDescription, peer: Hop) -> MediaDescription {
    let (host, signals) = (audio.address.ip(), peer.address.ip());
    let elsewhere = host != signals && host.is_ipv4() == signals.is_ipv4();
    MediaDescription { signals_from: elsewhere.then_some(signals), ..audio }
}
