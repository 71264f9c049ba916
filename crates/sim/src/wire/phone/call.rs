//! One call of the telephone: what it says, repeats and gives up.

use super::message::{Message, ending};
use super::{Asked, CallPlan, Phone, Said, T1, T2, TIMER_64, Todo, of, tag};
use crate::wire::plan::Manner;
use core::time::Duration;
use model::Timestamp;
use std::net::SocketAddr;

/// A dialog (RFC 3261 section 12).
pub(super) struct Call {
    id: String,
    local: String,
    pub(super) remote: String,
    target: SocketAddr,
    cseq: u32,
    pub(super) plan: CallPlan,
    /// The INVITE of the node, until it has a final response.
    invite: Option<Message>,
    tag: String,
    pub(super) reliable: bool,
    rang: bool,
    /// The node began it.
    taken: bool,
    /// It was answered.
    pub(super) up: bool,
    /// It is hung up on as soon as that can be.
    pub(super) leaving: bool,
    /// BYE is on its way.
    left: bool,
    pub(super) over: bool,
    session: Option<(u64, bool)>,
    /// When the session ends unless somebody refreshes it.
    expires: Option<Timestamp>,
    described: u64,
}

impl Call {
    pub(super) fn begun(id: &str, node: SocketAddr, tag: String, plan: CallPlan) -> Self {
        Self {
            id: id.to_owned(),
            local: format!("<sip:cell@jail.example>;tag={tag}"),
            remote: format!("<sip:12%23@{node}>"),
            target: node,
            cseq: 0,
            plan,
            invite: None,
            tag,
            reliable: false,
            rang: false,
            taken: false,
            up: false,
            leaving: false,
            left: false,
            over: false,
            session: None,
            expires: None,
            described: 0,
        }
    }

    pub(super) fn taken(invite: &Message, node: SocketAddr, tag: &str, plan: CallPlan) -> Self {
        let local = format!("{};tag={tag}", invite.value("To"));
        let remote = invite.value("From");
        let begun = Self::begun(&invite.call, node, tag.to_owned(), plan);
        let text = invite.text.clone();
        Self { local, remote, invite: Message::read(text.as_bytes()), taken: true, ..begun }
    }

    pub(super) fn request(
        &self,
        method: &str,
        number: u32,
        branch: &str,
        more: &str,
        body: Option<String>,
        here: SocketAddr,
    ) -> String {
        let Self { id, local, remote, target, .. } = self;
        format!(
            "{method} sip:12%23@{target} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch={branch}\r\n\
             Max-Forwards: 70\r\nFrom: {local}\r\nTo: {remote}\r\nCall-ID: {id}\r\n\
             CSeq: {number} {method}\r\nContact: <sip:p@{here}>\r\n\
             Allow: INVITE, ACK, CANCEL, BYE, UPDATE, PRACK, INFO\r\n{more}{}",
            ending(body)
        )
    }

    /// Whether a request is one of this dialog (RFC 3261 section 12.2.2): the tags are the call's,
    /// as far as it knows them.
    pub(super) fn is_with(&self, request: &Message) -> bool {
        let theirs = tag(&self.remote);
        tag(&request.value("To")) == self.tag
            && (theirs.is_empty() || theirs == tag(&request.value("From")))
    }

    /// The ACK of a refusal is of the INVITE's own transaction (RFC 3261 section 17.1.1.3).
    pub(super) fn refusal_ack(
        &self,
        number: u32,
        branch: &str,
        to: &str,
        here: SocketAddr,
    ) -> String {
        let Self { id, local, target, .. } = self;
        format!(
            "ACK sip:12%23@{target} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch={branch}\r\n\
             Max-Forwards: 70\r\nFrom: {local}\r\nTo: {to}\r\nCall-ID: {id}\r\n\
             CSeq: {number} ACK\r\nContent-Length: 0\r\n\r\n"
        )
    }
}

impl Phone {
    /// Acknowledges the 200 of another dialog that the same INVITE began, and hangs up on it (RFC
    /// 3261 section 13.2.2.4).
    pub(super) fn leave_fork(&mut self, now: Timestamp, id: &str, number: u32, to: String) {
        let (ack, bye) = (self.name(), format!("z9hG4bK{}", self.name()));
        let (here, acks) = (self.face, self.temper.acks);
        let Some(call) = self.calls.get_mut(id) else { return };
        let ours = std::mem::replace(&mut call.remote, to);
        let ack = call.request("ACK", number, &format!("z9hG4bK{ack}"), "", None, here);
        let text = call.request("BYE", number + 1, &bye, "", None, here);
        call.remote = ours;
        if acks {
            self.out.push(ack);
        }
        self.out.push(text.clone());
        // What becomes of it is nothing to the call.
        self.asked.insert(bye, Asked::first(now, "", "BYE", number + 1, text));
    }

    /// Sends a request and repeats it until it is answered.
    pub(super) fn ask(
        &mut self,
        now: Timestamp,
        id: &str,
        method: &'static str,
        more: &str,
        body: Option<String>,
    ) {
        let branch = format!("z9hG4bK{}", self.name());
        let here = self.face;
        let Some(call) = self.calls.get_mut(id) else { return };
        call.cseq += 1;
        let (number, call) = (call.cseq, &*call);
        let text = call.request(method, number, &branch, more, body, here);
        self.out.push(text.clone());
        self.asked.insert(branch, Asked::first(now, id, method, number, text));
    }

    /// Answers a request, and the same again when it comes again.
    pub(super) fn answer(
        &mut self,
        message: &Message,
        status: &str,
        more: &str,
        body: Option<String>,
    ) {
        let tag = self.calls.get(&message.call).map(|call| call.tag.clone());
        let tag = tag.unwrap_or_else(|| "nobody".to_owned());
        let text = message.response(status, &tag, more, body, self.face);
        self.answers.insert((message.branch.clone(), message.method.clone()), text.clone());
        self.out.push(text);
    }

    /// Repeats an answer until it is acknowledged.
    pub(super) fn insist(
        &mut self,
        now: Timestamp,
        id: &str,
        number: u32,
        provisional: bool,
        key: &(String, String),
    ) {
        let Some(text) = self.answers.get(key).cloned() else { return };
        let (again, deadline) = (now.after(T1), now.after(TIMER_64));
        let said = Said { text, wait: T1, again, deadline };
        self.said.insert((id.to_owned(), number, provisional), said);
    }

    /// Repeats what is due, and gives up what is late.
    pub(super) fn repeat(&mut self, now: Timestamp) {
        let mut late = Vec::new();
        for (branch, asked) in &mut self.asked {
            if asked.deadline <= now {
                late.push(branch.clone());
            } else if asked.again.is_some_and(|again| again <= now) {
                self.out.push(asked.text.clone());
                let slow = asked.method != "INVITE";
                asked.wait *= 2;
                if slow {
                    asked.wait = if asked.heard { T2 } else { asked.wait.min(T2) };
                }
                asked.again = Some(now.after(asked.wait));
            }
        }
        for branch in late {
            let Some(asked) = self.asked.remove(&branch) else { continue };
            if asked.ack.is_none() && asked.method != "CANCEL" {
                self.unanswered(now, &asked);
            }
        }
        let mut lost = Vec::new();
        for (key, said) in &mut self.said {
            if said.deadline <= now {
                lost.push(key.clone());
            } else if said.again <= now {
                self.out.push(said.text.clone());
                said.wait = (said.wait * 2).min(T2);
                said.again = now.after(said.wait);
            }
        }
        for key in lost {
            self.said.remove(&key);
            let (id, _, provisional) = key;
            if provisional {
                self.refuse(now, &id, "504 Server Time-out");
            } else if self.calls.get(&id).is_some_and(|call| call.up) {
                // Nobody acknowledged the 200 (RFC 3261 section 13.3.1.4).
                self.bye(now, &id);
            }
        }
    }

    fn unanswered(&mut self, now: Timestamp, asked: &Asked) {
        let up = self.calls.get(&asked.call).is_some_and(|call| call.up);
        match asked.method {
            "BYE" => self.end(&asked.call),
            "INVITE" if !up => self.end(&asked.call),
            _ => self.bye(now, &asked.call),
        }
    }

    pub(super) fn act(&mut self, now: Timestamp, id: &str, todo: Todo) {
        let Some(call) = self.calls.get(id).filter(|call| !call.over) else { return };
        let (up, undecided) = (call.up && !call.left, call.invite.is_some());
        // Before the ACK of its 200 the other end knows of no dialog.
        let confirmed = up && !(call.taken && self.said.keys().any(|(said, _, _)| said == id));
        match todo {
            Todo::Ring if undecided => self.ring(now, id),
            Todo::Decide if undecided => self.decide(now, id),
            Todo::GiveUp if call.taken => self.refuse(now, id, "480 Temporarily Unavailable"),
            Todo::GiveUp => self.give_up(now, id),
            Todo::HangUp if up => self.bye(now, id),
            Todo::Expire if up && call.expires.is_some_and(|ends| ends <= now) => {
                self.bye(now, id);
            }
            Todo::Refresh if confirmed => self.refresh(now, id),
            Todo::Key if confirmed => {
                let body = Some("Signal=5\r\nDuration=160\r\n".to_owned());
                self.ask(now, id, "INFO", "", body);
            }
            Todo::Reoffer if confirmed => {
                let asking =
                    self.asked.values().any(|asked| asked.call == id && asked.ack.is_none());
                let waits = self.said.keys().any(|(call, _, _)| call == id);
                if !asking && !waits {
                    let number = self.describe(id);
                    let body = Some(self.audio(number));
                    let method = if self.temper.by_invite { "INVITE" } else { "UPDATE" };
                    self.ask(now, id, method, "", body);
                }
            }
            Todo::Ring | Todo::Decide | Todo::HangUp | Todo::Expire | Todo::Refresh => {}
            Todo::Key | Todo::Reoffer => {}
        }
    }

    fn describe(&mut self, id: &str) -> u64 {
        let Some(call) = self.calls.get_mut(id) else { return 0 };
        call.described += 1;
        call.described
    }

    fn ring(&mut self, now: Timestamp, id: &str) {
        let Some(call) = self.calls.get_mut(id) else { return };
        call.rang = true;
        let reliable = call.reliable;
        let Some(invite) = call.invite.take() else { return };
        let more = if reliable { "Require: 100rel\r\nRSeq: 1\r\n" } else { "" };
        self.answer(&invite, "180 Ringing", more, None);
        if reliable {
            let key = (invite.branch.clone(), "INVITE".to_owned());
            self.insist(now, id, 1, true, &key);
        }
        if let Some(call) = self.calls.get_mut(id) {
            call.invite = Some(invite);
        }
    }

    fn decide(&mut self, now: Timestamp, id: &str) {
        let Some(call) = self.calls.get_mut(id) else { return };
        match call.plan.manner {
            Manner::Waits | Manner::Silent => {}
            Manner::Rejects(status) => self.refuse(now, id, &format!("{status} No")),
            Manner::Answers => {
                let unacknowledged = self.said.contains_key(&(id.to_owned(), 1, true));
                if unacknowledged {
                    // A 200 waits for the PRACK (RFC 3262 section 3).
                    return self.plan(now.after(T1), id, Todo::Decide);
                }
                let Some(invite) = call.invite.take() else { return };
                call.up = true;
                let talks = call.plan.called_talks;
                let more = self.session(&invite);
                let body = Some(self.audio(0));
                self.answer(&invite, "200 OK", &more, body);
                let key = (invite.branch.clone(), "INVITE".to_owned());
                self.insist(now, id, invite.number, false, &key);
                self.refreshed(now, id, &invite);
                self.talk(now, id, talks);
            }
        }
    }

    /// Refuses a call of the node that has no final response yet.
    pub(super) fn refuse(&mut self, now: Timestamp, id: &str, status: &str) {
        let Some(invite) = self.calls.get_mut(id).and_then(|call| call.invite.take()) else {
            return;
        };
        self.said.remove(&(id.to_owned(), 1, true));
        self.answer(&invite, status, "", None);
        let key = (invite.branch.clone(), "INVITE".to_owned());
        self.insist(now, id, invite.number, false, &key);
        self.end(id);
    }

    fn give_up(&mut self, now: Timestamp, id: &str) {
        let found = self
            .asked
            .iter_mut()
            .find(|(_, asked)| asked.call == id && asked.method == "INVITE" && asked.number == 1);
        let Some((branch, asked)) = found else { return };
        let branch = branch.clone();
        if asked.ack.is_some() {
            return self.bye(now, id);
        }
        let heard = asked.heard;
        asked.cancel = !heard;
        if let Some(call) = self.calls.get_mut(id) {
            call.leaving = true;
        }
        if heard {
            self.cancel(now, &branch);
        }
    }

    pub(super) fn cancel(&mut self, now: Timestamp, branch: &str) {
        let Some(invite) = self.asked.get_mut(branch) else { return };
        // Who is not heard of after a CANCEL is given up (RFC 3261 section 9.1).
        invite.deadline = now.after(TIMER_64);
        let (id, number) = (invite.call.clone(), invite.number);
        let here = self.face;
        let Some(call) = self.calls.get(&id) else { return };
        let text = call.request("CANCEL", number, branch, "", None, here);
        self.out.push(text.clone());
        let asked = Asked::first(now, &id, "CANCEL", number, text);
        // It has the branch of the INVITE, but is a transaction of its own.
        self.asked.insert(format!("{branch} "), asked);
    }

    /// A call is up: what happens in it.
    pub(super) fn talk(&mut self, now: Timestamp, id: &str, talks: Duration) {
        self.plan(now.after(talks), id, Todo::HangUp);
        let within = u64::try_from(talks.as_millis()).unwrap_or(0).min(60_000);
        for (count, todo) in [(self.temper.keys, Todo::Key), (self.temper.reoffers, Todo::Reoffer)]
        {
            for _ in 0..count {
                let at = now.after(self.dice.ms(0, within));
                self.plan(at, id, todo);
            }
        }
    }

    /// The session headers of a 200.
    pub(super) fn session(&self, request: &Message) -> String {
        let Some((seconds, ours)) = self.temper.timer else { return String::new() };
        let asked = of(&request.text, "Session-Expires");
        let wanted = asked.split(';').next().and_then(|text| text.trim().parse::<u64>().ok());
        let ours = match (asked.contains("refresher=uac"), asked.contains("refresher=uas")) {
            (true, _) => false,
            (_, true) => true,
            _ => ours,
        };
        let role = if ours { "uas" } else { "uac" };
        let seconds = wanted.map_or(seconds, |wanted| wanted.min(seconds));
        let require = if ours { "" } else { "Require: timer\r\n" };
        let allow = if self.temper.by_invite { "" } else { "Allow: INVITE, BYE, UPDATE\r\n" };
        format!(
            "{allow}Supported: timer\r\nSession-Expires: {seconds};refresher={role}\r\n{require}"
        )
    }

    /// A session was begun or refreshed by this message, or by our answer to it.
    pub(super) fn refreshed(&mut self, now: Timestamp, id: &str, message: &Message) {
        let text = match message.status {
            Some(_) => message.text.clone(),
            // What we said to it counts.
            None => {
                let key = (message.branch.clone(), message.method.clone());
                self.answers.get(&key).cloned().unwrap_or_default()
            }
        };
        let value = of(&text, "Session-Expires");
        let Some(seconds) = value.split(';').next().and_then(|text| text.trim().parse().ok())
        else {
            return;
        };
        let client = message.status.is_some();
        let ours = value.contains(if client { "refresher=uac" } else { "refresher=uas" });
        let ends = now.after(Duration::from_secs(seconds));
        if let Some(call) = self.calls.get_mut(id) {
            call.session = Some((seconds, ours));
            call.expires = Some(ends);
        }
        self.plan(ends, id, Todo::Expire);
        if ours {
            self.plan(now.after(Duration::from_secs(seconds / 2)), id, Todo::Refresh);
        }
    }

    fn refresh(&mut self, now: Timestamp, id: &str) {
        let asking = self.asked.values().any(|asked| asked.call == id && asked.ack.is_none());
        let Some(call) = self.calls.get(id) else { return };
        let Some((seconds, true)) = call.session else { return };
        if asking {
            return self.plan(now.after(T2), id, Todo::Refresh);
        }
        let described = call.described;
        let more = format!("Supported: timer\r\nSession-Expires: {seconds};refresher=uac\r\n");
        if self.temper.by_invite {
            let body = Some(self.audio(described));
            self.ask(now, id, "INVITE", &more, body);
        } else {
            self.ask(now, id, "UPDATE", &more, None);
        }
    }

    /// Hangs up.
    pub(super) fn bye(&mut self, now: Timestamp, id: &str) {
        let Some(call) = self.calls.get_mut(id) else { return };
        if call.over || !call.up {
            return;
        }
        if call.taken && self.said.keys().any(|(said, _, _)| said == id) {
            // Not before the ACK of its own 200, or its loss (RFC 3261 section 15).
            return self.plan(now.after(T1), id, Todo::HangUp);
        }
        if std::mem::replace(&mut call.left, true) {
            return;
        }
        self.ask(now, id, "BYE", "", None);
    }

    pub(super) fn end(&mut self, id: &str) {
        let Some(call) = self.calls.get_mut(id) else { return };
        if !std::mem::replace(&mut call.over, true) {
            self.over.push(id.to_owned());
        }
        self.said.retain(|(call, _, provisional), _| call != id || !*provisional);
    }
}
