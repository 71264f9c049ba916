//! Which packets of a stream came already (RFC 3711 section 3.3).

/// The highest index so far, and which of those just below it came.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    highest: Option<u64>,
    /// Bit n: the index n below the highest came.
    seen: u128,
}

impl Window {
    /// The 48-bit index of a sequence number, estimated as in RFC 3711 section 3.3.1; `None` when
    /// it would lie before the stream's beginning or beyond the life of its key.
    pub(crate) fn index_of(&self, sequence: u16) -> Option<u64> {
        let Some(highest) = self.highest else { return Some(u64::from(sequence)) };
        let (round, latest) = (highest >> 16, highest & 0xffff);
        let sequence = u64::from(sequence);
        let round = if latest < HALF && sequence > latest + HALF {
            round.checked_sub(1)?
        } else if latest >= HALF && sequence < latest - HALF {
            round + 1
        } else {
            round
        };
        Some(round << 16 | sequence).filter(|index| *index < INDEX_END)
    }

    /// Whether a packet with this index may still come.
    pub(crate) fn is_new(&self, index: u64) -> bool {
        let Some(highest) = self.highest else { return true };
        match highest.checked_sub(index) {
            None => true,
            Some(behind) => behind < WINDOW_PACKETS && self.seen >> behind & 1 == 0,
        }
    }

    /// A packet with this index came, and is authentic.
    pub(crate) fn mark(&mut self, index: u64) {
        let highest = self.highest.unwrap_or(index);
        if index >= highest {
            let ahead = u32::try_from(index - highest).unwrap_or(u32::MAX);
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = Some(index);
        } else if highest - index < WINDOW_PACKETS {
            self.seen |= 1 << (highest - index);
        }
    }
}

const HALF: u64 = 1 << 15;
/// Packets of a stream at most with one key (RFC 3711 section 9.2).
const INDEX_END: u64 = 1 << 48;
/// At least 64 (RFC 3711 section 3.3.2).
const WINDOW_PACKETS: u64 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_index_comes_once_within_the_window() {
        let mut window = Window::default();
        for index in [5, 7, 300, 299, 200] {
            assert!(window.is_new(index), "{index}");
            window.mark(index);
            assert!(!window.is_new(index), "{index}");
        }
        for (index, new) in [(301, true), (298, true), (173, true), (172, false), (7, false)] {
            assert_eq!(window.is_new(index), new, "{index}");
        }
    }

    #[test]
    fn sequence_numbers_wrap_and_come_late_across_the_wrap() {
        let mut window = Window::default();
        window.mark(65_534);
        for (sequence, index) in [(65_535, 65_535), (0, 65_536), (9, 65_545), (65_500, 65_500)] {
            assert_eq!(window.index_of(sequence), Some(index));
        }
        window.mark(65_540);
        assert_eq!(window.index_of(65_530), Some(65_530));
        let mut begun = Window::default();
        begun.mark(3);
        assert_eq!(begun.index_of(65_530), None, "before the beginning");
        let mut old = Window::default();
        old.mark(INDEX_END - 1);
        assert_eq!(old.index_of(0), None, "the key is used up");
    }
}
