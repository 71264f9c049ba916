//! Limits of a node.

use std::time::Duration;

/// Payload type we offer for telephone-event (RFC 4733); dynamic, the customary one.
pub(crate) const TELEPHONE_EVENT_PAYLOAD_TYPE: u8 = 101;

/// Milliseconds of audio in the packets we send.
pub(crate) const PACKET_MS: u8 = 20;

/// How long the loop sleeps when no call waits for anything.
pub(crate) const IDLE_WAIT_MAX: Duration = Duration::from_secs(1);

/// How long the loop rests, at most, between opening its letters and looking for more: those that
/// come meanwhile wake nobody and are opened together. A letter that finds it idle is opened at
/// once.
pub(crate) const REST_MAX: Duration = Duration::from_millis(4);

/// How long is waited, after the end of a call, for what its legs counted.
pub(crate) const HEARD_WAIT_MAX: Duration = Duration::from_secs(1);

/// How long the loop may take to say how far calls have come.
pub(crate) const LOOK_MAX: Duration = Duration::from_secs(1);

/// SIP status of a call that the station may not make.
pub(crate) const STATUS_FORBIDDEN: u16 = 403;
/// SIP status of a call of a station that has as many calls as it may (RFC 3261 section 21.4.24).
pub(crate) const STATUS_BUSY: u16 = 486;
/// SIP status of a call whose audio we do not understand (RFC 3261 section 21.4.26).
pub(crate) const STATUS_NOT_ACCEPTABLE_HERE: u16 = 488;
/// SIP status of a call for which there is no room.
pub(crate) const STATUS_UNAVAILABLE: u16 = 503;
/// SIP status of a call that a fault of ours kept from being taken (RFC 3261 section 21.5.1).
pub(crate) const STATUS_FAULT: u16 = 500;

/// What is dialled before an international number from North America; it is what a `+` means.
pub(crate) const INTERNATIONAL_PREFIX: &str = "011";
