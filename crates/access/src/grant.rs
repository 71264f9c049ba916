//! Grants: leave to work with the data of one case for a while; and the broken glass, which stands
//! in for one when somebody is in danger.

use crate::{
    act::{Purpose, Role, Verb},
    limits::{
        GLASS_MAX, GLASS_MIN, GLASS_ROWS_MAX, GRANT_MAX, ROWS_PER_DAY_MAX, ROWS_PER_WEEK_MAX,
    },
    staff::Staff,
};
use alloc::{string::String, vec::Vec};
use model::{AgencyId, GrantId, Private, StaffId, Timestamp};

/// Leave to work with the data of one case for a while. Another person gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which.
    pub id: GrantId,
    /// Who may.
    pub staff: StaffId,
    /// For which case.
    pub case: Private<String>,
    /// Why.
    pub purpose: Purpose,
    /// Whose data.
    pub owner: AgencyId,
    /// What they may do.
    pub verbs: Vec<Verb>,
    /// How many rows in all; what was seen under it counts.
    pub rows_max: u32,
    /// From when.
    pub from: Timestamp,
    /// Until when, which is excluded.
    pub until: Timestamp,
    /// Who gave it.
    pub given_by: StaffId,
    /// Whether it was taken back.
    pub revoked: bool,
}

impl Grant {
    /// Whether it can be given by `giver`.
    ///
    /// # Errors
    /// Says why not.
    pub fn check(&self, giver: &Staff, now: Timestamp) -> Result<(), NotGranted> {
        if giver.id == self.staff || giver.id != self.given_by {
            return Err(NotGranted::Self_);
        }
        let may = giver.role == Role::Supervisor && giver.agency == self.owner;
        if !may || giver.usable(now).is_err() {
            return Err(NotGranted::Giver);
        }
        if self.until <= self.from || self.until.since(self.from) > GRANT_MAX {
            return Err(NotGranted::Time);
        }
        Ok(())
    }

    /// Whether it covers such an act of such rows now, when `used` rows were seen under it already.
    #[must_use]
    pub fn covers(&self, wanted: &Wanted<'_>, used: u32, now: Timestamp) -> bool {
        !self.revoked
            && self.from <= now
            && now < self.until
            && self.given_by != self.staff
            && self.staff == wanted.staff
            && self.owner == wanted.owner
            && self.purpose == wanted.purpose
            && self.case.expose() == wanted.case
            && self.verbs.contains(&wanted.verb)
            && used.checked_add(wanted.rows).is_some_and(|rows| rows <= self.rows_max)
    }
}

/// What somebody wants a grant for.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Who wants it.
    pub staff: StaffId,
    /// For which case.
    pub case: &'a str,
    /// Why.
    pub purpose: Purpose,
    /// Whose data.
    pub owner: AgencyId,
    /// To do what.
    pub verb: Verb,
    /// With how many rows.
    pub rows: u32,
}

/// Why a grant cannot be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotGranted {
    /// Nobody grants something to themselves, or in another's name.
    #[error("nobody grants something to themselves: ask a supervisor")]
    Self_,
    /// Only a supervisor of the agency whose data it is gives one.
    #[error("a grant is given by a supervisor of the agency whose data it is")]
    Giver,
    /// It is for no time, or for too long.
    #[error("a grant is for at most {} days", GRANT_MAX.as_secs() / 86_400)]
    Time,
}

/// Somebody broke the glass: they look without an approval, because somebody is in danger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glass {
    /// Who.
    pub staff: StaffId,
    /// When.
    pub broken: Timestamp,
    /// Until when, which is excluded.
    pub until: Timestamp,
    /// Rows that were seen under it already.
    pub used: u32,
}

impl Glass {
    /// Breaks it for a while.
    ///
    /// # Errors
    /// When the while is shorter or longer than may be.
    pub fn broken(staff: StaffId, now: Timestamp, until: Timestamp) -> Result<Self, NotBroken> {
        let length = until.since(now);
        let fits = (GLASS_MIN..=GLASS_MAX).contains(&length);
        fits.then_some(Self { staff, broken: now, until, used: 0 }).ok_or(NotBroken)
    }

    /// Whether it lets `staff` see so many rows now.
    #[must_use]
    pub fn covers(&self, staff: StaffId, rows: u32, now: Timestamp) -> bool {
        let fits = self.used.checked_add(rows).is_some_and(|rows| rows <= GLASS_ROWS_MAX);
        self.staff == staff && self.broken <= now && now < self.until && fits
    }
}

/// Whether `reviewer` may say what was found about a glass that `breaker` broke at `agency`:
/// another supervisor there, or an auditor.
#[must_use]
pub fn may_review(reviewer: &Staff, breaker: StaffId, agency: AgencyId) -> bool {
    let role = matches!(reviewer.role, Role::Supervisor | Role::Auditor);
    role && reviewer.agency == agency && reviewer.id != breaker
}

/// The glass is broken for one to four hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the glass is broken for {} to {} hours",
    GLASS_MIN.as_secs() / 3_600,
    GLASS_MAX.as_secs() / 3_600
)]
pub struct NotBroken;

/// What one person has seen already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Rows in the 24 hours before now.
    pub day: u32,
    /// Rows in the seven days before now.
    pub week: u32,
    /// Rows under the grant in question.
    pub grant: u32,
}

impl Used {
    /// Whether so many more are over what one person may see. It catches one big grab, to which
    /// the alarm of [`crate::watch`] is deaf.
    #[must_use]
    pub fn is_over(&self, rows: u32) -> bool {
        let over = |used: u32, most| used.checked_add(rows).is_none_or(|rows| rows > most);
        over(self.day, ROWS_PER_DAY_MAX) || over(self.week, ROWS_PER_WEEK_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use core::time::Duration;

    const NOW: Timestamp = Timestamp::from_micros(1_795_726_800_000_000);
    const HOUR: Duration = Duration::from_secs(3_600);
    const TICK: Duration = Duration::from_micros(1);

    fn grant() -> Grant {
        Grant {
            id: GrantId(5),
            staff: StaffId(11),
            case: Private::new("24-CR-0117".into()),
            purpose: Purpose::Investigation,
            owner: AgencyId(3),
            verbs: vec![Verb::Search, Verb::Listen],
            rows_max: 100,
            from: NOW,
            until: NOW.after(24 * HOUR),
            given_by: StaffId(12),
            revoked: false,
        }
    }

    fn giver() -> Staff {
        Staff {
            id: StaffId(12),
            role: Role::Supervisor,
            agency: AgencyId(3),
            revoked: false,
            last_seen: NOW,
            failures: vec![],
            unreviewed: vec![],
        }
    }

    const WANTED: Wanted<'static> = Wanted {
        staff: StaffId(11),
        case: "24-CR-0117",
        purpose: Purpose::Investigation,
        owner: AgencyId(3),
        verb: Verb::Search,
        rows: 50,
    };

    #[test]
    fn a_grant_covers_its_person_case_purpose_owner_verbs_time_and_rows() {
        assert!(grant().covers(&WANTED, 50, NOW));
        assert!(grant().covers(&WANTED, 50, NOW.after(24 * HOUR - TICK)));
        for wanted in [
            Wanted { staff: StaffId(12), ..WANTED },
            Wanted { case: "24-CR-0118", ..WANTED },
            Wanted { purpose: Purpose::Safety, ..WANTED },
            Wanted { owner: AgencyId(4), ..WANTED },
            Wanted { verb: Verb::Export, ..WANTED },
            Wanted { rows: 51, ..WANTED },
            Wanted { rows: u32::MAX, ..WANTED },
        ] {
            assert!(!grant().covers(&wanted, 50, NOW));
        }
        let earlier = Timestamp::from_micros(NOW.micros() - 1);
        for now in [earlier, NOW.after(24 * HOUR)] {
            assert!(!grant().covers(&WANTED, 0, now));
        }
        assert!(!Grant { revoked: true, ..grant() }.covers(&WANTED, 0, NOW));
        assert!(!Grant { given_by: StaffId(11), ..grant() }.covers(&WANTED, 0, NOW));
    }

    #[test]
    fn a_supervisor_of_the_owner_gives_it_to_somebody_else_for_a_while() {
        assert_eq!(grant().check(&giver(), NOW), Ok(()));
        let own = Grant { staff: StaffId(12), ..grant() };
        assert_eq!(own.check(&giver(), NOW), Err(NotGranted::Self_));
        let in_anothers_name = Grant { given_by: StaffId(13), ..grant() };
        assert_eq!(in_anothers_name.check(&giver(), NOW), Err(NotGranted::Self_));
        for giver in [
            Staff { role: Role::Investigator, ..giver() },
            Staff { agency: AgencyId(4), ..giver() },
            Staff { revoked: true, ..giver() },
        ] {
            assert_eq!(grant().check(&giver, NOW), Err(NotGranted::Giver));
        }
        let until = |until| Grant { until, ..grant() }.check(&giver(), NOW);
        assert_eq!(until(NOW), Err(NotGranted::Time));
        assert_eq!(until(NOW.after(GRANT_MAX)), Ok(()));
        assert_eq!(until(NOW.after(GRANT_MAX + TICK)), Err(NotGranted::Time));
    }

    #[test]
    fn the_glass_is_broken_for_one_to_four_hours_and_a_few_rows() {
        let glass = |length| Glass::broken(StaffId(11), NOW, NOW.after(length));
        for (length, may) in
            [(HOUR - TICK, false), (HOUR, true), (4 * HOUR, true), (4 * HOUR + TICK, false)]
        {
            assert_eq!(glass(length).is_ok(), may, "{length:?}");
        }
        let glass = glass(HOUR).unwrap();
        assert!(glass.covers(StaffId(11), GLASS_ROWS_MAX, NOW));
        assert!(!glass.covers(StaffId(11), GLASS_ROWS_MAX + 1, NOW));
        assert!(!Glass { used: 1, ..glass }.covers(StaffId(11), GLASS_ROWS_MAX, NOW));
        assert!(!glass.covers(StaffId(12), 1, NOW));
        assert!(!glass.covers(StaffId(11), 1, NOW.after(HOUR)));
        assert!(!glass.covers(StaffId(11), 1, Timestamp::from_micros(NOW.micros() - 1)));
    }

    #[test]
    fn another_supervisor_or_an_auditor_of_the_agency_reviews_a_broken_glass() {
        let may = |reviewer: Staff| may_review(&reviewer, StaffId(11), AgencyId(3));
        assert!(may(giver()) && may(Staff { role: Role::Auditor, ..giver() }));
        assert!(!may(Staff { id: StaffId(11), ..giver() }));
        assert!(!may(Staff { agency: AgencyId(4), ..giver() }));
        for role in [Role::Investigator, Role::ItAdmin, Role::Inspector] {
            assert!(!may(Staff { role, ..giver() }), "{role}");
        }
    }

    #[test]
    fn caps_are_by_day_and_by_week() {
        let used = |day, week| Used { day, week, grant: 0 };
        assert!(!used(0, 0).is_over(ROWS_PER_DAY_MAX));
        assert!(used(0, 0).is_over(ROWS_PER_DAY_MAX + 1));
        assert!(used(1, 1).is_over(ROWS_PER_DAY_MAX));
        assert!(!used(0, ROWS_PER_WEEK_MAX - 1).is_over(1));
        assert!(used(0, ROWS_PER_WEEK_MAX).is_over(1));
        assert!(used(u32::MAX, 0).is_over(1));
    }
}
