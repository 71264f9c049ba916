//! How much and how long, of what has to do with log-ins.

use std::time::Duration;

/// Characters of a password. NIST SP 800-63B asks for 8 beside a second factor; twelve is what
/// somebody who has a copy of the hashes cannot try out.
pub const PASSWORD_CHARS_MIN: usize = 12;

/// Octets of a password, so that nobody keeps us hashing.
pub const PASSWORD_OCTETS_MAX: usize = 256;

/// Characters of the name of a log-in.
pub const NAME_CHARS_MAX: usize = 64;

/// Characters of a reason that is given in words.
pub const REASON_CHARS_MAX: usize = 500;

/// Memory of Argon2id in KiB: the least that OWASP's Password Storage Cheat Sheet asks for.
pub const ARGON_MEMORY_KIB: u32 = 19_456;

/// Passes of Argon2id, as the same sheet asks for with that memory.
pub const ARGON_PASSES: u32 = 2;

/// Lanes of Argon2id, as the same sheet asks for.
pub const ARGON_LANES: u32 = 1;

/// Octets of a hash.
pub const ARGON_OCTETS: usize = 32;

/// Octets of a salt.
pub const SALT_OCTETS: usize = 16;

/// Octets of a secret of codes (RFC 4226 section 4, R6).
pub const SECRET_OCTETS: usize = 20;

/// Digits of a code.
pub const CODE_DIGITS: usize = 6;

/// Microseconds for which one code is shown (RFC 6238 section 4.1).
pub const STEP_MICROS: u64 = 30_000_000;

/// How many steps a clock may be off (RFC 6238 section 5.2).
pub const STEPS_APART_MAX: u64 = 1;

/// Octets of a token that is drawn: 256 bits.
pub const TOKEN_OCTETS: usize = 32;

/// After how long without use a session ends (CJIS Security Policy AC-11, AC-12).
pub const SESSION_IDLE_MAX: Duration = Duration::from_secs(30 * 60);

/// After how long a session ends, however it is used: a shift.
pub const SESSION_MAX: Duration = Duration::from_secs(12 * 3_600);

/// How finely the use of a session is kept.
pub const SESSION_MARK: Duration = Duration::from_secs(60);

/// For how long a new member of staff can choose a password.
pub const ENROLMENT_MAX: Duration = Duration::from_secs(7 * 86_400);

/// How long a request waits for a second person and is then carried out.
pub const REQUEST_MAX: Duration = Duration::from_secs(72 * 3_600);

/// Requests of one person that wait at once.
pub const WAITING_COUNT_MAX: usize = 50;

/// Policies of one agency that wait at once.
pub const PROPOSALS_COUNT_MAX: usize = 8;

/// How far back the alarm and the caps of `access review` look.
pub const ALARM_SPAN: Duration = Duration::from_secs(120 * 86_400);
