//! What a disclosure is going to be, exactly: it is entered in the log before it happens, and
//! afterwards nothing else happens.

use crate::{
    act::{Purpose, Role, Scope, Verb},
    demand::Demand,
    limits::{
        APPROVERS_COUNT_MAX, CASE_OCTETS_MAX, MONTHS_COUNT_MAX, NOTE_CHARS_MAX,
        QUERY_WORD_OCTETS_MAX, RECORDS_COUNT_MAX, VALID_MAX,
    },
};
use alloc::{string::String, vec::Vec};
use core::fmt;
use model::{AgencyId, CallId, GrantId, Private, RecordingId, StaffId, Timestamp};
use serde::{Deserialize, Serialize};

/// Who is going to see what, why, by whose leave, and with which key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Who asks.
    pub staff: StaffId,
    /// As what.
    pub role: Role,
    /// Whom they work for.
    pub employer: AgencyId,
    /// What they do.
    pub verb: Verb,
    /// Why.
    pub purpose: Purpose,
    /// Number of the case, as the agency writes it: 1 to [`CASE_OCTETS_MAX`] octets. It can name
    /// a person.
    pub case: Private<String>,
    /// Whose data it is, seen from who asks.
    pub scope: Scope,
    /// Exactly what.
    pub object: Object,
    /// Whose key alone can open it.
    pub recipient: Recipient,
    /// By whose leave.
    pub leave: Leave,
    /// SHA-256 over the policies that allowed it.
    pub policies: [u8; 32],
    /// When it was asked for.
    pub asked: Timestamp,
    /// From when on it is not carried out any more.
    pub expires: Timestamp,
    /// For whom it is, and what was looked for; entries of the first version do not say it. It
    /// follows the rest in what an entry says.
    #[serde(skip)]
    pub demand: Option<Demand>,
}

impl Intent {
    /// Whether it can be entered.
    ///
    /// # Errors
    /// Says what about it is out of bounds.
    pub fn check(&self) -> Result<(), NotAnIntent> {
        let case = self.case.expose();
        let blank = case.trim().is_empty() || case.chars().any(char::is_control);
        if blank || case.len() > CASE_OCTETS_MAX {
            return Err(NotAnIntent::Case);
        }
        if self.expires <= self.asked || self.expires.since(self.asked) > VALID_MAX {
            return Err(NotAnIntent::Expiry);
        }
        self.object.check()?;
        self.demand.as_ref().map_or(Ok(()), Demand::check)?;
        match &self.leave {
            Leave::Grant { approvers, .. } => {
                if approvers.len() > APPROVERS_COUNT_MAX || !ascends(approvers) {
                    return Err(NotAnIntent::Approvers);
                }
                if approvers.contains(&self.staff) {
                    return Err(NotAnIntent::OwnApproval);
                }
            }
            Leave::BrokenGlass | Leave::Office => {}
        }
        Ok(())
    }
}

/// Exactly what is disclosed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Object {
    /// One recording.
    Recording {
        /// Whose it is.
        agency: AgencyId,
        /// Which.
        recording: RecordingId,
        /// SHA-256 over its header, so that no other file can be put in its place.
        header: [u8; 32],
    },
    /// These call records and no others, in ascending order. A search that finds nothing
    /// discloses that, with an empty list.
    Records {
        /// Whose they are.
        agency: AgencyId,
        /// Which.
        records: Vec<CallId>,
    },
    /// How many calls there were in each of these months: all that is shown of protected lines.
    Counts {
        /// Whose calls.
        agency: AgencyId,
        /// Which months, in ascending order.
        months: Vec<Month>,
    },
    /// What was asked for and disclosed at this agency.
    Ledger {
        /// Which agency.
        agency: AgencyId,
    },
    /// Calls that are to be kept: nobody is shown any, or whether there are any.
    Held {
        /// Whose they are.
        agency: AgencyId,
        /// Whether only those of one person.
        person: bool,
        /// Whether only those to one number.
        number: bool,
        /// Only those that had not ended then.
        from: Option<Timestamp>,
        /// Only those that had begun before then.
        until: Option<Timestamp>,
        /// Random, so that the same person or number is never told by `what`.
        salt: [u8; 32],
        /// Commits to person, number, times and facility: `disclosure::keeping` makes it, under the
        /// salt and with the agency's blind index in the place of the number.
        what: [u8; 32],
    },
}

impl Object {
    /// Whose data it is.
    #[must_use]
    pub const fn agency(&self) -> AgencyId {
        match self {
            Self::Recording { agency, .. }
            | Self::Records { agency, .. }
            | Self::Counts { agency, .. }
            | Self::Ledger { agency }
            | Self::Held { agency, .. } => *agency,
        }
    }

    /// How many rows count against a cap. A recording is one row.
    #[must_use]
    pub fn rows(&self) -> u32 {
        let rows = match self {
            Self::Recording { .. } => 1,
            Self::Records { records, .. } => records.len(),
            Self::Counts { months, .. } => months.len(),
            Self::Ledger { .. } | Self::Held { .. } => 0,
        };
        u32::try_from(rows).unwrap_or(u32::MAX)
    }

    fn check(&self) -> Result<(), NotAnIntent> {
        let fits = match self {
            Self::Recording { .. } | Self::Ledger { .. } | Self::Held { .. } => true,
            Self::Records { records, .. } => records.len() <= RECORDS_COUNT_MAX && ascends(records),
            Self::Counts { months, .. } => {
                let real = |month: &Month| (1..=12).contains(&month.month);
                months.len() <= MONTHS_COUNT_MAX && ascends(months) && months.iter().all(real)
            }
        };
        fits.then_some(()).ok_or(NotAnIntent::Object)
    }
}

/// A month of a year, as the agency's calendar has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Month {
    /// The year, such as 2026.
    pub year: u16,
    /// The month, from 1.
    pub month: u8,
}

/// A recipient's public key (X25519): what is disclosed is sealed to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Recipient(pub [u8; 32]);

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// By whose leave something is disclosed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Leave {
    /// A grant for the case, and who approved this request, in ascending order.
    Grant {
        /// Which grant.
        grant: GrantId,
        /// Who said yes; never who asks.
        approvers: Vec<StaffId>,
    },
    /// Nobody's yet: somebody was in danger. It is reviewed afterwards.
    BrokenGlass,
    /// It goes with the role, such as an auditor's view or one's own calls.
    Office,
}

/// Why something is no intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnIntent {
    /// The case has no number, or none that fits.
    #[error("give the number of the case, in 1 to {CASE_OCTETS_MAX} octets on one line")]
    Case,
    /// It ends before it begins, or is valid for too long.
    #[error("a disclosure is carried out within {} hours of its entry", VALID_MAX.as_secs() / 3_600)]
    Expiry,
    /// The list of what is disclosed is too long, not in order, or names one thing twice.
    #[error(
        "an entry names at most {RECORDS_COUNT_MAX} rows or {MONTHS_COUNT_MAX} months, in order"
    )]
    Object,
    /// What was looked for cannot be written down.
    #[error(
        "what is looked for is on one line: at most {QUERY_WORD_OCTETS_MAX} octets each, and \
         {NOTE_CHARS_MAX} signs of your own words"
    )]
    Demand,
    /// The list of approvers is too long, not in order, or names one twice.
    #[error("an entry names at most {APPROVERS_COUNT_MAX} approvers, in order")]
    Approvers,
    /// Who asks is among the approvers.
    #[error("who asks does not approve: ask somebody else")]
    OwnApproval,
}

fn ascends<T: Ord>(list: &[T]) -> bool {
    list.windows(2).all(|pair| matches!(pair, [first, second] if first < second))
}
