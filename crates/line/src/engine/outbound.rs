//! Calls we place, responses to them, and hanging up.

use super::{Engine, Errand, Phase, Wire, session};
use crate::address;
use crate::cause::Cause;
use crate::dialog::{Dialog, Outgoing, content_length};
use crate::history;
use crate::limits::{CANCEL_MAX, DIALLING_MAX, TRYING_MAX};
use crate::sdp;
use crate::transport::Hop;
use crate::{LineEvent, WireId};
use model::MediaDescription;
use rsipstack::sip::{Header, HeadersExt, Method, Response};

impl Engine {
    /// A response that came in. A 200 that comes again is acknowledged again; one from another
    /// branch of a forked call is acknowledged and hung up on (RFC 3261 section 13.2.2.4).
    pub(super) async fn response(&mut self, response: Response, source: Hop) {
        if let Some(id) = self.invited(&response).filter(|id| !self.refreshes(*id, &response)) {
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
        if let Some(branch) = self.orphan(&response) {
            self.orphan_response(&branch, &response).await;
        }
        // A response to nothing that we asked is no event.
        if let Some(connection) = self.connection(source).await {
            let _ = self.stack.receive(response.into(), source, connection).await;
        }
        self.handed_over = true;
    }

    /// A response to an INVITE of ours, through its transaction.
    pub(super) async fn invite_response(&mut self, id: WireId, branch: &str, response: &Response) {
        self.busy = Some(id);
        if self.is_refresh(id, branch) {
            return self.refresh_response(id, response).await;
        }
        let Some(Wire { phase: Phase::Dialling(dialling), silent, .. }) = self.wires.get_mut(&id)
        else {
            return;
        };
        if dialling.branch != branch {
            return;
        }
        let (source, silent) = (dialling.source, *silent);
        if !silent && !dialling.forwarded && history::is_forwarded(response) {
            dialling.forwarded = true;
            self.tell(LineEvent::Forwarded { wire: id });
        }
        let Some(Wire { phase: Phase::Dialling(dialling), .. }) = self.wires.get_mut(&id) else {
            return;
        };
        match response.status_code.code() {
            status @ 100..200 => {
                let first = !std::mem::replace(&mut dialling.provisional, true);
                let rings = status > 100 && !dialling.rang;
                dialling.rang |= rings;
                let cancelled = dialling.cancelled;
                let bound_for_trunk = dialling.route.is_some();
                if first && cancelled {
                    return self.send_cancel(id).await;
                }
                if !silent && (first || rings) {
                    let patience =
                        if rings || !bound_for_trunk { DIALLING_MAX } else { TRYING_MAX };
                    self.set_due(id, Some(patience));
                }
                self.acknowledge(id, response).await;
                if rings && !silent {
                    self.tell(LineEvent::Ringing { wire: id });
                }
            }
            200..300 => self.invite_answered(id, response, source).await,
            401 | 406 | 407 | 415 | 422 | 488 | 606
                if !silent && self.ask_again(id, response).await => {}
            status => {
                if (300..400).contains(&status) {
                    self.count(|tally| &tally.refused_redirect);
                }
                self.fail_because(id, status, Cause::of(&response.headers.0)).await;
            }
        }
    }

    /// The transaction of an INVITE ended.
    pub(super) async fn invite_ended(&mut self, id: WireId, branch: &str) {
        if self.is_refresh(id, branch) {
            return self.update_done(id, None).await;
        }
        if let Some(Wire { phase: Phase::Dialling(dialling), .. }) = self.wires.get(&id)
            && dialling.branch == branch
        {
            self.fail(id, 408).await;
        }
    }

    /// Ends a wire whatever its state. Nothing more is told about it.
    pub(super) async fn hang_up(&mut self, id: WireId) {
        self.busy = Some(id);
        let Some(wire) = self.wires.get_mut(&id) else { return };
        wire.silent = true;
        match &mut wire.phase {
            Phase::Offered(_) => self.reject(id, 487),
            // A BYE may not overtake the ACK (RFC 3261 section 15).
            Phase::Answered { hang_up, .. } => *hang_up = true,
            Phase::Dialling(_) => self.give_up(id).await,
            Phase::Up { .. } => self.leave(id).await,
        }
    }

    /// Nobody answered for too long, or the other end does not even answer our CANCEL.
    pub(super) async fn dialled_too_long(&mut self, id: WireId) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let Phase::Dialling(dialling) = &wire.phase else { return };
        if dialling.cancelled {
            dialling.serving.terminate();
            return self.fail(id, 408).await;
        }
        if !std::mem::replace(&mut wire.silent, true) {
            self.tell(LineEvent::Failed { wire: id, status: 408, cause: None });
        }
        self.give_up(id).await;
    }

    /// Says BYE and forgets the dialog.
    pub(super) async fn leave(&mut self, id: WireId) {
        if let Some(wire) = self.remove(id) {
            self.send_bye(wire.dialog).await;
        }
    }

    /// Takes back an INVITE. CANCEL waits for a provisional response (RFC 3261 section 9.1).
    async fn give_up(&mut self, id: WireId) {
        let Some(Wire { phase: Phase::Dialling(dialling), .. }) = self.wires.get_mut(&id) else {
            return;
        };
        if std::mem::replace(&mut dialling.cancelled, true) {
            return;
        }
        let heard = dialling.provisional;
        self.set_due(id, Some(CANCEL_MAX));
        if heard {
            self.send_cancel(id).await;
        }
    }

    async fn send_cancel(&mut self, id: WireId) {
        let Some(Wire { dialog, phase: Phase::Dialling(dialling), .. }) = self.wires.get(&id)
        else {
            return;
        };
        let cancel = dialog.request(Method::Cancel, dialling.cseq, &dialling.branch);
        self.send_request(cancel, None).await;
    }

    async fn invite_answered(&mut self, id: WireId, response: &Response, source: Hop) {
        let Some(wire) = self.wires.get(&id) else { return };
        let Phase::Dialling(dialling) = &wire.phase else { return };
        let (cancelled, cseq) = (dialling.cancelled, dialling.cseq);
        let Some(dialog) = wire.dialog.confirmed(response, source) else {
            return self.fail(id, 502).await;
        };
        let ack = self.send_ack(&dialog, cseq).await;
        let Some(wire) = self.wires.get_mut(&id) else { return };
        wire.dialog = dialog;
        if cancelled {
            // The 200 crossed our CANCEL.
            return self.leave(id).await;
        }
        let policy = wire.dialog.encryption();
        let answer = session(&response.headers.0, &response.body, policy).ok().flatten();
        let answer = answer.filter(|found| agrees(wire.dialog.ours.as_ref(), &found.audio));
        match answer.and_then(|answer| wire.dialog.choose(answer)) {
            Some((answer, keys)) => {
                wire.phase = Phase::Up { ack: Some(ack) };
                wire.theirs = Some(answer.clone());
                self.set_due(id, None);
                self.use_session(id, &response.headers.0);
                self.tell(LineEvent::Answered { wire: id, answer, keys });
            }
            None => {
                self.count(|tally| &tally.refused_codec);
                self.leave(id).await;
                self.tell(LineEvent::Failed { wire: id, status: 488, cause: None });
            }
        }
    }

    async fn refuse_fork(&mut self, id: WireId, response: &Response, source: Hop) {
        let Some(wire) = self.wires.get(&id) else { return };
        let Ok(cseq) = response.cseq_header().and_then(|cseq| cseq.seq()) else { return };
        let Some(fork) = wire.dialog.confirmed(response, source) else { return };
        self.send_ack(&fork, cseq).await;
        self.send_bye(fork).await;
    }

    /// Sends an ACK for a 200, which is a transaction of its own without an answer. Gives what was
    /// sent, for when the 200 comes again.
    pub(super) async fn send_ack(&mut self, dialog: &Dialog, cseq: u32) -> (Vec<u8>, Hop) {
        let branch = self.tags.branch();
        let Outgoing { mut request, peer } = dialog.request(Method::Ack, cseq, &branch);
        request.headers.push(content_length(&[]));
        let octets = request.to_bytes();
        self.send_octets(&octets, peer).await;
        (octets, peer)
    }

    pub(super) async fn send_bye(&mut self, mut dialog: Dialog) {
        let branch = self.tags.branch();
        let bye = dialog.next(Method::Bye, &branch);
        self.send_request(bye, None).await;
    }

    pub(super) async fn send_request(&mut self, mut outgoing: Outgoing, errand: Option<Errand>) {
        outgoing.request.headers.push(self.user_agent());
        if let Some(connection) = self.connection(outgoing.peer).await
            && self.stack.request(outgoing, connection, errand).is_some()
        {
            self.requests_open += 1;
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

    pub(super) fn user_agent(&self) -> Header {
        Header::UserAgent(self.config.user_agent.as_str().into())
    }
}

fn agrees(ours: Option<&MediaDescription>, theirs: &MediaDescription) -> bool {
    ours.is_some_and(|ours| sdp::agree(ours, theirs).is_some())
}
