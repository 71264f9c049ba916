//! Session descriptions: the subset of RFC 8866 and RFC 3264 that telephones need.
//!
//! Read: the first audio stream over RTP/AVP, or over RTP/SAVP with keys (`crypto`), with a G.711
//! law. Every other stream is refused with port 0 in the answer. Written: one audio stream.
//! Whatever is not understood is left out, never guessed.
//!
//! Comfort noise (payload type 13, RFC 3389) is heard where it comes, and neither offered nor
//! taken: an end that may send it stops sending audio while its person listens, and then nothing
//! shows that somebody was there when the notice ended.

use crate::limits::{
    SDP_CRYPTO_MAX, SDP_FORMATS_MAX, SDP_LINE_MAX_OCTETS, SDP_MAX_OCTETS, SDP_MEDIA_MAX,
};
use core::fmt::Write;
use model::{Agreed, Codec, MediaDescription, audio::Direction};
use std::net::{IpAddr, SocketAddr};

pub(crate) mod crypto;
#[cfg(test)]
mod tests;

use crate::Encryption;
use crypto::Crypto;

/// What the end that wrote `local` sends, and how, once both descriptions are known; `None` when
/// they share no codec or no address family. Both ends choose the same codec, whoever offered
/// (RFC 3264 section 6.1: the answerer keeps the offerer's order).
pub fn agree(local: &MediaDescription, remote: &MediaDescription) -> Option<Agreed> {
    if local.address.is_ipv4() != remote.address.is_ipv4() {
        return None;
    }
    let codec = *remote.codecs.iter().find(|codec| local.codecs.contains(codec))?;
    Some(Agreed {
        remote: remote.address,
        codec,
        telephone_event: local.telephone_event.and(remote.telephone_event),
        packet_ms: remote.packet_ms,
        send: hears(remote.direction),
        rtcp: rtcp_address(local, remote),
        signals_from: remote.signals_from,
    })
}

/// Where the other end wants RTCP: at the port of RTP when both ends can tell them apart there (RFC
/// 5761 section 5.1.1), at its own port otherwise.
fn rtcp_address(local: &MediaDescription, remote: &MediaDescription) -> SocketAddr {
    if local.rtcp_mux && remote.rtcp_mux {
        return remote.address;
    }
    SocketAddr::new(remote.address.ip(), remote.rtcp_port)
}

/// A session description that was read.
#[derive(Clone, Debug)]
pub struct Session {
    /// The audio stream that is understood.
    pub audio: MediaDescription,
    /// The keys offered for it; none when it is not encrypted.
    pub(crate) crypto: Vec<Crypto>,
    /// Every stream in order, for the answer: what it was, and whether it is `audio`.
    streams: Vec<Stream>,
}

#[derive(Clone, Debug)]
struct Stream {
    kind: String,
    protocol: String,
    formats: String,
    chosen: bool,
}

/// Why a session description cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Too large, or a line, or the number of streams or formats.
    #[error("the session description is larger than the limit")]
    TooLarge,
    /// Not the grammar of RFC 8866.
    #[error("the session description does not follow rfc 8866: {0}")]
    Grammar(&'static str),
    /// An address that is no unicast IP address.
    #[error("the session description has no unicast ip address for its audio")]
    Address,
    /// No G.711 audio stream in it, or none in common.
    #[error(
        "there is no audio that both ends understand: offer PCMU or PCMA over RTP/AVP, or over \
         RTP/SAVP with keys where encryption is wanted"
    )]
    NoCodec,
    /// One end has IPv4, the other IPv6.
    #[error("the two ends use different ip versions for their audio")]
    Family,
}

impl SdpError {
    /// The status that tells the other end (RFC 3261 section 21.4).
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::TooLarge | Self::Grammar(_) => 400,
            Self::Address | Self::NoCodec | Self::Family => 488,
        }
    }
}

/// Reads a description, and takes the audio in it that is not encrypted.
///
/// # Errors
/// [`SdpError`] says what is wrong with it. It never panics, whatever the octets.
pub fn parse(octets: &[u8]) -> Result<Session, SdpError> {
    parse_for(octets, Encryption::Off)
}

/// Reads a description, and takes the audio in it that is encrypted as `policy` wants it.
///
/// # Errors
/// As for [`parse`].
pub fn parse_for(octets: &[u8], policy: Encryption) -> Result<Session, SdpError> {
    if octets.len() > SDP_MAX_OCTETS {
        return Err(SdpError::TooLarge);
    }
    let text = core::str::from_utf8(octets).map_err(|_| SdpError::Grammar("it is no utf-8"))?;
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        if line.len() > SDP_LINE_MAX_OCTETS {
            return Err(SdpError::TooLarge);
        }
        let line = line.trim_end();
        if line.is_empty() {
            continue;
        }
        let (kind, value) = split_line(line)?;
        if index == 0 && (kind, value) != ('v', "0") {
            return Err(SdpError::Grammar("it does not begin with `v=0`"));
        }
        reader.line(kind, value)?;
    }
    reader.finish(policy)
}

/// Who describes: `o=` identifies a description and counts its changes (RFC 8866 section 5.2).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Author {
    pub(crate) id: u32,
    pub(crate) version: u32,
}

impl Author {
    /// The author of a dialog's descriptions; `tag` makes it differ from that of others.
    pub(crate) fn new(tag: &str) -> Self {
        let add = |id: u32, octet: u8| id.wrapping_mul(31).wrapping_add(u32::from(octet));
        Self { id: tag.bytes().fold(0, add), version: 1 }
    }
}

/// Writes our offer; of encrypted audio where there are keys.
pub(crate) fn offer(author: Author, local: &MediaDescription, keys: &[Crypto]) -> Vec<u8> {
    let mut text = preamble(author, local.address);
    write_audio(&mut text, local, keys);
    text.into_bytes()
}

/// Writes our answer to `offer`.
///
/// # Errors
/// When there is no codec or no IP version in common.
pub(crate) fn answer(
    author: Author,
    offer: &Session,
    local: &MediaDescription,
    key: Option<&Crypto>,
) -> Result<Vec<u8>, SdpError> {
    if offer.audio.address.is_ipv4() != local.address.is_ipv4() {
        return Err(SdpError::Family);
    }
    let ours = MediaDescription {
        address: local.address,
        codecs: offer.audio.codecs.iter().copied().filter(|c| local.codecs.contains(c)).collect(),
        telephone_event: local.telephone_event.and(offer.audio.telephone_event),
        packet_ms: local.packet_ms,
        direction: answer_direction(offer.audio.direction, local.direction),
        rtcp_port: local.rtcp_port,
        rtcp_mux: local.rtcp_mux && offer.audio.rtcp_mux,
        signals_from: None,
    };
    if ours.codecs.is_empty() {
        return Err(SdpError::NoCodec);
    }
    let mut text = preamble(author, local.address);
    for stream in &offer.streams {
        if stream.chosen {
            write_audio(&mut text, &ours, key.map(core::slice::from_ref).unwrap_or_default());
        } else {
            let Stream { kind, protocol, formats, .. } = stream;
            let _ = write!(text, "m={kind} 0 {protocol} {formats}\r\n");
        }
    }
    Ok(text.into_bytes())
}

/// Whether the end that wrote `direction` wants to hear.
const fn hears(direction: Direction) -> bool {
    matches!(direction, Direction::SendRecv | Direction::RecvOnly)
}

/// Whether the end that wrote `direction` wants to speak.
const fn speaks(direction: Direction) -> bool {
    matches!(direction, Direction::SendRecv | Direction::SendOnly)
}

const fn direction(speaks: bool, hears: bool) -> Direction {
    match (speaks, hears) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}

/// We may speak where the offerer hears, and hear where it speaks (RFC 3264 section 6.1).
const fn answer_direction(offered: Direction, local: Direction) -> Direction {
    direction(hears(offered) && speaks(local), speaks(offered) && hears(local))
}

fn preamble(author: Author, address: SocketAddr) -> String {
    let mut text = String::with_capacity(320);
    let ip = address.ip();
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    let Author { id, version } = author;
    let _ = write!(
        text,
        "v=0\r\no=- {id} {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n"
    );
    text
}

fn write_audio(text: &mut String, media: &MediaDescription, keys: &[Crypto]) {
    let protocol = if keys.is_empty() { PLAIN } else { SECURE };
    let _ = write!(text, "m=audio {} {protocol}", media.address.port());
    for codec in &media.codecs {
        let _ = write!(text, " {}", codec.payload_type());
    }
    if let Some(event) = media.telephone_event {
        let _ = write!(text, " {event}");
    }
    text.push_str("\r\n");
    for codec in &media.codecs {
        let _ = write!(text, "a=rtpmap:{} {}/8000\r\n", codec.payload_type(), name(*codec));
    }
    if let Some(event) = media.telephone_event {
        let _ = write!(text, "a=rtpmap:{event} telephone-event/8000\r\na=fmtp:{event} 0-15\r\n");
    }
    for key in keys {
        key.write(text);
    }
    let direction = match media.direction {
        Direction::SendRecv => "sendrecv",
        Direction::SendOnly => "sendonly",
        Direction::RecvOnly => "recvonly",
        Direction::Inactive => "inactive",
    };
    let _ = write!(text, "a=ptime:{}\r\na={direction}\r\n", media.packet_ms);
    if media.rtcp_port != media.address.port().saturating_add(1) {
        let _ = write!(text, "a=rtcp:{}\r\n", media.rtcp_port);
    }
    if media.rtcp_mux {
        text.push_str("a=rtcp-mux\r\n");
    }
}

const fn name(codec: Codec) -> &'static str {
    match codec {
        Codec::Pcmu => "PCMU",
        Codec::Pcma => "PCMA",
    }
}

fn split_line(line: &str) -> Result<(char, &str), SdpError> {
    let mut chars = line.chars();
    match (chars.next(), chars.next()) {
        (Some(kind), Some('=')) if kind.is_ascii_lowercase() => Ok((kind, chars.as_str())),
        _ => Err(SdpError::Grammar("a line is not of the form `x=value`")),
    }
}

/// What is known while lines go by: the session's own values, then those of each stream.
#[derive(Default)]
struct Reader {
    begun: bool,
    address: Option<IpAddr>,
    direction: Option<Direction>,
    streams: Vec<Draft>,
}

#[derive(Default)]
struct Draft {
    kind: String,
    port: u16,
    protocol: String,
    formats: Vec<String>,
    address: Option<IpAddr>,
    direction: Option<Direction>,
    packet_ms: Option<u8>,
    packet_max_ms: Option<u8>,
    /// Payload types mapped to telephone-event/8000.
    events: Vec<u8>,
    /// Payload types whose `fmtp` leaves out a digit, `*` or `#`.
    not_all_keys: Vec<u8>,
    /// Static payload types that `rtpmap` maps to something else.
    remapped: Vec<u8>,
    rtcp_port: Option<u16>,
    rtcp_mux: bool,
    crypto: Vec<Crypto>,
}

impl Reader {
    fn line(&mut self, kind: char, value: &str) -> Result<(), SdpError> {
        self.begun = true;
        match kind {
            'c' => {
                let address = connection(value)?;
                match self.streams.last_mut() {
                    Some(stream) => stream.address = Some(address),
                    None => self.address = Some(address),
                }
            }
            'm' => {
                if self.streams.len() >= SDP_MEDIA_MAX {
                    return Err(SdpError::TooLarge);
                }
                self.streams.push(Draft::new(value)?);
            }
            'a' => self.attribute(value)?,
            _ => {}
        }
        Ok(())
    }

    fn attribute(&mut self, value: &str) -> Result<(), SdpError> {
        let (name, rest) = value.split_once(':').unwrap_or((value, ""));
        let direction = match name {
            "sendrecv" => Some(Direction::SendRecv),
            "sendonly" => Some(Direction::SendOnly),
            "recvonly" => Some(Direction::RecvOnly),
            "inactive" => Some(Direction::Inactive),
            _ => None,
        };
        let Some(stream) = self.streams.last_mut() else {
            self.direction = direction.or(self.direction);
            return Ok(());
        };
        stream.direction = direction.or(stream.direction);
        match name {
            "rtpmap" => stream.rtpmap(rest),
            "fmtp" => {
                stream.fmtp(rest);
                Ok(())
            }
            "ptime" => {
                stream.packet_ms = milliseconds(rest);
                Ok(())
            }
            "maxptime" => {
                stream.packet_max_ms = milliseconds(rest);
                Ok(())
            }
            "rtcp" => {
                // An address after the port is not followed: RTCP goes where RTP goes.
                let port = rest.split(' ').next().and_then(|port| port.parse().ok());
                stream.rtcp_port = port.filter(|port| *port != 0);
                Ok(())
            }
            "crypto" => {
                if stream.crypto.len() < SDP_CRYPTO_MAX {
                    stream.crypto.extend(Crypto::read(rest));
                }
                Ok(())
            }
            "rtcp-mux" => {
                stream.rtcp_mux = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn finish(self, policy: Encryption) -> Result<Session, SdpError> {
        if !self.begun {
            return Err(SdpError::Grammar("it is empty"));
        }
        let find = |secure| self.streams.iter().position(|draft| draft.understood(secure));
        let chosen = match policy {
            Encryption::Off => find(false),
            Encryption::Optional => find(true).or_else(|| find(false)),
            Encryption::Required => find(true),
        };
        let chosen = chosen.ok_or(SdpError::NoCodec)?;
        let draft = self.streams.get(chosen).ok_or(SdpError::NoCodec)?;
        let ip = draft.address.or(self.address).ok_or(SdpError::Address)?;
        let mut wanted = draft.direction.or(self.direction).unwrap_or(Direction::SendRecv);
        if ip.is_unspecified() {
            // The hold of RFC 2543: "do not send to me".
            wanted = direction(speaks(wanted), false);
        } else if !is_unicast(ip) {
            return Err(SdpError::Address);
        }
        let audio = MediaDescription {
            address: SocketAddr::new(ip, draft.port),
            codecs: draft.codecs(),
            telephone_event: draft.telephone_event(),
            packet_ms: draft.packet_ms(),
            direction: wanted,
            rtcp_port: draft.rtcp_port.unwrap_or(draft.port.saturating_add(1)),
            rtcp_mux: draft.rtcp_mux,
            signals_from: None,
        };
        let secure = draft.understood(true);
        let crypto = if secure { draft.crypto.clone() } else { Vec::new() };
        let streams = self.streams.into_iter().enumerate();
        let streams = streams.map(|(index, draft)| draft.into_stream(index == chosen)).collect();
        Ok(Session { audio, crypto, streams })
    }
}

impl Draft {
    /// `m=audio 49170 RTP/AVP 0 8 101`
    fn new(value: &str) -> Result<Self, SdpError> {
        const WRONG: SdpError = SdpError::Grammar("an `m=` line is not complete");
        let mut words = value.split(' ').filter(|word| !word.is_empty());
        let kind = words.next().ok_or(WRONG)?.to_owned();
        let port = words.next().ok_or(WRONG)?;
        let port = port.split_once('/').map_or(port, |(port, _)| port);
        let port = port.parse().map_err(|_| SdpError::Grammar("a port is no number"))?;
        let protocol = words.next().ok_or(WRONG)?.to_owned();
        let formats: Vec<String> = words.map(str::to_owned).collect();
        if formats.is_empty() {
            return Err(WRONG);
        }
        if formats.len() > SDP_FORMATS_MAX {
            return Err(SdpError::TooLarge);
        }
        Ok(Self { kind, port, protocol, formats, ..Self::default() })
    }

    /// `a=rtpmap:101 telephone-event/8000`
    fn rtpmap(&mut self, value: &str) -> Result<(), SdpError> {
        const WRONG: SdpError = SdpError::Grammar("an `a=rtpmap` is not complete");
        let (payload_type, encoding) = value.trim().split_once(' ').ok_or(WRONG)?;
        let payload_type: u8 = payload_type.parse().map_err(|_| WRONG)?;
        let mut parts = encoding.trim().split('/');
        let name = parts.next().unwrap_or("");
        let clock = parts.next().ok_or(WRONG)?;
        let mono = parts.next().is_none_or(|channels| channels == "1");
        if name.eq_ignore_ascii_case("telephone-event") && clock == "8000" {
            self.events.push(payload_type);
        }
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let same = name.eq_ignore_ascii_case(self::name(codec)) && clock == "8000" && mono;
            if payload_type == codec.payload_type() && !same {
                self.remapped.push(payload_type);
            }
        }
        Ok(())
    }

    /// `a=fmtp:101 0-15`: which events are understood (RFC 4733 section 2.4.1).
    fn fmtp(&mut self, value: &str) {
        let Some((payload_type, events)) = value.trim().split_once(' ') else { return };
        let Ok(payload_type) = payload_type.parse::<u8>() else { return };
        let mut seen = [false; 12];
        for range in events.split(',') {
            let (first, last) =
                range.trim().split_once('-').unwrap_or((range.trim(), range.trim()));
            let (Ok(first), Ok(last)) = (first.parse::<u8>(), last.parse::<u8>()) else { continue };
            for (event, seen) in (0u8..).zip(seen.iter_mut()) {
                *seen |= (first..=last).contains(&event);
            }
        }
        if seen.contains(&false) {
            self.not_all_keys.push(payload_type);
        }
    }

    /// Whether this is audio that we understand, encrypted or not.
    fn understood(&self, secure: bool) -> bool {
        let protocol = if secure { SECURE } else { PLAIN };
        let protocol =
            self.protocol.eq_ignore_ascii_case(protocol) && (!secure || !self.crypto.is_empty());
        self.kind == "audio" && self.port != 0 && protocol && !self.codecs().is_empty()
    }

    fn codecs(&self) -> Vec<Codec> {
        let mut codecs = Vec::with_capacity(2);
        for format in &self.formats {
            let codec = match format.as_str() {
                "0" => Codec::Pcmu,
                "8" => Codec::Pcma,
                _ => continue,
            };
            if !self.remapped.contains(&codec.payload_type()) && !codecs.contains(&codec) {
                codecs.push(codec);
            }
        }
        codecs
    }

    fn telephone_event(&self) -> Option<u8> {
        let offered = |event: &&u8| self.formats.iter().any(|f| f.parse() == Ok(**event));
        let usable = |event: &&u8| **event <= 127 && !self.not_all_keys.contains(event);
        self.events.iter().filter(usable).find(offered).copied()
    }

    fn packet_ms(&self) -> u8 {
        let wanted = self.packet_ms.filter(|ms| (PACKET_MIN_MS..=PACKET_MAX_MS).contains(ms));
        let longest = self.packet_max_ms.unwrap_or(PACKET_MAX_MS).max(PACKET_MIN_MS);
        let ms = wanted.unwrap_or(PACKET_USUAL_MS).min(longest);
        ms - ms % PACKET_MIN_MS
    }

    fn into_stream(self, chosen: bool) -> Stream {
        let Self { kind, protocol, formats, .. } = self;
        Stream { kind, protocol, formats: formats.join(" "), chosen }
    }
}

/// `c=IN IP4 192.0.2.1`, with an optional `/ttl`.
fn connection(value: &str) -> Result<IpAddr, SdpError> {
    let mut words = value.split(' ').filter(|word| !word.is_empty());
    let (Some("IN"), Some(family), Some(address)) = (words.next(), words.next(), words.next())
    else {
        return Err(SdpError::Grammar("a `c=` line is not complete"));
    };
    let address = address.split_once('/').map_or(address, |(address, _)| address);
    match (family, address.parse()) {
        ("IP4", Ok(ip @ IpAddr::V4(_))) | ("IP6", Ok(ip @ IpAddr::V6(_))) => Ok(ip),
        _ => Err(SdpError::Address),
    }
}

fn is_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_multicast() && !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_multicast(),
    }
}

fn milliseconds(value: &str) -> Option<u8> {
    let whole = value.trim().split_once('.').map_or(value.trim(), |(whole, _)| whole);
    whole.parse().ok()
}

/// RFC 3551.
const PLAIN: &str = "RTP/AVP";
/// RFC 3711.
const SECURE: &str = "RTP/SAVP";
const PACKET_MIN_MS: u8 = 10;
const PACKET_USUAL_MS: u8 = 20;
const PACKET_MAX_MS: u8 = 60;
