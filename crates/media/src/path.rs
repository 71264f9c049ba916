//! The way of one leg through the network: its sockets, whom they hear, and what is encrypted.
//!
//! While the other end is heard, its address is the only one that the kernel lets through. Another
//! address becomes the leg's by a new agreement, or, on an encrypted leg that has been silent, by a
//! packet that only the holder of its key can have made: a telephone behind a NAT that gave it
//! another port. In clear a leg is found elsewhere in one case only ([`Seek`]): right after an
//! agreement, at the host that the station signals from.

use crate::{
    Statistics,
    limits::{DATAGRAMS_DRAINED_MAX, PAYLOAD_MAX_OCTETS, RELATCH_AFTER, SEEK_MAX, SEEK_PACKETS},
    poller::Poller,
    ports::PortPair,
    rtcp::{REPORT_MAX_OCTETS, is_report},
    rtp::{self, HEADER_OCTETS},
    srtp::{SEALED_EXTRA_OCTETS, Secured},
};
use model::{Agreed, SrtpKeys, Timestamp};
use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr, UdpSocket},
};

/// Sockets and keys of one leg.
pub(crate) struct Path {
    pair: PortPair,
    /// The poller names the socket of RTP, and that of RTCP.
    registered: (bool, bool),
    /// Where audio goes and comes from; `None` when nothing is agreed.
    remote: Option<SocketAddr>,
    /// Where reports go, when not where audio goes.
    reports: Option<SocketAddr>,
    /// Once a leg has keys, nothing in clear is heard or sent on it.
    secured: Option<Box<Secured>>,
    /// The socket hears every address, and looks for one that holds the key or is sought.
    open: bool,
    /// In clear: who else than `remote` may be the leg's end.
    seek: Option<Box<Seek>>,
    /// Arrival of the last packet from `remote`, if any came.
    last: Option<Timestamp>,
}

/// Looks for a station in clear that described an address where it may not be, because a NAT is in
/// between. It is found where it signals from, by some packets of audio of one stream, one behind
/// the other, and only while nothing came from where it said, and not for long.
struct Seek {
    host: IpAddr,
    until: Timestamp,
    /// From where a stream began, which one it is, its next number, and how many packets came.
    begun: Option<(SocketAddr, u32, u16, u8)>,
}

impl Seek {
    /// Whether this packet is the one by which the station is found.
    fn finds(&mut self, from: SocketAddr, datagram: &[u8], now: Timestamp) -> bool {
        if from.ip() != self.host || now >= self.until {
            return false;
        }
        let Ok((header, _)) = rtp::parse(datagram) else { return false };
        if !AUDIO_TYPES.contains(&header.payload_type) {
            return false;
        }
        let next = (from, header.ssrc, header.sequence);
        let count = match self.begun {
            Some((host, stream, number, count)) if (host, stream, number) == next => count + 1,
            Some(_) | None => 1,
        };
        self.begun = Some((from, header.ssrc, header.sequence.wrapping_add(1), count));
        count >= SEEK_PACKETS
    }
}

/// What was read.
pub(crate) enum Read<'a> {
    /// An RTP packet, in clear.
    Audio(&'a mut [u8]),
    /// A compound RTCP packet, in clear.
    Report(&'a [u8]),
    /// Audio from another address that holds the key or was sought: the leg has moved there.
    Moved(&'a mut [u8]),
}

/// What the poller calls the sockets of a leg.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens {
    pub(crate) rtp: u64,
    pub(crate) rtcp: u64,
}

impl Path {
    pub(crate) const fn new(pair: PortPair) -> Self {
        Self {
            pair,
            registered: (false, false),
            remote: None,
            reports: None,
            secured: None,
            open: false,
            seek: None,
            last: None,
        }
    }

    /// Takes the keys of an agreement; without any, those it has stay: a leg never falls back to
    /// audio in clear.
    pub(crate) fn secure(&mut self, keys: Option<SrtpKeys>) {
        match (keys, &mut self.secured) {
            (None, _) => {}
            (Some(keys), Some(secured)) => secured.rekey(keys),
            (Some(keys), none) => *none = Some(Box::new(Secured::new(keys))),
        }
    }

    /// Hears the agreed address only. What came before is not heard: nobody knew who might send,
    /// nor when it arrived.
    ///
    /// # Errors
    /// When the system refuses the address; then nobody is heard.
    pub(crate) fn connect(&mut self, agreed: Agreed, now: Timestamp) -> io::Result<()> {
        self.remote = None;
        self.open = false;
        self.seek = None;
        self.last = None;
        if agreed.remote.ip().is_unspecified() || agreed.remote.port() == 0 {
            // The system would take the first for itself.
            return Err(ErrorKind::AddrNotAvailable.into());
        }
        self.pair.rtp.connect(agreed.remote)?;
        drain(&self.pair.rtp);
        self.remote = Some(agreed.remote);
        if self.secured.is_some() {
            // It may be behind a NAT from the start.
            self.open_up();
        } else if let Some(host) = agreed.signals_from {
            self.open_up();
            let until = now.after(SEEK_MAX);
            self.seek = self.open.then(|| Box::new(Seek { host, until, begun: None }));
        }
        Ok(())
    }

    /// Says where reports go. An address that the system refuses gets none. From the first audio on
    /// they have a port of their own, where they do not share RTP's.
    pub(crate) fn connect_reports(&mut self, agreed: Agreed) {
        let apart = Some(agreed.rtcp).filter(|rtcp| {
            !is_same(*rtcp, agreed.remote) && !rtcp.ip().is_unspecified() && rtcp.port() > 0
        });
        let connected = self.reports == apart && self.pair.rtcp().is_some();
        self.reports = apart;
        let Some(rtcp) = apart.filter(|_| !connected) else { return };
        let socket = if agreed.send { self.pair.bind_rtcp() } else { self.pair.rtcp() };
        if let Some(socket) = socket {
            drain(socket);
            if socket.connect(rtcp).is_err() {
                self.reports = None;
            }
        }
    }

    /// Has the poller name every socket there is, once.
    pub(crate) fn register(&mut self, poller: &Poller, tokens: Tokens) -> io::Result<()> {
        let (rtp, rtcp) = &mut self.registered;
        if !*rtp {
            poller.register(&self.pair.rtp, tokens.rtp)?;
            *rtp = true;
        }
        if let Some(socket) = self.pair.rtcp().filter(|_| !*rtcp) {
            poller.register(socket, tokens.rtcp)?;
            *rtcp = true;
        }
        Ok(())
    }

    /// Reads the next datagram of RTP's socket. `None` when there is none, or it is not for us to
    /// hear.
    pub(crate) fn read<'a>(
        &mut self,
        buffer: &'a mut [u8],
        now: Timestamp,
        counted: &mut Statistics,
    ) -> Option<Read<'a>> {
        // An error is what became of an earlier packet of ours.
        let (octets, from) = self.pair.rtp.recv_from(buffer).ok()?;
        let known = self.remote.is_some_and(|remote| is_same(from, remote));
        let silent = self.last.is_none_or(|last| now.since(last) >= RELATCH_AFTER);
        if !(known || self.open && silent) {
            // Sent before the socket was connected, or to its former remote address.
            counted.foreign += 1;
            return None;
        }
        let datagram = buffer.get_mut(..octets)?;
        if known && is_report(datagram) {
            let length = self.unseal_report(datagram, counted)?;
            return datagram.get(..length).map(Read::Report);
        }
        let length = match &mut self.secured {
            None if known => octets,
            None => {
                let seek = self.seek.as_mut();
                if !seek.is_some_and(|seek| seek.finds(from, datagram, now)) {
                    counted.foreign += 1;
                    return None;
                }
                octets
            }
            Some(secured) => {
                let Some(length) = secured.open().rtp(datagram) else {
                    *(if known { &mut counted.forged } else { &mut counted.foreign }) += 1;
                    return None;
                };
                length
            }
        };
        self.last = Some(now);
        self.close_to(from);
        let datagram = datagram.get_mut(..length)?;
        Some(if known { Read::Audio(datagram) } else { Read::Moved(datagram) })
    }

    /// Reads the next report of RTCP's own socket.
    pub(crate) fn read_report<'a>(
        &mut self,
        buffer: &'a mut [u8],
        counted: &mut Statistics,
    ) -> Option<&'a [u8]> {
        let (octets, from) = self.pair.rtcp()?.recv_from(buffer).ok()?;
        if self.reports.is_none_or(|reports| !is_same(from, reports)) {
            counted.foreign += 1;
            return None;
        }
        let datagram = buffer.get_mut(..octets)?;
        let length = self.unseal_report(datagram, counted)?;
        datagram.get(..length)
    }

    /// When [`Self::service`] has something to do.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        self.opens_at().or_else(|| self.seek.as_ref().map(|seek| seek.until))
    }

    /// When an encrypted leg that is silent begins to look for its end elsewhere.
    fn opens_at(&self) -> Option<Timestamp> {
        let may = self.secured.is_some() && self.remote.is_some() && !self.open;
        self.last.filter(|_| may).map(|last| last.after(RELATCH_AFTER))
    }

    /// Begins to look, or looks no longer, when it is time.
    pub(crate) fn service(&mut self, now: Timestamp) {
        if self.opens_at().is_some_and(|at| at <= now) {
            self.open_up();
        }
        if self.seek.as_ref().is_some_and(|seek| seek.until <= now)
            && let Some(remote) = self.remote
        {
            self.close_to(remote);
        }
    }

    /// `true` when the network took the packet.
    pub(crate) fn send(&mut self, packet: &[u8]) -> bool {
        let mut room = [0; HEADER_OCTETS + PAYLOAD_MAX_OCTETS + SEALED_EXTRA_OCTETS];
        let Some(secured) = &mut self.secured else {
            return self.send_to_remote(packet);
        };
        let Some(place) = room.get_mut(..packet.len()) else { return false };
        place.copy_from_slice(packet);
        let Some(length) = secured.seal().rtp(&mut room, packet.len()) else { return false };
        room.get(..length).is_some_and(|packet| self.send_to_remote(packet))
    }

    /// Sends a compound RTCP packet, the first `length` octets of `report`.
    pub(crate) fn send_report(&mut self, report: &[u8; REPORT_MAX_OCTETS], length: usize) {
        let mut room = [0; REPORT_MAX_OCTETS + SEALED_EXTRA_OCTETS];
        for (place, octet) in room.iter_mut().zip(report) {
            *place = *octet;
        }
        let length = match &mut self.secured {
            None => Some(length),
            Some(secured) => secured.seal().rtcp(&mut room, length),
        };
        let Some(packet) = length.and_then(|length| room.get(..length)) else { return };
        // Whether a report arrives is nobody's business.
        let _ = match (self.reports, self.pair.rtcp()) {
            (None, _) => {
                self.send_to_remote(packet);
                return;
            }
            (Some(_), Some(socket)) => socket.send(packet),
            (Some(reports), None) => self.pair.rtp.send_to(packet, reports),
        };
    }

    fn send_to_remote(&self, packet: &[u8]) -> bool {
        let Some(remote) = self.remote else { return false };
        let send = || {
            if self.open {
                self.pair.rtp.send_to(packet, remote)
            } else {
                self.pair.rtp.send(packet)
            }
        };
        let mut taken = send();
        if taken.as_ref().is_err_and(|error| error.kind() != ErrorKind::WouldBlock) {
            // The error belongs to an earlier packet; this one was not tried.
            taken = send();
        }
        taken.is_ok()
    }

    fn unseal_report(&mut self, datagram: &mut [u8], counted: &mut Statistics) -> Option<usize> {
        let Some(secured) = &mut self.secured else { return Some(datagram.len()) };
        let length = secured.open().rtcp(datagram);
        counted.forged += u64::from(length.is_none());
        length
    }

    /// Hears every address, to find the one that holds the key.
    fn open_up(&mut self) {
        self.open = rustix::net::connect_unspec(&self.pair.rtp).is_ok();
    }

    /// Hears this address only.
    fn close_to(&mut self, from: SocketAddr) {
        self.remote = Some(from);
        self.seek = None;
        if self.open {
            self.open = self.pair.rtp.connect(from).is_err();
        }
    }
}

/// Payload types of audio: both laws of G.711 (RFC 3551 section 6).
const AUDIO_TYPES: [u8; 2] = [0, 8];

/// Reads and forgets everything that waits in a socket.
fn drain(socket: &UdpSocket) {
    let mut octets = [0; 1];
    for _ in 0..DATAGRAMS_DRAINED_MAX {
        match socket.recv_from(&mut octets) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Ok(_) | Err(_) => {}
        }
    }
}

/// Whether two addresses are the same end, whatever flow or zone an IPv6 address names.
fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip() == other.ip() && one.port() == other.port()
}

#[cfg(test)]
mod tests;
