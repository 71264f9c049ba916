//! What an entry commits to: who, which number, and what it rests on. It is sealed before it is
//! written anywhere, and erasing it, salt and all, leaves an entry that can be tied to nobody.

use alloc::{boxed::Box, string::String, vec::Vec};
use model::{
    E164, Private,
    fact::{Admitted, Fact},
};
use serde::{Deserialize, Serialize};

/// The detail of an entry. Written with `postcard`, which numbers variants by position: append new
/// ones at the end, and never change one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Detail {
    /// There is nothing to add.
    Nothing,
    /// The fact of the journal that the entry speaks of.
    Fact(Box<Fact>),
    /// A call was allowed.
    Admission {
        /// All about it.
        admitted: Box<Admitted>,
        /// What shows how its number stands in the registry, when there is one.
        shown: Option<Shown>,
    },
    /// A number is protected no longer.
    Removal {
        /// The number.
        number: Private<E164>,
        /// Why.
        reason: String,
    },
    /// A recording of a number that was protected later.
    Quarantine {
        /// The number.
        number: Private<E164>,
    },
    /// The program that started.
    Program {
        /// Its version.
        version: String,
    },
}

/// How a number stands, for whoever may open the detail.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Its label in the map, `registry::map::Label`.
    pub label: [u8; 32],
    /// The octets of the proof, `registry::map::MapProof`.
    pub proof: Vec<u8>,
}

impl core::fmt::Debug for Shown {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Shown([private])")
    }
}

impl Detail {
    /// Its canonical octets.
    ///
    /// # Errors
    /// `None` when it cannot be written, which no detail of a node's is.
    pub fn octets(&self) -> Option<Vec<u8>> {
        postcard::to_allocvec(self).ok()
    }

    /// Reads what [`Detail::octets`] wrote.
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let (detail, rest) = postcard::take_from_bytes(octets).ok()?;
        rest.is_empty().then_some(detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        AgencyId, CallId, FacilityId, PersonId, StationId, Timestamp, TrunkId, UnitId,
        fact::{Epoch, NumberClass},
    };
    use registry::map::{Found, Label, LabelKey, Map, MapProof};
    use std::{format, vec};

    fn number(line: u64) -> E164 {
        E164::new(12_025_550_100 + line).unwrap()
    }

    fn admitted() -> Admitted {
        Admitted {
            call: CallId(1),
            at: Timestamp::from_micros(1_790_000_000_000_000),
            agency: AgencyId(1),
            facility: FacilityId(2),
            unit: UnitId(3),
            station: StationId(4),
            person: Some(PersonId(5)),
            number: Private::new(number(42)),
            class: NumberClass::Ordinary,
            epoch: Epoch(6),
            may_record: Ok(()),
            hold: None,
        }
    }

    #[test]
    fn an_admission_shows_how_its_number_stood() {
        let key = LabelKey::new([7; 32]);
        for (protected, expected) in [([1, 2, 3], Found::Absent), ([1, 42, 3], Found::Present)] {
            let map = Map::new(Epoch(6), &key, protected.map(number));
            let label = key.label(number(42));
            let shown = Some(Shown { label: label.0, proof: map.prove(&label).octets() });
            let detail = Detail::Admission { admitted: Box::new(admitted()), shown };
            let octets = detail.octets().unwrap();
            assert_eq!(Detail::parse(&octets).as_ref(), Some(&detail));
            let Some(Detail::Admission { admitted, shown: Some(shown) }) = Detail::parse(&octets)
            else {
                panic!("{detail:?}");
            };
            // Whoever has the key and opened the detail makes sure of both.
            assert_eq!(key.label(*admitted.number.expose()), Label(shown.label));
            let proof = MapProof::parse(&shown.proof).unwrap();
            assert_eq!(proof.check(&Label(shown.label), &map.head()), Ok(expected));
            assert!(!format!("{detail:?}").contains("5550142"));
        }
    }

    #[test]
    fn the_octets_of_each_variant_are_pinned() {
        let trunk = Fact::Dialled { call: CallId(1), trunk: TrunkId(2), at: Timestamp::default() };
        let number = Private::new(number(42));
        for (detail, octets) in [
            (Detail::Nothing, vec![0]),
            (Detail::Fact(Box::new(trunk)), vec![1, 10, 1, 2, 0]),
            (
                Detail::Admission { admitted: Box::new(admitted()), shown: None },
                vec![
                    2, 1, 128, 128, 175, 162, 219, 255, 173, 6, 1, 2, 3, 4, 5, 190, 170, 157, 230,
                    44, 0, 6, 0, 0, 0,
                ],
            ),
            (
                Detail::Removal { number, reason: "x".into() },
                vec![3, 190, 170, 157, 230, 44, 1, 120],
            ),
            (Detail::Quarantine { number }, vec![4, 190, 170, 157, 230, 44]),
            (Detail::Program { version: "1".into() }, vec![5, 1, 49]),
        ] {
            assert_eq!(detail.octets().unwrap(), octets, "{detail:?}");
            assert_eq!(Detail::parse(&octets), Some(detail));
            assert_eq!(Detail::parse(&[octets, vec![0]].concat()), None);
        }
    }
}
