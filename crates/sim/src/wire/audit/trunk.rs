//! Calls of the node, tried on one trunk and then on another.

use super::{Auditor, Label, Leg, Start, TIMER_64, Who, Wire, WireSeen};
use core::time::Duration;
use model::Timestamp;

/// One try of a call on a trunk.
pub(super) struct Try {
    call: String,
    pub(super) with: Who,
    began: Timestamp,
    /// When anything was heard, and when it rang or more was said than that it tries.
    heard: Option<Timestamp>,
    rang: Option<Timestamp>,
    /// The final response, as the first of it arrived.
    last: Option<(Timestamp, u16)>,
    /// When it was left for another trunk.
    left: Option<Timestamp>,
    cancelled: Option<Timestamp>,
    /// When ACK and BYE were sent.
    acked: Option<Timestamp>,
    hung_up: Option<Timestamp>,
}

impl Try {
    /// Whether it was answered just now.
    pub(super) fn answered(&self, at: Timestamp) -> bool {
        self.last.is_some_and(|(when, status)| when == at && (200..300).contains(&status))
    }

    /// Until when it said nothing, or nothing but that it tries; `end` if it never said more.
    fn dumb_until(&self, end: Timestamp) -> Timestamp {
        let said = self.rang.into_iter().chain(self.last.map(|(at, _)| at)).min();
        said.map_or(end, |said| said.min(end))
    }
}

impl Auditor<'_> {
    /// A wire of an engine goes out through a trunk: the first one, or another one because the one
    /// before could not. It rings nowhere yet, and nobody was there to say no.
    pub(super) fn tried(&mut self, at: Timestamp, key: (Who, Leg), call: &str, with: Who) {
        let Some(wire) = self.wires.get_mut(&key) else { return };
        let mut found = Vec::new();
        let mut seen = None;
        if let Some(before) = wire.tries.last_mut() {
            before.left = Some(at);
            let (began, heard) = (before.began, before.heard);
            let late = |from: Timestamp, least: Duration| at.since(from) >= least;
            match (before.rang, before.last, heard) {
                (Some(_), _, _) => found.push("after it had rung"),
                (None, Some((when, status)), _) if is_at_fault(status) && when == at => {
                    seen = Some(WireSeen::WentOn);
                }
                (None, Some(_), _) => found.push("though its trunk was not at fault"),
                (None, None, None) if late(began, SILENT_MAX) => seen = Some(WireSeen::Hung),
                (None, None, Some(heard)) if late(heard, TRYING_MAX) => {
                    seen = Some(WireSeen::Hung);
                }
                (None, None, _) => found.push("before its trunk had time to answer"),
            }
        }
        if wire.tries.iter().any(|before| before.with == with) {
            found.push("though it was tried there before");
        }
        if wire.over.is_some() {
            found.push("though it was over");
        }
        wire.tries.push(Try {
            call: call.to_owned(),
            with,
            began: at,
            heard: None,
            rang: None,
            last: None,
            left: None,
            cancelled: None,
            acked: None,
            hung_up: None,
        });
        self.found
            .extend(found.into_iter().map(|why| format!("{key:?} was tried elsewhere {why}")));
        if let Some(seen) = seen {
            self.see(seen);
        }
    }

    /// Whether a final response that arrives for a wire leads to another trunk. What arrived before
    /// counts already.
    pub(super) fn goes_on(&self, who: Who, wire: &Wire, label: &Label) -> bool {
        let Start::Status(status) = label.start else { return false };
        let rang = wire.tries.last().is_none_or(|tried| tried.rang.is_some());
        who == Who::Node && self.has_other(wire) && !rang && is_at_fault(status)
    }

    fn has_other(&self, wire: &Wire) -> bool {
        wire.tries.len() < usize::from(self.plan.trunks())
    }

    /// A response to an INVITE arrives, of a try that goes on or of one that was left.
    pub(super) fn try_answered(&mut self, at: Timestamp, who: Who, label: &Label) {
        let Start::Status(status) = label.start else { return };
        if label.method != "INVITE" {
            return;
        }
        let Some(tried) = self.tried_as(who, label) else { return };
        if tried.last.is_some() || label.number != FIRST {
            return;
        }
        match status {
            100 => tried.heard = tried.heard.or(Some(at)),
            101..200 => {
                tried.heard = tried.heard.or(Some(at));
                tried.rang = tried.rang.or(Some(at));
            }
            _ => tried.last = Some((at, status)),
        }
    }

    fn tried_as(&mut self, who: Who, label: &Label) -> Option<&mut Try> {
        let leg = self.bound.get(&(who, self.life(who), label.call.clone()))?;
        let wire = self.wires.get_mut(&(who, *leg))?;
        wire.tries.iter_mut().find(|tried| tried.call == label.call)
    }

    /// The node takes back what it asked a trunk for, or hangs up there.
    pub(super) fn took_back(&mut self, at: Timestamp, label: &Label) {
        if label.start != Start::Request {
            return;
        }
        let Some(tried) = self.tried_as(Who::Node, label) else { return };
        let what = match label.method.as_str() {
            "CANCEL" => &mut tried.cancelled,
            "ACK" => &mut tried.acked,
            "BYE" => &mut tried.hung_up,
            _ => return,
        };
        *what = what.or(Some(at));
    }

    /// No trunk keeps a call that it cannot take while another one could, and none keeps one that
    /// another one got.
    pub(super) fn close_tries(&mut self, key: (Who, Leg), wire: &Wire) {
        if key.0 != Who::Node {
            return;
        }
        let end = wire.over.unwrap_or(wire.began);
        let spare = self.has_other(wire);
        for (place, tried) in wire.tries.iter().enumerate() {
            let is_last = place + 1 == wire.tries.len();
            if !is_last || spare {
                let until = tried.dumb_until(tried.left.unwrap_or(end));
                let most = tried.heard.map_or((tried.began, SILENT_MAX), |at| (at, TRYING_MAX));
                let (from, most) = most;
                if until.since(from) > most {
                    self.found.push(format!("{key:?} waited {:?} for a trunk", until.since(from)));
                }
            }
            if is_last && spare && Self::should_have_gone_on(wire, tried) {
                self.found.push(format!("{key:?} was not tried on the other trunk"));
            }
            if let Some(left) = tried.left {
                self.close_left(key, tried, left);
                continue;
            }
            if wire.answered.is_none() && !wire.lost {
                self.close_left(key, tried, end);
            }
            if place > 0 && wire.answered.is_none() && tried.last.is_some() {
                self.see(WireSeen::NoneLeft);
            }
        }
    }

    /// Whether a try failed as those do that another trunk gets.
    fn should_have_gone_on(wire: &Wire, tried: &Try) -> bool {
        let at_fault = |(at, status): (Timestamp, u16)| {
            is_at_fault(status) && wire.over.is_none_or(|over| over >= at)
        };
        tried.rang.is_none() && tried.last.is_some_and(at_fault)
    }

    /// What was given up, for another trunk or for good, is taken back (RFC 3261 section 9.1), and
    /// hung up on where it was answered meanwhile.
    fn close_left(&mut self, key: (Who, Leg), tried: &Try, left: Timestamp) {
        let before = key.1.life < self.life(Who::Node);
        let crash = self.crashed.get(&Who::Node).copied().filter(|_| before);
        let lost = |at: Timestamp| crash.is_some_and(|crash| crash <= at);
        let failed = tried.last.is_some_and(|(at, _)| at <= left);
        if failed {
            return;
        }
        // The first thing that it said, if that was nothing final.
        let cancel_at = tried.heard.map(|heard| heard.max(left));
        let waits = |at: Timestamp| at.since(tried.began) < LATE_MAX || tried.rang.is_some();
        let open = |at: Timestamp| tried.last.is_none_or(|(last, _)| last > at);
        if let Some(at) = cancel_at.filter(|at| !lost(*at) && open(*at) && waits(*at)) {
            if tried.cancelled == Some(at) {
                self.see(WireSeen::TakenBack);
            } else {
                self.found.push(format!("{key:?} was given up, and not taken back"));
            }
        }
        let Some((at, 200..300)) = tried.last.filter(|(at, _)| !lost(*at)) else { return };
        // Nobody waits for longer after a CANCEL.
        let last = tried.cancelled.map_or(tried.began.after(LATE_MAX), |at| at.after(TIMER_64));
        if at >= last {
            return;
        }
        if (tried.acked, tried.hung_up) == (Some(at), Some(at)) {
            self.see(WireSeen::TakenBackLate);
        } else {
            self.found.push(format!("{key:?} was given up, and not hung up on when answered"));
        }
    }
}

/// Whether it is the trunk that could not, and not the called party who would not.
fn is_at_fault(status: u16) -> bool {
    status == 408 || (500..600).contains(&status)
}

/// An INVITE is sent for 64 times T1, and what is said of it is heard for as long again.
const LATE_MAX: Duration = Duration::from_secs(2 * 32);
/// The number of the INVITE that begins a call.
const FIRST: u32 = 1;
/// So long a trunk may say nothing at all, or nothing but that it tries, while another is there.
const SILENT_MAX: Duration = Duration::from_secs(4);
const TRYING_MAX: Duration = Duration::from_secs(12);
/// So long a call is tried on a trunk at most before it is tried on the next one.
pub(super) const TRY_MAX: Duration = Duration::from_secs(4 + 12);
