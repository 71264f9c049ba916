//! Ports of the loopback address that nobody uses. They lie below those that the kernel gives out
//! by itself, so that nobody gets one between our look and its use.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
};

/// The first of `count` free ports in a row, even; no other caller gets any of them.
pub(crate) fn ports(count: u16) -> u16 {
    let _alone = TRYING.lock().unwrap_or_else(PoisonError::into_inner);
    let step = count.next_multiple_of(2);
    for _ in 0..TRIES_MAX {
        let offset = NEXT.fetch_add(step, Ordering::Relaxed) % (PORTS - step);
        let first = FIRST + offset / 2 * 2;
        let sockets: Result<Vec<_>, _> =
            (first..first + count).map(|port| UdpSocket::bind(address(port))).collect();
        if sockets.is_ok() {
            return first;
        }
        // Who takes ports takes many in a row.
        NEXT.fetch_add(PASSED_OVER, Ordering::Relaxed);
    }
    panic!("the machine has no {count} free ports in a row");
}

/// Starts a program while nobody tries ports. A process that begins has everything that its parent
/// has open until its program is loaded: it would keep the sockets of a try, and whoever was given
/// the ports could not open them yet.
pub(crate) fn starting<T>(start: impl FnOnce() -> T) -> T {
    let _alone = TRYING.lock().unwrap_or_else(PoisonError::into_inner);
    start()
}

/// A port of the loopback address.
pub(crate) fn address(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Two runs of the tests at once begin far from each other.
static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
    let spread = std::process::id().wrapping_mul(0x9e37_79b1) >> 16;
    AtomicU16::new(u16::try_from(spread).unwrap() % PORTS)
});

static TRYING: Mutex<()> = Mutex::new(());

const FIRST: u16 = 12_000;
const PORTS: u16 = 20_000;
const PASSED_OVER: u16 = 250;
const TRIES_MAX: usize = 1_000;
