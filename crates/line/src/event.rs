//! What a line tells, and what it is told to call.

use crate::cause::Cause;
use model::{E164, Key, MediaDescription, Private, SrtpKeys, StationId, TrunkId};
use std::net::SocketAddr;
use std::time::Duration;

/// One SIP dialog of a line. Numbers are never used twice while a line lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireId(pub(crate) u64);

/// Who called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A station of the [`crate::Directory`], known by its address or by digest.
    Station(StationId),
    /// Somebody else; only where [`crate::Inbound::Anyone`] is set.
    Unknown,
}

/// Whom to call.
#[derive(Clone, Debug)]
pub enum Target {
    /// A telephone number, through the trunk.
    Trunk {
        /// The number.
        number: E164,
    },
    /// A user at an address.
    Address {
        /// Where the INVITE is sent.
        address: SocketAddr,
        /// User part of the request URI.
        user: Private<String>,
    },
    /// A station that registered, at the contact it gave.
    Registered {
        /// The station.
        station: StationId,
        /// User part of the request URI.
        user: Private<String>,
    },
}

/// What happened on a wire. After `Failed` or `HungUp` nothing more is told about it, and neither
/// after `reject` or `hang_up`, except events that were on their way already.
#[derive(Clone, Debug)]
pub enum LineEvent {
    /// Somebody calls. Answer with `ring`, `answer` or `reject` within three minutes.
    Incoming {
        /// The new dialog.
        wire: WireId,
        /// Who calls.
        origin: Origin,
        /// User part of the request URI.
        dialled: Private<String>,
        /// The offer, or `None` when our answer is to carry one (RFC 3261 section 13.2.1).
        offer: Option<MediaDescription>,
        /// The keys of its audio, where it is encrypted.
        keys: Option<SrtpKeys>,
    },
    /// The call goes out to this trunk. Told again when the trunk before it could not take the call
    /// and another one is tried.
    Dialled {
        /// The dialog.
        wire: WireId,
        /// The trunk.
        trunk: TrunkId,
    },
    /// A trunk went down or came up again. It belongs to no wire.
    Trunk {
        /// The trunk.
        trunk: TrunkId,
        /// Whether calls are expected to get through.
        up: bool,
    },
    /// Whether calls that are to be signed are signed changed: they are not while the certificate
    /// is not in force. It belongs to no wire.
    Signing {
        /// Whether they are.
        signs: bool,
    },
    /// The called end rings (18x). A session description in it is ignored: early media is never
    /// passed on.
    Ringing {
        /// The dialog.
        wire: WireId,
    },
    /// The carrier says that the call was sent on from the number that was dialled to another one
    /// (181, Diversion of RFC 5806, History-Info of RFC 7044). Told at most once of each trunk that
    /// is tried, before what the same response says. Nothing is followed: a redirection fails.
    Forwarded {
        /// The dialog.
        wire: WireId,
    },
    /// The other end's answer is here: with its 200, or with its ACK where the INVITE held no
    /// offer.
    Answered {
        /// The dialog.
        wire: WireId,
        /// What the other end answered.
        answer: MediaDescription,
        /// The keys of its audio, where it is encrypted.
        keys: Option<SrtpKeys>,
    },
    /// A call that was dialled did not come about.
    Failed {
        /// The dialog.
        wire: WireId,
        /// Final status, 300 to 699. 408 stands for no response, 488 for an answer that makes no
        /// sense, 503 where there is no way out (no trunk, not
        /// registered, line full).
        status: u16,
        /// What the network behind the carrier's gateway said, where the response says so.
        cause: Option<Cause>,
    },
    /// The other end describes its media anew (re-INVITE or UPDATE: hold, codec, address). Answer
    /// with `reanswer` within two seconds, or the other end is told 488 and the call goes on as it
    /// was. Where it asked us to offer, this is its answer: it takes effect, and `reanswer` does
    /// nothing.
    Reoffered {
        /// The dialog.
        wire: WireId,
        /// The new offer.
        offer: MediaDescription,
        /// The keys of its audio, where it is encrypted.
        keys: Option<SrtpKeys>,
    },
    /// A key came by SIP INFO (`application/dtmf-relay` or `application/dtmf`).
    Key {
        /// The dialog.
        wire: WireId,
        /// The key.
        key: Key,
        /// How long it was pressed, as far as the other end says that; it was let go by now.
        lasted: Duration,
    },
    /// The dialog is over: BYE, CANCEL, or the other end was lost.
    HungUp {
        /// The dialog.
        wire: WireId,
    },
}
