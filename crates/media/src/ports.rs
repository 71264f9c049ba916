//! Pairs of UDP ports: RTP on an even one, RTCP on the odd one after it (RFC 3550 section 11).

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
    pub(crate) fn new(ip: IpAddr, ports: RangeInclusive<u16>) -> Result<Self, MediaError> {
        let (low, high) = ports.into_inner();
        let first = low.checked_next_multiple_of(2).unwrap_or(u16::MAX);
        let pairs = (high.saturating_sub(first).saturating_add(1)) / 2;
        if high <= first || pairs == 0 || first == 0 {
            return Err(MediaError::Config(
                "`ports` must hold an even port and the odd one after it",
            ));
        }
        let taken = Taken { pairs: vec![false; usize::from(pairs)], next: 0 };
        Ok(Self { ip, first, taken: Arc::new(Mutex::new(taken)) })
    }

    /// Binds the next free pair. A pair that another program uses is passed over.
    pub(crate) fn take(&self) -> Result<PortPair, MediaError> {
        let mut refused = None;
        let pairs = self.lock().pairs.len();
        for _ in 0..pairs {
            let Some(index) = self.lock().take_next() else { break };
            let slot = Slot { index, taken: Arc::clone(&self.taken) };
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

/// Two bound sockets, not connected. Its ports are free again when it is dropped.
pub(crate) struct PortPair {
    /// Non-blocking.
    pub(crate) rtp: UdpSocket,
    /// Non-blocking, too; with a small buffer.
    pub(crate) rtcp: UdpSocket,
    address: SocketAddr,
    _slot: Slot,
}

impl PortPair {
    /// Where RTP is bound.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    fn bind(ip: IpAddr, port: u16, slot: Slot) -> io::Result<Self> {
        let address = SocketAddr::new(ip, port);
        let rtp = bind(address, None)?;
        let rtcp = bind(SocketAddr::new(ip, port.saturating_add(1)), Some(RTCP_BUFFER_OCTETS))?;
        Ok(Self { rtp, rtcp, address, _slot: slot })
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
    taken: Arc<Mutex<Taken>>,
}

impl Drop for Slot {
    fn drop(&mut self) {
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
            assert!(Ports::new(HERE, range.clone()).is_err(), "{range:?}");
        }
        for (range, pairs) in [(6..=7, 1), (5..=9, 2), (40_000..=40_009, 5), (65_534..=65_535, 1)] {
            assert_eq!(Ports::new(HERE, range.clone()).unwrap().lock().pairs.len(), pairs);
        }
    }

    #[test]
    fn pairs_are_even_and_taken_in_turn_and_come_back() {
        let ports = Ports::new(HERE, 22_101..=22_107).unwrap();
        let first = ports.take().unwrap();
        let second = ports.take().unwrap();
        let third = ports.take().unwrap();
        let seen = [&first, &second, &third].map(|pair| pair.address().port());
        assert_eq!(seen, [22_102, 22_104, 22_106]);
        assert!(UdpSocket::bind((HERE, 22_105)).is_err(), "the port of RTCP is held");
        assert!(matches!(ports.take(), Err(MediaError::NoPort)));
        drop(second);
        assert_eq!(ports.take().unwrap().address().port(), 22_104);
    }

    #[test]
    fn a_pair_in_use_by_another_program_is_passed_over() {
        let _other = UdpSocket::bind((HERE, 22_121)).unwrap();
        let ports = Ports::new(HERE, 22_120..=22_123).unwrap();
        assert_eq!(ports.take().unwrap().address().port(), 22_122);
    }
}
