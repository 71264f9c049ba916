//! The node's database: what was provisioned, and what the journal says happened, as tables.
//!
//! The only crate that knows SQL. It decides nothing: whether a call may be made, recorded or
//! charged is for others, and the journal, not this, is the truth about calls and money; everything
//! under [`Store::project`] can be built again from it, as long as the ids that were given to
//! agencies, people and accounts are kept: those are here alone.
//! Start with [`Store`], then [`plan`] for what goes in, `migrations/sqlite` for the tables and
//! `dialect` for what is particular to SQLite.

mod apply;
mod calls;
mod closing;
mod code;
mod configuration;
mod copy;
mod dialect;
mod entered;
mod error;
mod heard;
mod keeping;
mod limits;
mod names;
pub mod plan;
mod project;
pub mod records;
mod sealing;
pub mod staff;
mod strangers;

pub use calls::{CallFilter, CallRow, MoneyTotals, OpenCall, Outcome, RecordingRow};
pub use closing::ClosingRow;
pub use configuration::AgencyRow;
pub use copy::{Copied, Recorded, Source, recorded};
pub use entered::{LateRecording, RegistryChanges};
pub use error::{Refused, StoreError};
pub use heard::{HeardCounts, JITTER_MAX_MICROS, LOSS_ONE_IN};
pub use keeping::{
    Basis, CallLeft, Class, Due, Erasing, Held, HoldRow, NewHold, RecordsCount, RuleRow,
    RunOutcome, RunRow, RunScope, Swept, Terms,
};
pub use names::{NameRow, NameWant, NameWish};
pub use plan::{Applied, Plan};
pub use sealing::{COLUMN_KEY_OCTETS, ColumnKeys};
pub use staff::{
    CapTryRow, GlassRow, NewStaff, Overseen, OverseenRow, PolicyRequestRow, PolicyRow, RequestRow,
    RequestState, StaffRow, TieRow, TieState, TieTo, UsageRow,
};
pub use strangers::Spoken;

use dialect::Database;
use error::Broken;
use model::{AgencyId, E164, RecordingId, StationId, Timestamp, fact::Fact, plan::Configuration};
use std::{path::Path, sync::Arc};

/// The database of one cell. Cheap to clone; all clones share the same connections.
///
/// Every method blocks the calling thread until the database has answered. The driver is
/// asynchronous; its runtime is driven by whichever thread calls, so the store owns no runtime
/// thread, and its methods must not be called from inside an asynchronous task (they would panic).
/// Writers queue behind one connection, readers never wait for them (write-ahead log).
#[derive(Clone)]
pub struct Store(Arc<Database>);

impl Store {
    /// Opens the database at `path`, makes it (readable by its owner alone) where there is none,
    /// and brings its tables up to date. Names and numbers in it are sealed with `keys`; a new
    /// database takes them as its own.
    ///
    /// # Errors
    /// [`Refused::OtherColumnKey`] when it was made with others; [`StoreError::Broken`] when it
    /// cannot be made, read or brought up to date, for instance when a newer version of Parlatory
    /// made it.
    pub fn open(path: &Path, keys: &ColumnKeys) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(Database::open(path, keys)?)))
    }

    /// Makes the database say what `plan` says, in one transaction: all of it or nothing. Applying
    /// the same plan again changes nothing. `now` becomes the time of new deposits and of the
    /// registry's confirmation.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the plan contradicts itself or what is stored;
    /// [`StoreError::Broken`] when the database fails. Nothing is changed then.
    pub fn apply(&self, plan: &Plan, now: Timestamp) -> Result<Applied, StoreError> {
        self.0.run(apply::apply(&self.0, plan, now))
    }

    /// The version of the configuration: grows with every plan that changed something. Cheap, for
    /// polling.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn version(&self) -> Result<u64, StoreError> {
        Ok(self.0.run(configuration::version(&self.0))?)
    }

    /// Everything a node must know, as of one moment.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn configuration(&self) -> Result<Configuration, StoreError> {
        Ok(self.0.run(configuration::configuration(&self.0))?)
    }

    /// The agencies, with their keyholders' public keys.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn agencies(&self) -> Result<Vec<AgencyRow>, StoreError> {
        Ok(self.0.run(configuration::agencies(&self.0))?)
    }

    /// Says that the registry's source, this database, still stands at `now`. A registry that was
    /// never loaded stays missing.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails; the registry then goes stale by itself.
    pub fn confirm_registry(&self, now: Timestamp) -> Result<(), StoreError> {
        Ok(self.0.run(configuration::confirm_registry(&self.0, now))?)
    }

    /// Brings the tables of calls and money up to the journal: `facts` with their sequence numbers,
    /// ascending. One transaction; facts that were projected before are skipped, so a batch may be
    /// given again after a failure of unknown outcome.
    ///
    /// # Errors
    /// [`Refused::DatabaseMadeAnew`] when there are facts about calls and nothing was ever
    /// provisioned; [`StoreError::Broken`] when the database fails. None of the batch is projected
    /// then.
    pub fn project(&self, facts: &[(u64, Fact)]) -> Result<(), StoreError> {
        self.0.run(project::project(&self.0, facts))
    }

    /// Takes the numbers of people of whom facts speak that are going to be projected and whom this
    /// database does not know, because it is older than they are: so nobody who is provisioned
    /// later gets them, and with them calls of somebody else. They have no name, as those whose
    /// names are erased. Durable when this returns; says how many.
    ///
    /// # Errors
    /// [`Refused::PlacesUnknown`] when facts speak of places that it does not know;
    /// [`StoreError::Broken`] when the database fails. Nothing is changed then.
    pub fn take_in(&self, spoken: &Spoken, now: Timestamp) -> Result<u64, StoreError> {
        self.0.run(strangers::take_in(&self.0, spoken, now))
    }

    /// Sequence number of the last fact that was projected; 0 when none was.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn projected(&self) -> Result<u64, StoreError> {
        Ok(self.0.run(project::projected(&self.0))?)
    }

    /// As [`Store::projected`], once everything up to there survives a power cut.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn projected_for_good(&self) -> Result<u64, StoreError> {
        Ok(self.0.run(project::projected_for_good(&self.0))?)
    }

    /// Number of the last start of a node that the journal told of; 0 when there was none.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn boots(&self) -> Result<u32, StoreError> {
        Ok(self.0.run(project::boots(&self.0))?)
    }

    /// Calls that were admitted and have not ended, oldest first: after a start, what the last run
    /// left behind.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn open_calls(&self) -> Result<Vec<OpenCall>, StoreError> {
        Ok(self.0.run(calls::open_calls(&self.0))?)
    }

    /// Recordings that started with a conversation and were never told to be closed, whether or not
    /// their call is over: after a start, files whose end the last run did not come to write down.
    /// Some were never begun, and have no file.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn unbooked_recordings(&self) -> Result<Vec<(AgencyId, RecordingId)>, StoreError> {
        Ok(self.0.run(calls::unbooked_recordings(&self.0))?)
    }

    /// Wrong PINs after `since`, the earliest first.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn pin_refusals(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(StationId, Timestamp)>, StoreError> {
        Ok(self.0.run(calls::pin_refusals(&self.0, since))?)
    }

    /// How the registry differs from the newest epoch that was entered in the log. Recordings are
    /// those whose facts were projected.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn registry_changes(&self) -> Result<RegistryChanges, StoreError> {
        Ok(self.0.run(entered::changes(&self.0))?)
    }

    /// Keeps that an epoch with exactly these numbers was entered in the log.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn registry_entered(
        &self,
        numbers: impl IntoIterator<Item = E164>,
    ) -> Result<(), StoreError> {
        Ok(self.0.run(entered::entered(&self.0, numbers))?)
    }

    /// Calls and refusals that match, in the order of their record numbers.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRow>, StoreError> {
        Ok(self.0.run(calls::calls(&self.0, filter))?)
    }

    /// Every name that was ever recorded, removed ones among them, the earliest of an agency first.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn names(&self) -> Result<Vec<NameRow>, StoreError> {
        Ok(self.0.run(names::names(&self.0))?)
    }

    /// Keeps what staff want done with a recorded name, until a running node has done it.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn wish_name(&self, wish: &NameWish) -> Result<(), StoreError> {
        Ok(self.0.run(names::wish(&self.0, wish))?)
    }

    /// What staff want done with recorded names.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn name_wishes(&self) -> Result<Vec<NameWish>, StoreError> {
        Ok(self.0.run(names::wishes(&self.0))?)
    }

    /// A wish was done, or is not wanted any more.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn name_wish_done(&self, wish: &NameWish) -> Result<(), StoreError> {
        Ok(self.0.run(names::wish_done(&self.0, wish))?)
    }

    /// Where the money of all calls stands.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn money(&self) -> Result<MoneyTotals, StoreError> {
        Ok(self.0.run(calls::money(&self.0))?)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl From<Broken> for StoreError {
    fn from(broken: Broken) -> Self {
        Self::Broken { what: broken.what, cause: broken.cause }
    }
}

#[cfg(test)]
mod tests;
