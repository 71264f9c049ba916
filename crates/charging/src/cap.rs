//! Rate caps as dated data.

use crate::{Day, limits};
use alloc::{
    collections::BTreeSet,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::fmt;
use model::{
    Money, Timestamp,
    place::{FacilityKind, Site, State},
};
use thiserror::Error;

mod csv;

/// Stable name of a cap, such as `fcc-25-75/jail-50/total`. A bill names the caps it passed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CapId(Arc<str>);

impl fmt::Display for CapId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The part of a rate that a cap bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// The price without the facility's part.
    Base,
    /// The facility's part (47 CFR 64.6010).
    Additive,
    /// Both together.
    Total,
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base => "base",
            Self::Additive => "additive",
            Self::Total => "total",
        })
    }
}

/// One cap: what it bounds, where, when, and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// Its name.
    pub id: CapId,
    /// The order that set it, such as `FCC 25-75`.
    pub order: String,
    /// Where it is written, such as `90 FR 56013`.
    pub source: String,
    /// The kind of facility, or `None` for both.
    pub kind: Option<FacilityKind>,
    /// Smallest average daily population.
    pub adp_min: u32,
    /// Largest average daily population.
    pub adp_max: u32,
    /// The state whose law it is, or `None` for a federal cap.
    pub state: Option<State>,
    /// The part of the rate.
    pub component: Component,
    /// The most that this part may cost per minute.
    pub per_minute_max: Money,
    /// First day in force.
    pub from: Day,
    /// Last day in force; `None` while it stands.
    pub to: Option<Day>,
    /// What a person must know about it; often empty.
    pub note: String,
}

impl Cap {
    /// Whether it bounds the calls of `site` that start at `at`. A tier is chosen by kind first,
    /// then by average daily population (47 CFR 64.6000, 64.6030).
    pub fn binds(&self, site: Site, at: Timestamp) -> bool {
        let begun = at >= self.from.begins();
        let ended = self.to.is_some_and(|last| at >= last.ends());
        let here = self.kind.is_none_or(|kind| kind == site.kind)
            && (self.adp_min..=self.adp_max).contains(&site.adp)
            && self.state.is_none_or(|state| state == site.state);
        begun && !ended && here
    }

    /// Whether its note says that a question of law behind it is not settled.
    pub fn is_open_question(&self) -> bool {
        self.note.starts_with(OPEN_QUESTION)
    }
}

/// All caps that are known. The federal ones are always in it and no way leads to a table without
/// them, so an operator's own rows can only make it stricter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapTable {
    caps: Vec<Cap>,
    /// The text of an operator's own rows; empty without any.
    own: String,
}

impl CapTable {
    /// The caps this version was built with, `data/caps.csv`.
    pub fn builtin() -> Self {
        // A test reads the file. Were it broken all the same, a table without caps proves no rate
        // lawful, so that nothing is charged.
        Self { caps: csv::read(BUILTIN, &BTreeSet::new()).unwrap_or_default(), own: String::new() }
    }

    /// The texts that it was read from, the built-in one first: what a log says is in use.
    pub fn texts(&self) -> [&str; 2] {
        [BUILTIN, &self.own]
    }

    /// The built-in caps and those of `text`, in the form of `data/caps.csv`: a state's own caps, a
    /// free-call law, a contract.
    ///
    /// # Errors
    /// The first line that cannot be read, or that takes the id of another cap.
    pub fn parse(text: &str) -> Result<Self, NotACapTable> {
        let Self { mut caps, .. } = Self::builtin();
        let taken = caps.iter().map(|cap| cap.id.to_string()).collect();
        let added = csv::read(text, &taken)?;
        // A file without rows adds nothing.
        let own = String::from(if added.is_empty() { "" } else { text });
        caps.extend(added);
        Ok(Self { caps, own })
    }

    /// Every cap, in the order of the file.
    pub fn caps(&self) -> impl Iterator<Item = &Cap> {
        self.caps.iter()
    }

    /// The caps that bound the calls of `site` that start at `at`. All must be kept: where two
    /// bound the same part, the stricter one decides.
    pub fn in_force(&self, site: Site, at: Timestamp) -> impl Iterator<Item = &Cap> {
        self.caps.iter().filter(move |cap| cap.binds(site, at))
    }

    /// A table of these rows alone, to test with laws that do not exist.
    #[cfg(test)]
    pub(crate) fn without_federal_caps(text: &str) -> Result<Self, NotACapTable> {
        Ok(Self { caps: csv::read(text, &BTreeSet::new())?, own: String::from(text) })
    }
}

/// A cap table that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line} of the cap table: {reason}")]
pub struct NotACapTable {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: BadRow,
}

/// What is wrong with a line of a cap table.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadRow {
    /// The first line that is no comment does not name the columns.
    #[error("the columns must be `{HEADER}`")]
    Header,
    /// More than [`limits::CAPS_COUNT_MAX`] rows.
    #[error("there are more than {} caps", limits::CAPS_COUNT_MAX)]
    TooMany,
    /// More than [`limits::ROW_BYTES_MAX`] octets.
    #[error("the line is longer than {} octets", limits::ROW_BYTES_MAX)]
    TooLong,
    /// A quoted field does not end, or is followed by text.
    #[error("a quoted field must end before the next comma or the end of the line")]
    Quote,
    /// More or fewer fields than columns.
    #[error("{found} fields instead of {COLUMNS}; put text with commas in quotes")]
    Fields {
        /// How many there are.
        found: usize,
    },
    /// A field that must not be empty is.
    #[error("`{column}` is empty")]
    Missing {
        /// Its column.
        column: &'static str,
    },
    /// An id that another row has.
    #[error("the id `{0}` is taken by another cap; choose another")]
    Taken(String),
    /// A field cannot be read.
    #[error("`{text}` in `{column}` is not {expected}")]
    Field {
        /// Its column.
        column: &'static str,
        /// What stands there.
        text: String,
        /// What must stand there.
        expected: &'static str,
    },
    /// A range that ends before it begins.
    #[error("`{column}` lies before its beginning")]
    Reversed {
        /// Column of its end.
        column: &'static str,
    },
}

const BUILTIN: &str = include_str!("../data/caps.csv");
const HEADER: &str = "id,order,source,kind,adp_min,adp_max,state,component,amount,from,to,note";
const COLUMNS: usize = 12;
/// How the note of a cap begins that rests on an unsettled question of law.
const OPEN_QUESTION: &str = "OPEN";

#[cfg(test)]
mod tests;
