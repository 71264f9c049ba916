//! The policies: which role may do what, for which purpose, and what it needs besides. They are
//! text that an attorney can read (`policies/`), and Cedar decides by them, in this process.
//!
//! `law.cedar` is part of the program and cannot be replaced; an agency can put its own text in the
//! place of `agency.cedar`. What no policy permits is refused, and a `forbid` wins.

use crate::act::{Audience, Purpose, Role, Scope, Verb};
use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId,
    PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};
use core::{fmt, str::FromStr as _};
use sha2::{Digest as _, Sha256};

/// What a policy is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// As what.
    pub role: Role,
    /// To do what.
    pub verb: Verb,
    /// With whose data.
    pub scope: Scope,
    /// What else is known.
    pub given: Given,
}

/// What is known about a request besides who, what and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// Why.
    pub purpose: Purpose,
    /// A grant for the case covers it now.
    pub granted: bool,
    /// So many others approved this very request.
    pub approvals: u8,
    /// One of them works for the agency whose data it is.
    pub owner_approved: bool,
    /// They broke the glass.
    pub broken_glass: bool,
    /// It would be more than they may see in a day or a week.
    pub over_cap: bool,
    /// Only counts by month are shown.
    pub counts_only: bool,
    /// It is somebody's voice: a recording.
    pub voice: bool,
    /// It is a hold of more than one person, one number, or one facility for a short time.
    pub boundless: bool,
    /// For whom it is.
    pub audience: Audience,
    /// What they approve is their own request.
    pub own_request: bool,
    /// It is another agency's data.
    pub foreign: bool,
}

/// Policies that were read and found to make sense.
pub struct Policies {
    policies: PolicySet,
    hash: [u8; 32],
    names: Names,
}

impl Policies {
    /// The text that stands for an agency that has none of its own.
    pub const BUILTIN: &str = AGENCY;

    /// The policies that come with the program.
    ///
    /// # Errors
    /// None that the tests of this module let pass.
    pub fn builtin() -> Result<Self, BadPolicies> {
        Self::with_agency(AGENCY)
    }

    /// The law, with an agency's own text.
    ///
    /// # Errors
    /// Says what in the text cannot be read, or speaks of what there is not.
    pub fn with_agency(text: &str) -> Result<Self, BadPolicies> {
        if text.len() > POLICIES_OCTETS_MAX {
            return Err(BadPolicies::TooLong);
        }
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA)
            .map_err(|fault| BadPolicies::Schema(fault.to_string()))?;
        let whole = format!("{LAW}\n{text}");
        let policies =
            PolicySet::from_str(&whole).map_err(|fault| BadPolicies::Text(fault.to_string()))?;
        let judged = Validator::new(schema).validate(&policies, ValidationMode::Strict);
        if let Some(fault) = judged.validation_errors().next() {
            return Err(BadPolicies::Meaning(fault.to_string()));
        }
        let unnamed = policies.policies().any(|policy| policy.annotation("id").is_none());
        if unnamed {
            return Err(BadPolicies::Unnamed);
        }
        let hash = Sha256::new().chain_update(SCHEMA).chain_update([0]).chain_update(&whole);
        let names = Names::new().map_err(BadPolicies::Schema)?;
        Ok(Self { policies, hash: hash.finalize().into(), names })
    }

    /// SHA-256 over schema and text. It stands in every entry of a disclosure, so that a change of
    /// policy is seen.
    #[must_use]
    pub const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// How many policies there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.policies.policies().count()
    }

    /// Whether the policies allow it.
    ///
    /// # Errors
    /// Why not.
    pub fn decide(&self, question: &Question) -> Result<(), Denied> {
        let (request, entities) = self.names.request(question).map_err(Denied::Broken)?;
        let response = Authorizer::new().is_authorized(&request, &self.policies, &entities);
        // A policy that fails is left out by Cedar. One that forbids must not be lost like that.
        if let Some(fault) = response.diagnostics().errors().next() {
            return Err(Denied::Broken(fault.to_string()));
        }
        match response.decision() {
            Decision::Allow => Ok(()),
            Decision::Deny => {
                let why: Vec<_> =
                    response.diagnostics().reason().map(|id| self.reason(id)).collect();
                Err(if why.is_empty() { Denied::NoPolicy } else { Denied::Forbidden(why) })
            }
        }
    }

    fn reason(&self, id: &PolicyId) -> String {
        let policy = self.policies.policy(id);
        let said = |key| policy.and_then(|policy| policy.annotation(key)).map(String::from);
        said("why").or_else(|| said("id")).unwrap_or_default()
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policies({})", self.count())
    }
}

/// The names that Cedar wants, made once.
struct Names {
    staff: EntityUid,
    data: EntityUid,
    actions: Vec<(Verb, EntityUid)>,
}

impl Names {
    fn new() -> Result<Self, String> {
        let name = |kind: &str, id: &str| {
            let kind = EntityTypeName::from_str(kind).map_err(|fault| fault.to_string())?;
            Ok::<_, String>(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
        };
        let actions = Verb::ALL.iter().map(|verb| Ok((*verb, name("Action", verb.word())?)));
        Ok(Self {
            staff: name("Staff", "who")?,
            data: name("Data", "what")?,
            actions: actions.collect::<Result<_, String>>()?,
        })
    }

    fn request(&self, question: &Question) -> Result<(Request, Entities), String> {
        let Given { purpose, granted, approvals, .. } = question.given;
        let truth = RestrictedExpression::new_bool;
        let word = |word: &str| RestrictedExpression::new_string(word.to_string());
        let given = [
            ("purpose", word(purpose.word())),
            ("granted", truth(granted)),
            ("approvals", RestrictedExpression::new_long(approvals.into())),
            ("ownerApproved", truth(question.given.owner_approved)),
            ("brokenGlass", truth(question.given.broken_glass)),
            ("overCap", truth(question.given.over_cap)),
            ("countsOnly", truth(question.given.counts_only)),
            ("voice", truth(question.given.voice)),
            ("boundless", truth(question.given.boundless)),
            ("audience", word(question.given.audience.word())),
            ("ownRequest", truth(question.given.own_request)),
            ("foreign", truth(question.given.foreign)),
        ];
        let context = Context::from_pairs(given.map(|(key, value)| (key.to_string(), value)))
            .map_err(|fault| fault.to_string())?;
        let entity = |name: &EntityUid, key: &str, value| {
            let attributes = [(key.to_string(), value)].into_iter().collect();
            Entity::new(name.clone(), attributes, [].into_iter().collect())
                .map_err(|fault| fault.to_string())
        };
        let entities = [
            entity(&self.staff, "role", word(question.role.word()))?,
            entity(&self.data, "scope", word(question.scope.word()))?,
        ];
        let entities =
            Entities::from_entities(entities, None).map_err(|fault| fault.to_string())?;
        let action = self.actions.iter().find(|(verb, _)| *verb == question.verb);
        let (_, action) = action.ok_or("an act without a name")?;
        let who = (self.staff.clone(), action.clone(), self.data.clone());
        let request = Request::new(who.0, who.1, who.2, context, None);
        Ok((request.map_err(|fault| fault.to_string())?, entities))
    }
}

/// Why something is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No policy permits it.
    #[error("no policy permits this to this role for this purpose, and no grant would change that")]
    NoPolicy,
    /// Policies forbid it; what they say about why.
    #[error("{}", .0.join("; "))]
    Forbidden(Vec<String>),
    /// The policies could not be asked. That is ours to put right, and nothing is disclosed.
    #[error("the policies could not be asked: {0}")]
    Broken(String),
    /// No policy permits it without a grant, and one would with it.
    #[error(
        "this needs a grant for this case, purpose and act, with rows left in it; a supervisor of the \
         agency gives it, and `parlatory grant list` shows those there are"
    )]
    NoGrant,
}

/// Why a text is no policies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicies {
    /// It is too long.
    #[error("policies have at most {POLICIES_OCTETS_MAX} octets")]
    TooLong,
    /// The schema cannot be read.
    #[error("the schema of the policies cannot be read: {0}")]
    Schema(String),
    /// The text cannot be read.
    #[error("the policies cannot be read: {0}")]
    Text(String),
    /// It speaks of something that there is not.
    #[error("a policy speaks of what there is not: {0}")]
    Meaning(String),
    /// A policy has no name to be cited by.
    #[error("give each policy a name: `@id(\"...\")`")]
    Unnamed,
}

const SCHEMA: &str = include_str!("../../../policies/parlatory.cedarschema");
const LAW: &str = include_str!("../../../policies/law.cedar");
const AGENCY: &str = include_str!("../../../policies/agency.cedar");
const POLICIES_OCTETS_MAX: usize = 1 << 20;
