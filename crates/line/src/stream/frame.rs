//! Cuts what a stream brings into messages (RFC 3261 section 18.3 and 20.14).

use crate::limits::DATAGRAM_MAX_OCTETS;

/// One piece of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// Two line ends: the other end asks whether we are still here.
    Ping,
    /// A message with the body it announced.
    Message(Vec<u8>),
}

/// The stream cannot be cut: where its next message begins is not known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unframed;

/// What was read and not cut yet; at most one message and one read.
#[derive(Default)]
pub(super) struct Framer {
    octets: Vec<u8>,
    /// Where a search for the end of the head goes on.
    searched: usize,
}

impl Framer {
    /// Takes what was read.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    /// The next whole piece.
    ///
    /// # Errors
    /// When a head has no single, plain Content-Length, or a message is larger than a datagram may
    /// be: then nothing that follows can be trusted either.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Unframed> {
        if self.octets.starts_with(b"\r\n") {
            let ping = self.octets.starts_with(END);
            // The second line end of a ping can still be on its way: then it is skipped as a pong.
            self.take(if ping { END.len() } else { 2 });
            return if ping { Ok(Some(Frame::Ping)) } else { self.next() };
        }
        let unseen = self.octets.get(self.searched..).unwrap_or_default();
        let Some(at) = unseen.windows(END.len()).position(|window| window == END) else {
            self.searched = self.octets.len().saturating_sub(END.len() - 1);
            let full = self.octets.len() > DATAGRAM_MAX_OCTETS;
            return if full { Err(Unframed) } else { Ok(None) };
        };
        let head = self.searched + at + END.len();
        let body = content_length(self.octets.get(..head).unwrap_or_default())?;
        let whole = head.checked_add(body).filter(|whole| *whole <= DATAGRAM_MAX_OCTETS);
        let whole = whole.ok_or(Unframed)?;
        if self.octets.len() < whole {
            self.searched += at;
            return Ok(None);
        }
        Ok(Some(Frame::Message(self.take(whole))))
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        self.searched = 0;
        let rest = self.octets.split_off(count.min(self.octets.len()));
        core::mem::replace(&mut self.octets, rest)
    }
}

/// The one Content-Length of a head. Without it a stream has no messages.
fn content_length(head: &[u8]) -> Result<usize, Unframed> {
    let mut found = None;
    for line in head.split(|octet| *octet == b'\n') {
        let Some(colon) = line.iter().position(|octet| *octet == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let name = name.trim_ascii_end();
        if !name.eq_ignore_ascii_case(b"content-length") && !name.eq_ignore_ascii_case(b"l") {
            continue;
        }
        let digits = value.get(1..).unwrap_or_default().trim_ascii();
        let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        let number = core::str::from_utf8(digits).ok().filter(|_| plain);
        let number = number.and_then(|digits| digits.parse().ok()).ok_or(Unframed)?;
        if found.replace(number).is_some() {
            return Err(Unframed);
        }
    }
    found.ok_or(Unframed)
}

const END: &[u8] = b"\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(body: &str) -> String {
        format!("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    fn all(framer: &mut Framer) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = framer.next().unwrap() {
            frames.push(frame);
        }
        frames
    }

    #[test]
    fn pings_and_messages_come_apart() {
        let mut framer = Framer::default();
        framer.push(b"\r\n\r\n");
        framer.push(message("v=0\r\n\r\nx").as_bytes());
        framer.push(b"\r\n");
        framer.push(message("").as_bytes());
        let first = Frame::Message(message("v=0\r\n\r\nx").into_bytes());
        let second = Frame::Message(message("").into_bytes());
        assert_eq!(all(&mut framer), [Frame::Ping, first, second]);
    }

    #[test]
    fn a_stream_without_one_plain_length_is_given_up() {
        let large = DATAGRAM_MAX_OCTETS.to_string();
        for length in ["", "Content-Length: -1", "l: 1\r\nContent-Length: 1", "l: 1 1", "l:"] {
            let mut framer = Framer::default();
            framer.push(format!("OPTIONS sip:a@b SIP/2.0\r\n{length}\r\n\r\n").as_bytes());
            assert_eq!(framer.next(), Err(Unframed), "{length}");
        }
        let mut framer = Framer::default();
        framer.push(format!("OPTIONS sip:a@b SIP/2.0\r\nl: {large}\r\n\r\n").as_bytes());
        assert_eq!(framer.next(), Err(Unframed));
        let mut framer = Framer::default();
        framer.push(&vec![b'x'; DATAGRAM_MAX_OCTETS + 1]);
        assert_eq!(framer.next(), Err(Unframed));
    }

    proptest! {
        #[test]
        fn messages_are_the_same_however_they_are_cut(
            bodies in proptest::collection::vec("[a-z\\r\\n:]{0,40}", 1..6),
            cuts in proptest::collection::vec(1usize..30, 1..40),
        ) {
            let text: String = bodies.iter().map(|body| message(body)).collect();
            let (mut framer, mut frames) = (Framer::default(), Vec::new());
            let (mut rest, mut cuts) = (text.as_bytes(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                framer.push(now);
                rest = later;
                frames.extend(all(&mut framer));
            }
            let whole: Vec<_> =
                bodies.iter().map(|body| Frame::Message(message(body).into_bytes())).collect();
            prop_assert_eq!(frames, whole);
        }
    }
}
