//! Names that people recorded: who on the staff listens to one, approves it and removes it.
//!
//! That they may is decided and entered as for everything that staff see; then the node enters the
//! act itself, with who did it, and does it. Nobody but the agency whose person it is has a say,
//! and nobody approves what nobody has listened to.

use crate::{NotEntered, Register, Roster, keeping::Judged, roster::NotDone, roster::Way};
use access::{
    Audience, Demand, Line, NoReceipt, NotReleased, Object, Purpose, Recipient, Role, Undisclosed,
    Verb,
    decide::Ask,
    staff::{Staff, Unusable},
};
use model::{AgencyId, Clock, PersonId, Private, speech::OwnVoice};
use std::{fmt, sync::Arc, time::Duration};
use store::{NameRow, NameWant, NameWish, Store, StoreError};

/// The node's recorded names.
pub trait Names: Send + Sync {
    /// Enters who did what with a name, and does it; durable when this returns. What is wanted of a
    /// name that is not there any more is forgotten.
    ///
    /// # Errors
    /// [`NotNamed::Node`] when the node does not do it.
    fn carry_out(&self, wish: &NameWish) -> Result<(), NotNamed>;

    /// What was said; `None` when the file is not there, or is another one.
    fn read(&self, of: (AgencyId, PersonId), sha256: [u8; 32]) -> Option<OwnVoice>;
}

/// What staff do with recorded names. Cheap to clone; blocks the calling thread.
#[derive(Clone)]
pub struct Naming(Arc<Inner>);

struct Inner {
    store: Store,
    register: Arc<Register>,
    roster: Roster,
    names: Box<dyn Names>,
    clock: Clock,
}

/// A name that somebody listens to.
pub struct HeardName {
    /// What was said, in G.711 µ-law at 8,000 octets a second.
    pub voice: OwnVoice,
    /// Whose name it should be, and the agency's number of them; `None` when they are gone.
    pub person: Option<(Private<String>, Private<String>)>,
}

impl Naming {
    /// Looks after the names of `names`, and enters it into `register`.
    #[must_use]
    pub fn new(
        store: Store,
        register: Arc<Register>,
        roster: Roster,
        names: Box<dyn Names>,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Inner { store, register, roster, names, clock }))
    }

    /// The recorded names of one's own agency that are not removed, without whose they are.
    ///
    /// # Errors
    /// [`NotNamed::Role`] for whoever neither looks after them nor checks those who do.
    pub fn names(&self, by: &Staff) -> Result<Vec<NameRow>, NotNamed> {
        by.usable(self.0.clock.now())?;
        if !matches!(by.role, Role::Supervisor | Role::Clerk | Role::Auditor) {
            return Err(NotNamed::Role);
        }
        let mut rows = self.0.store.names()?;
        rows.retain(|row| row.agency == by.agency && row.removed.is_none());
        Ok(rows)
    }

    /// Listens to one, as far as policies allow it.
    ///
    /// # Errors
    /// [`NotNamed::NotThere`]; [`NotNamed::Damaged`], after which the look is entered all the same;
    /// and when it cannot be entered or done.
    pub fn listen(
        &self,
        by: &Staff,
        person: PersonId,
        approved: Option<u64>,
    ) -> Result<Judged<HeardName>, NotNamed> {
        let Inner { store, register, roster, names, clock } = &*self.0;
        let row = self.row(by, person)?;
        let way = roster.allow(by, self.ask(by, &row, NameWant::Listen), approved)?;
        let (allowed, act, _once) = match way {
            Way::Open { allowed, act, once } => (allowed, act, once),
            Way::Waits { act, why } => return Ok(Judged::Waits { act, why: why.to_string() }),
            Way::Refused { act, why } => return Ok(Judged::Refused { act, why }),
        };
        let entered = register.enter(*allowed, act, clock.now())?;
        names.carry_out(&wish(&row, NameWant::Listen, by, act))?;
        roster.done(act)?;
        let people = store.configuration()?.people.into_iter();
        let whose = people.filter(|it| it.id == person).map(|it| (it.name, it.key)).next();
        let voice = names.read((row.agency, person), row.sha256).ok_or(NotNamed::Damaged)?;
        let heard = HeardName { voice, person: whose };
        let heard = Undisclosed::new(Object::Ledger { agency: row.agency }, heard);
        let heard = heard.release(register.receipt(&entered, clock.now())?)?;
        let entry = entered.proof().inclusion.index();
        Ok(Judged::Done { act, entry, what: heard })
    }

    /// Approves one: from then on notices are spoken with it. Somebody listened to it before.
    ///
    /// # Errors
    /// [`NotNamed::NotThere`]; [`NotNamed::Unheard`]; and when it cannot be entered or done.
    pub fn approve(
        &self,
        by: &Staff,
        person: PersonId,
        approved: Option<u64>,
    ) -> Result<Judged<()>, NotNamed> {
        let row = self.row(by, person)?;
        if row.heard.is_none() {
            return Err(NotNamed::Unheard);
        }
        let judged = self.change(by, &row, NameWant::Approve, approved)?;
        let done = matches!(judged, Judged::Done { .. });
        if done && self.row(by, person)?.approved.is_none() {
            // The person removed it, or recorded another one.
            return Err(NotNamed::NotThere);
        }
        Ok(judged)
    }

    /// Removes one, approved or not, and destroys its file.
    ///
    /// # Errors
    /// [`NotNamed::NotThere`]; and when it cannot be entered or done.
    pub fn remove(
        &self,
        by: &Staff,
        person: PersonId,
        approved: Option<u64>,
    ) -> Result<Judged<()>, NotNamed> {
        let row = self.row(by, person)?;
        self.change(by, &row, NameWant::Remove, approved)
    }

    fn change(
        &self,
        by: &Staff,
        row: &NameRow,
        want: NameWant,
        approved: Option<u64>,
    ) -> Result<Judged<()>, NotNamed> {
        let Inner { register, roster, names, clock, .. } = &*self.0;
        Ok(match roster.allow(by, self.ask(by, row, want), approved)? {
            Way::Open { allowed, act, once: _once } => {
                let entered = register.enter(*allowed, act, clock.now())?;
                names.carry_out(&wish(row, want, by, act))?;
                roster.done(act)?;
                Judged::Done { act, entry: entered.proof().inclusion.index(), what: () }
            }
            Way::Waits { act, why } => Judged::Waits { act, why: why.to_string() },
            Way::Refused { act, why } => Judged::Refused { act, why },
        })
    }

    /// The name of a person of one's own agency.
    fn row(&self, by: &Staff, person: PersonId) -> Result<NameRow, NotNamed> {
        by.usable(self.0.clock.now())?;
        let of = |row: &NameRow| row.agency == by.agency && row.person == person;
        let mut rows = self.0.store.names()?.into_iter();
        rows.find(|row| of(row) && row.removed.is_none()).ok_or(NotNamed::NotThere)
    }

    fn ask(&self, by: &Staff, row: &NameRow, want: NameWant) -> Ask {
        let audience = match want {
            NameWant::Listen => Audience::of(by.role),
            NameWant::Approve | NameWant::Remove => Audience::Nobody,
        };
        Ask {
            verb: Verb::Name,
            purpose: Purpose::Administration,
            // Whoever approves it reads this, and it is approved for nothing else: the person may
            // record another name meanwhile.
            case: Private::new(format!(
                "recorded name {} ({}): {}",
                row.person.0,
                short(&row.sha256),
                want.word()
            )),
            line: Line::Ordinary,
            demand: Demand::of(audience, Line::Ordinary),
            object: Object::Ledger { agency: by.agency },
            // The answer goes back the way it came.
            recipient: Recipient([0; 32]),
            expires: self.0.clock.now().after(CARRY_OUT_MAX),
        }
    }
}

impl fmt::Debug for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Naming")
    }
}

impl fmt::Debug for HeardName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeardName")
    }
}

/// The first octets of a hash, by which one recording is told from another.
fn short(sha256: &[u8; 32]) -> String {
    sha256.iter().take(HASH_OCTETS_SHOWN).map(|octet| format!("{octet:02x}")).collect()
}

const fn wish(row: &NameRow, want: NameWant, by: &Staff, act: u64) -> NameWish {
    let NameRow { agency, person, sha256, .. } = *row;
    NameWish { agency, person, sha256, want, by: by.id, act }
}

/// Why nothing was done with a name.
#[derive(Debug, thiserror::Error)]
pub enum NotNamed {
    /// The roster refuses.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// They cannot use their log-in.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Not theirs to see.
    #[error("recorded names are listed for supervisors, clerks and auditors of the agency")]
    Role,
    /// Their agency has no such name.
    #[error("there is no such recorded name")]
    NotThere,
    /// Nobody has listened to it.
    #[error("nobody has listened to it: listen first, then approve")]
    Unheard,
    /// Its file is not what was recorded.
    #[error("the file of this name is missing or damaged: remove it")]
    Damaged,
    /// The node does not do it.
    #[error("the node does not do it now, and without it nothing is entered: try again")]
    Node,
    /// It cannot be entered in the log, so it does not happen.
    #[error(transparent)]
    NotEntered(#[from] NotEntered),
    /// Its entry is not proved.
    #[error(transparent)]
    NoReceipt(#[from] NoReceipt),
    /// Its entry says something else.
    #[error(transparent)]
    NotReleased(#[from] NotReleased),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Octets of a recording's hash that an entry and a request name it by.
const HASH_OCTETS_SHOWN: usize = 8;

/// How long it may take to do what was allowed.
const CARRY_OUT_MAX: Duration = Duration::from_mins(10);
