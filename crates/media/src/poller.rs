//! Which sockets have something to read.

use crate::limits::POLL_EVENTS_MAX;
use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    fd::OwnedFd,
};
use std::{io, net::UdpSocket};

/// Linux epoll, level-triggered: a socket is named as long as something waits in it, so that
/// reading one packet of each named socket loses none, and no call is spent on finding a socket
/// empty.
pub(crate) struct Poller {
    epoll: OwnedFd,
}

/// Room for the answer to one look, kept so that none is allocated. It stays on its thread.
pub(crate) struct Ready(Vec<epoll::Event>);

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(epoll::CreateFlags::CLOEXEC)? })
    }

    /// Names `socket` as `token` until it is closed.
    pub(crate) fn register(&self, socket: &UdpSocket, token: u64) -> io::Result<()> {
        let token = epoll::EventData::new_u64(token);
        Ok(epoll::add(&self.epoll, socket, token, epoll::EventFlags::IN)?)
    }

    /// Looks, without waiting, and says how many sockets are named.
    pub(crate) fn look(&self, ready: &mut Ready) -> io::Result<usize> {
        ready.0.clear();
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        Ok(epoll::wait(&self.epoll, spare_capacity(&mut ready.0), Some(&now))?)
    }
}

impl Ready {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(POLL_EVENTS_MAX))
    }

    /// The tokens of the sockets that were named.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().map(|event| event.data.u64())
    }
}
