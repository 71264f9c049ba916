//! Every limit of the line, in one place.

use core::time::Duration;

/// Largest datagram that is read: a SIP message over UDP stays below the path's MTU (RFC 3261
/// section 18.1.1), and reassembled ones this large still fit.
pub(crate) const DATAGRAM_MAX_OCTETS: usize = 8_000;
/// Longest line of a message's head.
pub(crate) const HEAD_LINE_MAX_OCTETS: usize = 2_048;
/// Most lines of a message's head.
pub(crate) const HEAD_LINES_MAX: usize = 96;
/// Longest method name that is answered with 501.
pub(crate) const METHOD_MAX_OCTETS: usize = 32;
/// Largest CSeq number (RFC 3261 section 8.1.1.5).
pub(crate) const CSEQ_MAX: u32 = 0x7fff_ffff;

/// Longest press of a key: what an event can say (RFC 4733 section 2.3.5, 16 bits of samples at
/// 8 kHz).
pub(crate) const KEY_LASTED_MAX: Duration = Duration::from_millis(8_191);

/// Largest session description.
pub(crate) const SDP_MAX_OCTETS: usize = 4_000;
/// Longest line of a session description.
pub(crate) const SDP_LINE_MAX_OCTETS: usize = 512;
/// Most media lines of a session description.
pub(crate) const SDP_MEDIA_MAX: usize = 8;
/// Most keys of a stream that are looked at.
pub(crate) const SDP_CRYPTO_MAX: usize = 8;
/// Most formats of a media line.
pub(crate) const SDP_FORMATS_MAX: usize = 32;

/// INVITEs of one source that have a final response and no ACK yet. The library keeps 24 kB for
/// each, up to 32 seconds. Those without a final response count as calls.
pub(crate) const PENDING_PER_SOURCE_MAX: usize = 1_024;
/// The same of all sources together.
pub(crate) const PENDING_MAX: usize = 4_096;
/// Calls that are taken within a second: past it a new INVITE gets 503. Half of it is the most that
/// one source gets, such as the gateway of a facility.
pub(crate) const CALLS_PER_SECOND_MAX: u32 = 2_400;
/// Other requests of no dialog that are answered within a second; past it they are dropped unread.
pub(crate) const REQUESTS_PER_SECOND_MAX: u32 = 2_000;
/// Datagrams read in one go before other work is looked at.
pub(crate) const DATAGRAMS_PER_TURN_MAX: usize = 32;
/// Receive buffer of the socket, so that a burst waits in the kernel.
pub(crate) const RECEIVE_BUFFER_OCTETS: usize = 1 << 20;

/// Stations whose contact is kept.
pub(crate) const CONTACTS_MAX: usize = 65_536;
/// Longest life of a contact.
pub(crate) const CONTACT_MAX: Duration = Duration::from_secs(3_600);
/// Shortest life of a contact; a shorter wish gets 423.
pub(crate) const CONTACT_MIN: Duration = Duration::from_secs(30);
/// Life of a digest nonce.
pub(crate) const NONCE_MAX: Duration = Duration::from_secs(300);
/// Nonces whose use counts are kept.
pub(crate) const NONCES_MAX: usize = 16_384;

/// The estimate of a round trip that all timers follow from (RFC 3261 section 17.1.1.1).
pub(crate) const T1: Duration = Duration::from_millis(500);
/// How often within a T1 the timers of transactions are looked at, at most: what they do comes by
/// that much later, 20 ms of 500.
pub(crate) const TIMER_LOOKS_PER_T1: u32 = 25;
/// How long the line's thread rests, at most, between one look at what came and the next: what
/// comes meanwhile is done together, after one change of thread. Whatever comes when nothing else
/// did is done at once.
pub(crate) const REST_MAX: Duration = Duration::from_millis(4);
/// A caller hears 100 when nothing else was sent for this long (RFC 3261 section 17.2.1 allows 200
/// ms).
pub(crate) const TRYING_AFTER: Duration = Duration::from_millis(150);
/// An incoming call that nobody answered for this long is over.
pub(crate) const UNANSWERED_MAX: Duration = Duration::from_secs(180);
/// A call we placed may ring for this long (RFC 3261 section 13.3.1.1 asks for three minutes).
pub(crate) const DIALLING_MAX: Duration = Duration::from_secs(180);
/// After this time the library gives up an INVITE of ours of which something was heard, without a
/// word to the other end: longer than it is tried, waits to ring, rings, and for its CANCEL.
pub(crate) const TRANSACTION_MAX: Duration = Duration::from_secs(480);
/// Wait for the final response after CANCEL: 64*T1 (RFC 3261 section 9.1).
pub(crate) const CANCEL_MAX: Duration = Duration::from_secs(32);
/// INVITEs that nobody answered for as long as they were sent, of which a late word is waited for.
pub(crate) const ORPHANS_MAX: usize = 4_096;
/// A new offer of the other end is answered within this time or refused.
pub(crate) const REANSWER_MAX: Duration = Duration::from_secs(2);
/// Time for the last BYEs when the line stops.
pub(crate) const STOP_MAX: Duration = Duration::from_millis(500);
/// What Retry-After asks for, in seconds.
pub(crate) const RETRY_AFTER_SECONDS: u32 = 10;

/// TCP and TLS connections that others opened.
pub(crate) const STREAMS_MAX: usize = 4_096;
/// The same of one source.
pub(crate) const STREAMS_PER_SOURCE_MAX: usize = 256;
/// Messages of all streams that wait for the engine; then their senders wait.
pub(crate) const ARRIVALS_MAX: usize = 256;
/// Time to connect, TLS included.
pub(crate) const HANDSHAKE_MAX: Duration = Duration::from_secs(8);
/// A connection that somebody opened says something within this time.
pub(crate) const STREAM_FIRST_MAX: Duration = Duration::from_secs(32);
/// A connection on which nothing came for so long is closed. A telephone registers again before.
pub(crate) const STREAM_IDLE_MAX: Duration = Duration::from_secs(2 * 3_600);
/// An other end that takes nothing for so long is lost.
pub(crate) const STREAM_WRITE_MAX: Duration = Duration::from_secs(10);

/// A trunk that says nothing at all to an INVITE for so long is silent: another one is tried.
pub(crate) const TRUNK_SILENT_MAX: Duration = Duration::from_secs(4);
/// A trunk that said that it tries (100) and nothing more for so long hangs: another one is tried.
/// 95 of 100 international calls ring within 11 seconds (ITU-T E.721), and of the 45 for which a
/// call is let ring some 30 are left for the next trunk.
pub(crate) const TRYING_MAX: Duration = Duration::from_secs(12);
/// So long a trunk that could not take a call is only the last resort.
pub(crate) const REST: Duration = Duration::from_secs(30);
/// A trunk answers OPTIONS within this time or is down.
pub(crate) const PROBE_MAX: Duration = Duration::from_secs(6);
/// Most addresses of one carrier.
pub(crate) const PLACES_MAX: usize = 8;
/// A name is looked up within this time or not known.
pub(crate) const RESOLVE_MAX: Duration = Duration::from_secs(10);
/// A name is looked up again after this time, whatever time its records are good for.
pub(crate) const RESOLVE_EVERY: Duration = Duration::from_secs(60);
/// The same where it was not known, or a carrier could not be reached.
pub(crate) const RESOLVE_AGAIN: Duration = Duration::from_secs(5);
/// Shortest wait before a trunk is asked again to register us.
pub(crate) const REGISTER_AGAIN_MIN: Duration = Duration::from_secs(30);
/// Longest wait, after many failures.
pub(crate) const REGISTER_AGAIN_MAX: Duration = Duration::from_secs(1_800);
/// Longest registration, however long a trunk wants it.
pub(crate) const REGISTER_EXPIRES_MAX: Duration = Duration::from_secs(86_400);

/// Longest that a session goes without a refresh unless the other end wants it longer (RFC 4028
/// section 4.2 recommends half an hour).
pub(crate) const SESSION_EXPIRES: Duration = Duration::from_secs(1_800);
/// Shortest session that is accepted (RFC 4028 section 5).
pub(crate) const SESSION_MIN: Duration = Duration::from_secs(90);
/// So long before its end a session that the other end should have refreshed is over (RFC 4028
/// section 10).
pub(crate) const SESSION_GRACE_MAX: Duration = Duration::from_secs(32);
/// A refresh that came to nothing is tried again after this time.
pub(crate) const REFRESH_AGAIN: Duration = Duration::from_secs(40);
/// How long the line's thread may take to say how stations and trunks are.
pub(crate) const LOOK_MAX: Duration = Duration::from_secs(1);
/// Two offers that collided are tried again after up to twice this time (RFC 3261 section 14.1).
pub(crate) const GLARE_STEP: Duration = Duration::from_secs(2);
