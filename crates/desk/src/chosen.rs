//! What called parties chose in earlier calls: whom they want no calls from, and which calls they
//! said were private. Filled from the store at the start, and kept on from there; what staff lifted
//! since stands in the book.

use std::collections::BTreeMap;

use model::{
    AgencyId, E164, FacilityId, Timestamp,
    plan::{Block, BlockScope, Facility, Lifted, PrivateClaim},
};

use crate::book::Book;

/// A facility of an agency, or all of it, and a number.
type Scope = (AgencyId, Option<FacilityId>, E164);

/// What called parties chose.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    /// When no more calls were last wanted.
    blocks: BTreeMap<Scope, Timestamp>,
    /// When calls were said to be private, oldest first, the latest of them only.
    claims: BTreeMap<(AgencyId, E164), Vec<Timestamp>>,
}

impl Chosen {
    /// What the store knows.
    pub(crate) fn new(blocks: &[Block], claims: &[PrivateClaim]) -> Self {
        let mut chosen = Self::default();
        for block in blocks {
            chosen.block((block.agency, block.facility, *block.number.expose()), block.at);
        }
        for claim in claims {
            chosen.claim(claim.agency, *claim.number.expose(), claim.at);
        }
        chosen
    }

    /// The party at this number wants no more calls.
    pub(crate) fn block(&mut self, scope: Scope, at: Timestamp) {
        let last = self.blocks.entry(scope).or_insert(at);
        *last = at.max(*last);
    }

    /// Whether the party at this number wants no calls from a facility, said to it or to its agency
    /// and not lifted since.
    pub(crate) fn is_blocked(&self, book: &Book, facility: &Facility, number: E164) -> bool {
        [Some(facility.id), None].into_iter().any(|scope| {
            let blocked = self.blocks.get(&(facility.agency, scope, number));
            let lifted = book.lifted(Lifted::Block, (facility.agency, scope, number));
            blocked.is_some_and(|at| lifted.is_none_or(|lifted| lifted < *at))
        })
    }

    /// The party at this number said that a call is private.
    pub(crate) fn claim(&mut self, agency: AgencyId, number: E164, at: Timestamp) {
        let claims = self.claims.entry((agency, number)).or_default();
        claims.push(at);
        if claims.len() > usize::from(u8::MAX) {
            claims.remove(0);
        }
    }

    /// Whether the party at this number may say once more that a call is private: fewer claims than
    /// the facility wants looked at since staff last looked.
    pub(crate) fn may_claim(&self, book: &Book, facility: &Facility, number: E164) -> bool {
        let lifted = book.lifted(Lifted::Claims, (facility.agency, None, number));
        let claims = self.claims.get(&(facility.agency, number));
        let counts = |at: &&Timestamp| lifted.is_none_or(|lifted| lifted < **at);
        let count = claims.map_or(0, |claims| claims.iter().filter(counts).count());
        count < usize::from(facility.called.private_claims_max)
    }
}

/// Where a wish for no more calls reaches that is said to a facility.
pub(crate) fn reach(facility: &Facility) -> Option<FacilityId> {
    match facility.called.block {
        BlockScope::Facility => Some(facility.id),
        BlockScope::Agency => None,
    }
}
