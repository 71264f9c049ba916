//! Encrypted audio: SRTP and SRTCP (RFC 3711, RFC 7714), with keys that signalling agreed on.
//!
//! The ciphers are libraries; here is how a packet is laid out, which index it has and whether it
//! came before. Nothing is kept about a stream until one packet of it was authenticated, so that
//! forged packets neither cost memory nor move a window.

use crate::rtp::{HEADER_OCTETS, head_octets};
use model::{SrtpKey, SrtpKeys};

mod cipher;
mod window;

use cipher::{Cipher, Labels};
use window::Window;

/// Both directions of one leg.
pub(crate) struct Secured {
    keys: SrtpKeys,
    seal: Seal,
    open: Open,
}

impl Secured {
    pub(crate) fn new(keys: SrtpKeys) -> Self {
        let (seal, open) = (Seal::new(&keys.send), Open::new(&keys.receive));
        Self { keys, seal, open }
    }

    /// Uses these keys from now on. A direction whose key stays goes on with its packet index:
    /// beginning anew would encrypt two packets alike, and hear old ones again.
    pub(crate) fn rekey(&mut self, keys: SrtpKeys) {
        if self.keys.send != keys.send {
            self.seal = Seal::new(&keys.send);
        }
        if self.keys.receive != keys.receive {
            self.open = Open::new(&keys.receive);
        }
        self.keys = keys;
    }

    pub(crate) const fn seal(&mut self) -> &mut Seal {
        &mut self.seal
    }

    pub(crate) const fn open(&mut self) -> &mut Open {
        &mut self.open
    }
}

/// Encrypts what we send: one stream, whose packets are given each index once.
pub(crate) struct Seal {
    rtp: Cipher,
    rtcp: Cipher,
    window: Window,
    rtcp_index: u32,
}

impl Seal {
    fn new(key: &SrtpKey) -> Self {
        Self {
            rtp: Cipher::derive(key, Labels::RTP),
            rtcp: Cipher::derive(key, Labels::RTCP),
            window: Window::default(),
            rtcp_index: 0,
        }
    }

    /// Encrypts the RTP packet in the first `length` octets of `room`, whose header has no
    /// contributing sources and no extension; gives its new length.
    ///
    /// # Errors
    /// `None` when there is no room for the tag, when a packet with this sequence number was sent
    /// already (its key stream must not be used twice), or when the key is used up.
    pub(crate) fn rtp(&mut self, room: &mut [u8], length: usize) -> Option<usize> {
        let (sequence, ssrc) = numbers(room)?;
        let index = self.window.index_of(sequence)?;
        if !self.window.is_new(index) {
            return None;
        }
        let end = length.checked_add(self.rtp.tag_octets())?;
        let (head, body) = room.get_mut(..end)?.split_at_mut_checked(HEADER_OCTETS)?;
        self.rtp.seal(ssrc, index, head, body, &[])?;
        self.window.mark(index);
        Some(end)
    }

    /// Encrypts the compound RTCP packet in the first `length` octets of `room`; gives its new
    /// length.
    ///
    /// # Errors
    /// `None` when there is no room, or when the key is used up.
    pub(crate) fn rtcp(&mut self, room: &mut [u8], length: usize) -> Option<usize> {
        let ssrc = u32::from_be_bytes(*room.get(4..)?.first_chunk()?);
        let index = self.rtcp_index.checked_add(1).filter(|index| *index < ENCRYPTED)?;
        let word = (index | ENCRYPTED).to_be_bytes();
        let sealed = length.checked_add(self.rtcp.tag_octets())?;
        let end = sealed.checked_add(WORD_OCTETS)?;
        let packet = room.get_mut(..end)?;
        self.rtcp.seal_rtcp(ssrc, index, packet, length, word)?;
        self.rtcp_index = index;
        Some(end)
    }
}

/// Decrypts what the other end sends.
pub(crate) struct Open {
    rtp: Cipher,
    rtcp: Cipher,
    streams: Vec<Stream>,
}

struct Stream {
    ssrc: u32,
    rtp: Window,
    rtcp: Window,
}

impl Open {
    fn new(key: &SrtpKey) -> Self {
        Self {
            rtp: Cipher::derive(key, Labels::RTP),
            rtcp: Cipher::derive(key, Labels::RTCP),
            streams: Vec::new(),
        }
    }

    /// Authenticates and decrypts an RTP packet in place; gives its length without the tag.
    ///
    /// # Errors
    /// `None` when it is no packet of this key, was heard before, or is too old to tell.
    pub(crate) fn rtp(&mut self, datagram: &mut [u8]) -> Option<usize> {
        let (sequence, ssrc) = numbers(datagram)?;
        let window = self.window(ssrc)?.rtp;
        let index = window.index_of(sequence)?;
        if !window.is_new(index) {
            return None;
        }
        let (head, body) = datagram.split_at_mut_checked(head_octets(datagram)?)?;
        let octets = self.rtp.open(ssrc, index, head, body, &[])?;
        let length = head.len() + octets;
        self.stream(ssrc).rtp.mark(index);
        Some(length)
    }

    /// Authenticates and decrypts a compound RTCP packet in place; gives its length without index
    /// and tag.
    ///
    /// # Errors
    /// `None` when it is no packet of this key, is not encrypted, or was heard before.
    pub(crate) fn rtcp(&mut self, datagram: &mut [u8]) -> Option<usize> {
        let ssrc = u32::from_be_bytes(*datagram.get(4..)?.first_chunk()?);
        let window = self.window(ssrc)?.rtcp;
        let word = self.rtcp.rtcp_word(datagram)?;
        let index = u32::from_be_bytes(word) & !ENCRYPTED;
        if word.first()? & 0x80 == 0 || !window.is_new(u64::from(index)) {
            return None;
        }
        let length = self.rtcp.open_rtcp(ssrc, index, datagram, word)?;
        self.stream(ssrc).rtcp.mark(u64::from(index));
        Some(length)
    }

    /// What is known of a stream; an empty window when it is new. `None` when there have been as
    /// many streams as one leg may have.
    fn window(&self, ssrc: u32) -> Option<Windows> {
        if let Some(stream) = self.streams.iter().find(|stream| stream.ssrc == ssrc) {
            return Some(Windows { rtp: stream.rtp, rtcp: stream.rtcp });
        }
        let room = self.streams.len() < SRTP_STREAMS_MAX;
        room.then(|| Windows { rtp: Window::default(), rtcp: Window::default() })
    }

    /// A stream of which a packet was authenticated.
    fn stream(&mut self, ssrc: u32) -> &mut Stream {
        let place = self.streams.iter().position(|stream| stream.ssrc == ssrc);
        let place = place.unwrap_or_else(|| {
            let (rtp, rtcp) = (Window::default(), Window::default());
            self.streams.push(Stream { ssrc, rtp, rtcp });
            self.streams.len() - 1
        });
        let Some(stream) = self.streams.get_mut(place) else { unreachable!("it was just found") };
        stream
    }
}

struct Windows {
    rtp: Window,
    rtcp: Window,
}

/// Sequence number and stream of an RTP packet.
fn numbers(packet: &[u8]) -> Option<(u16, u32)> {
    let [_, _, s0, s1, _, _, _, _, c0, c1, c2, c3] = *packet.first_chunk::<HEADER_OCTETS>()?;
    Some((u16::from_be_bytes([s0, s1]), u32::from_be_bytes([c0, c1, c2, c3])))
}

/// Octets by which encrypting lengthens a packet at most: a tag, and the index of RTCP.
pub(crate) const SEALED_EXTRA_OCTETS: usize = 16 + WORD_OCTETS;
/// Streams that one key may have opened. Their windows are never forgotten, or old packets could be
/// played again.
const SRTP_STREAMS_MAX: usize = 8;
/// Bit before the index of an RTCP packet: it is encrypted (RFC 3711 section 3.4).
const ENCRYPTED: u32 = 1 << 31;
/// Octets of that bit and the index.
const WORD_OCTETS: usize = 4;

#[cfg(test)]
mod tests;
