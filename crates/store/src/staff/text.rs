//! Policies that agencies wrote themselves, with every version there was.

use super::RequestState;
use crate::{
    Store, StoreError,
    code::{Coded as _, Columns, signed},
    dialect::Row,
    error::Broken,
};
use model::{AgencyId, StaffId, Timestamp};

/// A version of an agency's own policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRow {
    /// Whose.
    pub agency: AgencyId,
    /// Which version, from 1.
    pub version: u32,
    /// SHA-256 as entries have it.
    pub hash: [u8; 32],
    /// The text.
    pub text: String,
    /// Who set it.
    pub by: StaffId,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// The policies that agencies ever set, each agency's in the order of their versions.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn policies(&self) -> Result<Vec<PolicyRow>, StoreError> {
        self.0.list(
            READ,
            sqlx::query("SELECT * FROM policy_text ORDER BY agency_id, version"),
            policy,
        )
    }

    /// Keeps a new version, which must be the next one.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn add_policy(&self, row: &PolicyRow) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "INSERT INTO policy_text (agency_id, version, hash, content, set_by, at_us) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(row.agency.0)
            .bind(row.version)
            .bind(row.hash.as_slice())
            .bind(&row.text)
            .bind(row.by.0)
            .bind(row.at.micros()),
        )
    }
}

/// Policies that one person proposed for their agency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRequestRow {
    /// Whose.
    pub agency: AgencyId,
    /// Number of the act.
    pub act: u64,
    /// SHA-256 as entries have it.
    pub hash: [u8; 32],
    /// The text.
    pub text: String,
    /// Who proposed it.
    pub by: StaffId,
    /// When.
    pub asked: Timestamp,
    /// From then on it is proposed anew.
    pub until: Timestamp,
    /// What became of it.
    pub state: RequestState,
}

impl Store {
    /// Keeps policies that somebody proposes.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn add_policy_request(&self, row: &PolicyRequestRow) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "INSERT INTO policy_request (agency_id, act, hash, content, asked_by, asked_us, \
                 until_us, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(row.agency.0)
            .bind(signed(row.act))
            .bind(row.hash.as_slice())
            .bind(&row.text)
            .bind(row.by.0)
            .bind(row.asked.micros())
            .bind(row.until.micros())
            .bind(row.state.code()),
        )
    }

    /// The policies that were proposed to an agency, in the order of their acts.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn policy_requests(&self, agency: AgencyId) -> Result<Vec<PolicyRequestRow>, StoreError> {
        self.0.list(
            READ,
            sqlx::query("SELECT * FROM policy_request WHERE agency_id = $1 ORDER BY act")
                .bind(agency.0),
            proposed,
        )
    }

    /// Keeps what became of proposed policies.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn set_policy_request(&self, act: u64, state: RequestState) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query("UPDATE policy_request SET state = $2 WHERE act = $1")
                .bind(signed(act))
                .bind(state.code()),
        )
    }
}

fn proposed(row: &Row) -> Result<PolicyRequestRow, Broken> {
    Ok(PolicyRequestRow {
        agency: AgencyId(row.number("agency_id")?),
        act: row.count("act")?,
        hash: row.octets("hash")?,
        text: row.text("content")?,
        by: StaffId(row.number("asked_by")?),
        asked: row.time("asked_us")?,
        until: row.time("until_us")?,
        state: row.coded("state")?,
    })
}

fn policy(row: &Row) -> Result<PolicyRow, Broken> {
    Ok(PolicyRow {
        agency: AgencyId(row.number("agency_id")?),
        version: row.number("version")?,
        hash: row.octets("hash")?,
        text: row.text("content")?,
        by: StaffId(row.number("set_by")?),
        at: row.time("at_us")?,
    })
}

const READ: &str = "read the policies";
const KEEP: &str = "keep the policies";
