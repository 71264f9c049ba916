//! Who else got a copy of what somebody got, also later.

use super::{NotDisclosed, Records};
use access::{Audience, Role, staff::Staff};
use store::records::{CopyRow, PackageRow};

/// A package that was handed out, and everybody else with a copy of something in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOut {
    /// The package.
    pub package: PackageRow,
    /// Copies of others, in the order of their entries: those after the package's own went out
    /// later than it.
    pub copies: Vec<CopyRow>,
}

impl Records {
    /// Who else got copies of what is in a package: of the one with this SHA-256, or else of those
    /// that one may know of, the newest hundred. Nothing about a call is in it.
    ///
    /// Whoever took a package away may know, and clerks, supervisors and auditors of the agency
    /// whose data it is. Whoever it is for may, with a log-in of theirs: defence counsel of what
    /// was handed out for the defence, when they name its SHA-256, which nobody has without it.
    ///
    /// # Errors
    /// [`NotDisclosed::NotThere`] when there is no such package, or it is not theirs to know;
    /// [`NotDisclosed::NotDone`] when the access has ended.
    pub fn copies(
        &self,
        staff: &Staff,
        package: Option<&[u8; 32]>,
    ) -> Result<Vec<HandedOut>, NotDisclosed> {
        let by = self.0.roster.fresh(staff)?;
        let store = &self.0.store;
        let keeps = matches!(by.role, Role::Clerk | Role::Supervisor | Role::Auditor);
        let packages = match package {
            Some(sha256) => {
                let theirs = |row: &PackageRow| {
                    let recipient =
                        Audience::of(by.role) == row.audience && row.audience != Audience::Staff;
                    row.staff == by.id || (keeps && row.agency == by.agency) || recipient
                };
                let found = store.package(sha256)?.filter(theirs);
                vec![found.ok_or(NotDisclosed::NotThere)?]
            }
            None if keeps => store.packages(Some(by.agency), None, PACKAGES_COUNT_MAX)?,
            None => store.packages(None, Some(by.id), PACKAGES_COUNT_MAX)?,
        };
        packages
            .into_iter()
            .map(|package| {
                let calls = store.copied(package.agency, package.entry)?;
                let mut copies = store.copies(package.agency, &calls)?;
                copies.retain(|copy| copy.entry != package.entry);
                Ok(HandedOut { package, copies })
            })
            .collect()
    }
}

/// Packages that are told of at once.
const PACKAGES_COUNT_MAX: u32 = 100;
