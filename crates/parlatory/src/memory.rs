//! Keeps what people say off the disk: no core dumps, and no page of the node in swap.
//!
//! All of the node's memory is locked, as voices pass through many parts of it: packets, seconds
//! that wait for the vault, prompts with names. Locking counts against a limit
//! (getrlimit(2), `RLIMIT_MEMLOCK`), and behind it every allocation would fail. So it is done only
//! where no limit binds; elsewhere the node says that it is not, and calls go on.

use std::fs;

use rustix::{
    io::Errno,
    mm::{MlockAllFlags, mlockall},
    process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit},
    thread::{CapabilitySet, capabilities, disable_transparent_huge_pages},
};

/// Whether the memory of this process is, or could be, kept out of swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locking {
    /// It is.
    Locked,
    /// It may lock so many octets only.
    Limited(u64),
    /// The system refused.
    Refused(Errno),
}

impl Locking {
    /// What a person should know of it, and do.
    pub(crate) fn says(self) -> String {
        let (why, cure) = match self {
            Self::Locked => return "memory with audio in it is never swapped out".to_owned(),
            Self::Limited(octets) => (
                format!("this user may lock {} KiB of memory only", octets / 1_024),
                "give the service `LimitMEMLOCK=infinity`",
            ),
            Self::Refused(errno) => {
                (format!("the system refuses to lock memory ({errno})"), "use no swap")
            }
        };
        let swap = if has_swap() { "and there is swap" } else { "though no swap is in use now" };
        format!("memory with audio in it could be swapped out, {swap}: {why}; {cure}")
    }
}

/// Asks for pages of the usual size, before the allocator takes its first. It would have huge ones
/// (prctl(2), `PR_SET_THP_DISABLE`): 2 MiB for each place where a thread keeps a little, which came
/// to three times the memory of a hundred calls.
///
/// # Errors
/// When the kernel cannot do it.
pub(crate) fn use_small_pages() -> Result<(), Errno> {
    disable_transparent_huge_pages(true)
}

/// Forbids core dumps and locks memory, now and for ever, and says in the log what came of it.
pub(crate) fn protect() {
    forbid_core_dumps();
    let locking = lock();
    match locking {
        Locking::Locked => tracing::info!("{}", locking.says()),
        Locking::Limited(_) | Locking::Refused(_) => tracing::warn!("{}", locking.says()),
    }
}

/// Whether [`protect`] would lock memory, were it called by a node of this user.
pub(crate) fn foreseen() -> Locking {
    decide(limit(), may_exceed_limit())
}

/// Locks every page that there is or will be. A page is locked when it is first used, so that
/// nothing is in memory that would not be without: mappings larger than what is used are common.
fn lock() -> Locking {
    // A soft limit may be raised up to the hard one by whoever wants to.
    if let Rlimit { maximum: None, .. } = getrlimit(Resource::Memlock) {
        let none = Rlimit { current: None, maximum: None };
        // Where it fails, the limit that is read next says so.
        let _ = setrlimit(Resource::Memlock, none);
    }
    match decide(limit(), may_exceed_limit()) {
        Locking::Locked => {
            let all = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
            mlockall(all).map_or_else(Locking::Refused, |()| Locking::Locked)
        }
        not @ (Locking::Limited(_) | Locking::Refused(_)) => not,
    }
}

/// `limit` in octets, `None` where there is none; `exempt` from it.
const fn decide(limit: Option<u64>, exempt: bool) -> Locking {
    match limit {
        Some(octets) if !exempt => Locking::Limited(octets),
        Some(_) | None => Locking::Locked,
    }
}

/// The limit that binds after the soft one was raised as far as it goes.
fn limit() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Memlock);
    maximum.and(current)
}

/// mlock(2): the limit does not hold for a process with `CAP_IPC_LOCK`.
fn may_exceed_limit() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK))
}

/// proc_swaps(5): a line of names, then one for each place that is swapped to.
fn has_swap() -> bool {
    fs::read_to_string("/proc/swaps").map_or(true, |swaps| swaps.lines().count() > 1)
}

/// A core dump would hold voices and keys. The limit alone does not hold where the kernel pipes
/// dumps to a program; that looks at the second setting.
fn forbid_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let limited = setrlimit(Resource::Core, none);
    let marked = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    if let Err(error) = limited.and(marked) {
        tracing::warn!(%error, "core dumps could not be forbidden");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_small_once_asked_for() {
        use_small_pages().unwrap();
        assert_eq!(rustix::thread::transparent_huge_pages_are_disabled(), Ok(true));
    }

    #[test]
    fn memory_is_locked_only_where_no_allocation_can_fail_by_it() {
        assert_eq!(decide(None, false), Locking::Locked);
        assert_eq!(decide(Some(65_536), true), Locking::Locked);
        assert_eq!(decide(Some(65_536), false), Locking::Limited(65_536));
        assert_eq!(decide(Some(0), false), Locking::Limited(0));
    }

    #[test]
    fn what_is_not_locked_says_what_to_do() {
        let limited = Locking::Limited(8 << 20).says();
        assert!(limited.contains("8192 KiB") && limited.contains("LimitMEMLOCK=infinity"));
        assert!(Locking::Refused(Errno::PERM).says().contains("use no swap"));
        assert!(!Locking::Locked.says().contains("could be"));
    }
}
