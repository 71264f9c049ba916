//! The legs of one call, and the bridge between them.

use crate::{
    Capture, Tap,
    capture::{Capturing, Listening},
    leg::{Arrived, Leg, NEVER, Turn},
    timeline::Timeline,
};
use model::{Side, Timestamp};

/// One call: at most two legs. Audio goes from one leg to the other only through [`Call::bridge`].
#[derive(Default)]
pub(crate) struct Call {
    station: Option<Leg>,
    called: Option<Leg>,
    bridge: Option<Bridge>,
    /// A name that is being said: only while there is no called leg.
    capturing: Option<Box<Capturing>>,
}

/// Both legs hear each other.
struct Bridge {
    /// Absent on a call that is not recorded: then nothing keeps audio.
    tapped: Option<Tapped>,
}

struct Tapped {
    tap: Box<dyn Tap>,
    timeline: Timeline,
}

impl Call {
    pub(crate) const fn leg(&mut self, side: Side) -> Option<&mut Leg> {
        match side {
            Side::Station => self.station.as_mut(),
            Side::Called => self.called.as_mut(),
        }
    }

    /// Puts a leg in its place.
    pub(crate) fn open(&mut self, side: Side, leg: Leg) {
        match side {
            Side::Station => self.station = Some(leg),
            Side::Called => {
                // Nothing is taken where somebody else could be heard.
                self.capturing = None;
                self.called = Some(leg);
            }
        }
    }

    /// Takes a name from the station's leg, if it is the only one.
    pub(crate) fn capture(&mut self, now: Timestamp, capture: Box<dyn Capture>) {
        let alone = self.station.is_some() && self.called.is_none() && self.bridge.is_none();
        self.capturing = alone.then(|| Box::new(Capturing::new(now, capture)));
    }

    /// Joins the two legs. Without two, nothing is joined, and the tap ends.
    pub(crate) fn bridge(&mut self, now: Timestamp, tap: Option<Box<dyn Tap>>) {
        self.unbridge(now);
        if self.station.is_none() || self.called.is_none() {
            if let Some(tap) = tap {
                tap.end();
            }
            return;
        }
        let tapped = tap.map(|tap| Tapped { tap, timeline: Timeline::new(now) });
        self.bridge = Some(Bridge { tapped });
    }

    /// Closes a leg, and the bridge if there is one.
    pub(crate) fn close(&mut self, turn: &Turn<'_>, side: Side) {
        self.unbridge(turn.now);
        self.capturing = None;
        let leg = match side {
            Side::Station => self.station.take(),
            Side::Called => self.called.take(),
        };
        if let Some(leg) = leg {
            leg.close(turn);
        }
    }

    /// No leg is open.
    pub(crate) const fn is_empty(&self) -> bool {
        self.station.is_none() && self.called.is_none()
    }

    /// Reads one packet that arrived on a leg.
    pub(crate) fn read(&mut self, turn: &Turn<'_>, side: Side, buffer: &mut [u8]) {
        let (leg, other) = match side {
            Side::Station => (&mut self.station, &mut self.called),
            Side::Called => (&mut self.called, &mut self.station),
        };
        let Some(leg) = leg else { return };
        let Some(datagram) = leg.receive(turn, buffer) else { return };
        let arrived = leg.hear(turn, datagram);
        if side == Side::Station && self.capturing.is_some() {
            self.hear_name(turn.now, &arrived, datagram);
            return;
        }
        let (Some(bridge), Some(other)) = (&mut self.bridge, other) else { return };
        match arrived {
            Arrived::Audio(header, payload, codec) => {
                if let Some(tapped) = &mut bridge.tapped {
                    let octets = datagram.get(payload.clone()).unwrap_or_default();
                    tapped.timeline.place(side, header, codec, octets, turn.now);
                }
                other.relay(turn, header, codec, datagram, payload);
            }
            Arrived::Key(header, payload) => other.relay_key(turn, header, datagram, payload),
            Arrived::Noise(dbov) => other.rest(dbov),
            Arrived::Nothing => {}
        }
    }

    /// Reads one report that arrived on a leg.
    pub(crate) fn read_report(&mut self, turn: &Turn<'_>, side: Side, buffer: &mut [u8]) {
        if let Some(leg) = self.leg(side) {
            leg.receive_report(turn, buffer);
        }
    }

    /// Does what is due.
    pub(crate) fn service(&mut self, turn: &Turn<'_>) {
        let bridged = self.bridge.is_some();
        for leg in [&mut self.station, &mut self.called].into_iter().flatten() {
            leg.service(turn, bridged);
        }
        if self.capturing.as_ref().is_some_and(|capturing| capturing.due() <= turn.now) {
            self.end_name();
        }
        if let Some(Tapped { tap, timeline }) = self.tapped()
            && let Some(second) = timeline.poll_second(turn.now)
        {
            tap.second(second);
        }
    }

    /// When [`Self::service`] has something to do.
    pub(crate) fn wake_at(&self, turn: &Turn<'_>) -> Timestamp {
        let bridged = self.bridge.is_some();
        let legs = [&self.station, &self.called].into_iter().flatten();
        let tapped = self.bridge.as_ref().and_then(|bridge| bridge.tapped.as_ref());
        legs.map(|leg| leg.wake_at(turn, bridged))
            .chain(tapped.map(|tapped| tapped.timeline.ready_at()))
            .chain(self.capturing.as_ref().map(|capturing| capturing.due()))
            .min()
            .unwrap_or(NEVER)
    }

    /// Takes the tap away without handing it anything more: a fault of ours may have left the time
    /// line in disorder.
    pub(crate) fn take_tap(&mut self) -> Option<Box<dyn Tap>> {
        self.bridge.take()?.tapped.map(|tapped| tapped.tap)
    }

    /// Ends the bridge and its tap, which gets what is left.
    pub(crate) fn unbridge(&mut self, now: Timestamp) {
        let Some(Tapped { mut tap, mut timeline }) =
            self.bridge.take().and_then(|bridge| bridge.tapped)
        else {
            return;
        };
        for _ in 0..SECONDS_LEFT_MAX {
            let Some(second) = timeline.poll_rest(now) else { break };
            tap.second(second);
        }
        tap.end();
    }

    /// A key ends a name as quiet does; it is told as any key is.
    fn hear_name(&mut self, now: Timestamp, arrived: &Arrived, datagram: &[u8]) {
        let Some(capturing) = &mut self.capturing else { return };
        let listening = match arrived {
            Arrived::Audio(header, payload, codec) => {
                let octets = datagram.get(payload.clone()).unwrap_or_default();
                capturing.hear(*header, *codec, octets, now)
            }
            Arrived::Key(..) => Listening::Over,
            Arrived::Noise(_) | Arrived::Nothing => Listening::On,
        };
        if listening == Listening::Over {
            self.end_name();
        }
    }

    fn end_name(&mut self) {
        if let Some(capturing) = self.capturing.take() {
            capturing.finish();
        }
    }

    fn tapped(&mut self) -> Option<&mut Tapped> {
        self.bridge.as_mut()?.tapped.as_mut()
    }
}

/// Seconds that can be open when a conversation ends, with a node that was late by some.
const SECONDS_LEFT_MAX: u32 = 10;

#[cfg(test)]
mod drift;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod weather;
