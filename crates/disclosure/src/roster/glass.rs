//! Breaking the glass, and answering for it.

use super::{Broke, Denied, NotDone, Refusal, Reviewed, Roster, words};
use access::{
    Audience, Purpose, Scope, Verb,
    decide::NotAllowed,
    grant::{Glass, may_review},
    policy::{Given, Question},
    staff::Staff,
};
use std::time::Duration;
use store::{GlassRow, Overseen};

impl Roster {
    /// Breaks the glass for a while: somebody is in danger, and nobody can approve in time. It is
    /// entered, those on call are told, and it must be reviewed within 72 hours.
    ///
    /// # Errors
    /// [`NotDone::NotBroken`] when the while is too short or too long; [`Refusal::Words`] when no
    /// reason is given; [`NotDone::NotAllowed`], which is entered, when it is not for their role;
    /// [`NotDone::NotEntered`] when the log cannot take it.
    pub fn break_glass(
        &self,
        by: &Staff,
        length: Duration,
        reason: &str,
    ) -> Result<(u64, Glass), NotDone> {
        let _turn = self.turn();
        let (by, now) = (self.fresh(by)?, self.now());
        let reason = words(reason)?;
        let glass = Glass::broken(by.id, now, now.after(length))?;
        let act = self.next_act()?;
        let question =
            Question { role: by.role, verb: Verb::Search, scope: Scope::OwnAgency, given: GIVEN };
        if let Err(why) = self.policies(by.agency).decide(&question) {
            let why = NotAllowed::from(why);
            let detail = Denied::Glass { staff: by.id, why: why.to_string() };
            self.oversee((Overseen::Denial, act), &detail, by.agency, None, (by.id, None))?;
            return Err(why.into());
        }
        let detail = Broke { staff: by.id, reason: reason.clone(), until: glass.until };
        let of = (by.id, None);
        self.oversee((Overseen::BreakGlass, act), &detail, by.agency, Some(by.id), of)?;
        self.0.store.add_glass(&GlassRow {
            act,
            agency: by.agency,
            staff: by.id,
            reason,
            broken: glass.broken,
            until: glass.until,
            reviewed: None,
        })?;
        self.tell(by.agency, act);
        Ok((act, glass))
    }

    /// Enters what somebody else found about a broken glass.
    ///
    /// # Errors
    /// [`NotDone::NotThere`] when there is none in their agency; [`Refusal::Reviewer`],
    /// [`Refusal::Reviewed`], [`Refusal::Words`]; [`NotDone::NotEntered`] when the log cannot take
    /// it.
    pub fn review(
        &self,
        by: &Staff,
        act: u64,
        justified: bool,
        found: &str,
    ) -> Result<(), NotDone> {
        let _turn = self.turn();
        let by = self.fresh(by)?;
        let row = self.0.store.glasses()?.into_iter().find(|row| row.act == act);
        let row = row.filter(|row| row.agency == by.agency).ok_or(NotDone::NotThere)?;
        if !may_review(&by, row.staff, row.agency) {
            return Err(Refusal::Reviewer.into());
        }
        if row.reviewed.is_some() {
            return Err(Refusal::Reviewed.into());
        }
        let words = words(found)?;
        let detail = Reviewed { by: by.id, staff: row.staff, justified, words };
        let of = (row.staff, None);
        self.oversee((Overseen::Review, act), &detail, row.agency, Some(by.id), of)?;
        Ok(self.0.store.glass_reviewed(act, by.id, self.now())?)
    }

    /// The glasses that were broken: one's own, and for who may review them those of the agency.
    ///
    /// # Errors
    /// [`NotDone::Unusable`] when the access has ended; [`NotDone::Store`] when the database fails.
    pub fn glasses(&self, by: &Staff) -> Result<Vec<GlassRow>, NotDone> {
        let by = self.fresh(by)?;
        let rows = self.0.store.glasses()?.into_iter();
        let seen = |row: &GlassRow| row.staff == by.id || may_review(&by, row.staff, row.agency);
        Ok(rows.filter(seen).collect())
    }
}

/// What is known when the glass is broken, before anything is asked for.
const GIVEN: Given = Given {
    purpose: Purpose::Safety,
    granted: false,
    approvals: 0,
    owner_approved: false,
    broken_glass: true,
    over_cap: false,
    counts_only: false,
    voice: false,
    boundless: false,
    audience: Audience::Staff,
    own_request: false,
    foreign: false,
};
