//! What called parties chose, and what staff took back of it, by the rules of
//! `crates/desk/src/chosen.rs`. There is one agency.

use crate::{county::Facility, sabotage::Sabotage};
use model::{E164, FacilityId, Timestamp, plan::Lifted};
use std::collections::BTreeMap;

/// A facility, or all of them, and a number.
pub(crate) type Scope = (Option<FacilityId>, E164);

/// What called parties chose.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chosen {
    /// When no more calls were last wanted.
    blocks: BTreeMap<Scope, Timestamp>,
    /// When calls were said to be private.
    claims: BTreeMap<E164, Vec<Timestamp>>,
    /// When staff last took something back, as the desk knows.
    lifts: BTreeMap<(Lifted, Option<FacilityId>, E164), Timestamp>,
}

impl Chosen {
    pub(crate) fn block(&mut self, scope: Scope, at: Timestamp) {
        let last = self.blocks.entry(scope).or_insert(at);
        *last = at.max(*last);
    }

    pub(crate) fn claim(&mut self, number: E164, at: Timestamp) {
        self.claims.entry(number).or_default().push(at);
    }

    /// Takes over what staff took back.
    pub(crate) fn lift(&mut self, lifts: &[Lift]) {
        for lift in lifts {
            let key = (lift.what, lift.facility, lift.number);
            let last = self.lifts.entry(key).or_insert(lift.at);
            *last = lift.at.max(*last);
        }
    }

    pub(crate) fn is_blocked(
        &self,
        facility: FacilityId,
        number: E164,
        sabotage: Option<Sabotage>,
    ) -> bool {
        [Some(facility), None].into_iter().any(|scope| {
            let blocked = self.blocks.get(&(scope, number));
            let lifted = match sabotage {
                Some(Sabotage::ForgetLifts) => None,
                Some(Sabotage::LiftForEver) => self
                    .lifted(Lifted::Block, scope, number)
                    .map(|_| Timestamp::from_micros(i64::MAX)),
                _ => self.lifted(Lifted::Block, scope, number),
            };
            blocked.is_some_and(|at| lifted.is_none_or(|lifted| lifted < *at))
        })
    }

    pub(crate) fn may_claim(&self, facility: &Facility, number: E164) -> bool {
        let lifted = self.lifted(Lifted::Claims, None, number);
        let claims = self.claims.get(&number);
        let counts = |at: &&Timestamp| lifted.is_none_or(|lifted| lifted < **at);
        let count = claims.map_or(0, |claims| claims.iter().filter(counts).count());
        count < usize::from(facility.called.private_claims_max)
    }

    /// What is taken back for all is taken back at each.
    fn lifted(
        &self,
        what: Lifted,
        facility: Option<FacilityId>,
        number: E164,
    ) -> Option<Timestamp> {
        let at = |scope| self.lifts.get(&(what, scope, number)).copied();
        at(None).max(facility.and_then(|facility| at(Some(facility))))
    }
}

/// Staff took something back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lift {
    pub(crate) what: Lifted,
    pub(crate) facility: Option<FacilityId>,
    pub(crate) number: E164,
    pub(crate) at: Timestamp,
}
