//! What can go wrong, by blame.

use crate::plan::Table;

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// What was asked contradicts itself or what is stored: somebody must change the file, or bring
    /// back the right database.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Our database failed. The cause is the kind of failure only: what the driver says beyond that
    /// may quote stored values, which are personal data.
    #[error("the database could not {what}: {cause}")]
    Broken {
        /// What was being done, as a verb: `open the file`.
        what: &'static str,
        /// The kind of failure, and what to do about it where that is known.
        cause: String,
    },
}

/// Why a plan, or the journal, was refused. Lines are those of the file that the table was read
/// from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A key stands for nothing in the plan or in the database.
    #[error("there is no {kind} `{key}`: add it to the file or correct the key")]
    Unknown {
        /// `agency`, `facility` or `unit`.
        kind: &'static str,
        /// The key.
        key: String,
    },
    /// Rows name people who are neither in the plan nor in the database.
    #[error(
        "{table} file, {}: no such person: add them to the people file or correct the id",
        rows(.lines)
    )]
    PersonUnknown {
        /// The table.
        table: Table,
        /// The rows.
        lines: Vec<u64>,
    },
    /// A PIN must name one person within a facility.
    #[error(
        "people file, {}: another person at the same facility has this PIN: choose another PIN",
        rows(.lines)
    )]
    PinTaken {
        /// The rows whose PIN is taken.
        lines: Vec<u64>,
    },
    /// Two stations could not be told apart.
    #[error(
        "stations `{station}` and `{other}` have the same address or digest user: give each its \
         own, or set `removed = true` on one of them"
    )]
    AccessTaken {
        /// A station of the plan.
        station: String,
        /// The other station.
        other: String,
    },
    /// A reference was booked before, with another amount or for another person.
    #[error(
        "{table} file, {}: this payment was booked before with another amount or for another \
         person: correct it, or give a new payment a new reference",
        rows(.lines)
    )]
    DepositDiffers {
        /// The table.
        table: Table,
        /// The rows.
        lines: Vec<u64>,
    },
    /// A lift with the same reference says something else.
    #[error(
        "file of lifts, {}: the reference was already used for another number or wish: correct it, \
         or give the new one a new reference",
        rows(.lines)
    )]
    LiftDiffers {
        /// The rows.
        lines: Vec<u64>,
    },
    /// An account would hold more than can be counted.
    #[error("{table} file, {}: the amount is too large", rows(.lines))]
    DepositTooLarge {
        /// The table.
        table: Table,
        /// The rows.
        lines: Vec<u64>,
    },
    /// The registry would not have as many numbers as the file says.
    #[error(
        "there would be {found} protected numbers, but `protected_count` says {expected}: \
         check that the protected file is complete, then correct the count"
    )]
    ProtectedCount {
        /// What the file says.
        expected: u64,
        /// What there would be.
        found: u64,
    },
    /// The journal has calls of people whom this database never knew. Ids are given in the order in
    /// which plans are applied, so even the same files could give somebody else's id to a person,
    /// who would then pay for the other's calls.
    #[error(
        "the database was made anew, but the journal knows calls: restore the database from a \
         backup"
    )]
    DatabaseMadeAnew,
    /// The journal has calls of places that this database does not know.
    #[error(
        "the journal has calls of {count} places (agencies, facilities, units, stations) that this \
         database does not know, because it is older than they are: nothing was taken over; take \
         the database of a backup that was made after they were provisioned"
    )]
    PlacesUnknown {
        /// How many.
        count: u64,
    },
    /// A name is already somebody's log-in.
    #[error("somebody logs in with this name already: choose another one")]
    StaffNameTaken,
    /// Names and numbers in the database were sealed with another master key.
    #[error(
        "the names and numbers in the database are sealed with another key: bring back the file \
         `keys/store.key` that was made with it"
    )]
    OtherColumnKey,
}

/// A failure of the database, before it becomes a [`StoreError`].
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) what: &'static str,
    pub(crate) cause: String,
}

impl Broken {
    pub(crate) fn new(what: &'static str, cause: impl Into<String>) -> Self {
        Self { what, cause: cause.into() }
    }

    /// A stored value that this program cannot have written.
    pub(crate) fn unreadable(column: &'static str) -> Self {
        Self::new(
            "be read",
            format!(
                "column `{column}` holds a value this program does not know; \
                 restore the database from a backup"
            ),
        )
    }
}

/// Names what was being done when the driver failed.
pub(crate) trait Doing<T> {
    fn doing(self, what: &'static str) -> Result<T, Broken>;
}

impl<T> Doing<T> for Result<T, sqlx::Error> {
    fn doing(self, what: &'static str) -> Result<T, Broken> {
        self.map_err(|error| Broken::new(what, crate::dialect::cause(&error)))
    }
}

/// `line 3` or `lines 3, 7 and 9`, at most [`LINES_SHOWN_MAX`] of them.
fn rows(lines: &[u64]) -> String {
    let shown: Vec<String> = lines.iter().take(LINES_SHOWN_MAX).map(u64::to_string).collect();
    let more = lines.len().saturating_sub(LINES_SHOWN_MAX);
    match (shown.split_last(), more) {
        (None, _) => "a row".to_owned(),
        (Some((only, [])), _) => format!("line {only}"),
        (Some((last, first)), 0) => format!("lines {} and {last}", first.join(", ")),
        (Some(_), more) => format!("lines {} and {more} more", shown.join(", ")),
    }
}

/// Lines that a message names before it counts the rest.
const LINES_SHOWN_MAX: usize = 20;
