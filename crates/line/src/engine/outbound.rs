//! Calls we place, responses to them, and hanging up.

use super::{Dial, Dialling, Engine, Phase, Wire, session};
use crate::address;
use crate::dialog::{Dialog, Outgoing, allow, content_length, describe};
use crate::limits::{CANCEL_MAX, DIALLING_MAX};
use crate::sdp::{self, Author};
use crate::{LineEvent, Target, WireId};
use model::{MediaDescription, TrunkId};
use rsipstack::sip::{Header, HeadersExt, Method, Response};
use std::net::SocketAddr;

/// Where a call goes.
struct Way {
    /// Request URI.
    uri: String,
    /// To value.
    to: String,
    peer: SocketAddr,
}

impl Engine {
    pub(super) fn dial(&mut self, wire: WireId, dial: Dial) {
        self.busy = Some(wire);
        let way = self.way(&dial.target).filter(|_| self.wires.len() < self.config.calls_max);
        let Some(way) = way else {
            return self.tell(LineEvent::Failed { wire, status: 503 });
        };
        let peer = way.peer;
        let mut dialog = self.outgoing(way, &dial);
        let branch = self.tags.branch();
        let mut invite = dialog.next(Method::Invite, &branch);
        let author = dialog.author();
        let headers = &mut invite.request.headers;
        headers.extend(vec![dialog.contact(), allow(), self.user_agent()]);
        describe(&mut invite.request, sdp::offer(author, &dial.offer));
        match self.stack.invite(wire, invite) {
            Some(serving) => {
                let dialling = Dialling {
                    serving,
                    branch,
                    source: peer,
                    provisional: false,
                    rang: false,
                    cancelled: false,
                };
                self.add(wire, dialog, Phase::Dialling(dialling));
                if let Target::Trunk { .. } = dial.target {
                    self.tell(LineEvent::Dialled { wire, trunk: TrunkId(0) });
                }
                self.set_due(wire, Some(DIALLING_MAX));
            }
            None => self.tell(LineEvent::Failed { wire, status: 503 }),
        }
    }

    /// A response that came in. A 200 that comes again is acknowledged again; one from another
    /// branch of a forked call is acknowledged and hung up on (RFC 3261 section 13.2.2.4).
    pub(super) async fn response(&mut self, response: Response, source: SocketAddr) {
        if let Some(id) = self.invited(&response) {
            let success = (200..300).contains(&response.status_code.code());
            let Some(wire) = self.wires.get_mut(&id) else { return };
            match &mut wire.phase {
                Phase::Dialling(dialling) => dialling.source = source,
                Phase::Up { ack } if success => {
                    let tag = response.to_header().ok();
                    let tag = tag.and_then(|to| address::parameter(to.value(), "tag"));
                    if tag != Some(wire.dialog.remote_tag.as_str()) {
                        return self.refuse_fork(id, &response, source).await;
                    }
                    if let Some((octets, peer)) = ack.clone() {
                        self.send_octets(&octets, peer).await;
                    }
                    return;
                }
                Phase::Up { .. } | Phase::Offered(_) | Phase::Answered { .. } => {}
            }
        }
        // A response to nothing that we asked is no event.
        let _ = self.stack.receive(response.into(), source).await;
        self.handed_over = true;
    }

    /// A response to an INVITE of ours, through its transaction.
    pub(super) async fn invite_response(&mut self, id: WireId, response: &Response) {
        self.busy = Some(id);
        let Some(Wire { phase: Phase::Dialling(dialling), silent, .. }) = self.wires.get_mut(&id)
        else {
            return;
        };
        let (source, silent) = (dialling.source, *silent);
        match response.status_code.code() {
            status @ 100..200 => {
                let first = !std::mem::replace(&mut dialling.provisional, true);
                let rings = status > 100 && !dialling.rang;
                dialling.rang |= rings;
                if first && dialling.cancelled {
                    self.send_cancel(id);
                } else if rings && !silent {
                    self.tell(LineEvent::Ringing { wire: id });
                }
            }
            200..300 => self.invite_answered(id, response, source).await,
            status => {
                if (300..400).contains(&status) {
                    self.count(|tally| &tally.refused_redirect);
                }
                self.fail(id, status);
            }
        }
    }

    /// The transaction of an INVITE ended.
    pub(super) fn invite_ended(&mut self, id: WireId) {
        if matches!(self.wires.get(&id), Some(Wire { phase: Phase::Dialling(_), .. })) {
            self.fail(id, 408);
        }
    }

    /// Ends a wire whatever its state. Nothing more is told about it.
    pub(super) fn hang_up(&mut self, id: WireId) {
        self.busy = Some(id);
        let Some(wire) = self.wires.get_mut(&id) else { return };
        wire.silent = true;
        match &mut wire.phase {
            Phase::Offered(_) => self.reject(id, 487),
            // A BYE may not overtake the ACK (RFC 3261 section 15).
            Phase::Answered { hang_up, .. } => *hang_up = true,
            Phase::Dialling(_) => self.give_up(id),
            Phase::Up { .. } => self.leave(id),
        }
    }

    /// Nobody answered for too long, or the other end does not even answer our CANCEL.
    pub(super) fn dialled_too_long(&mut self, id: WireId) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let Phase::Dialling(dialling) = &wire.phase else { return };
        if dialling.cancelled {
            dialling.serving.terminate();
            return self.fail(id, 408);
        }
        if !std::mem::replace(&mut wire.silent, true) {
            self.tell(LineEvent::Failed { wire: id, status: 408 });
        }
        self.give_up(id);
    }

    /// Says BYE and forgets the dialog.
    pub(super) fn leave(&mut self, id: WireId) {
        if let Some(wire) = self.remove(id) {
            self.send_bye(wire.dialog);
        }
    }

    /// Takes back an INVITE. CANCEL waits for a provisional response (RFC 3261 section 9.1).
    fn give_up(&mut self, id: WireId) {
        let Some(Wire { phase: Phase::Dialling(dialling), .. }) = self.wires.get_mut(&id) else {
            return;
        };
        if std::mem::replace(&mut dialling.cancelled, true) {
            return;
        }
        let heard = dialling.provisional;
        self.set_due(id, Some(CANCEL_MAX));
        if heard {
            self.send_cancel(id);
        }
    }

    fn send_cancel(&mut self, id: WireId) {
        let Some(Wire { dialog, phase: Phase::Dialling(dialling), .. }) = self.wires.get(&id)
        else {
            return;
        };
        let cancel = dialog.request(Method::Cancel, dialog.cseq, &dialling.branch);
        self.send_request(cancel);
    }

    async fn invite_answered(&mut self, id: WireId, response: &Response, source: SocketAddr) {
        let Some(wire) = self.wires.get(&id) else { return };
        let Phase::Dialling(dialling) = &wire.phase else { return };
        let cancelled = dialling.cancelled;
        let Some(dialog) = wire.dialog.confirmed(response, source) else {
            return self.fail(id, 502);
        };
        let ack = self.send_ack(&dialog, dialog.cseq).await;
        let Some(wire) = self.wires.get_mut(&id) else { return };
        wire.dialog = dialog;
        if cancelled {
            // The 200 crossed our CANCEL.
            return self.leave(id);
        }
        let answer = session(&response.headers.0, &response.body).ok().flatten();
        let answer = answer.map(|session| session.audio);
        match answer.filter(|answer| agrees(wire.dialog.ours.as_ref(), answer)) {
            Some(answer) => {
                wire.phase = Phase::Up { ack: Some(ack) };
                self.set_due(id, None);
                self.tell(LineEvent::Answered { wire: id, answer });
            }
            None => {
                self.count(|tally| &tally.refused_codec);
                self.leave(id);
                self.tell(LineEvent::Failed { wire: id, status: 488 });
            }
        }
    }

    async fn refuse_fork(&mut self, id: WireId, response: &Response, source: SocketAddr) {
        let Some(wire) = self.wires.get(&id) else { return };
        let Ok(cseq) = response.cseq_header().and_then(|cseq| cseq.seq()) else { return };
        let Some(fork) = wire.dialog.confirmed(response, source) else { return };
        self.send_ack(&fork, cseq).await;
        self.send_bye(fork);
    }

    /// Sends an ACK for a 200, which is a transaction of its own without an answer. Gives what was
    /// sent, for when the 200 comes again.
    async fn send_ack(&mut self, dialog: &Dialog, cseq: u32) -> (Vec<u8>, SocketAddr) {
        let branch = self.tags.branch();
        let Outgoing { mut request, peer } = dialog.request(Method::Ack, cseq, &branch);
        request.headers.push(content_length(&[]));
        let octets = request.to_bytes();
        self.send_octets(&octets, peer).await;
        (octets, peer)
    }

    fn send_bye(&mut self, mut dialog: Dialog) {
        let branch = self.tags.branch();
        let bye = dialog.next(Method::Bye, &branch);
        self.send_request(bye);
    }

    fn send_request(&mut self, mut outgoing: Outgoing) {
        outgoing.request.headers.push(self.user_agent());
        if self.stack.request(outgoing).is_some() {
            self.requests_open += 1;
        }
    }

    fn fail(&mut self, id: WireId, status: u16) {
        let Some(wire) = self.remove(id) else { return };
        if !wire.silent {
            self.tell(LineEvent::Failed { wire: id, status });
        }
    }

    /// The wire whose INVITE a response answers.
    fn invited(&self, response: &Response) -> Option<WireId> {
        if response.cseq_header().and_then(|cseq| cseq.method()).ok()? != Method::Invite {
            return None;
        }
        let from = response.from_header().ok()?.value();
        let id = *self.by_tag.get(address::parameter(from, "tag")?)?;
        let dialog = &self.wires.get(&id)?.dialog;
        (response.call_id_header().ok()?.value() == dialog.call_id).then_some(id)
    }

    fn way(&self, target: &Target) -> Option<Way> {
        match target {
            Target::Trunk { number } => {
                let peer = self.directory.trunk()?;
                let uri = format!("sip:{}@{peer};user=phone", number.display());
                Some(Way { to: format!("<{uri}>"), uri, peer })
            }
            Target::Address { address, user } => {
                let uri = match user.expose().as_str() {
                    "" => format!("sip:{address}"),
                    user => format!("sip:{}@{address}", address::encode_user(user)),
                };
                Some(Way { to: format!("<{uri}>"), uri, peer: *address })
            }
            Target::Registered { station, user } => {
                let contact = self.registrar.find(*station, self.clock.now())?;
                let user = address::encode_user(user.expose());
                let here = self.here(contact.address);
                let at = if user.is_empty() { "" } else { "@" };
                Some(Way {
                    uri: contact.uri.expose().clone(),
                    to: format!("<sip:{user}{at}{here}>"),
                    peer: contact.address,
                })
            }
        }
    }

    fn outgoing(&mut self, way: Way, dial: &Dial) -> Dialog {
        let here = self.here(way.peer);
        let local_tag = self.tags.next();
        let author = Author::new(&local_tag);
        let user = address::encode_user(&dial.from);
        let at = if user.is_empty() { "" } else { "@" };
        Dialog {
            call_id: self.tags.next(),
            remote_tag: String::new(),
            local: format!("<sip:{user}{at}{here}>;tag={local_tag}"),
            local_tag,
            remote: way.to,
            target: way.uri,
            peer: way.peer,
            routes: Vec::new(),
            here,
            cseq: 0,
            remote_cseq: 0,
            ours: Some(dial.offer.clone()),
            author,
        }
    }

    fn user_agent(&self) -> Header {
        Header::UserAgent(self.config.user_agent.as_str().into())
    }
}

fn agrees(ours: Option<&MediaDescription>, theirs: &MediaDescription) -> bool {
    ours.is_some_and(|ours| sdp::agree(ours, theirs).is_some())
}
