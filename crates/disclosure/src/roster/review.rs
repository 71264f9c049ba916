//! What staff could reach against what they used, and the alarms.

use super::{NotDone, Roster, Way, limits};
use access::{
    Audience, Demand, Object, Purpose, Recipient, Role, Scope, Verb,
    decide::{Ask, Line},
    grant::Grant,
    limits::{REVIEW_WITHIN, ROWS_PER_DAY_MAX},
    policy::{Given, Policies, Question},
    staff::{Staff, Unusable},
    watch,
};
use model::{AgencyId, Private, StaffId, Timestamp};
use std::{collections::BTreeMap, time::Duration};
use store::{StaffRow, Store, StoreError, UsageRow};

/// What the staff of an agency could reach against what they used.
#[derive(Clone, Debug)]
pub struct AccessReview {
    /// Number of the act: looking at this is entered too.
    pub act: u64,
    /// Which agency.
    pub agency: AgencyId,
    /// From when use was looked at.
    pub from: Timestamp,
    /// Until when, which is excluded.
    pub until: Timestamp,
    /// Everybody who has or had a log-in, in the order of their numbers.
    pub people: Vec<Person>,
    /// What somebody should look at, in the order of its time.
    pub alarms: Vec<Alarm>,
}

/// One member of staff.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who.
    pub staff: StaffId,
    /// The name of their log-in.
    pub name: Private<String>,
    /// As what.
    pub role: Role,
    /// Whether they can log in, or what ended that.
    pub usable: Result<(), Unusable>,
    /// Whether they chose a password.
    pub enrolled: bool,
    /// Their last log-in, or when they were added or released.
    pub last_seen: Timestamp,
    /// What the policies let their role do, and whether they did it in this time.
    pub could: Vec<Could>,
    /// Their grants that could be used in this time.
    pub grants: Vec<GrantUse>,
    /// What they did in this time.
    pub used: Vec<Use>,
}

/// Something that the policies let a role do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Could {
    /// What.
    pub verb: Verb,
    /// With whose data.
    pub scope: Scope,
    /// Whether only as counts by month.
    pub counts_only: bool,
    /// For which purposes.
    pub purposes: Vec<Purpose>,
    /// What it needs besides.
    pub needs: Needs,
    /// Whether they did it in this time.
    pub used: bool,
}

/// What an act needs besides the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing.
    Role,
    /// Somebody's approval of this request.
    Approval,
    /// A grant for the case.
    Grant,
    /// Both.
    GrantAndApproval,
    /// A broken glass.
    BrokenGlass,
}

impl Needs {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Approval => "approval",
            Self::Grant => "grant",
            Self::GrantAndApproval => "grant-and-approval",
            Self::BrokenGlass => "broken-glass",
        }
    }
}

/// A grant, and what was seen under it.
#[derive(Clone, Debug)]
pub struct GrantUse {
    /// The grant.
    pub grant: Grant,
    /// Rows that were ever seen under it.
    pub rows: u32,
    /// Whether it was used in this time.
    pub used: bool,
}

/// What somebody did, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// What.
    pub verb: Verb,
    /// With whose data.
    pub scope: Scope,
    /// Why.
    pub purpose: Purpose,
    /// How often.
    pub acts: u32,
    /// How many rows.
    pub rows: u64,
}

/// Something that somebody should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Whom it is about.
    pub staff: StaffId,
    /// When; the beginning of the day where it is about a day.
    pub at: Timestamp,
    /// What.
    pub kind: AlarmKind,
}

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlarmKind {
    /// They saw a little more than they used to, day by day ([`watch::alarms`]).
    Drip,
    /// They saw more in one day than the cap, with an approval.
    OverCap,
    /// They asked for more than a cap lets them see without an approval.
    CapTried,
    /// They broke the glass, and nobody reviewed it yet.
    GlassOpen,
    /// They broke the glass, and nobody reviewed it in time: they are suspended.
    GlassOverdue,
    /// Somebody tried to log in as them until that locked them.
    Locked,
}

impl AlarmKind {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Drip => "drip",
            Self::OverCap => "over-cap",
            Self::CapTried => "cap-tried",
            Self::GlassOpen => "glass-open",
            Self::GlassOverdue => "glass-overdue",
            Self::Locked => "locked",
        }
    }
}

/// How many alarms of each kind there are, with nobody's name: for `doctor` and for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlarmCounts {
    /// Days of the last week on which the alarm for the slow drip went off.
    pub drips: u32,
    /// Days of the last week on which somebody saw more than the cap.
    pub over_cap: u32,
    /// How often in the last week somebody asked for more than the cap.
    pub cap_tries: u32,
    /// How often in the last week those on call could not be told that something waits.
    pub hook_failures: u32,
    /// Broken glasses without a review.
    pub glasses_open: u32,
    /// Of those, how many should have been reviewed.
    pub glasses_overdue: u32,
    /// Staff whom failed tries locked.
    pub locked: u32,
    /// Requests that wait for a second person.
    pub waiting: u32,
}

impl AlarmCounts {
    /// Counts what the store knows at `now`.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub fn read(store: &Store, now: Timestamp) -> Result<Self, StoreError> {
        let people = store.staff()?;
        let everybody = |_: &StaffRow| true;
        let since = ago(now, COUNTED_SPAN);
        let mut counts = Self {
            waiting: count(store.waiting(now)?.len()),
            hook_failures: u32::try_from(store.hook_failures(since)?).unwrap_or(u32::MAX),
            ..Self::default()
        };
        for alarm in alarms(store, &people, everybody, now)? {
            let recent = u32::from(alarm.at >= since);
            match alarm.kind {
                AlarmKind::Drip => counts.drips += recent,
                AlarmKind::OverCap => counts.over_cap += recent,
                AlarmKind::CapTried => counts.cap_tries += recent,
                AlarmKind::GlassOpen => counts.glasses_open += 1,
                AlarmKind::GlassOverdue => {
                    counts.glasses_open += 1;
                    counts.glasses_overdue += 1;
                }
                AlarmKind::Locked => counts.locked += 1,
            }
        }
        Ok(counts)
    }
}

impl Roster {
    /// What the staff of one's agency could reach against what they used from `from` on, for who
    /// checks it. It is asked for, allowed and entered like every other disclosure.
    ///
    /// # Errors
    /// [`NotDone::NotAllowed`] when the policies refuse it, which is entered;
    /// [`NotDone::NotEntered`] when the log cannot take it: then nothing is shown.
    pub fn review_access(
        &self,
        by: &Staff,
        purpose: Purpose,
        case: &str,
        from: Timestamp,
    ) -> Result<AccessReview, NotDone> {
        let now = self.now();
        let mut demand = Demand::of(Audience::of(by.role), Line::Ordinary);
        demand.query.from = Some(from);
        let ask = Ask {
            verb: Verb::List,
            purpose,
            case: Private::new(case.trim().to_owned()),
            line: Line::Ordinary,
            object: Object::Ledger { agency: by.agency },
            recipient: NO_KEY,
            expires: now.after(SHOWN_WITHIN),
            demand,
        };
        let (allowed, act, _once) = match self.allow(by, ask, None)? {
            Way::Open { allowed, act, once } => (allowed, act, once),
            Way::Waits { why, .. } | Way::Refused { why, .. } => return Err(why.into()),
        };
        let register = &self.0.register;
        let entered = register.enter(*allowed, act, now)?;
        register.receipt(&entered, now).map_err(|_| NotDone::Unproven)?;
        self.reviewed(by.agency, act, (from, now))
    }

    fn reviewed(
        &self,
        agency: AgencyId,
        act: u64,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<AccessReview, NotDone> {
        let store = &self.0.store;
        let people = store.staff()?;
        let usage = store.usage(from, until.after(Duration::from_micros(1)))?;
        let grants = store.grants()?;
        let policies = self.policies(agency);
        let here = |row: &&StaffRow| row.staff.agency == agency;
        let person = |row: &StaffRow| {
            let id = row.staff.id;
            let mine: Vec<_> = usage.iter().filter(|usage| usage.staff == id).copied().collect();
            let open =
                |grant: &&Grant| grant.staff == id && grant.until > from && grant.from < until;
            let grants = grants.iter().filter(open).map(|grant| {
                let used = mine.iter().any(|usage| usage.grant == Some(grant.id));
                Ok(GrantUse { grant: grant.clone(), rows: store.used_under(grant.id)?, used })
            });
            let used = used(&mine);
            Ok(Person {
                staff: id,
                name: row.name.clone(),
                role: row.staff.role,
                usable: row.staff.usable(until),
                enrolled: row.enrolled,
                last_seen: row.staff.last_seen,
                could: could(&policies, row.staff.role, &used),
                grants: grants.collect::<Result<_, StoreError>>()?,
                used,
            })
        };
        let persons = people.iter().filter(here).map(person);
        let persons = persons.collect::<Result<_, NotDone>>()?;
        let mut alarms = alarms(store, &people, |row| row.staff.agency == agency, until)?;
        alarms.retain(|alarm| alarm.at >= from || alarm.kind > AlarmKind::CapTried);
        Ok(AccessReview { act, agency, from, until, people: persons, alarms })
    }
}

/// What the policies let a role do, with the purposes that need the same together.
fn could(policies: &Policies, role: Role, used: &[Use]) -> Vec<Could> {
    let mut could: Vec<Could> = Vec::new();
    for (scope, counts_only) in cells() {
        for verb in Verb::ALL.iter().copied() {
            for purpose in Purpose::ALL.iter().copied() {
                let given = Given {
                    purpose,
                    counts_only,
                    audience: Audience::of(role),
                    foreign: scope == Scope::OtherAgency,
                    ..NOTHING
                };
                let question = Question { role, verb, scope, given };
                let Some(needs) = needs(policies, question) else { continue };
                let did = |of: &Use| (of.verb, of.scope, of.purpose) == (verb, scope, purpose);
                let did = used.iter().any(did);
                let same = |cell: &&mut Could| {
                    (cell.verb, cell.scope, cell.counts_only, cell.needs)
                        == (verb, scope, counts_only, needs)
                };
                match could.iter_mut().find(same) {
                    Some(cell) => {
                        cell.purposes.push(purpose);
                        cell.used |= did;
                    }
                    None => could.push(Could {
                        verb,
                        scope,
                        counts_only,
                        purposes: vec![purpose],
                        needs,
                        used: did,
                    }),
                }
            }
        }
    }
    // What is possible as counts needs no line of its own where the same is possible in full.
    let full: Vec<Could> = could.iter().filter(|cell| !cell.counts_only).cloned().collect();
    could.retain(|cell| {
        let same = |of: &Could| {
            (of.verb, of.scope, of.needs, &of.purposes)
                == (cell.verb, cell.scope, cell.needs, &cell.purposes)
        };
        !cell.counts_only || !full.iter().any(same)
    });
    could
}

fn cells() -> impl Iterator<Item = (Scope, bool)> {
    let in_full = Scope::ALL.iter().map(|scope| (*scope, false));
    in_full.chain([(Scope::Protected, true)])
}

/// The least that makes it possible.
fn needs(policies: &Policies, question: Question) -> Option<Needs> {
    let given = question.given;
    let approved = Given { approvals: 1, owner_approved: true, ..given };
    [
        (Needs::Role, given),
        (Needs::Approval, approved),
        (Needs::Grant, Given { granted: true, ..given }),
        (Needs::GrantAndApproval, Given { granted: true, ..approved }),
        (Needs::BrokenGlass, Given { broken_glass: true, ..given }),
    ]
    .into_iter()
    .find(|(_, given)| policies.decide(&Question { given: *given, ..question }).is_ok())
    .map(|(needs, _)| needs)
}

fn used(usage: &[UsageRow]) -> Vec<Use> {
    let mut sums = BTreeMap::<_, (u32, u64)>::new();
    for row in usage {
        let (acts, rows) = sums.entry((row.verb, row.scope, row.purpose)).or_default();
        *acts += 1;
        *rows += u64::from(row.rows);
    }
    let each = |((verb, scope, purpose), (acts, rows))| Use { verb, scope, purpose, acts, rows };
    sums.into_iter().map(each).collect()
}

/// All alarms about some people, in the order of their time.
fn alarms(
    store: &Store,
    people: &[StaffRow],
    about: impl Fn(&StaffRow) -> bool,
    now: Timestamp,
) -> Result<Vec<Alarm>, StoreError> {
    let mut days = BTreeMap::<StaffId, BTreeMap<u32, u32>>::new();
    for row in store.usage(ago(now, limits::ALARM_SPAN), now.after(Duration::from_micros(1)))? {
        let day = days.entry(row.staff).or_default().entry(day_of(row.at)).or_default();
        *day = day.saturating_add(row.rows);
    }
    let glasses = store.glasses()?;
    let tries = store.cap_tries(ago(now, limits::ALARM_SPAN))?;
    let mut alarms = Vec::new();
    for row in people.iter().filter(|row| about(row)) {
        let staff = row.staff.id;
        let seen: Vec<_> = days.remove(&staff).unwrap_or_default().into_iter().collect();
        let over = seen.iter().filter(|(_, rows)| *rows > ROWS_PER_DAY_MAX);
        alarms.extend(over.map(|(day, _)| (staff, begin_of(*day), AlarmKind::OverCap)));
        let seen: Vec<_> =
            seen.iter().map(|(day, rows)| watch::Day { day: *day, rows: *rows }).collect();
        let drips = watch::alarms(&seen).into_iter();
        alarms.extend(drips.map(|day| (staff, begin_of(day), AlarmKind::Drip)));
        let tried = tries.iter().filter(|tried| tried.staff == staff);
        alarms.extend(tried.map(|tried| (staff, tried.at, AlarmKind::CapTried)));
        for glass in glasses.iter().filter(|glass| glass.staff == staff && glass.reviewed.is_none())
        {
            let overdue = now.since(glass.broken) >= REVIEW_WITHIN;
            let kind = if overdue { AlarmKind::GlassOverdue } else { AlarmKind::GlassOpen };
            alarms.push((staff, glass.broken, kind));
        }
        if let (false, Err(Unusable::Locked), Some(at)) =
            (row.staff.revoked, row.staff.usable(now), row.staff.failures.last())
        {
            alarms.push((staff, *at, AlarmKind::Locked));
        }
    }
    alarms.sort_unstable_by_key(|(staff, at, kind)| (*at, *staff, *kind));
    Ok(alarms.into_iter().map(|(staff, at, kind)| Alarm { staff, at, kind }).collect())
}

fn ago(now: Timestamp, length: Duration) -> Timestamp {
    let length = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.micros().saturating_sub(length))
}

fn day_of(at: Timestamp) -> u32 {
    u32::try_from(at.micros().div_euclid(DAY_MICROS)).unwrap_or_default()
}

fn begin_of(day: u32) -> Timestamp {
    Timestamp::from_micros(i64::from(day) * DAY_MICROS)
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

pub(super) const NOTHING: Given = Given {
    purpose: Purpose::Administration,
    granted: false,
    approvals: 0,
    owner_approved: false,
    broken_glass: false,
    over_cap: false,
    counts_only: false,
    voice: false,
    boundless: false,
    audience: Audience::Staff,
    own_request: false,
    foreign: false,
};

/// No key: what is listed is shown to whoever is logged in, and sealed to nobody.
const NO_KEY: Recipient = Recipient([0; 32]);
/// How long after its entry a review may be shown.
const SHOWN_WITHIN: Duration = Duration::from_secs(600);
/// How far back [`AlarmCounts`] counts days.
const COUNTED_SPAN: Duration = Duration::from_secs(7 * 86_400);
const DAY_MICROS: i64 = 86_400_000_000;
