//! How full the disks are: looked at twice a second, told in the log, asked at every admission.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::{footing::Room, limits::DISK_RESERVE_OCTETS};

/// How much room there is, on the fullest of the disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// At least 20 % are free.
    Ample,
    /// Less than 20 %: somebody should know.
    Below20,
    /// Less than 10 %: somebody should make room.
    Below10,
    /// Less than 5 %: calls will soon be refused or go unrecorded.
    Below5,
    /// Only the reserve is left, with which the records of running calls are written. Nothing is
    /// recorded, and new calls go as the facility chose.
    Full,
}

impl Space {
    /// What `free` of `all` octets are.
    pub fn of(free: u64, all: u64) -> Self {
        let percent = free.saturating_mul(100) / all.max(1);
        match percent {
            _ if free < DISK_RESERVE_OCTETS => Self::Full,
            0..5 => Self::Below5,
            5..10 => Self::Below10,
            10..20 => Self::Below20,
            _ => Self::Ample,
        }
    }

    /// Every one, the most room first.
    const ALL: [Self; 5] = [Self::Ample, Self::Below20, Self::Below10, Self::Below5, Self::Full];
}

/// Octets that an hour of a recorded call takes: two directions of G.711, with headers.
pub const OCTETS_PER_RECORDED_HOUR: u64 = 2 * 8_000 * 3_600 + 200_000;

/// How full the disks were when they were last looked at.
pub(crate) struct DiskWatch {
    room: Room,
    space: AtomicU8,
}

impl DiskWatch {
    pub(crate) fn new(room: Room) -> Self {
        Self { room, space: AtomicU8::new(0) }
    }

    /// As last looked at.
    pub(crate) fn space(&self) -> Space {
        let place = usize::from(self.space.load(Ordering::Relaxed));
        Space::ALL.get(place).copied().unwrap_or(Space::Full)
    }

    /// Looks again, and tells the log when it is another than before.
    pub(crate) fn look(&self) {
        let (before, found) = (self.space(), (self.room)());
        let place = Space::ALL.iter().position(|space| *space == found).unwrap_or(0);
        self.space.store(u8::try_from(place).unwrap_or(u8::MAX), Ordering::Relaxed);
        if found > before {
            tell(found);
        } else if found < before {
            tracing::info!(space = ?found, "the disk has more room again");
        }
    }
}

fn tell(space: Space) {
    match space {
        Space::Ample => {}
        Space::Below20 => tracing::warn!("less than 20 % of the disk are free"),
        Space::Below10 => tracing::warn!("less than 10 % of the disk are free: make room"),
        Space::Below5 => tracing::error!("less than 5 % of the disk are free: make room now"),
        Space::Full => tracing::error!(
            "the disk is full: nothing is recorded, and calls go as each facility chose"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_at_20_10_and_5_percent_and_at_the_reserve() {
        let gib = 1_u64 << 30;
        for (free, all, expected) in [
            (20, 100, Space::Ample),
            (199, 1_000, Space::Below20),
            (10, 100, Space::Below20),
            (99, 1_000, Space::Below10),
            (5, 100, Space::Below10),
            (49, 1_000, Space::Below5),
            (1, 1_000, Space::Below5),
        ] {
            assert_eq!(Space::of(free * gib, all * gib), expected, "{free} of {all}");
        }
        assert_eq!(Space::of(DISK_RESERVE_OCTETS, DISK_RESERVE_OCTETS * 2), Space::Ample);
        assert_eq!(Space::of(DISK_RESERVE_OCTETS - 1, DISK_RESERVE_OCTETS), Space::Full);
        assert_eq!(Space::of(0, 0), Space::Full);
    }

    #[test]
    fn what_was_last_looked_at_is_told() {
        let free = std::sync::Arc::new(AtomicU8::new(0));
        let room = std::sync::Arc::clone(&free);
        let looked = move || Space::ALL[usize::from(room.load(Ordering::Relaxed))];
        let watch = DiskWatch::new(Box::new(looked));
        for place in [4, 0, 2, 1, 3] {
            free.store(place, Ordering::Relaxed);
            watch.look();
            assert_eq!(watch.space(), Space::ALL[usize::from(place)]);
        }
    }
}
