//! The decision about one request, and what it leads to: the only way to the entry of a disclosure.

pub use crate::act::Line;
use crate::{
    act::{Purpose, Role, Scope, Verb},
    demand::Demand,
    grant::{Glass, Grant, Used, Wanted},
    intent::{Intent, Leave, NotAnIntent, Object, Recipient},
    limits::HOLD_SPAN_MAX,
    policy::{Denied, Given, Policies, Question},
    staff::{Staff, Unusable},
};
use alloc::{string::String, vec::Vec};
use model::{AgencyId, Private, StaffId, Timestamp};

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// To do what.
    pub verb: Verb,
    /// Why.
    pub purpose: Purpose,
    /// For which case.
    pub case: Private<String>,
    /// What kind of calls they are, as whoever holds the data knows; never as who asks says.
    pub line: Line,
    /// Exactly what.
    pub object: Object,
    /// With whose key.
    pub recipient: Recipient,
    /// How long it may take to carry it out.
    pub expires: Timestamp,
    /// For whom it is, and what was looked for.
    pub demand: Demand,
}

/// What speaks for a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Support<'a> {
    /// A grant for the case.
    pub grant: Option<&'a Grant>,
    /// Who approved this very request.
    pub approvers: &'a [Staff],
    /// What they saw already.
    pub used: Used,
    /// A broken glass.
    pub glass: Option<&'a Glass>,
}

/// Policies, caps and approvals allow a disclosure. Only [`decide`] makes one, and only of one is
/// an entry made.
#[derive(Debug)]
pub struct Allowed(Intent);

impl Allowed {
    /// What is going to be disclosed.
    #[must_use]
    pub const fn intent(&self) -> &Intent {
        &self.0
    }

    pub(crate) fn into_intent(self) -> Intent {
        self.0
    }
}

/// Whether `staff` may have what they ask for.
///
/// # Errors
/// Why not.
pub fn decide(
    policies: &Policies,
    staff: &Staff,
    ask: Ask,
    support: &Support<'_>,
    now: Timestamp,
) -> Result<Allowed, NotAllowed> {
    staff.usable(now)?;
    let owner = ask.object.agency();
    let rows = ask.object.rows();
    let wanted = Wanted {
        staff: staff.id,
        case: ask.case.expose(),
        purpose: ask.purpose,
        owner,
        verb: ask.verb,
        rows,
    };
    let grant = support.grant.filter(|grant| grant.covers(&wanted, support.used.grant, now));
    let glass = support.glass.filter(|glass| glass.covers(staff.id, rows, now));
    let approvers = approvers(staff, support.approvers, owner, now);
    let broken_glass = grant.is_none() && glass.is_some();
    let scope = scope(staff, &ask);
    let given = Given {
        purpose: ask.purpose,
        granted: grant.is_some(),
        approvals: u8::try_from(approvers.len()).unwrap_or(u8::MAX),
        owner_approved: !approvers.is_empty(),
        broken_glass,
        over_cap: support.used.is_over(rows),
        counts_only: matches!(ask.object, Object::Counts { .. }),
        voice: matches!(ask.object, Object::Recording { .. }),
        boundless: boundless(&ask),
        audience: ask.demand.audience,
        own_request: false,
        foreign: staff.agency != owner,
    };
    let question = Question { role: staff.role, verb: ask.verb, scope, given };
    policies.decide(&question).map_err(|why| lacking(policies, question, why))?;
    let leave = match grant {
        Some(grant) => Leave::Grant { grant: grant.id, approvers },
        None if broken_glass => Leave::BrokenGlass,
        None => Leave::Office,
    };
    let intent = Intent {
        staff: staff.id,
        role: staff.role,
        employer: staff.agency,
        verb: ask.verb,
        purpose: ask.purpose,
        case: ask.case,
        scope,
        object: ask.object,
        recipient: ask.recipient,
        leave,
        policies: policies.hash(),
        asked: now,
        expires: ask.expires,
        demand: Some(ask.demand),
    };
    intent.check()?;
    Ok(Allowed(intent))
}

/// Says whether it is only a grant that is missing. It follows from the policies alone, which are
/// shown to all staff, so that nobody learns from it what there is.
fn lacking(policies: &Policies, question: Question, why: Denied) -> Denied {
    if why != Denied::NoPolicy || question.given.granted {
        return why;
    }
    let given = Given { granted: true, approvals: u8::MAX, owner_approved: true, ..question.given };
    match policies.decide(&Question { given, ..question }) {
        Ok(()) => Denied::NoGrant,
        Err(_) => why,
    }
}

/// Whether `approver` may approve what `asker` asked for.
///
/// # Errors
/// Why not.
pub fn approve(
    policies: &Policies,
    approver: &Staff,
    (asker, ask): (&Staff, &Ask),
    now: Timestamp,
) -> Result<(), NotAllowed> {
    approver.usable(now)?;
    if approver.agency != ask.object.agency() {
        return Err(NotAllowed::NotOwner);
    }
    let given = Given {
        purpose: ask.purpose,
        granted: false,
        approvals: 0,
        owner_approved: false,
        broken_glass: false,
        over_cap: false,
        counts_only: matches!(ask.object, Object::Counts { .. }),
        voice: matches!(ask.object, Object::Recording { .. }),
        boundless: boundless(ask),
        audience: ask.demand.audience,
        own_request: approver.id == asker.id,
        foreign: false,
    };
    let scope = scope(approver, ask);
    let question = Question { role: approver.role, verb: Verb::Approve, scope, given };
    Ok(policies.decide(&question)?)
}

/// Whose data it is, seen from `staff`.
fn scope(staff: &Staff, ask: &Ask) -> Scope {
    match ask.line {
        Line::Shielded => Scope::Shielded,
        Line::Own => Scope::OwnData,
        Line::Protected => Scope::Protected,
        Line::Ordinary if staff.agency == ask.object.agency() => Scope::OwnAgency,
        Line::Ordinary => Scope::OtherAgency,
    }
}

/// Whether it is a hold of more than the calls of one person, to one number, or of one facility in
/// a time of at most [`HOLD_SPAN_MAX`].
fn boundless(ask: &Ask) -> bool {
    let Object::Held { person, number, from, until, .. } = ask.object else { return false };
    let span = from.zip(until).is_some_and(|(from, until)| until.since(from) <= HOLD_SPAN_MAX);
    !(person || number || (ask.demand.query.facility.is_some() && span))
}

/// Who counts as having approved: others, supervisors of the agency whose data it is, each once,
/// whose own access is in order.
fn approvers(asker: &Staff, approvers: &[Staff], owner: AgencyId, now: Timestamp) -> Vec<StaffId> {
    let counts = |other: &&Staff| {
        let may = other.role == Role::Supervisor && other.agency == owner;
        other.id != asker.id && may && other.usable(now).is_ok()
    };
    let mut approvers: Vec<_> = approvers.iter().filter(counts).map(|other| other.id).collect();
    approvers.sort_unstable();
    approvers.dedup();
    approvers
}

/// Why somebody may not have what they ask for. It is an outcome, and it is entered too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// They may not use the system.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// They do not work for the agency whose data it is.
    #[error("only the agency whose data it is approves that they are seen")]
    NotOwner,
    /// The policies do not allow it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is out of bounds.
    #[error(transparent)]
    Bounds(#[from] NotAnIntent),
}
