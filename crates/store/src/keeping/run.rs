//! The runs that erase: when there was one, and how it ended.

use super::{KEEP, READ};
use crate::{
    Store, StoreError,
    code::{Coded, Columns, signed},
    dialect::Row,
    error::{Broken, Doing},
};
use model::Timestamp;

/// What a run looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunScope {
    /// Everything.
    All,
    /// Recordings of numbers that were protected afterwards.
    Quarantine,
}

impl Coded for RunScope {
    fn code(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Quarantine => "quarantine",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        [Self::All, Self::Quarantine].into_iter().find(|scope| scope.code() == code)
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// Nothing that was due is left.
    Done,
    /// Somebody copied the recordings.
    Postponed,
    /// The node was stopped.
    Stopped,
    /// Something could not be entered, kept or erased.
    Failed,
}

impl Coded for RunOutcome {
    fn code(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Postponed => "postponed",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        let all = [Self::Done, Self::Postponed, Self::Stopped, Self::Failed];
        all.into_iter().find(|outcome| outcome.code() == code)
    }
}

/// A run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Its number.
    pub run: u32,
    /// What it looks at.
    pub scope: RunScope,
    /// When it began.
    pub begun: Timestamp,
    /// When and how it ended; `None` while it runs, or when the program died in it.
    pub ended: Option<(Timestamp, RunOutcome)>,
    /// How many recordings it erased.
    pub erased: u64,
}

impl Store {
    /// Keeps that a run begins, and gives its number. Those of long ago are forgotten.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn begin_run(&self, scope: RunScope, now: Timestamp) -> Result<u32, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            let run: u32 = sqlx::query(
                "INSERT INTO erase_run (run_id, scope, begun_us) \
                 SELECT COALESCE(MAX(run_id), 0) + 1, $1, $2 FROM erase_run RETURNING run_id",
            )
            .bind(scope.code())
            .bind(now.micros())
            .fetch_one(&mut *work)
            .await
            .doing(KEEP)?
            .number("run_id")?;
            sqlx::query("DELETE FROM erase_run WHERE run_id <= $1")
                .bind(i64::from(run) - RUNS_COUNT_MAX)
                .execute(&mut *work)
                .await
                .doing(KEEP)?;
            work.commit().await.doing(KEEP)?;
            Ok::<_, Broken>(run)
        })?)
    }

    /// Keeps how a run ended.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn end_run(
        &self,
        run: u32,
        outcome: RunOutcome,
        erased: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "UPDATE erase_run SET ended_us = $1, outcome = $2, erased = $3 WHERE run_id = $4",
            )
            .bind(now.micros())
            .bind(outcome.code())
            .bind(signed(erased))
            .bind(run),
        )
    }

    /// The runs that are remembered, the newest last.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn runs(&self) -> Result<Vec<RunRow>, StoreError> {
        self.0.list(READ, sqlx::query("SELECT * FROM erase_run ORDER BY run_id"), run)
    }
}

fn run(row: &Row) -> Result<RunRow, Broken> {
    let ended = row.maybe_time("ended_us")?;
    Ok(RunRow {
        run: row.number("run_id")?,
        scope: row.coded("scope")?,
        begun: row.time("begun_us")?,
        ended: ended.map(|at| Ok::<_, Broken>((at, row.coded("outcome")?))).transpose()?,
        erased: row.count("erased")?,
    })
}

/// Runs that are remembered: a month of one each hour.
const RUNS_COUNT_MAX: i64 = 750;
