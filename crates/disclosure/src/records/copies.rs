//! Who else got a copy of what somebody got, also later.

use super::{Answer, Ledger, NotDisclosed, Reason, Records};
use access::{Audience, Demand, Line, Object, Role, Undisclosed, Verb, staff::Staff};
use model::{AgencyId, Timestamp};
use std::collections::BTreeMap;
use store::records::{CopyRow, Own, PackageRow};

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

    /// Who took copies of somebody's own calls away: for whom, as what and why, and never who of
    /// the staff. What was only looked at is not told: it may be an investigation that goes on.
    pub(super) fn copies_of_own(
        &self,
        staff: &Staff,
        reason: &Reason,
        (agency, own): (AgencyId, &Own),
        (mut demand, times): (Demand, (Timestamp, Timestamp)),
    ) -> Result<Answer<Ledger>, NotDisclosed> {
        let mut copies = self.0.store.own_copies(agency, own, times)?;
        if demand.note.is_some() {
            // For which case and by whom is told to nobody here, so none is of the one asked for.
            copies.clear();
        }
        let zone = self.0.store.zone_of(agency)?.unwrap_or_else(|| "UTC".to_owned());
        let (acts, overseen, names) = (Vec::new(), Vec::new(), BTreeMap::new());
        let object = Object::Ledger { agency };
        let ledger = Ledger { acts, overseen, names, copies: Some(copies), zone };
        let rows = Undisclosed::new(object.clone(), ledger);
        demand.query.line = Line::Own;
        let ask = self.ask(Verb::List, reason, (Line::Own, object), demand)?;
        self.show(staff, ask, reason.act, rows, |rows| rows)
    }
}

/// Packages that are told of at once.
const PACKAGES_COUNT_MAX: u32 = 100;
