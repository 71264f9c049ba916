//! Session timers (RFC 4028): a call whose other end is gone without a BYE does not stay up.

use super::{Engine, Errand, Phase, Wire};
use crate::dialog::{allow, describe};
use crate::limits::{GLARE_STEP, REFRESH_AGAIN, SESSION_EXPIRES, SESSION_GRACE_MAX, SESSION_MIN};
use crate::sdp::Session;
use crate::{LineEvent, WireId, sdp};
use core::time::Duration;
use model::Timestamp;
use rsipstack::sip::{Header, HeadersExt, Method, Response};

/// Which end of a transaction refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The one that sent the request.
    Client,
    /// The one that answered it.
    Server,
}

/// What a message says about session timers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish {
    seconds: Option<u64>,
    refresher: Option<Role>,
    /// Shortest that its author bears.
    min: u64,
    /// Its author knows session timers.
    supported: bool,
    /// Its author takes UPDATE.
    update: bool,
}

/// The timer of one dialog.
pub(super) struct SessionTimer {
    interval: Duration,
    /// We refresh; otherwise the other end does.
    ours: bool,
    /// The other end takes UPDATE.
    update: bool,
    /// Without a refresh the session is over then.
    ends: Timestamp,
    /// When we look at it next.
    due: Timestamp,
    /// A refresh of ours is on its way: an INVITE by its branch and number, or an UPDATE.
    refresh: Option<Refresh>,
}

enum Refresh {
    Invite { branch: String, cseq: u32 },
    Update,
}

impl Wish {
    pub(super) fn of(headers: &[Header]) -> Self {
        let mut wish = Self::default();
        for header in headers {
            #[expect(clippy::wildcard_enum_match_arm, reason = "the library has 60 headers")]
            match header {
                Header::SessionExpires(value) => wish.session_expires(value.value()),
                Header::Supported(tags) => wish.supported |= has(tags.value(), TIMER),
                Header::Require(tags) => wish.supported |= has(tags.value(), TIMER),
                Header::Allow(methods) => wish.update |= has(methods.value(), "UPDATE"),
                Header::MinSE(value) => {
                    let seconds = value.value().split(';').next().unwrap_or("");
                    wish.min = seconds.trim().parse().unwrap_or(0);
                }
                Header::Other(name, value) if name.eq_ignore_ascii_case("x") => {
                    wish.session_expires(value);
                }
                Header::Other(name, value) if name.eq_ignore_ascii_case("k") => {
                    wish.supported |= has(value, TIMER);
                }
                _ => {}
            }
        }
        wish
    }

    fn session_expires(&mut self, value: &str) {
        let (seconds, parameters) = value.split_once(';').unwrap_or((value, ""));
        self.seconds = seconds.trim().parse().ok();
        self.refresher = parameters.split(';').find_map(|parameter| {
            let (name, role) = parameter.split_once('=')?;
            let role = match role.trim().to_ascii_lowercase().as_str() {
                "uac" => Role::Client,
                "uas" => Role::Server,
                _ => return None,
            };
            name.trim().eq_ignore_ascii_case("refresher").then_some(role)
        });
    }

    /// Whether its author knows session timers and wants one that is too short for us: 422.
    pub(super) fn is_too_brief(&self) -> bool {
        self.supported && self.seconds.is_some_and(|seconds| seconds < SESSION_MIN.as_secs())
    }

    /// The shortest session that the other end bears, from its 422.
    pub(super) fn longer(&self) -> Option<u64> {
        Some(self.min).filter(|min| (1..=LONGEST_SECONDS).contains(min))
    }
}

/// What an INVITE of ours says: we know timers and reliable provisional responses, and want this
/// session refreshed.
pub(super) fn offer_session(seconds: u64, min: Option<u64>) -> Vec<Header> {
    let mut headers = vec![
        Header::Supported(format!("{TIMER}, 100rel").into()),
        Header::SessionExpires(seconds.to_string().into()),
    ];
    headers.extend(min.map(|min| Header::MinSE(min.to_string().into())));
    headers
}

impl Engine {
    /// Starts the timer of a dialog as the server of a request, or starts it again. Gives the
    /// headers of the 200. Who knows nothing of timers and asked for none has none: silence of the
    /// audio ends such a call.
    pub(super) fn serve_session(&mut self, id: WireId, wish: &Wish) -> Vec<Header> {
        let known = self.wires.get(&id).and_then(|wire| wire.session.as_ref());
        let wanted = wish.seconds.or_else(|| known.map(|timer| timer.interval.as_secs()));
        let Some(wanted) = wanted.or(wish.supported.then_some(SESSION_EXPIRES.as_secs())) else {
            return Vec::new();
        };
        let longest = SESSION_EXPIRES.as_secs().max(wish.min);
        let seconds = wanted.clamp(SESSION_MIN.as_secs().max(wish.min).min(longest), longest);
        let ours = !wish.supported || wish.refresher == Some(Role::Server);
        self.start_session(id, seconds, ours, wish.update);
        let role = if ours { "uas" } else { "uac" };
        let mut headers =
            vec![Header::SessionExpires(format!("{seconds};refresher={role}").into())];
        headers.push(Header::Supported(TIMER.into()));
        if !ours {
            headers.push(Header::Require(TIMER.into()));
        }
        headers
    }

    /// Starts the timer of a dialog as the client of a request that was answered with 2xx.
    pub(super) fn use_session(&mut self, id: WireId, headers: &[Header]) {
        let wish = Wish::of(headers);
        let Some(seconds) = wish.seconds.filter(|seconds| *seconds <= LONGEST_SECONDS) else {
            return self.end_session(id);
        };
        let ours = wish.refresher != Some(Role::Server);
        self.start_session(id, seconds.max(SESSION_MIN.as_secs()), ours, wish.update);
    }

    fn start_session(&mut self, id: WireId, seconds: u64, ours: bool, update: bool) {
        let now = self.clock.now();
        let known = self.end_session_keeping(id);
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let interval = Duration::from_secs(seconds);
        let ends = now.after(interval);
        // Half of the time for ours (section 7.2); theirs ends a little before (section 10).
        let wait = if ours { interval / 2 } else { interval - SESSION_GRACE_MAX.min(interval / 3) };
        let due = now.after(wait);
        let update = update || known;
        wire.session = Some(SessionTimer { interval, ours, update, ends, due, refresh: None });
        self.errands.insert((due, Errand::Session(id)));
    }

    /// Stops a dialog's timer.
    pub(super) fn end_session(&mut self, id: WireId) {
        self.end_session_keeping(id);
    }

    /// Stops a dialog's timer, and says whether the other end takes UPDATE.
    fn end_session_keeping(&mut self, id: WireId) -> bool {
        let Some(timer) = self.wires.get_mut(&id).and_then(|wire| wire.session.take()) else {
            return false;
        };
        self.errands.remove(&(timer.due, Errand::Session(id)));
        timer.update
    }

    /// The timer of a dialog is due: refresh, or give up.
    pub(super) async fn session_due(&mut self, id: WireId, now: Timestamp) {
        self.busy = Some(id);
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let up = matches!(wire.phase, Phase::Up { .. });
        let Some(timer) = wire.session.as_mut() else { return };
        if !timer.ours || now >= timer.ends {
            return self.lose_session(id).await;
        }
        let busy = timer.refresh.is_some() || wire.reoffer.is_some() || !up;
        let again = if busy { GLARE_STEP } else { REFRESH_AGAIN };
        timer.due = now.after(again).min(timer.ends);
        self.errands.insert((timer.due, Errand::Session(id)));
        if !busy {
            self.refresh(id).await;
        }
    }

    /// Sends a refresh: an UPDATE where the other end takes it, else an INVITE that describes what
    /// was described before.
    async fn refresh(&mut self, id: WireId) {
        let (branch, agent) = (self.tags.branch(), self.user_agent());
        let Some(Wire { dialog, session: Some(timer), .. }) = self.wires.get_mut(&id) else {
            return;
        };
        let seconds = timer.interval.as_secs();
        let mut headers = vec![
            dialog.contact(),
            Header::Supported(TIMER.into()),
            Header::SessionExpires(format!("{seconds};refresher=uac").into()),
        ];
        if timer.update {
            timer.refresh = Some(Refresh::Update);
            let mut update = dialog.next(Method::Update, &branch);
            update.request.headers.extend(headers);
            return self.send_request(update, Some(Errand::Session(id))).await;
        }
        let mut invite = dialog.next(Method::Invite, &branch);
        timer.refresh = Some(Refresh::Invite { branch: branch.clone(), cseq: dialog.cseq });
        headers.extend([allow(), agent]);
        invite.request.headers.extend(headers);
        // The same version says that nothing changed (RFC 3264 section 8).
        let mut author = dialog.author;
        author.version = author.version.wrapping_sub(1);
        if let Some(ours) = &dialog.ours {
            describe(&mut invite.request, sdp::offer(author, &dialog.shown(ours), &dialog.keys));
        }
        // Who runs the transaction is known by its branch; nothing more is said to it.
        if self.invite(id, &branch, invite).await.is_none()
            && let Some(timer) = self.wires.get_mut(&id).and_then(|wire| wire.session.as_mut())
        {
            timer.refresh = None;
        }
    }

    /// Whether an INVITE of this branch refreshes the session of a dialog.
    pub(super) fn is_refresh(&self, id: WireId, branch: &str) -> bool {
        let timer = self.wires.get(&id).and_then(|wire| wire.session.as_ref());
        matches!(
            timer.and_then(|timer| timer.refresh.as_ref()),
            Some(Refresh::Invite { branch: own, .. }) if own == branch
        )
    }

    /// Whether an INVITE of ours is on its way within a dialog, so that one of the other end
    /// collides with it (RFC 3261 section 14.2).
    pub(super) fn is_inviting(&self, id: WireId) -> bool {
        let timer = self.wires.get(&id).and_then(|wire| wire.session.as_ref());
        matches!(timer.and_then(|timer| timer.refresh.as_ref()), Some(Refresh::Invite { .. }))
    }

    /// Whether a response belongs to the INVITE that refreshes.
    pub(super) fn refreshes(&self, id: WireId, response: &Response) -> bool {
        let timer = self.wires.get(&id).and_then(|wire| wire.session.as_ref());
        let number = response.cseq_header().and_then(|cseq| cseq.seq()).ok();
        matches!(
            timer.and_then(|timer| timer.refresh.as_ref()),
            Some(Refresh::Invite { cseq, .. }) if Some(*cseq) == number
        )
    }

    /// A response to the INVITE that refreshes.
    pub(super) async fn refresh_response(&mut self, id: WireId, response: &Response) {
        let status = response.status_code.code();
        if status < 200 {
            return;
        }
        let Some(Wire { dialog, session: Some(timer), phase, .. }) = self.wires.get_mut(&id) else {
            return;
        };
        let Some(Refresh::Invite { cseq, .. }) = timer.refresh.take() else { return };
        if !(200..300).contains(&status) {
            return self.refresh_failed(id, status).await;
        }
        dialog.retarget(&response.headers.0, dialog.peer);
        let dialog = dialog.clone();
        let policy = dialog.encryption();
        let answer = super::session(&response.headers.0, &response.body, policy).ok().flatten();
        let is_up = matches!(phase, Phase::Up { .. });
        let ack = self.send_ack(&dialog, cseq).await;
        if let Some(Wire { phase: Phase::Up { ack: kept }, .. }) = self.wires.get_mut(&id) {
            *kept = Some(ack);
        }
        self.use_session(id, &response.headers.0);
        if let Some(answer) = answer.filter(|_| is_up) {
            self.reanswered(id, answer);
        }
    }

    /// The answer to what we offered again: it takes effect where it says anything new.
    fn reanswered(&mut self, id: WireId, answer: Session) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        // Keys that are the same again change nothing where they are used.
        let new = wire.theirs.as_ref() != Some(&answer.audio) || !answer.crypto.is_empty();
        let Some((offer, keys)) = wire.dialog.choose(answer) else { return };
        if new && !wire.silent {
            wire.theirs = Some(offer.clone());
            self.tell(LineEvent::Reoffered { wire: id, offer, keys });
        }
    }

    /// The UPDATE that refreshes was answered, or never was; so was an INVITE that never was.
    pub(super) async fn update_done(&mut self, id: WireId, response: Option<&Response>) {
        let Some(Wire { session: Some(timer), .. }) = self.wires.get_mut(&id) else { return };
        timer.refresh = None;
        match response.map(|response| (response.status_code.code(), response)) {
            Some((200..300, response)) => self.use_session(id, &response.headers.0),
            Some((status, _)) => self.refresh_failed(id, status).await,
            None => self.refresh_failed(id, 408).await,
        }
    }

    async fn refresh_failed(&mut self, id: WireId, status: u16) {
        let now = self.clock.now();
        // Two ends that collided try again at different times (RFC 3261 section 14.1).
        let chance = self.tags.chance();
        let Some(Wire { dialog, session: Some(timer), .. }) = self.wires.get_mut(&id) else {
            return;
        };
        match status {
            // The other end knows nothing of this dialog any more (RFC 3261 section 12.2.1.2).
            408 | 481 => return self.lose_session(id).await,
            405 | 501 if timer.update => timer.update = false,
            _ => {}
        }
        let wait = if status == 491 {
            let base = if dialog.began { GLARE_STEP } else { Duration::ZERO };
            base + GLARE_STEP * u32::from(chance) / 256
        } else {
            GLARE_STEP
        };
        let due = now.after(wait).min(timer.ends);
        let before = core::mem::replace(&mut timer.due, due);
        self.errands.remove(&(before, Errand::Session(id)));
        self.errands.insert((due, Errand::Session(id)));
    }

    /// Nobody refreshed in time: the other end is gone.
    async fn lose_session(&mut self, id: WireId) {
        let Some(wire) = self.wires.get(&id) else { return };
        let silent = wire.silent;
        self.count(|tally| &tally.lost_session);
        self.leave(id).await;
        if !silent {
            self.tell(LineEvent::HungUp { wire: id });
        }
    }

    /// Acknowledges a provisional response that wants it (RFC 3262 section 4).
    pub(super) async fn acknowledge(&mut self, id: WireId, response: &Response) {
        let headers = &response.headers.0;
        let wanted = headers
            .iter()
            .any(|header| matches!(header, Header::Require(tags) if has(tags.value(), "100rel")));
        let number = headers.iter().find_map(|header| {
            let Header::RSeq(number) = header else { return None };
            number.value().trim().parse::<u32>().ok()
        });
        let Some(number) = number.filter(|_| wanted) else { return };
        let branch = self.tags.branch();
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let Phase::Dialling(dialling) = &mut wire.phase else { return };
        let Some(early) = wire.dialog.confirmed(response, dialling.source) else { return };
        // One that came again, or before the one it follows, is not acknowledged again: the PRACK
        // repeats itself.
        let news = match &dialling.reliable {
            Some((tag, last)) if *tag == early.remote_tag => number == last.wrapping_add(1),
            Some(_) | None => true,
        };
        if !news {
            return;
        }
        dialling.reliable = Some((early.remote_tag.clone(), number));
        let invite = dialling.cseq;
        wire.dialog.cseq += 1;
        let mut prack = early.request(Method::PRack, wire.dialog.cseq, &branch);
        prack.request.headers.push(Header::RAck(format!("{number} {invite} INVITE").into()));
        self.send_request(prack, None).await;
    }
}

/// Whether a comma-separated list holds `word`.
pub(super) fn has(list: &str, word: &str) -> bool {
    list.split(',').any(|one| one.trim().eq_ignore_ascii_case(word))
}

const TIMER: &str = "timer";
/// A day; what wants longer is no timer.
const LONGEST_SECONDS: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(headers: &[Header]) -> (Option<u64>, Option<Role>, u64, bool) {
        let Wish { seconds, refresher, min, supported, .. } = Wish::of(headers);
        (seconds, refresher, min, supported)
    }

    #[test]
    fn wishes_are_read_in_long_and_short() {
        let long = [
            Header::SessionExpires("1800; refresher=UAS".into()),
            Header::Supported("100rel , Timer".into()),
            Header::MinSE("120;x=y".into()),
        ];
        assert_eq!(wish(&long), (Some(1800), Some(Role::Server), 120, true));
        let short = [
            Header::Other("x".into(), "90;refresher=uac".into()),
            Header::Other("k".into(), "timer".into()),
        ];
        assert_eq!(wish(&short), (Some(90), Some(Role::Client), 0, true));
        let odd = [Header::SessionExpires("soon;refresher=me".into())];
        assert_eq!(wish(&odd), (None, None, 0, false));
    }
}
