//! What one leg hears: silence after speech, its partner, and how regularly.

use std::time::Duration;

use model::Timestamp;

use crate::{
    packet::{Mark, is_quiet},
    say::WindowReport,
};

/// The ear of one leg.
#[derive(Debug)]
pub(crate) struct Ear {
    /// The leg it should be joined with.
    partner: u32,
    met: bool,
    /// Since when it is quiet after speech; `None` when nobody has spoken since.
    quiet_since: Option<Timestamp>,
    /// When the last packet had certainly come, and what it was if the partner's.
    last: Option<(Timestamp, Option<Mark>)>,
    window: Window,
}

/// What an ear notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noticed {
    /// The partner is heard for the first time.
    Partner,
    /// Somebody has spoken and then been quiet for [`QUIET`].
    Spoken,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    received: u64,
    marked: u64,
    made_up: u64,
    crossed: u64,
    /// The lowest and the highest number of the partner's packets.
    numbers: Option<(u32, u32)>,
    gap_max: Duration,
    gaps: u64,
}

/// When a packet was read: it came after the look before had begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// When the look before this one began.
    pub(crate) before: Timestamp,
    /// When the packet was read.
    pub(crate) now: Timestamp,
}

impl Ear {
    pub(crate) fn new(partner: u32) -> Self {
        Self { partner, met: false, quiet_since: None, last: None, window: Window::default() }
    }

    /// Hears the audio of a packet.
    pub(crate) fn hear(&mut self, audio: &[u8], look: Look) -> Option<Noticed> {
        let mark = Mark::read(audio);
        self.gap(look.before, mark);
        self.last = Some((look.now, mark));
        self.window.received += 1;
        match mark {
            Some(mark) if mark.leg == self.partner => {
                let number = mark.count;
                let (low, high) = self.window.numbers.unwrap_or((number, number));
                self.window.numbers = Some((low.min(number), high.max(number)));
                self.window.marked += 1;
                let first = !self.met;
                self.met = true;
                first.then_some(Noticed::Partner)
            }
            Some(_) => {
                self.window.crossed += 1;
                None
            }
            None => {
                self.window.made_up += 1;
                if !self.met && !is_quiet(audio) {
                    self.quiet_since = Some(look.now);
                }
                None
            }
        }
    }

    /// Notices silence; to be asked now and then.
    pub(crate) fn listen(&mut self, now: Timestamp) -> Option<Noticed> {
        self.quiet_since.filter(|since| !self.met && now.since(*since) >= QUIET)?;
        self.quiet_since = None;
        Some(Noticed::Spoken)
    }

    /// Counts anew from here on.
    pub(crate) fn begin_window(&mut self) {
        self.window = Window::default();
    }

    /// Adds what was counted since [`Ear::begin_window`] to a report.
    pub(crate) fn report(&mut self, now: Timestamp, report: &mut WindowReport) {
        // A stream that ended has a gap that no packet closes.
        self.gap(now, None);
        let window = &self.window;
        let expected = window.numbers.map_or(0, |(low, high)| u64::from(high - low) + 1);
        report.received += window.received;
        report.lost += expected.saturating_sub(window.marked);
        report.made_up += window.made_up;
        report.crossed += window.crossed;
        report.gap_ms_max = report.gap_ms_max.max(window.gap_max.as_secs_f64() * 1_000.0);
        report.gaps_over_40_ms += window.gaps;
    }

    /// Nothing came from the last packet until `until`, when `next` came.
    fn gap(&mut self, until: Timestamp, next: Option<Mark>) {
        let Some((last, previous)) = self.last else { return };
        let mut gap = until.since(last);
        if let (Some(previous), Some(next)) = (previous, next) {
            // What the partner sent late is not the node's.
            let due = PACKET * next.count.saturating_sub(previous.count);
            gap = gap.saturating_sub(next.sent.since(previous.sent).saturating_sub(due));
        }
        self.window.gap_max = self.window.gap_max.max(gap);
        if gap > LONG_GAP {
            self.window.gaps += 1;
        }
    }
}

/// Pauses inside a notice are shorter.
pub(crate) const QUIET: Duration = Duration::from_millis(1_200);

/// Time between two packets.
const PACKET: Duration = Duration::from_millis(20);

const LONG_GAP: Duration = Duration::from_millis(40);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(ms * 1_000)
    }

    fn look(ms: i64) -> Look {
        Look { before: at(ms - 1), now: at(ms) }
    }

    /// A packet that was sent when it should.
    fn marked(leg: u32, count: u32) -> [u8; 20] {
        sent(leg, count, i64::from(count) * 20)
    }

    fn sent(leg: u32, count: u32, ms: i64) -> [u8; 20] {
        Mark { leg, count, sent: at(ms) }.octets()
    }

    fn report(ear: &mut Ear, ms: i64) -> WindowReport {
        let mut report = WindowReport::default();
        ear.report(at(ms), &mut report);
        report
    }

    #[test]
    fn the_partner_is_noticed_once_and_nobody_else_is_taken_for_them() {
        let mut ear = Ear::new(5);
        assert_eq!(ear.hear(&[0xff; 160], look(0)), None);
        assert_eq!(ear.hear(&marked(6, 0), look(20)), None);
        assert_eq!(ear.hear(&marked(5, 9), look(40)), Some(Noticed::Partner));
        assert_eq!(ear.hear(&marked(5, 10), look(60)), None);
        let report = report(&mut ear, 61);
        assert_eq!((report.received, report.made_up, report.crossed), (4, 1, 1));
    }

    #[test]
    fn silence_counts_after_speech_and_once() {
        let mut ear = Ear::new(5);
        ear.hear(&[0xff; 160], look(0));
        assert_eq!(ear.listen(at(5_000)), None, "nobody has spoken");
        ear.hear(&[0x20; 160], look(5_000));
        assert_eq!(ear.listen(at(6_199)), None);
        assert_eq!(ear.listen(at(6_200)), Some(Noticed::Spoken));
        assert_eq!(ear.listen(at(9_000)), None);
        ear.hear(&[0x20; 160], look(9_000));
        ear.hear(&marked(5, 1), look(9_020));
        assert_eq!(ear.listen(at(20_000)), None, "the partner is there");
    }

    #[test]
    fn loss_is_counted_between_the_first_and_the_last_packet() {
        let mut ear = Ear::new(5);
        ear.hear(&marked(5, 3), look(0));
        ear.begin_window();
        for count in [10, 12, 11, 15] {
            ear.hear(&marked(5, count), look(20));
        }
        assert_eq!(report(&mut ear, 20).lost, 2);
    }

    #[test]
    fn a_gap_is_what_is_certain_of_it() {
        let mut ear = Ear::new(5);
        ear.hear(&marked(5, 0), look(0));
        ear.begin_window();
        // The load itself did not look for 70 ms: nothing is known of that time.
        ear.hear(&marked(5, 1), Look { before: at(10), now: at(80) });
        ear.hear(&marked(5, 2), look(122));
        let seen = report(&mut ear, 130);
        assert!((seen.gap_ms_max - 41.0).abs() < 0.001, "{seen:?}");
        assert_eq!(seen.gaps_over_40_ms, 1);
        // The partner sent this one 60 ms late, and the one after it at once.
        ear.hear(&sent(5, 3, 120), look(202));
        ear.hear(&sent(5, 4, 121), look(203));
        let after = report(&mut ear, 204);
        assert_eq!((after.gap_ms_max, after.gaps_over_40_ms), (seen.gap_ms_max, 1));
        let silent = report(&mut ear, 1_203);
        assert!((silent.gap_ms_max - 1_000.0).abs() < 0.001, "{silent:?}");
    }
}
