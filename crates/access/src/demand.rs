//! For whom something is, and what was looked for. It is entered, approved and told as it is, so
//! that nobody finds out afterwards by another question whom somebody looked for.

use crate::{
    act::{Audience, Line},
    intent::{NotAnIntent, Recipient},
    limits::{NOTE_CHARS_MAX, QUERY_WORD_OCTETS_MAX},
};
use alloc::string::String;
use model::{E164, Private, Timestamp};
use serde::{Deserialize, Serialize};

/// For whom something is, and what was looked for. Its octets are part of what an entry says
/// (`docs/formats/entry.md`): new fields need a new version of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// For whom.
    pub audience: Audience,
    /// The recipient's own key, where one was given: what is taken away is sealed to it.
    pub key: Option<Recipient>,
    /// What was looked for.
    pub query: Query,
    /// The same in the words of who asks, at most [`NOTE_CHARS_MAX`] signs on one line.
    pub note: Option<Private<String>>,
}

/// What was looked for, in its one form: keys as they were typed, whether or not there is such a
/// person or place; numbers and times as they were understood. What is `None` narrows nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Which kind of calls.
    pub line: Line,
    /// The agency's number of the person.
    pub person: Option<Private<String>>,
    /// The number that was called.
    pub number: Option<Private<E164>>,
    /// Key of the facility.
    pub facility: Option<String>,
    /// Key of the station.
    pub station: Option<String>,
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// What became of the call, as a word.
    pub outcome: Option<String>,
    /// With a recording, or without one.
    pub recorded: Option<bool>,
    /// After the record with this time and number: a later page.
    pub after: Option<(Timestamp, u64)>,
}

impl Demand {
    /// Something for `audience`, for which nothing was looked for besides.
    #[must_use]
    pub const fn of(audience: Audience, line: Line) -> Self {
        Self { audience, key: None, query: Query::of(line), note: None }
    }

    /// Whether it can be entered.
    ///
    /// # Errors
    /// [`NotAnIntent::Demand`] when words in it are too long or not on one line.
    pub(crate) fn check(&self) -> Result<(), NotAnIntent> {
        let Query { person, facility, station, outcome, .. } = &self.query;
        let person = person.as_ref().map(Private::expose);
        let words = [person, facility.as_ref(), station.as_ref(), outcome.as_ref()];
        let plain = |text: &str| !text.chars().any(char::is_control);
        let fits = |word: &String| plain(word) && word.len() <= QUERY_WORD_OCTETS_MAX;
        let note = self.note.as_ref().is_none_or(|note| {
            plain(note.expose()) && note.expose().chars().count() <= NOTE_CHARS_MAX
        });
        let fits = note && words.into_iter().flatten().all(fits);
        fits.then_some(()).ok_or(NotAnIntent::Demand)
    }
}

impl Query {
    /// All calls on such lines.
    #[must_use]
    pub const fn of(line: Line) -> Self {
        Self {
            line,
            person: None,
            number: None,
            facility: None,
            station: None,
            from: None,
            until: None,
            outcome: None,
            recorded: None,
            after: None,
        }
    }
}
