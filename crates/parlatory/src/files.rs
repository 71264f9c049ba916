//! How many files and sockets the system lets the node have open, and how many calls fit in.
//!
//! A call has a socket of RTP a leg, and a file while it is recorded. A node that runs out of them
//! in the middle of a call could neither begin a segment of its journal nor keep a recording, so it
//! takes fewer calls instead, and says so. What is left goes to reports of how audio arrives
//! (RTCP), without which a call goes on: a second socket of a leg, unless both ends share one port.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Room for calls in what the system allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// For all that are wanted.
    Enough,
    /// For so many, where the system allows so many files.
    Calls {
        /// Calls at once.
        calls: usize,
        /// Open files that the system allows.
        files: u64,
        /// Open files that all wanted calls would need.
        needed: u64,
    },
}

impl Room {
    /// What a person should know of it, and do.
    pub(crate) fn says(self) -> String {
        match self {
            Self::Enough => "as many files may be open as `limits.calls_max` needs".to_owned(),
            Self::Calls { calls, files, needed } => format!(
                "only {files} files may be open, enough for {calls} calls at once: more are \
                 refused; give the service `LimitNOFILE={needed}`, or lower `limits.calls_max`"
            ),
        }
    }
}

/// Raises the soft limit of open files as far as it goes, and gives how many of `wanted` calls are
/// taken at once.
pub(crate) fn calls_at_once(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    // Where it fails, the limit that is read next says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let room = room(wanted, getrlimit(Resource::Nofile).current);
    match room {
        Room::Enough => wanted,
        Room::Calls { calls, .. } => {
            tracing::warn!("{}", room.says());
            calls
        }
    }
}

/// How many sockets of RTCP there may be beside so many calls at once.
pub(crate) fn report_sockets(calls: usize) -> usize {
    spare(calls, getrlimit(Resource::Nofile).current)
}

/// What [`calls_at_once`] would find, were a node started by this user.
pub(crate) fn foreseen(wanted: usize) -> Room {
    room(wanted, getrlimit(Resource::Nofile).maximum)
}

/// `limit` in files, `None` where there is none.
fn room(wanted: usize, limit: Option<u64>) -> Room {
    let needed = u64::try_from(wanted)
        .unwrap_or(u64::MAX)
        .saturating_mul(FILES_PER_CALL)
        .saturating_add(FILES_BESIDE);
    match limit {
        Some(files) if files < needed => {
            let calls = files.saturating_sub(FILES_BESIDE) / FILES_PER_CALL;
            Room::Calls { calls: usize::try_from(calls).unwrap_or(wanted), files, needed }
        }
        Some(_) | None => Room::Enough,
    }
}

/// Sockets of RTCP for which there is room beside `calls`: two for each of them, or what is left.
fn spare(calls: usize, limit: Option<u64>) -> usize {
    let wanted = calls.saturating_mul(LEGS_PER_CALL);
    let Some(files) = limit else { return wanted };
    let held = u64::try_from(calls).unwrap_or(u64::MAX).saturating_mul(FILES_PER_CALL);
    let left = files.saturating_sub(held.saturating_add(FILES_BESIDE));
    usize::try_from(left).unwrap_or(wanted).min(wanted)
}

/// RTP of two legs, and a recording.
const FILES_PER_CALL: u64 = 3;
const LEGS_PER_CALL: usize = 2;
/// Files that stay free of calls: journal, log, database, console, connections of SIP.
const FILES_BESIDE: u64 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_for_which_there_are_no_files_are_not_taken() {
        assert_eq!(room(1_000, None), Room::Enough);
        assert_eq!(room(1_000, Some(3_512)), Room::Enough);
        let tight = room(1_000, Some(3_511));
        assert_eq!(tight, Room::Calls { calls: 999, files: 3_511, needed: 3_512 });
        assert!(tight.says().contains("`LimitNOFILE=3512`"), "{}", tight.says());
        assert_eq!(room(1_000, Some(100)), Room::Calls { calls: 0, files: 100, needed: 3_512 });
        assert_eq!(room(usize::MAX, Some(20_000)), {
            Room::Calls { calls: 6_496, files: 20_000, needed: u64::MAX }
        });
    }

    #[test]
    fn reports_get_what_calls_leave() {
        assert_eq!(spare(1_000, None), 2_000);
        assert_eq!(spare(1_000, Some(5_512)), 2_000);
        assert_eq!(spare(1_000, Some(5_511)), 1_999);
        assert_eq!(spare(1_000, Some(3_512)), 0);
        assert_eq!(spare(1_000, Some(100)), 0);
    }

    #[test]
    fn the_soft_limit_is_raised() {
        let _ = calls_at_once(1);
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
