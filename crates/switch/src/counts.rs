//! What a node counts, and how far its calls of now have come. None of it says whose.

use std::sync::atomic::{AtomicU64, Ordering};

use call::Stage;
use media::Statistics;

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counts of a node since its start, readable at any time.
        #[derive(Debug, Default)]
        pub struct Counts { $($(#[$doc])* pub $name: AtomicU64,)* }

        impl Counts {
            /// Every count with its name, in a fixed order, for metrics.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name.load(Ordering::Relaxed)),)*].into_iter()
            }
        }
    };
}

counts! {
    /// Calls in progress.
    live,
    /// Calls taken since the start.
    taken,
    /// Calls refused before a machine was started for them.
    turned_away,
    /// Calls lost to a fault of ours.
    faults,
    /// Datagrams on audio ports from another address than was agreed, dropped. As all counts of
    /// audio, it grows when a leg is closed; the kernel drops most such datagrams uncounted.
    audio_foreign,
    /// Datagrams on audio ports that are no RTP or RTCP.
    audio_bad,
    /// Packets of audio in a form that was not agreed.
    audio_unknown,
    /// Datagrams on encrypted legs that their key does not open, or that were heard before.
    audio_forged,
    /// Times that the other end of an encrypted leg was found at another address, by its key.
    audio_moved,
}

impl Counts {
    /// A leg is closed.
    pub(crate) fn heard(&self, statistics: &Statistics) {
        for (count, more) in [
            (&self.audio_foreign, statistics.foreign),
            (&self.audio_bad, statistics.bad),
            (&self.audio_unknown, statistics.unknown),
            (&self.audio_forged, statistics.forged),
            (&self.audio_moved, statistics.moved),
        ] {
            count.fetch_add(more, Ordering::Relaxed);
        }
    }
}

/// How many calls have come how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// As many as are at each stage, in the order of [`Stage::ALL`].
    counts: [u64; Stage::ALL.len()],
    /// Calls with a recording that runs.
    pub recorded: u64,
}

impl Stages {
    /// One more.
    pub(crate) fn add(&mut self, stage: Stage, recorded: bool) {
        for (of, count) in Stage::ALL.into_iter().zip(&mut self.counts) {
            *count += u64::from(of == stage);
        }
        self.recorded += u64::from(recorded && stage == Stage::Talking);
    }

    /// Each stage with how many calls are at it.
    pub fn each(&self) -> impl Iterator<Item = (Stage, u64)> {
        Stage::ALL.into_iter().zip(self.counts)
    }

    /// How many calls are at this stage.
    pub fn at(&self, stage: Stage) -> u64 {
        self.each().filter(|(of, _)| *of == stage).map(|(_, count)| count).sum()
    }

    /// Calls whose two people talk and of which nothing is recorded.
    pub fn unrecorded(&self) -> u64 {
        self.at(Stage::Talking).saturating_sub(self.recorded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_at_their_stage_and_recorded_only_while_they_talk() {
        let mut stages = Stages::default();
        for (stage, recorded) in [
            (Stage::Menu, false),
            (Stage::Talking, true),
            (Stage::Talking, false),
            (Stage::Ending, true),
        ] {
            stages.add(stage, recorded);
        }
        let counts: Vec<u64> = stages.each().map(|(_, count)| count).collect();
        assert_eq!(counts, [1, 0, 0, 2, 1]);
        assert_eq!((stages.recorded, stages.unrecorded()), (1, 1));
    }

    #[test]
    fn what_a_leg_counted_is_added_when_it_is_closed() {
        let counts = Counts::default();
        let leg = Statistics { foreign: 2, bad: 1, ..Statistics::default() };
        counts.heard(&leg);
        counts.heard(&leg);
        let named: Vec<_> = counts.named().filter(|(_, count)| *count > 0).collect();
        assert_eq!(named, [("audio_foreign", 4), ("audio_bad", 2)]);
    }
}
