//! Packages that were taken away, and what their recipients signed.

use crate::{
    Store, StoreError,
    code::{Columns, signed},
    dialect::Row,
    error::{Broken, Doing},
};
use access::Audience;
use model::{AgencyId, StaffId, Timestamp};

/// A package that was taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageRow {
    /// Whose data.
    pub agency: AgencyId,
    /// Number of the act.
    pub act: u64,
    /// Who took it away.
    pub staff: StaffId,
    /// Place of the disclosure in the log.
    pub entry: u64,
    /// SHA-256 of `package.zip`.
    pub sha256: [u8; 32],
    /// For whom.
    pub audience: Audience,
    /// When.
    pub at: Timestamp,
    /// When its recipient had it, by their clock, and the verifier key with which they signed that.
    pub received: Option<(Timestamp, String)>,
}

impl Store {
    /// Keeps, before it leaves, that a package is taken away.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails; then it must not leave.
    pub fn add_package(&self, row: &PackageRow) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "INSERT INTO package (agency_id, act, staff_id, entry, sha256, audience, \
                 at_us) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            )
            .bind(row.agency.0)
            .bind(signed(row.act))
            .bind(row.staff.0)
            .bind(signed(row.entry))
            .bind(row.sha256.as_slice())
            .bind(row.audience.word())
            .bind(row.at.micros()),
        )
    }

    /// The package with this hash.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn package(&self, sha256: &[u8; 32]) -> Result<Option<PackageRow>, StoreError> {
        Ok(self.0.run(async {
            let row = sqlx::query("SELECT * FROM package WHERE sha256 = $1")
                .bind(sha256.as_slice())
                .fetch_optional(&mut *self.0.read().await?)
                .await
                .doing(READ)?;
            row.as_ref().map(package).transpose()
        })?)
    }

    /// The package that was taken away in an act, the last where it was made again.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn package_of(&self, agency: AgencyId, act: u64) -> Result<Option<PackageRow>, StoreError> {
        Ok(self.0.run(async {
            let row = sqlx::query(
                "SELECT * FROM package WHERE agency_id = $1 AND act = $2 \
                 ORDER BY received_us IS NULL, at_us DESC LIMIT 1",
            )
            .bind(agency.0)
            .bind(signed(act))
            .fetch_optional(&mut *self.0.read().await?)
            .await
            .doing(READ)?;
            row.as_ref().map(package).transpose()
        })?)
    }

    /// The packages with an agency's data, or of those only what one person took away: the newest
    /// `limit`, in the order of their entries.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn packages(
        &self,
        agency: Option<AgencyId>,
        staff: Option<StaffId>,
        limit: u32,
    ) -> Result<Vec<PackageRow>, StoreError> {
        let mut rows = self.0.list(
            READ,
            sqlx::query(
                "SELECT * FROM package WHERE ($1 IS NULL OR agency_id = $1) \
                 AND ($2 IS NULL OR staff_id = $2) ORDER BY entry DESC LIMIT $3",
            )
            .bind(agency.map(|agency| agency.0))
            .bind(staff.map(|staff| staff.0))
            .bind(limit),
            package,
        )?;
        rows.reverse();
        Ok(rows)
    }

    /// Keeps that the recipient of a package signed for it. Who signed first stays.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn package_received(
        &self,
        sha256: &[u8; 32],
        at: Timestamp,
        key: &str,
    ) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "UPDATE package SET received_us = $2, signed_by = $3 \
                 WHERE sha256 = $1 AND received_us IS NULL",
            )
            .bind(sha256.as_slice())
            .bind(at.micros())
            .bind(key),
        )
    }
}

fn package(row: &Row) -> Result<PackageRow, Broken> {
    let at = row.maybe_time("received_us")?;
    Ok(PackageRow {
        agency: AgencyId(row.number("agency_id")?),
        act: row.count("act")?,
        staff: StaffId(row.number("staff_id")?),
        entry: row.count("entry")?,
        sha256: row.octets("sha256")?,
        audience: Audience::from_word(&row.text("audience")?)
            .ok_or_else(|| Broken::unreadable("audience"))?,
        at: row.time("at_us")?,
        received: at.zip(row.maybe_text("signed_by")?),
    })
}

const READ: &str = "read who took a package";
const KEEP: &str = "keep who takes a package";
