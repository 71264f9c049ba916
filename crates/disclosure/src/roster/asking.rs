//! How every disclosure begins: it is allowed, waits for a second person, or is refused; and what
//! the second person says.

use super::{Approved, Asked, Denied, NotDone, Refusal, Roster, granting, limits, words};
use access::{
    Intent, Leave, Object, Recipient, Role,
    decide::{self, Allowed, Ask, NotAllowed, Support},
    grant::{Glass, Grant, Used, Wanted},
    limits::VALID_MAX,
    staff::Staff,
};
use model::{AgencyId, Private, StaffId, Timestamp};
use std::{
    collections::BTreeSet,
    sync::{MutexGuard, PoisonError},
};
use store::{CapTryRow, GlassRow, Overseen, RequestRow, RequestState, UsageRow};

/// What follows from a request.
#[derive(Debug)]
pub enum Way {
    /// It may be entered, under this number, and then carried out. Its rows are counted.
    Open {
        /// What was allowed.
        allowed: Box<Allowed>,
        /// Number of the act.
        act: u64,
        /// Held until it is carried out, or is not: nobody else carries out the same meanwhile.
        once: Once,
    },
    /// A supervisor of the agency whose data it is must approve it under this number; then it is
    /// asked again with it.
    Waits {
        /// Number of the act.
        act: u64,
        /// What is missing, in words.
        why: NotAllowed,
    },
    /// It is refused, and that is entered.
    Refused {
        /// Number of the act.
        act: u64,
        /// Why.
        why: NotAllowed,
    },
}

/// An act that is being carried out. One approval is for one disclosure, also where the same is
/// asked for many times at once.
#[derive(Debug)]
pub struct Once {
    roster: Roster,
    act: u64,
}

impl Drop for Once {
    fn drop(&mut self) {
        self.roster.underway().remove(&self.act);
    }
}

/// What speaks for a request, by value: see [`Support`].
#[derive(Clone, Debug, Default)]
pub struct Supported {
    /// A grant that covers it.
    pub grant: Option<Grant>,
    /// Who approved it.
    pub approvers: Vec<Staff>,
    /// What was seen already.
    pub used: Used,
    /// A broken glass.
    pub glass: Option<Glass>,
}

impl Supported {
    /// The same, borrowed, as `access` asks for it.
    #[must_use]
    pub fn support(&self) -> Support<'_> {
        Support {
            grant: self.grant.as_ref(),
            approvers: &self.approvers,
            used: self.used,
            glass: self.glass.as_ref(),
        }
    }
}

/// A request that waits for a second person.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Number of the act.
    pub act: u64,
    /// Who asks.
    pub staff: StaffId,
    /// The name of their log-in.
    pub name: Private<String>,
    /// What they ask for.
    pub ask: Ask,
    /// When they asked.
    pub asked: Timestamp,
    /// From then on it must be asked anew.
    pub until: Timestamp,
    /// Who approved it already.
    pub approved_by: Vec<StaffId>,
    /// Who is on call to approve, by the names of their log-ins.
    pub on_call: Vec<Private<String>>,
}

impl Roster {
    /// Whether somebody may have what they ask for now. `approved` is the number of the act under
    /// which it was approved, when it is asked again.
    ///
    /// What is allowed is counted before this returns; whoever carries it out enters it with
    /// [`Register::enter`](crate::Register::enter) under the act's number and then says
    /// [`Roster::done`].
    ///
    /// # Errors
    /// [`NotDone::NotThere`], [`Refusal::NotWaiting`], [`Refusal::Underway`] and
    /// [`Refusal::OtherRequest`] for an `approved` that is none of theirs, over, being carried out
    /// or of something else; [`NotDone::Bounds`] for what cannot be entered;
    /// [`NotDone::NotEntered`] when a refusal cannot be entered.
    pub fn allow(&self, staff: &Staff, ask: Ask, approved: Option<u64>) -> Result<Way, NotDone> {
        let _turn = self.turn();
        let (staff, now) = (self.fresh(staff)?, self.now());
        granting::case(ask.case.expose())?;
        let supported = self.support(&staff, &ask, approved)?;
        let owner = ask.object.agency();
        let policies = self.policies(owner);
        let why = match decide::decide(&policies, &staff, ask.clone(), &supported.support(), now) {
            Ok(allowed) => {
                let act = self.number(approved)?;
                self.book(allowed.intent(), act)?;
                self.underway().insert(act);
                let once = Once { roster: self.clone(), act };
                return Ok(Way::Open { allowed: Box::new(allowed), act, once });
            }
            Err(NotAllowed::Bounds(bounds)) => return Err(bounds.into()),
            Err(why) => why,
        };
        let over = self.is_over_a_cap(&staff, &ask, &supported)?;
        // Whether it would be allowed if somebody approved it.
        let mut helped = supported;
        helped.approvers.push(anybody(owner, now));
        if decide::decide(&policies, &staff, ask.clone(), &helped.support(), now).is_ok() {
            let act = match approved {
                Some(act) => act,
                None => self.wait(&staff, &ask)?,
            };
            self.alarm(over, &staff, owner, act)?;
            return Ok(Way::Waits { act, why });
        }
        let act = self.number(approved)?;
        self.refused_as(&staff, &ask, act, &why)?;
        self.alarm(over, &staff, owner, act)?;
        Ok(Way::Refused { act, why })
    }

    /// What speaks for a request, now.
    ///
    /// # Errors
    /// As [`Roster::allow`] for `approved`.
    pub fn support(
        &self,
        staff: &Staff,
        ask: &Ask,
        approved: Option<u64>,
    ) -> Result<Supported, NotDone> {
        let now = self.now();
        let store = &self.0.store;
        let mut used = store.used(staff.id, now)?;
        let wanted = Wanted {
            staff: staff.id,
            case: ask.case.expose(),
            purpose: ask.purpose,
            owner: ask.object.agency(),
            verb: ask.verb,
            rows: ask.object.rows(),
        };
        let mut covering = None;
        for grant in store.grants_of(staff.id)? {
            let seen = store.used_under(grant.id)?;
            if grant.covers(&wanted, seen, now) {
                used.grant = seen;
                covering = Some(grant);
                break;
            }
        }
        let glass = self.glass(staff.id)?;
        let approvers = match approved {
            None => Vec::new(),
            Some(act) => self.approvers(staff, ask, act)?,
        };
        Ok(Supported { grant: covering, approvers, used, glass })
    }

    /// Exactly what was asked for under this number, to ask for it again.
    ///
    /// # Errors
    /// [`NotDone::NotThere`] when it is none of theirs; [`Refusal::NotWaiting`] when it is over.
    pub fn request(&self, staff: &Staff, act: u64) -> Result<Ask, NotDone> {
        let row = self.0.store.request(act)?.filter(|row| row.staff == staff.id);
        let row = row.ok_or(NotDone::NotThere)?;
        self.still_open(&row)?;
        let expires = row.until.min(self.now().after(VALID_MAX));
        Ok(Ask { expires, ..asked(&row)? })
    }

    /// Keeps that an act was carried out: its approvals count for nothing any more.
    ///
    /// # Errors
    /// [`NotDone::Store`] when the database fails.
    pub fn done(&self, act: u64) -> Result<(), NotDone> {
        Ok(self.0.store.set_request(act, RequestState::Done)?)
    }

    /// Says yes to what another asked for: a supervisor of the agency whose data it is, and never
    /// who asked (CJIS Security Policy AC-5).
    ///
    /// # Errors
    /// [`NotDone::NotThere`] when it is another agency's; [`Refusal::NotWaiting`];
    /// [`NotDone::NotAllowed`], which is entered; [`NotDone::NotEntered`] when the log cannot take
    /// it.
    pub fn approve(&self, by: &Staff, act: u64) -> Result<(), NotDone> {
        let _turn = self.turn();
        let by = self.fresh(by)?;
        let (row, asker) = self.judged(&by, act)?;
        let ask = asked(&row)?;
        self.may_judge(&by, &asker, &ask, act)?;
        let (asked, demand) = (Box::new(Asked::of(asker.id, &ask)), Box::new(ask.demand));
        let detail = Approved::RequestFor { by: by.id, asked, demand };
        let of = (asker.id, Some(row.verb));
        self.oversee((Overseen::Approval, act), &detail, row.owner, Some(by.id), of)?;
        Ok(self.0.store.add_approval(act, by.id, self.now())?)
    }

    /// Says no to what another asked for, as [`Roster::approve`] says yes; or takes one's own
    /// request back.
    ///
    /// # Errors
    /// As [`Roster::approve`]; [`Refusal::Words`] when no reason is given.
    pub fn deny(&self, by: &Staff, act: u64, why: &str) -> Result<(), NotDone> {
        let _turn = self.turn();
        let by = self.fresh(by)?;
        let why = words(why)?;
        let (row, asker) = self.judged(&by, act)?;
        let ask = asked(&row)?;
        if asker.id != by.id {
            self.may_judge(&by, &asker, &ask, act)?;
        }
        let (asked, demand) = (Box::new(Asked::of(asker.id, &ask)), Box::new(ask.demand));
        let detail = Denied::RequestFor { by: by.id, asked, demand, why };
        let of = (asker.id, Some(row.verb));
        self.oversee((Overseen::Denial, act), &detail, row.owner, Some(by.id), of)?;
        Ok(self.0.store.set_request(act, RequestState::Denied)?)
    }

    /// What waits: one's own requests, and for supervisors those for the data of their agency.
    ///
    /// # Errors
    /// [`NotDone::Unusable`] when the access has ended; [`NotDone::Store`] when the database fails.
    pub fn waiting(&self, by: &Staff) -> Result<Vec<Waiting>, NotDone> {
        let by = self.fresh(by)?;
        let names = self.everybody()?;
        let sees = |row: &RequestRow| {
            row.staff == by.id || (by.role == Role::Supervisor && row.owner == by.agency)
        };
        let rows = self.0.store.waiting(self.now())?.into_iter().filter(sees);
        rows.map(|row| {
            let name = names.iter().find(|name| name.staff.id == row.staff);
            Ok(Waiting {
                act: row.act,
                staff: row.staff,
                name: name.map(|name| name.name.clone()).ok_or(NotDone::NotThere)?,
                ask: asked(&row)?,
                asked: row.asked,
                until: row.until,
                on_call: self.0.config.on_call.get(&row.owner).cloned().unwrap_or_default(),
                approved_by: row.approved_by,
            })
        })
        .collect()
    }

    /// Enters that a rule refused something; gives the number of the act.
    ///
    /// # Errors
    /// [`NotDone::NotEntered`] when the log cannot take it.
    pub fn refused(&self, staff: &Staff, ask: &Ask, why: &NotAllowed) -> Result<u64, NotDone> {
        let act = self.next_act()?;
        self.refused_as(staff, ask, act, why)?;
        Ok(act)
    }

    fn refused_as(
        &self,
        staff: &Staff,
        ask: &Ask,
        act: u64,
        why: &NotAllowed,
    ) -> Result<(), NotDone> {
        let (asked, demand) = (Box::new(Asked::of(staff.id, ask)), Box::new(ask.demand.clone()));
        let detail = Denied::RuleFor { asked, demand, why: why.to_string() };
        let agency = ask.object.agency();
        self.0.store.add_act_case((agency, act), ask.case.expose(), self.now())?;
        let of = (staff.id, Some(ask.verb));
        self.oversee((Overseen::Denial, act), &detail, ask.object.agency(), None, of)?;
        Ok(())
    }

    /// Whether somebody asks for more rows than they may see without an approval: in a day or a
    /// week, under a grant that else covers this, or through the glass that they broke.
    fn is_over_a_cap(
        &self,
        staff: &Staff,
        ask: &Ask,
        supported: &Supported,
    ) -> Result<bool, NotDone> {
        let (rows, now) = (ask.object.rows(), self.now());
        if supported.used.is_over(rows) {
            return Ok(true);
        }
        let through = |glass: &Glass, rows| glass.covers(staff.id, rows, now);
        let glass = supported.glass.as_ref();
        if glass.is_some_and(|glass| through(glass, 0) && !through(glass, rows)) {
            return Ok(true);
        }
        let wanted = |rows| Wanted {
            staff: staff.id,
            case: ask.case.expose(),
            purpose: ask.purpose,
            owner: ask.object.agency(),
            verb: ask.verb,
            rows,
        };
        let grants = self.0.store.grants_of(staff.id)?;
        let fits = |grant: &Grant| grant.covers(&wanted(0), 0, now);
        Ok(supported.grant.is_none() && grants.iter().any(fits))
    }

    /// Keeps that somebody tried for more than a cap, where they did.
    fn alarm(&self, over: bool, staff: &Staff, agency: AgencyId, act: u64) -> Result<(), NotDone> {
        if over {
            let at = self.now();
            self.0.store.add_cap_try(&CapTryRow { agency, act, staff: staff.id, at })?;
        }
        Ok(())
    }

    /// The glass that somebody broke last and that is still open, with what was seen through all
    /// of theirs that are: to break another one meanwhile gives time, and no more rows.
    fn glass(&self, staff: StaffId) -> Result<Option<Glass>, NotDone> {
        let open = self.glasses_of(staff)?;
        let mut used: u32 = 0;
        for row in &open {
            used = used.saturating_add(self.0.store.used_through(row.act)?);
        }
        let last = open.last().map(|row| Glass {
            staff: row.staff,
            broken: row.broken,
            until: row.until,
            used,
        });
        Ok(last)
    }

    /// The glasses that somebody broke and that are still open, the last one last.
    fn glasses_of(&self, staff: StaffId) -> Result<Vec<GlassRow>, NotDone> {
        let now = self.now();
        let open = |row: &GlassRow| row.staff == staff && row.broken <= now && now < row.until;
        Ok(self.0.store.glasses()?.into_iter().filter(open).collect())
    }

    fn number(&self, approved: Option<u64>) -> Result<u64, NotDone> {
        approved.map_or_else(|| self.next_act(), Ok)
    }

    /// Counts what is going to be shown, before it is: a crash in between counts too much, and
    /// never too little.
    fn book(&self, intent: &Intent, act: u64) -> Result<(), NotDone> {
        let (grant, glass) = match intent.leave {
            Leave::Grant { grant, .. } => (Some(grant), None),
            Leave::BrokenGlass => (None, self.glasses_of(intent.staff)?.last().map(|row| row.act)),
            Leave::Office => (None, None),
        };
        let row = UsageRow {
            act,
            owner: intent.object.agency(),
            staff: intent.staff,
            grant,
            glass,
            verb: intent.verb,
            purpose: intent.purpose,
            scope: intent.scope,
            rows: intent.object.rows(),
            at: intent.asked,
        };
        self.0.store.add_act_case((row.owner, act), intent.case.expose(), row.at)?;
        Ok(self.0.store.add_usage(&row)?)
    }

    fn wait(&self, staff: &Staff, ask: &Ask) -> Result<u64, NotDone> {
        let now = self.now();
        let mine = self.0.store.waiting(now)?.iter().filter(|row| row.staff == staff.id).count();
        if mine >= limits::WAITING_COUNT_MAX {
            return Err(Refusal::TooMany.into());
        }
        let act = self.next_act()?;
        let owner = ask.object.agency();
        self.0.store.add_act_case((owner, act), ask.case.expose(), now)?;
        self.0.store.add_request(&RequestRow {
            act,
            owner,
            staff: staff.id,
            verb: ask.verb,
            purpose: ask.purpose,
            case: ask.case.clone(),
            line: ask.line,
            object: postcard::to_allocvec(&ask.object).map_err(|_| NotDone::Detail)?,
            recipient: ask.recipient.0,
            demand: Some(Private::new(
                postcard::to_allocvec(&ask.demand).map_err(|_| NotDone::Detail)?,
            )),
            asked: now,
            until: now.after(limits::REQUEST_MAX),
            state: RequestState::Waiting,
            approved_by: Vec::new(),
        })?;
        self.tell(owner, act);
        Ok(act)
    }

    pub(super) fn tell(&self, owner: AgencyId, act: u64) {
        if let Some(waits) = &self.0.config.waits {
            waits(owner, act);
        }
    }

    /// Who approved exactly this.
    fn approvers(&self, staff: &Staff, ask: &Ask, act: u64) -> Result<Vec<Staff>, NotDone> {
        let row = self.0.store.request(act)?.filter(|row| row.staff == staff.id);
        let row = row.ok_or(NotDone::NotThere)?;
        self.still_open(&row)?;
        if self.underway().contains(&act) {
            return Err(Refusal::Underway.into());
        }
        // The key is made anew for each try, and the time passes: they are not what is approved.
        let same = Ask { recipient: ask.recipient, expires: ask.expires, ..asked(&row)? } == *ask;
        if !same {
            return Err(Refusal::OtherRequest.into());
        }
        let everybody = self.everybody()?.into_iter().map(|row| row.staff);
        Ok(everybody.filter(|other| row.approved_by.contains(&other.id)).collect())
    }

    /// Acts that are being carried out.
    fn underway(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.0.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn still_open(&self, row: &RequestRow) -> Result<(), Refusal> {
        let open = row.state == RequestState::Waiting && self.now() < row.until;
        open.then_some(()).ok_or(Refusal::NotWaiting)
    }

    /// A request that somebody says yes or no to, and who asked.
    fn judged(&self, by: &Staff, act: u64) -> Result<(RequestRow, Staff), NotDone> {
        let row = self.0.store.request(act)?;
        let theirs = |row: &RequestRow| row.owner == by.agency || row.staff == by.id;
        let row = row.filter(theirs).ok_or(NotDone::NotThere)?;
        self.still_open(&row)?;
        let asker = self.row(row.staff)?.staff;
        Ok((row, asker))
    }

    fn may_judge(&self, by: &Staff, asker: &Staff, ask: &Ask, act: u64) -> Result<(), NotDone> {
        let policies = self.policies(ask.object.agency());
        let judged = decide::approve(&policies, by, (asker, ask), self.now());
        if let Err(why) = &judged {
            let tried = Ask { verb: access::Verb::Approve, ..ask.clone() };
            self.refused_as(by, &tried, act, why)?;
        }
        Ok(judged?)
    }
}

/// A supervisor whom there need not be, to find out whether an approval would help.
fn anybody(owner: AgencyId, now: Timestamp) -> Staff {
    Staff {
        id: StaffId(u32::MAX),
        role: Role::Supervisor,
        agency: owner,
        revoked: false,
        last_seen: now,
        failures: Vec::new(),
        unreviewed: Vec::new(),
    }
}

fn asked(row: &RequestRow) -> Result<Ask, NotDone> {
    let object: Object = postcard::from_bytes(&row.object).map_err(|_| NotDone::Detail)?;
    let demand = row.demand.as_ref().ok_or(NotDone::Detail)?;
    let demand = postcard::from_bytes(demand.expose()).map_err(|_| NotDone::Detail)?;
    Ok(Ask {
        verb: row.verb,
        purpose: row.purpose,
        case: row.case.clone(),
        line: row.line,
        object,
        recipient: Recipient(row.recipient),
        expires: row.until,
        demand,
    })
}
