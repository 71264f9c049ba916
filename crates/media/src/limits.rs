//! Every limit and interval of the audio path, with its unit last.

use std::time::Duration;

/// How often a media thread looks at its sockets and its schedule. Between two looks it sleeps
/// undisturbed by packets: one wake-up serves many packets, at the price of this much delay.
pub const TICK: Duration = Duration::from_millis(5);

/// Samples of G.711 in a millisecond.
pub const SAMPLES_PER_MS: u32 = 8;

/// The shortest packet that is sent, in milliseconds of audio.
pub const PACKET_MIN_MS: u8 = 10;

/// The longest packet that is sent or received, in milliseconds of audio.
pub const PACKET_MAX_MS: u8 = 60;

/// Milliseconds of audio in a packet to a leg that has not agreed on anything yet.
pub const PACKET_DEFAULT_MS: u8 = 20;

/// Octets of audio in the longest packet.
pub const PAYLOAD_MAX_OCTETS: usize = PACKET_MAX_MS as usize * SAMPLES_PER_MS as usize;

/// Octets of a datagram that are read. A longer one is cut, and then too long to be valid.
pub const DATAGRAM_MAX_OCTETS: usize = 1_500;

/// Packets read from one socket in one tick. A flood waits for the next, and overflows in the
/// kernel.
pub const PACKETS_PER_TICK_MAX: usize = 16;

/// Packets that a leg may send at once to catch up after a delay of the node.
pub const CATCH_UP_MAX_PACKETS: u32 = 3;

/// How long a bridge waits for a packet that is due before it sends silence instead.
pub const RELAY_PATIENCE: Duration = Duration::from_millis(60);

/// How far the clock of a relayed stream may run ahead of ours before ours follows.
pub const RELAY_LEAD: Duration = Duration::from_millis(100);

/// A jump of the sequence number beyond this many packets is a new stream (RFC 3550 appendix A.1).
pub const SEQUENCE_JUMP_MAX: u16 = 100;

/// A jump of the RTP timestamp beyond this many samples between packets that follow each other is a
/// new stream.
pub const TIMESTAMP_JUMP_MAX_SAMPLES: u32 = 8_000;

/// Length of a tone of a key that we press, and of the pause after it, in milliseconds.
pub const KEY_TONE_MS: u32 = 100;

/// Times that the end of a key's tone is sent (RFC 4733 section 2.5.1.4).
pub const KEY_END_SENDS: u8 = 3;

/// Keys that wait to be pressed; more are forgotten.
pub const KEYS_WAITING_MAX: usize = 64;

/// How long a second of a tap stays open for packets that come late.
pub const TAP_GRACE: Duration = Duration::from_millis(200);

/// A direction of a tap is moved when its clock has drifted this far from ours (5 ms): then two of
/// them, a tick of waiting included, stay within 20 ms of each other.
pub const TAP_DRIFT_MAX_SAMPLES: i64 = 40;

/// How far it is moved, at most once a second.
pub const TAP_DRIFT_STEP_SAMPLES: i64 = 20;

/// A packet that would lie further in the past than this has a clock that was set anew (2 s).
pub const TAP_JUMP_MAX_SAMPLES: i64 = 16_000;

/// A packet cannot come this long before it was spoken: its clock was set anew (200 ms).
pub const TAP_EARLY_MAX_SAMPLES: i64 = 1_600;

/// How long it must be quiet before [`crate::MediaEvent::Sound`] says so.
pub const QUIET_AFTER: Duration = Duration::from_millis(400);

/// Mean amplitude of a packet, of 32,768, from which it is sound (about -42 dBFS).
pub const SOUND_FROM_AMPLITUDE: u32 = 256;

/// Mean amplitude of a packet, of 32,768, below which it is quiet (about -48 dBFS).
pub const QUIET_BELOW_AMPLITUDE: u32 = 128;

/// Octets of receive buffer of an RTCP socket: a few reports.
pub const RTCP_BUFFER_OCTETS: usize = 4_096;

/// How long a question to a media thread may take before it counts as unanswered.
pub const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// Media threads at most.
pub const THREADS_MAX: usize = 64;

/// Commands obeyed before packets are looked at again.
pub const COMMANDS_AT_ONCE_MAX: usize = 256;

/// Sockets that one look at the poller names; more are named by the next.
pub const POLL_EVENTS_MAX: usize = 1_024;

/// Datagrams forgotten when a leg is connected. More do not fit into its socket.
pub const DATAGRAMS_DRAINED_MAX: usize = 4_096;

/// How often a leg reports what it hears, on average (RFC 3550 section 6.2).
pub const REPORT_EVERY: Duration = Duration::from_secs(5);

/// How long an encrypted leg must be silent before its end may be found at another address.
pub const RELATCH_AFTER: Duration = Duration::from_secs(1);

/// For how long a station that describes another address than it signals from may be found where it
/// signals from.
pub const SEEK_MAX: Duration = Duration::from_secs(10);

/// Packets of one stream, one behind the other, by which it is found.
pub const SEEK_PACKETS: u8 = 3;

/// The longest gap, in samples, that is filled when audio is cut anew (200 ms); after a longer one
/// a stream begins anew.
pub const REPACK_GAP_MAX_SAMPLES: u32 = 1_600;

/// Comfort noise is never louder than this, in decibels below overload: its level is a word of
/// somebody else's.
pub const NOISE_LOUDEST_DBOV: u8 = 40;

/// How long somebody who is to say their name may wait before they begin.
pub const NAME_SPOKEN_WITHIN: Duration = Duration::from_secs(5);

/// How long it must be quiet after a name until it counts as said.
pub const NAME_QUIET: Duration = Duration::from_millis(800);

/// Octets kept from before the first sound of a name (60 ms): an f is quieter than what follows.
pub const NAME_BEFORE_OCTETS: usize = 480;

/// Octets kept of the quiet after a name (100 ms).
pub const NAME_TAIL_OCTETS: usize = 800;

/// Octets of the shortest name (200 ms); less is a click.
pub const NAME_MIN_OCTETS: usize = 1_600;
