//! What a keyholder makes of what a stranger sends, without a disk and a port: for fuzz targets.
//! Whoever has no private key of a keyholder opens nothing with it.

use crate::{Answer, Ask, BadAsk, KeyRing, Refused, holder, serve};
use access::{Gate, Recipient};
use model::Timestamp;
use tlog::Checkpoint;
use vault::KeyholderSecret;

/// A keyholder that forgets: it checks what [`crate::Holder::open`] checks, and remembers nothing.
#[derive(Debug)]
pub struct Probe {
    ring: KeyRing,
    gate: Gate,
    seen: Option<Checkpoint>,
}

/// What was read of an ask, as far as a stranger chooses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The entry of the disclosure.
    pub leaf: Vec<u8>,
    /// The header of the recording.
    pub header: Vec<u8>,
    /// Who asks.
    pub recipient: Recipient,
    /// The same ask, as whoever understood it would write it.
    pub again: String,
}

impl Probe {
    /// A keyholder with one key, which believes `gate` and saw the log as it was at `seen`.
    #[must_use]
    pub fn new(secret: KeyholderSecret, gate: Gate, seen: Option<Checkpoint>) -> Self {
        Self { ring: KeyRing::in_memory(secret), gate, seen }
    }

    /// What it answers to the body of a request.
    ///
    /// # Errors
    /// As [`crate::Holder::open`].
    pub fn answer(&self, body: &[u8], now: Timestamp) -> Result<Answer, Refused> {
        let ask = parsed(body)?;
        let allowed = holder::allowed(&self.ring, &self.gate, self.seen.as_ref(), &ask, now)?;
        Ok(Answer::of(&allowed.resealed))
    }
}

/// The body of the one request that stands in the octets of a connection, as the server reads it;
/// none when it is no request to open something.
#[must_use]
pub fn body(octets: &[u8]) -> Option<Vec<u8>> {
    let mut octets = octets;
    let (method, path, body) = serve::request(&mut octets)?;
    (method == "POST" && path == serve::OPEN).then_some(body)
}

/// Reads the body of a request.
///
/// # Errors
/// [`BadAsk`] when it is refused before a keyholder looks at it.
pub fn asked(body: &[u8]) -> Result<Asked, BadAsk> {
    let read = parsed(body)?.read()?;
    let again = Ask::new(&read.proof, &read.consistency, &read.header, read.recipient);
    Ok(Asked {
        leaf: read.proof.leaf.to_vec(),
        header: read.header,
        recipient: read.recipient,
        again: serde_json::to_string(&again).map_err(|_| BadAsk::Shape)?,
    })
}

fn parsed(body: &[u8]) -> Result<Ask, BadAsk> {
    serde_json::from_slice(body).map_err(|_| BadAsk::Shape)
}
