//! Pairs of UDP ports: RTP on an even one, RTCP on the odd one after it (RFC 3550 section 11).
//!
//! RTP's is bound from the first moment, since the other end may send at once. RTCP's is bound when
//! a leg has audio to report on and both ends did not agree to share one port (RFC 5761): a leg
//! that is inactive, or shares, takes one socket of the system and not two.

use crate::{MediaError, limits::RTCP_BUFFER_OCTETS};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError},
};

/// The ports that legs may use. They are given out in turn, so that a port rests as long as
/// possible before packets meant for its last user could reach another.
pub(crate) struct Ports {
    ip: IpAddr,
    first: u16,
    taken: Arc<Mutex<Taken>>,
}

impl Ports {
    /// `reports_max` is how many sockets of RTCP there may be at once.
    pub(crate) fn new(
        ip: IpAddr,
        ports: RangeInclusive<u16>,
        reports_max: usize,
    ) -> Result<Self, MediaError> {
        let (low, high) = ports.into_inner();
        let first = low.checked_next_multiple_of(2).unwrap_or(u16::MAX);
        let pairs = (high.saturating_sub(first).saturating_add(1)) / 2;
        if high <= first || pairs == 0 || first == 0 {
            return Err(MediaError::Config(
                "`ports` must hold an even port and the odd one after it",
            ));
        }
        let pairs = vec![false; usize::from(pairs)];
        let taken = Taken { pairs, next: 0, reports_left: reports_max };
        Ok(Self { ip, first, taken: Arc::new(Mutex::new(taken)) })
    }

    /// Takes the next free pair and binds its port of RTP. A pair whose port of RTP another program
    /// uses is passed over.
    pub(crate) fn take(&self) -> Result<PortPair, MediaError> {
        let mut refused = None;
        let pairs = self.lock().pairs.len();
        for _ in 0..pairs {
            let Some(index) = self.lock().take_next() else { break };
            let slot = Slot { index, reports: false, taken: Arc::clone(&self.taken) };
            let offset = u16::try_from(index * 2).unwrap_or(0);
            match PortPair::bind(self.ip, self.first.saturating_add(offset), slot) {
                Ok(pair) => return Ok(pair),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        Err(refused.map_or(MediaError::NoPort, MediaError::Broken))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bound socket of RTP, not connected, and the port after it. Its ports are free again when it is
/// dropped.
pub(crate) struct PortPair {
    /// Non-blocking.
    pub(crate) rtp: UdpSocket,
    /// Non-blocking, too; with a small buffer.
    rtcp: Option<UdpSocket>,
    address: SocketAddr,
    slot: Slot,
}

impl PortPair {
    /// Where RTP is bound.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The socket of RTCP, where there is one.
    pub(crate) const fn rtcp(&self) -> Option<&UdpSocket> {
        self.rtcp.as_ref()
    }

    /// Binds RTCP's port, not connected, unless it is bound. There is none afterwards when another
    /// program has the port, or there are as many as there may be: reports are not heard then, and
    /// audio goes on.
    pub(crate) fn bind_rtcp(&mut self) -> Option<&UdpSocket> {
        if self.rtcp.is_none() && self.slot.take_reports() {
            let port = self.address.port().saturating_add(1);
            let address = SocketAddr::new(self.address.ip(), port);
            self.rtcp = bind(address, Some(RTCP_BUFFER_OCTETS)).ok();
            if self.rtcp.is_none() {
                self.slot.give_reports();
            }
        }
        self.rtcp.as_ref()
    }

    fn bind(ip: IpAddr, port: u16, slot: Slot) -> io::Result<Self> {
        let address = SocketAddr::new(ip, port);
        Ok(Self { rtp: bind(address, None)?, rtcp: None, address, slot })
    }
}

fn bind(address: SocketAddr, buffer_octets: Option<usize>) -> io::Result<UdpSocket> {
    let kind = Type::DGRAM.nonblocking();
    let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::UDP))?;
    if let Some(octets) = buffer_octets {
        socket.set_recv_buffer_size(octets)?;
    }
    socket.bind(&SockAddr::from(address))?;
    Ok(socket.into())
}

/// Which pairs are taken, and where to look next.
struct Taken {
    pairs: Vec<bool>,
    next: usize,
    /// Sockets of RTCP that there may still be.
    reports_left: usize,
}

impl Taken {
    fn take_next(&mut self) -> Option<usize> {
        let count = self.pairs.len();
        let free = (0..count)
            .map(|step| (self.next + step) % count)
            .find(|index| self.pairs.get(*index) == Some(&false))?;
        *self.pairs.get_mut(free)? = true;
        self.next = free + 1;
        Some(free)
    }
}

/// One taken pair.
struct Slot {
    index: usize,
    /// It counts among the sockets of RTCP.
    reports: bool,
    taken: Arc<Mutex<Taken>>,
}

impl Slot {
    /// Whether there may be one more socket of RTCP; then it is counted.
    fn take_reports(&mut self) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let left = taken.reports_left.checked_sub(1);
        taken.reports_left = left.unwrap_or(0);
        self.reports = left.is_some();
        self.reports
    }

    fn give_reports(&mut self) {
        if std::mem::take(&mut self.reports) {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.reports_left += 1;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.give_reports();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pair) = taken.pairs.get_mut(self.index) {
            *pair = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn ranges_without_a_whole_pair_are_refused() {
        for range in [5..=5, 5..=6, 6..=6, 0..=1, 65_535..=65_535, RangeInclusive::new(9, 4)] {
            assert!(Ports::new(HERE, range.clone(), 9).is_err(), "{range:?}");
        }
        for (range, pairs) in [(6..=7, 1), (5..=9, 2), (40_000..=40_009, 5), (65_534..=65_535, 1)] {
            assert_eq!(Ports::new(HERE, range.clone(), 9).unwrap().lock().pairs.len(), pairs);
        }
    }

    #[test]
    fn pairs_are_even_and_taken_in_turn_and_come_back() {
        let ports = Ports::new(HERE, 22_101..=22_107, 9).unwrap();
        let mut first = ports.take().unwrap();
        let second = ports.take().unwrap();
        let third = ports.take().unwrap();
        let seen = [&first, &second, &third].map(|pair| pair.address().port());
        assert_eq!(seen, [22_102, 22_104, 22_106]);
        assert!(UdpSocket::bind((HERE, 22_102)).is_err(), "the port of RTP is held");
        assert!(first.rtcp().is_none());
        assert_eq!(first.bind_rtcp().unwrap().local_addr().unwrap().port(), 22_103);
        assert!(UdpSocket::bind((HERE, 22_103)).is_err(), "the port of RTCP is held");
        assert!(matches!(ports.take(), Err(MediaError::NoPort)));
        drop(second);
        assert_eq!(ports.take().unwrap().address().port(), 22_104);
    }

    #[test]
    fn a_pair_whose_rtp_another_program_uses_is_passed_over() {
        let _other = UdpSocket::bind((HERE, 22_120)).unwrap();
        let ports = Ports::new(HERE, 22_120..=22_123, 9).unwrap();
        assert_eq!(ports.take().unwrap().address().port(), 22_122);
    }

    #[test]
    fn a_port_of_rtcp_that_another_program_uses_costs_its_reports_only() {
        let other = UdpSocket::bind((HERE, 22_131)).unwrap();
        let ports = Ports::new(HERE, 22_130..=22_133, 1).unwrap();
        let mut pair = ports.take().unwrap();
        assert_eq!(pair.address().port(), 22_130);
        assert!(pair.bind_rtcp().is_none());
        drop(other);
        assert!(pair.bind_rtcp().is_some(), "a port that could not be bound counts as none");
    }

    #[test]
    fn there_are_no_more_sockets_of_rtcp_than_there_may_be() {
        let ports = Ports::new(HERE, 22_140..=22_149, 2).unwrap();
        let mut pairs: Vec<_> = (0..3).map(|_| ports.take().unwrap()).collect();
        let bound: Vec<_> = pairs.iter_mut().map(|pair| pair.bind_rtcp().is_some()).collect();
        assert_eq!(bound, [true, true, false]);
        assert!(pairs[0].bind_rtcp().is_some(), "asked again, it is the one that is there");
        drop(pairs.remove(0));
        assert!(pairs[1].bind_rtcp().is_some(), "one that is closed leaves room for another");
    }
}
