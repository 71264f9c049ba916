//! What the recipient of a package signed, entered in the log.

use super::{NotDisclosed, Records};
use crate::roster::Delivered;
use access::{Delivery, NotADelivery, Role, limits::CLOCKS_APART_MAX, staff::Staff};
use evidence::Statement;
use model::{Private, StaffId, Timestamp};
use std::collections::BTreeMap;
use store::{
    OverseenRow, UsageRow,
    records::{CopyRow, PackageRow},
};
use tlog::Verifier;

/// A receipt that stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Number of the act in which the package was taken away.
    pub act: u64,
    /// When the recipient had it, by their clock.
    pub at: Timestamp,
    /// The key that signed: whether it is the recipient's, they are asked in another way.
    pub key: String,
}

/// One act, as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What was done.
    pub usage: UsageRow,
    /// What became of the package, where one was taken away.
    pub package: Option<Taken>,
}

/// What was done with an agency's data, as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// What was asked for and shown.
    pub acts: Vec<Listed>,
    /// What was approved and refused, and glasses that were broken and reviewed.
    pub overseen: Vec<OverseenRow>,
    /// The names of the log-ins of everybody in it whom there is.
    pub names: BTreeMap<StaffId, Private<String>>,
    /// For a person in custody and counsel, in the place of all that: the copies of their own calls
    /// that were taken away.
    pub copies: Option<Vec<CopyRow>>,
    /// The agency's zone.
    pub zone: String,
}

/// What became of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Nobody has signed for it.
    Unsigned,
    /// Its recipient had it then, and signed for it.
    Received(Timestamp),
}

impl Records {
    /// Enters what the recipient of a package signed. The same again changes nothing.
    ///
    /// # Errors
    /// [`NotDisclosed::NotThere`] when there is no such package, or it is not theirs to know:
    /// whoever took it away may, and a clerk or supervisor of the agency whose data it is;
    /// [`NotDisclosed::Receipt`] when it is none, or is not of this package;
    /// [`NotDisclosed::Signed`] when another receipt was entered; [`NotDisclosed::NotEntered`].
    pub fn receive(&self, staff: &Staff, signed: &str) -> Result<Received, NotDisclosed> {
        let by = self.0.roster.fresh(staff)?;
        let (delivery, key) = Delivery::read(signed.as_bytes()).map_err(BadReceipt::from)?;
        let package = self.0.store.package(&delivery.package)?;
        let theirs = |row: &PackageRow| {
            let answers = matches!(by.role, Role::Clerk | Role::Supervisor);
            row.staff == by.id || (row.agency == by.agency && answers)
        };
        let package = package.filter(theirs).ok_or(NotDisclosed::NotThere)?;
        self.fits(&delivery, &key, &package)?;
        let received = Received { act: package.act, at: delivery.at, key: key.to_string() };
        if let Some(before) = &package.received {
            let same = *before == (received.at, received.key.clone());
            return same.then_some(received).ok_or(NotDisclosed::Signed);
        }
        let what = Statement::Delivered { act: package.act, package: package.sha256 };
        let detail = Delivered { by: by.id, receipt: signed.to_owned() };
        self.0.roster.note(what, &detail, package.agency)?;
        self.0.store.package_received(&package.sha256, received.at, &received.key)?;
        Ok(received)
    }

    /// Whether a receipt is of this package: of this log and entry, and of no time at which nobody
    /// could have had it.
    fn fits(
        &self,
        delivery: &Delivery,
        key: &Verifier,
        package: &PackageRow,
    ) -> Result<(), BadReceipt> {
        let log = Verifier::parse(&self.0.verifier_key).map_err(|_| BadReceipt::OtherLog)?;
        if delivery.log != log.name() || delivery.entry != package.entry {
            return Err(BadReceipt::OtherLog);
        }
        if key.is_same_key(&log) {
            return Err(BadReceipt::OurKey);
        }
        let early = delivery.at.after(CLOCKS_APART_MAX) < package.at;
        if early || delivery.at > self.now().after(CLOCKS_APART_MAX) {
            return Err(BadReceipt::Time);
        }
        Ok(())
    }

    /// The acts with what became of the packages that were taken away in them.
    pub(super) fn listed(&self, rows: Vec<UsageRow>) -> Result<Vec<Listed>, NotDisclosed> {
        rows.into_iter()
            .map(|usage| {
                let package = self.0.store.package_of(usage.owner, usage.act)?;
                let package = package.map(|package| match package.received {
                    Some((at, _)) => Taken::Received(at),
                    None => Taken::Unsigned,
                });
                Ok(Listed { usage, package })
            })
            .collect()
    }
}

/// Why something is no receipt of a package here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReceipt {
    /// It is none.
    #[error(transparent)]
    Shape(#[from] NotADelivery),
    /// It is of another log or entry.
    #[error("the receipt is of another log or entry than this package")]
    OtherLog,
    /// The log's own key signed.
    #[error("the receipt is signed with the log's own key: its recipient signs it")]
    OurKey,
    /// It is of another time.
    #[error("the receipt is of before the package was made, or of later than now")]
    Time,
}
