//! A telephone and a carrier in one, written after RFC 3261 alone: it repeats what is not answered,
//! answers again what is repeated, and misbehaves where its temper says so. It shares no code with
//! the engine that it tries.

use super::label::{tag, value};
use super::plan::{CallPlan, Manner};
use crate::dice::Dice;
use core::time::Duration;
use model::Timestamp;
use std::collections::BTreeMap;
use std::net::SocketAddr;

mod call;
mod message;

use call::Call;
use message::Message;

/// How the telephone behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Temper {
    /// It wants its ringing acknowledged (RFC 3262).
    pub(super) reliable: bool,
    /// It acknowledges a 200.
    pub(super) acks: bool,
    /// The length of its sessions in seconds, and whether it refreshes them itself (RFC 4028).
    pub(super) timer: Option<(u64, bool)>,
    /// It refreshes, and describes its audio anew, by INVITE; else by UPDATE.
    pub(super) by_invite: bool,
    /// It describes its audio anew so often in a call.
    pub(super) reoffers: u64,
    /// Keys that it presses in a call.
    pub(super) keys: u64,
    /// It lets the other end offer.
    pub(super) offerless: bool,
}

impl Temper {
    pub(super) fn new(dice: &mut Dice) -> Self {
        Self {
            reliable: dice.percent(40),
            acks: dice.percent(90),
            timer: dice.percent(50).then(|| (dice.between(90, 1_800), dice.percent(50))),
            by_invite: dice.percent(50),
            reoffers: if dice.percent(40) { dice.between(1, 3) } else { 0 },
            keys: if dice.percent(40) { dice.between(1, 4) } else { 0 },
            offerless: dice.percent(20),
        }
    }

    /// Whether every call with it has a session timer.
    pub(super) const fn refreshed(&self) -> bool {
        self.timer.is_some()
    }
}

pub(super) struct Phone {
    temper: Temper,
    /// Where the node is for it, and where it is for the node.
    node: SocketAddr,
    face: SocketAddr,
    dice: Dice,
    calls: BTreeMap<String, Call>,
    /// Requests without a final response, and INVITEs for as long as a 200 may come again.
    asked: BTreeMap<String, Asked>,
    /// Final responses to INVITEs, and reliable ringing, until they are acknowledged: by Call-ID
    /// and the number of their CSeq.
    said: BTreeMap<(String, u32, bool), Said>,
    /// What was answered to a request, by its branch and method.
    answers: BTreeMap<(String, String), String>,
    agenda: BTreeMap<(Timestamp, u64), (String, Todo)>,
    made: u64,
    out: Vec<String>,
    over: Vec<String>,
}

/// A request of the telephone (RFC 3261 section 17.1).
struct Asked {
    call: String,
    method: &'static str,
    number: u32,
    text: String,
    wait: Duration,
    again: Option<Timestamp>,
    deadline: Timestamp,
    /// It had a final response; this one is acknowledged again when it comes again.
    ack: Option<String>,
    /// The call was given up; CANCEL waits for a provisional response.
    cancel: bool,
    heard: bool,
}

impl Asked {
    /// A request that was sent for the first time.
    fn first(now: Timestamp, call: &str, method: &'static str, number: u32, text: String) -> Self {
        Self {
            call: call.to_owned(),
            method,
            number,
            text,
            wait: T1,
            again: Some(now.after(T1)),
            deadline: now.after(TIMER_64),
            ack: None,
            cancel: false,
            heard: false,
        }
    }
}

/// A response that is repeated until it is acknowledged (RFC 3261 section 13.3.1.4, 17.2.1).
struct Said {
    text: String,
    wait: Duration,
    again: Timestamp,
    deadline: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Todo {
    Ring,
    Decide,
    GiveUp,
    HangUp,
    Reoffer,
    Key,
    Refresh,
    /// Nobody refreshed the session.
    Expire,
}

impl Phone {
    pub(super) fn new(temper: Temper, face: SocketAddr, node: SocketAddr, dice: Dice) -> Self {
        Self {
            temper,
            node: face,
            face: node,
            dice,
            calls: BTreeMap::new(),
            asked: BTreeMap::new(),
            said: BTreeMap::new(),
            answers: BTreeMap::new(),
            agenda: BTreeMap::new(),
            made: 0,
            out: Vec::new(),
            over: Vec::new(),
        }
    }

    /// Calls that are not over.
    pub(super) fn open(&self) -> usize {
        self.calls.values().filter(|call| !call.over).count()
    }

    /// When it has something to do by itself.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let agenda = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let asked = self.asked.values().flat_map(|asked| [asked.again, Some(asked.deadline)]);
        let said = self.said.values().flat_map(|said| [said.again, said.deadline]);
        agenda.into_iter().chain(asked.flatten()).chain(said).min()
    }

    /// Does what is to be done now. Gives what it sends, and the calls that are over.
    pub(super) fn take(&mut self, now: Timestamp) -> (Vec<Vec<u8>>, Vec<String>) {
        while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= now) {
            let (call, todo) = entry.remove();
            self.act(now, &call, todo);
        }
        self.repeat(now);
        let sent = std::mem::take(&mut self.out).into_iter().map(String::into_bytes).collect();
        (sent, std::mem::take(&mut self.over))
    }

    /// Calls the node. Gives the Call-ID.
    pub(super) fn dial(&mut self, now: Timestamp, plan: CallPlan) -> String {
        let id = format!("phone{}", self.name());
        let call = Call::begun(&id, self.node, self.name(), plan);
        self.calls.insert(id.clone(), call);
        let mut more = "Supported: timer\r\n".to_owned();
        if let Some((seconds, ours)) = self.temper.timer {
            let role = if ours { "uac" } else { "uas" };
            more += &format!("Session-Expires: {seconds};refresher={role}\r\n");
        }
        let body = (!self.temper.offerless).then(|| self.audio(0));
        self.ask(now, &id, "INVITE", &more, body);
        if let Some(after) = plan.gives_up_after {
            self.plan(now.after(after), &id, Todo::GiveUp);
        }
        id
    }

    /// A datagram of the node. What becomes of a new call stands among `plans`.
    pub(super) fn arrive(
        &mut self,
        now: Timestamp,
        octets: &[u8],
        plans: &BTreeMap<String, CallPlan>,
    ) {
        let Some(message) = Message::read(octets) else { return };
        match message.status {
            Some(status) => self.response(now, &message, status),
            None => self.request(now, &message, plans),
        }
    }

    fn response(&mut self, now: Timestamp, message: &Message, status: u16) {
        // A CANCEL has the branch of its INVITE.
        let mark = if message.method == "CANCEL" { " " } else { "" };
        let branch = format!("{}{mark}", message.branch);
        let Some(asked) = self.asked.get_mut(&branch) else { return };
        let (method, id) = (asked.method, asked.call.clone());
        if status < 200 {
            asked.heard = true;
            if method == "INVITE" {
                asked.again = None;
                asked.deadline = now.after(RINGS_MAX);
                if std::mem::take(&mut asked.cancel) {
                    self.cancel(now, &branch);
                }
            }
            return;
        }
        if method == "INVITE" {
            return self.invite_answered(now, message, status);
        }
        self.asked.remove(&branch);
        match (method, status) {
            ("BYE", _) => self.end(&id),
            ("UPDATE", 200..300) => self.refreshed(now, &id, message),
            (_, 408 | 481) => self.bye(now, &id),
            _ => {}
        }
    }

    fn invite_answered(&mut self, now: Timestamp, message: &Message, status: u16) {
        let branch = message.branch.clone();
        let acks = self.temper.acks;
        let body = if self.temper.offerless { Some(self.audio(0)) } else { None };
        let ack_branch = format!("z9hG4bK{}", self.name());
        let Some(asked) = self.asked.get_mut(&branch) else { return };
        let Some(call) = self.calls.get_mut(&asked.call) else { return };
        if let Some(ack) = &asked.ack {
            let to = message.value("To");
            if status < 300 && call.up && tag(&to) != tag(&call.remote) {
                let (id, number) = (asked.call.clone(), asked.number);
                return self.leave_fork(now, &id, number, to);
            }
            // It came again.
            if acks || status >= 300 {
                self.out.push(ack.clone());
            }
            return;
        }
        let (id, number, gave_up) = (asked.call.clone(), asked.number, asked.cancel);
        asked.again = None;
        asked.deadline = now.after(TIMER_64);
        if status < 300 {
            call.remote = message.value("To");
            let offered = body.filter(|_| number == 1);
            let ack = call.request("ACK", number, &ack_branch, "", offered, self.face);
            asked.ack = Some(ack.clone());
            if acks {
                self.out.push(ack);
            }
            let first = !std::mem::replace(&mut call.up, true);
            let (leaves, talks) = (call.leaving || gave_up, call.plan.caller_talks);
            self.refreshed(now, &id, message);
            if leaves {
                self.bye(now, &id);
            } else if first {
                self.talk(now, &id, talks);
            }
            return;
        }
        let to = message.value("To");
        asked.ack = Some(call.refusal_ack(number, &branch, &to, self.face));
        self.out.extend(asked.ack.clone());
        if !call.up {
            self.end(&id);
        } else if matches!(status, 408 | 481) {
            self.bye(now, &id);
        }
    }

    fn request(&mut self, now: Timestamp, message: &Message, plans: &BTreeMap<String, CallPlan>) {
        let Message { method, branch, call: id, number, .. } = message;
        let key = (branch.clone(), method.clone());
        if method != "ACK"
            && let Some(answer) = self.answers.get(&key)
        {
            return self.out.push(answer.clone());
        }
        match method.as_str() {
            "ACK" => return drop(self.said.remove(&(id.clone(), *number, false))),
            "INVITE" if !message.within => return self.invited(now, message, plans),
            "CANCEL" => {
                let known = self.calls.contains_key(id);
                self.answer(message, if known { "200 OK" } else { "481 No Call" }, "", None);
                return self.refuse(now, id, "487 Request Terminated");
            }
            _ => {}
        }
        let live = self.calls.get(id).is_some_and(|call| !call.over && call.is_with(message));
        if !live {
            return self.answer(message, "481 Call/Transaction Does Not Exist", "", None);
        }
        match method.as_str() {
            "BYE" => {
                self.answer(message, "200 OK", "", None);
                self.end(id);
            }
            "PRACK" => {
                self.said.remove(&(id.clone(), 1, true));
                self.answer(message, "200 OK", "", None);
            }
            "INVITE" => {
                let more = self.session(message);
                let body = Some(self.audio(0));
                self.answer(message, "200 OK", &more, body);
                self.refreshed(now, id, message);
                self.insist(now, id, *number, false, &key);
            }
            "UPDATE" => {
                let more = self.session(message);
                self.answer(message, "200 OK", &more, None);
                self.refreshed(now, id, message);
            }
            _ => self.answer(message, "200 OK", "", None),
        }
    }

    /// A call of the node.
    fn invited(&mut self, now: Timestamp, message: &Message, plans: &BTreeMap<String, CallPlan>) {
        let Some(plan) = plans.get(&message.call).copied() else { return };
        if plan.manner == Manner::Silent {
            return;
        }
        let tag = self.name();
        let mut call = Call::taken(message, self.node, &tag, plan);
        call.reliable = self.temper.reliable && message.value("Supported").contains("100rel");
        self.calls.insert(message.call.clone(), call);
        if let Some(after) = plan.rings_after {
            self.plan(now.after(after), &message.call, Todo::Ring);
        }
        self.plan(now.after(plan.decides_after), &message.call, Todo::Decide);
        self.plan(now.after(RINGS_MAX), &message.call, Todo::GiveUp);
        self.answers.insert(
            (message.branch.clone(), "INVITE".to_owned()),
            message.response("100 Trying", "", "", None, self.face),
        );
        self.out.push(message.response("100 Trying", "", "", None, self.face));
    }

    fn name(&mut self) -> String {
        self.made += 1;
        format!("{:08x}{}", self.dice.below(1 << 32), self.made)
    }

    fn plan(&mut self, at: Timestamp, call: &str, todo: Todo) {
        self.made += 1;
        self.agenda.insert((at, self.made), (call.to_owned(), todo));
    }

    /// What it describes; each number is another place for its audio.
    fn audio(&self, number: u64) -> String {
        let host = self.face.ip();
        let port = 6_000 + number * 2;
        format!(
            "v=0\r\no=- 1 {} IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n",
            number + 1
        )
    }
}

/// The value of a header of a whole message, or nothing.
fn of(text: &str, name: &str) -> String {
    value(text, name).unwrap_or_default().to_owned()
}

/// T1 and T2 of RFC 3261 section 17, and 64 times T1.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const TIMER_64: Duration = Duration::from_secs(32);
/// A call rings for so long at most.
const RINGS_MAX: Duration = Duration::from_secs(240);
