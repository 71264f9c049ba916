//! Waits and limits of the dialogue.

use core::time::Duration;

/// Every wait and limit of one call. [`Timing::default`] is what the README's dialogue table
/// states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long a lone `1` or `2` after the welcome must stand before it is a choice of language.
    pub language_choice: Duration,
    /// Silence after a digit that stands for `#`.
    pub inter_digit: Duration,
    /// Silence after a prompt of the menu until it is spoken again.
    pub menu_idle: Duration,
    /// Longest wait for the end of one play; then it counts as cut.
    pub play_max: Duration,
    /// Longest wait for the office before the call is given up, except for a commit.
    pub answer_wait: Duration,
    /// Longest ringing.
    pub ring_max: Duration,
    /// Silence after the notice until it is spoken again.
    pub accept_wait: Duration,
    /// Shortest time between the end of the notice and the onset of a key that decides: a key
    /// nearer to it answers something else.
    pub accept_gap: Duration,
    /// Sound of the called party during notices and silences from which on it is like a greeting.
    pub greeting_min: Duration,
    /// Longest wait for the acceptance to be durable; then the talk begins unrecorded.
    pub commit_wait: Duration,
    /// Longest farewell; then both legs are hung up.
    pub farewell_max: Duration,
    /// Time between two [`crate::CallEvent::Talked`].
    pub mark_every: Duration,
    /// How long before the end of the conversation both are warned.
    pub warn_before: Duration,
    /// Shortest conversation in which there is a warning.
    pub warned_talk_min: Duration,
    /// Entries of a PIN that led nowhere, silence among them, before goodbye.
    pub pin_attempts_count_max: u8,
    /// Entries of a number that led nowhere, silence and balance among them, before goodbye.
    pub number_attempts_count_max: u8,
    /// Digits in one entry; a longer one is refused whole, never shortened.
    pub digits_count_max: usize,
    /// Keys kept while the office has not answered yet.
    pub type_ahead_count_max: usize,
    /// How often the notice starts in one call, language switches apart.
    pub notices_count_max: u8,
    /// How often the notice starts where a greeting goes on over it.
    pub machine_notices_count_max: u8,
    /// Longest wait for a name to be said and handed over; then nothing is kept.
    pub name_wait: Duration,
    /// How often a person may record their name in one go.
    pub name_takes_count_max: u8,
    /// How often the called party may switch the language or ask for the price in one call.
    pub switches_count_max: u8,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            language_choice: Duration::from_millis(LANGUAGE_CHOICE_MS),
            inter_digit: Duration::from_millis(INTER_DIGIT_MS),
            menu_idle: Duration::from_millis(MENU_IDLE_MS),
            play_max: Duration::from_millis(PLAY_MS_MAX),
            answer_wait: Duration::from_millis(ANSWER_WAIT_MS),
            ring_max: Duration::from_millis(RING_MS_MAX),
            accept_wait: Duration::from_millis(ACCEPT_WAIT_MS),
            accept_gap: Duration::from_millis(ACCEPT_GAP_MS),
            greeting_min: Duration::from_millis(GREETING_MS_MIN),
            commit_wait: Duration::from_millis(COMMIT_WAIT_MS),
            farewell_max: Duration::from_millis(FAREWELL_MS_MAX),
            mark_every: Duration::from_millis(MARK_EVERY_MS),
            warn_before: Duration::from_millis(WARN_BEFORE_MS),
            warned_talk_min: Duration::from_millis(WARNED_TALK_MS_MIN),
            pin_attempts_count_max: PIN_ATTEMPTS_COUNT_MAX,
            number_attempts_count_max: NUMBER_ATTEMPTS_COUNT_MAX,
            digits_count_max: DIGITS_COUNT_MAX,
            type_ahead_count_max: TYPE_AHEAD_COUNT_MAX,
            notices_count_max: NOTICES_COUNT_MAX,
            machine_notices_count_max: MACHINE_NOTICES_COUNT_MAX,
            name_wait: Duration::from_millis(NAME_WAIT_MS),
            name_takes_count_max: NAME_TAKES_COUNT_MAX,
            switches_count_max: SWITCHES_COUNT_MAX,
        }
    }
}

const LANGUAGE_CHOICE_MS: u64 = 2_000;
const INTER_DIGIT_MS: u64 = 4_000;
const MENU_IDLE_MS: u64 = 10_000;
const PLAY_MS_MAX: u64 = 60_000;
const ANSWER_WAIT_MS: u64 = 5_000;
const RING_MS_MAX: u64 = 45_000;
const ACCEPT_WAIT_MS: u64 = 10_000;
/// Less than anybody needs to react to what they heard.
const ACCEPT_GAP_MS: u64 = 100;
/// People say "hello" a few times; greetings last longer.
const GREETING_MS_MIN: u64 = 6_000;
const COMMIT_WAIT_MS: u64 = 3_000;
const FAREWELL_MS_MAX: u64 = 15_000;
const MARK_EVERY_MS: u64 = 5_000;
const WARN_BEFORE_MS: u64 = 60_000;
const WARNED_TALK_MS_MIN: u64 = 90_000;
const PIN_ATTEMPTS_COUNT_MAX: u8 = 3;
const NUMBER_ATTEMPTS_COUNT_MAX: u8 = 6;
/// More than an international prefix and the 15 digits that a number can have (ITU-T E.164).
const DIGITS_COUNT_MAX: usize = 20;
const TYPE_AHEAD_COUNT_MAX: usize = 40;
const NOTICES_COUNT_MAX: u8 = 4;
const MACHINE_NOTICES_COUNT_MAX: u8 = 2;
const SWITCHES_COUNT_MAX: u8 = 6;
/// More than the audio side takes: five seconds until it begins, two of name, and quiet after it.
const NAME_WAIT_MS: u64 = 10_000;
const NAME_TAKES_COUNT_MAX: u8 = 3;
