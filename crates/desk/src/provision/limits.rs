//! Limits of a provision file.

use model::Money;

/// Octets of one file.
pub(super) const FILE_OCTETS_MAX: u64 = 64 * 1024 * 1024;

/// Problems that are listed before the rest are counted.
pub(super) const PROBLEMS_LISTED_MAX: usize = 1_000;

/// Characters of a key.
pub(super) const KEY_CHARS_MAX: usize = 40;

/// Characters of a name that is spoken; longer ones are cut by the announcement.
pub(super) const NAME_CHARS_MAX: usize = 80;

/// Characters of any other text.
pub(super) const TEXT_CHARS_MAX: usize = 500;

/// Characters of a booking number or a payer's reference.
pub(super) const ID_CHARS_MAX: usize = 64;

/// Digits of a PIN. A PIN alone says who calls, so with five hundred people every twentieth PIN of
/// four digits would be somebody's.
pub(super) const PIN_DIGITS_MIN: usize = 6;
/// See [`PIN_DIGITS_MIN`].
pub(super) const PIN_DIGITS_MAX: usize = 12;

/// Characters of a digest password. Telephone systems on a network are guessed at all day.
pub(super) const PASSWORD_CHARS_MIN: usize = 8;

/// Most private claims of a number that a facility can allow before staff must look at them.
pub(super) const PRIVATE_CLAIMS_LIMIT: i64 = 100;

/// The longest time between two reminders, in minutes.
pub(super) const REMINDER_MINUTES_MAX: i64 = 60;

/// Minutes of one conversation.
pub(super) const TALK_MINUTES_MAX: i64 = 240;

/// Minutes of a conversation where the file does not say.
pub(super) const TALK_MINUTES_DEFAULT: i64 = 20;

/// How many times as long a conversation through a relay service may be, where the file does not
/// say: it is typed, or signed and voiced by a third person.
pub(super) const RELAY_FACTOR: i64 = 3;

/// Lines of one gateway.
pub(super) const LINES_COUNT_MAX: i64 = 1_000;

/// People in the largest facility there could be.
pub(super) const ADP_MAX: i64 = 1_000_000;

/// Calendar years that a population may be of.
pub(super) const YEARS: std::ops::RangeInclusive<i64> = 2_000..=2_100;

/// The largest single payment; more is a slip of the pen.
pub(super) const DEPOSIT_MAX: Money = Money::from_cents(1_000_000);
