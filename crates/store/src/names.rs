//! The names that people recorded: what became of each, and what staff want done with it.
//!
//! No name and no sound is here, only hashes of sealed files. What staff want stands here until a
//! running node has entered it in the log and done it.

use crate::{
    code::Columns,
    dialect::{Database, Work},
    error::{Broken, Doing},
};
use model::{
    AgencyId, CallId, PersonId, StaffId, Timestamp,
    fact::{NameActed, NameDid, NameRecorded},
};

/// A name that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRow {
    /// The agency.
    pub agency: AgencyId,
    /// Whose name it is.
    pub person: PersonId,
    /// The call it was said in.
    pub call: CallId,
    /// SHA-256 of its sealed file.
    pub sha256: [u8; 32],
    /// Octets of G.711 that were said.
    pub octets: u32,
    /// When it was kept.
    pub recorded: Timestamp,
    /// When staff first listened to it.
    pub heard: Option<Timestamp>,
    /// When staff approved it.
    pub approved: Option<Timestamp>,
    /// When it was removed.
    pub removed: Option<Timestamp>,
}

/// What staff want done with a recorded name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameWant {
    /// To listen to it.
    Listen,
    /// To approve it.
    Approve,
    /// To remove it.
    Remove,
}

/// A wish of staff that no node has done yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameWish {
    /// The agency.
    pub agency: AgencyId,
    /// Whose name it is.
    pub person: PersonId,
    /// SHA-256 of its sealed file.
    pub sha256: [u8; 32],
    /// What is wanted.
    pub want: NameWant,
    /// Who wants it.
    pub by: StaffId,
    /// Number of the act in which they were allowed to.
    pub act: u64,
}

impl NameWant {
    const ALL: [Self; 3] = [Self::Listen, Self::Approve, Self::Remove];

    /// The word of it, as it is kept and as staff read it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Approve => "approve",
            Self::Remove => "remove",
        }
    }
}

/// See [`crate::Store::names`].
pub(crate) async fn names(database: &Database) -> Result<Vec<NameRow>, Broken> {
    let sql = "SELECT * FROM own_name ORDER BY agency_id, recorded_us, person_id";
    let rows = sqlx::query(sql).fetch_all(&mut *database.read().await?).await.doing(READ)?;
    rows.iter()
        .map(|row| {
            Ok(NameRow {
                agency: AgencyId(row.number("agency_id")?),
                person: PersonId(row.number("person_id")?),
                call: CallId(row.int("call_id")?.cast_unsigned()),
                sha256: row.octets("sha256")?,
                octets: row.number("octets")?,
                recorded: row.time("recorded_us")?,
                heard: row.maybe_time("heard_us")?,
                approved: row.maybe_time("approved_us")?,
                removed: row.maybe_time("removed_us")?,
            })
        })
        .collect()
}

/// See [`crate::Store::wish_name`].
pub(crate) async fn wish(database: &Database, wish: &NameWish) -> Result<(), Broken> {
    let mut work = database.write().await?;
    sqlx::query(
        "INSERT INTO own_name_wish (agency_id, person_id, sha256, want, staff_id, act) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(wish.agency.0)
    .bind(wish.person.0)
    .bind(wish.sha256.as_slice())
    .bind(wish.want.word())
    .bind(wish.by.0)
    .bind(wish.act.cast_signed())
    .execute(&mut *work)
    .await
    .doing(KEEP)?;
    work.commit().await.doing(KEEP)
}

/// See [`crate::Store::name_wishes`].
pub(crate) async fn wishes(database: &Database) -> Result<Vec<NameWish>, Broken> {
    let sql = "SELECT * FROM own_name_wish ORDER BY agency_id, person_id, want, act";
    let rows = sqlx::query(sql).fetch_all(&mut *database.read().await?).await.doing(READ)?;
    rows.iter()
        .map(|row| {
            let code = row.text("want")?;
            let want = NameWant::ALL.into_iter().find(|want| want.word() == code);
            Ok(NameWish {
                agency: AgencyId(row.number("agency_id")?),
                person: PersonId(row.number("person_id")?),
                sha256: row.octets("sha256")?,
                want: want.ok_or_else(|| Broken::unreadable("want"))?,
                by: StaffId(row.number("staff_id")?),
                act: row.int("act")?.cast_unsigned(),
            })
        })
        .collect()
}

/// See [`crate::Store::name_wish_done`].
pub(crate) async fn wish_done(database: &Database, wish: &NameWish) -> Result<(), Broken> {
    let mut work = database.write().await?;
    sqlx::query(
        "DELETE FROM own_name_wish \
         WHERE agency_id = $1 AND person_id = $2 AND sha256 = $3 AND want = $4 AND act = $5",
    )
    .bind(wish.agency.0)
    .bind(wish.person.0)
    .bind(wish.sha256.as_slice())
    .bind(wish.want.word())
    .bind(wish.act.cast_signed())
    .execute(&mut *work)
    .await
    .doing(KEEP)?;
    work.commit().await.doing(KEEP)
}

/// A name was recorded.
pub(crate) async fn record(work: &mut Work, name: &NameRecorded) -> Result<u64, Broken> {
    let inserted = sqlx::query(
        "INSERT INTO own_name (agency_id, person_id, sha256, call_id, octets, recorded_us) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(name.agency.0)
    .bind(name.person.0)
    .bind(name.sha256.as_slice())
    .bind(name.call.0.cast_signed())
    .bind(name.octets)
    .bind(name.at.micros())
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    Ok(inserted.rows_affected())
}

/// Something was done with a name; the first time counts.
pub(crate) async fn act(work: &mut Work, did: NameDid, name: &NameActed) -> Result<u64, Broken> {
    let sql = match did {
        NameDid::Heard => {
            "UPDATE own_name SET heard_us = COALESCE(heard_us, $4) \
             WHERE agency_id = $1 AND person_id = $2 AND sha256 = $3"
        }
        NameDid::Approved => {
            "UPDATE own_name SET approved_us = COALESCE(approved_us, $4) \
             WHERE agency_id = $1 AND person_id = $2 AND sha256 = $3"
        }
        NameDid::Removed => {
            "UPDATE own_name SET removed_us = COALESCE(removed_us, $4) \
             WHERE agency_id = $1 AND person_id = $2 AND sha256 = $3"
        }
    };
    let updated = sqlx::query(sql)
        .bind(name.agency.0)
        .bind(name.person.0)
        .bind(name.sha256.as_slice())
        .bind(name.at.micros())
        .execute(&mut **work)
        .await
        .doing(KEEP)?;
    Ok(updated.rows_affected())
}

const READ: &str = "read the recorded names";
const KEEP: &str = "keep what becomes of a recorded name";
