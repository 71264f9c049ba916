//! Who may do anything: log-ins, staff, grants, requests that need a second person, broken
//! glasses, and the policies of each agency.
//!
//! It keeps and enters; what follows from it, `access` decides. Whatever changes what somebody may
//! do stands in the log before it takes effect. Start with [`Roster::login`], [`Roster::allow`] for
//! what every disclosure begins with, and [`Roster::review_access`].

mod asking;
mod fault;
mod glass;
mod granting;
pub mod limits;
mod login;
mod policy;
mod review;
mod said;
mod secret;
mod staffing;
mod tying;

pub use asking::{Once, Supported, Waiting, Way};
pub use fault::{NotDone, Refusal};
pub use granting::NewGrant;
pub use login::{Enrolled, Session};
pub use policy::{PolicyText, Proposed};
pub use review::{
    AccessReview, Alarm, AlarmCounts, AlarmKind, Could, GrantUse, Needs, Person, Use,
};
pub use said::{
    Approved, Asked, Broke, Delivered, Denied, Granted, PolicyChanged, Reviewed, StaffChange,
    StaffChanged, TiedTo,
};
pub use secret::BadPassword;
pub use staffing::Invited;
pub(crate) use tying::is_for_ones_own;
pub use tying::{Tie, TieAsk};

use crate::Register;
use access::{Verb, policy::Policies, staff::Staff};
use evidence::Statement;
use model::{AgencyId, Clock, Private, StaffId, Timestamp};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use store::{Overseen, OverseenRow, StaffRow, Store};

/// Who may do anything. Cheap to clone; blocks the calling thread, so it must not be called inside
/// an asynchronous task.
#[derive(Clone)]
pub struct Roster(Arc<Inner>);

/// What a roster needs besides the store and the register.
#[derive(Default)]
pub struct RosterConfig {
    /// The token of the set-up, while there is one.
    pub setup: Option<Private<String>>,
    /// Who is on call to approve, by the names of their log-ins.
    pub on_call: BTreeMap<AgencyId, Vec<Private<String>>>,
    /// Told that an act of an agency waits for a second person; it must return at once.
    pub waits: Option<Waits>,
}

/// Told that an act of an agency waits for a second person.
pub type Waits = Box<dyn Fn(AgencyId, u64) + Send + Sync>;

struct Inner {
    store: Store,
    register: Arc<Register>,
    clock: Clock,
    config: RosterConfig,
    /// What a password is compared with when nobody has the name.
    nobody: Private<String>,
    /// One password at a time is hashed: whoever sends many waits, and does not fill the memory.
    hashing: Mutex<()>,
    /// One change of staff, grants, requests or policies at a time, and one decision.
    turn: Mutex<()>,
    /// Acts that are being carried out.
    underway: Mutex<BTreeSet<u64>>,
    builtin: Arc<Policies>,
    policies: Mutex<BTreeMap<AgencyId, Arc<Policies>>>,
}

impl Roster {
    /// A roster over `store` that enters into `register`.
    ///
    /// # Errors
    /// When the policies that are kept cannot be read, or there is no randomness.
    pub fn open(
        store: Store,
        register: Arc<Register>,
        clock: Clock,
        config: RosterConfig,
    ) -> Result<Self, NotDone> {
        let (drawn, _) = secret::draw_token()?;
        let roster = Self(Arc::new(Inner {
            store,
            register,
            clock,
            config,
            nobody: secret::hash(drawn.expose())?,
            hashing: Mutex::new(()),
            turn: Mutex::new(()),
            underway: Mutex::default(),
            builtin: Arc::new(Policies::builtin()?),
            policies: Mutex::new(BTreeMap::new()),
        }));
        roster.load_policies()?;
        Ok(roster)
    }

    /// A number for an act, never given before.
    ///
    /// # Errors
    /// [`NotDone::Store`] when the database fails.
    pub fn next_act(&self) -> Result<u64, NotDone> {
        Ok(self.0.store.next_act()?)
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everybody with a log-in.
    fn everybody(&self) -> Result<Vec<StaffRow>, NotDone> {
        Ok(self.0.store.staff()?)
    }

    /// As they are now, and not as they were when they logged in.
    pub(crate) fn fresh(&self, staff: &Staff) -> Result<Staff, NotDone> {
        let row = self.row(staff.id)?;
        row.staff.usable(self.now())?;
        Ok(row.staff)
    }

    fn row(&self, id: StaffId) -> Result<StaffRow, NotDone> {
        let row = self.everybody()?.into_iter().find(|row| row.staff.id == id);
        row.ok_or(NotDone::NotThere)
    }

    /// Enters something before it takes effect.
    pub(crate) fn note(
        &self,
        what: Statement,
        detail: &impl Serialize,
        owner: AgencyId,
    ) -> Result<u64, NotDone> {
        let detail = postcard::to_allocvec(detail).map_err(|_| NotDone::Detail)?;
        Ok(self.0.register.note(what, &detail, owner, self.now())?)
    }

    /// The same of what lists show to who checks it: an approval, a refusal, a broken glass or a
    /// review. `by` is nobody where a rule refused, `of` whose request, grant or glass it was, and
    /// what they had asked to do.
    pub(crate) fn oversee(
        &self,
        (kind, act): (Overseen, u64),
        detail: &impl Serialize,
        owner: AgencyId,
        by: Option<StaffId>,
        (of, verb): (StaffId, Option<Verb>),
    ) -> Result<u64, NotDone> {
        let what = match kind {
            Overseen::Approval => Statement::Approval { act },
            Overseen::Denial => Statement::Denial { act },
            Overseen::BreakGlass => Statement::BreakGlass { act },
            Overseen::Review => Statement::Review { act },
        };
        let entry = self.note(what, detail, owner)?;
        let at = self.now();
        let row = OverseenRow { agency: owner, entry, act, kind, by, of, verb, at };
        self.0.store.add_overseen(&row)?;
        Ok(entry)
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Roster")
    }
}

/// What somebody says in words, for a person to read.
fn words(text: &str) -> Result<Private<String>, NotDone> {
    let text = text.trim();
    let fits = (1..=limits::REASON_CHARS_MAX).contains(&text.chars().count());
    let plain = !text.chars().any(|sign| sign.is_control() && sign != '\n');
    if !fits || !plain {
        return Err(Refusal::Words.into());
    }
    Ok(Private::new(text.to_owned()))
}
