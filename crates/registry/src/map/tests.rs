use super::*;
use proptest::prelude::*;
use std::{collections::BTreeSet, format};

const KEY: LabelKey = LabelKey::new([7; LABEL_OCTETS]);

fn number(line: u64) -> E164 {
    E164::new(12_025_550_100 + line).unwrap()
}

fn map(lines: impl IntoIterator<Item = u64>) -> Map {
    Map::new(Epoch(3), &KEY, lines.into_iter().map(number))
}

/// A second implementation, straight from the definition in RFC 6962 section 2.1: a set, and the
/// tree hash by recursion.
struct Simple(BTreeSet<[u8; 32]>);

impl Simple {
    fn new(lines: &BTreeSet<u64>) -> Self {
        let labels = lines.iter().map(|line| KEY.label(number(*line)).0);
        Self(labels.chain([[0; 32], [255; 32]]).collect())
    }

    fn root(&self) -> Hash {
        fn tree(labels: &[[u8; 32]]) -> Hash {
            if let [label] = labels {
                return Hash::leaf(label);
            }
            let (left, right) = labels.split_at(labels.len().next_power_of_two() / 2);
            Hash::node(tree(left), tree(right))
        }
        tree(&self.0.iter().copied().collect::<Vec<_>>())
    }

    fn has(&self, line: u64) -> bool {
        self.0.contains(&KEY.label(number(line)).0)
    }
}

#[test]
fn an_empty_registry_proves_that_nobody_is_in_it() {
    let map = map([]);
    assert_eq!((map.head().count, map.labels().count()), (0, 0));
    let label = KEY.label(number(1));
    assert_eq!(map.prove(&label).check(&label, &map.head()), Ok(Found::Absent));
}

#[test]
fn labels_before_the_first_and_after_the_last_are_proved_absent_by_the_edges() {
    let middle = [Label([0x40; 32]), Label([0x80; 32])];
    let map = Map::of_labels(Epoch(1), middle);
    for (absent, expected) in [
        (Label([0x01; 32]), Found::Absent),
        (Label([0x40; 32]), Found::Present),
        (Label([0x41; 32]), Found::Absent),
        (Label([0xfe; 32]), Found::Absent),
    ] {
        assert_eq!(map.prove(&absent).check(&absent, &map.head()), Ok(expected));
    }
}

#[test]
fn a_label_is_bound_to_its_key_and_pinned() {
    let label = KEY.label(number(42));
    assert_ne!(label, LabelKey::new([8; 32]).label(number(42)));
    assert_ne!(label, KEY.label(number(43)));
    assert_eq!(format!("{label:?} {KEY:?}"), "Label([private]) LabelKey([private])");
    let hex: std::string::String =
        label.0[..8].iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(hex, PINNED);
}

#[test]
fn neighbours_that_are_none_prove_nothing() {
    let map = map(0..9);
    let labels: Vec<Label> = map.labels().copied().collect();
    let spot = |place: usize| map.spot(place + 1, labels[place]);
    // Places 2 and 4 with the label of 3 between them: it is there, and left out.
    let forged = MapProof(vec![spot(2), spot(4)]);
    assert_eq!(forged.check(&labels[3], &map.head()), Err(NotProven::OtherLabel));
    // Neighbours, and the label is elsewhere.
    let elsewhere = MapProof(vec![spot(2), spot(3)]);
    assert_eq!(elsewhere.check(&labels[6], &map.head()), Err(NotProven::OtherLabel));
    // The edge of the place is held by the way to the root, not by the word of the prover.
    let mut moved = MapProof(vec![spot(2), spot(4)]);
    moved.0[1].inclusion = Inclusion::new(4, moved.0[1].inclusion.path().to_vec());
    assert_eq!(moved.check(&labels[3], &map.head()), Err(NotProven::Root));
    assert_eq!(MapProof(vec![]).check(&labels[3], &map.head()), Err(NotProven::OtherLabel));
}

proptest! {
    /// The root is the one that the definition gives; every number is proved present or absent as
    /// the set has it, also after writing and reading the proof; and no proof survives another
    /// epoch's root, another label or a changed octet.
    #[test]
    fn what_is_proved_is_what_a_simple_set_says(
        lines in proptest::collection::btree_set(0_u64..80, 0..40),
        asked in 0_u64..80,
        other in 0_u64..80,
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        let (map, simple) = (map(lines.iter().copied()), Simple::new(&lines));
        let head = map.head();
        prop_assert_eq!(head.root, simple.root());
        prop_assert_eq!(head.count, lines.len() as u64);
        let label = KEY.label(number(asked));
        let proof = map.prove(&label);
        let found = if simple.has(asked) { Found::Present } else { Found::Absent };
        let read = MapProof::parse(&proof.octets()).unwrap();
        prop_assert_eq!(&read, &proof);
        prop_assert_eq!(read.check(&label, &head), Ok(found));

        // A proof of one label says of another only what is so.
        let second = KEY.label(number(other));
        if let Ok(claimed) = proof.check(&second, &head) {
            prop_assert_eq!(claimed == Found::Present, simple.has(other));
        }
        let mut longer = lines;
        if longer.insert(99) {
            let later = Map::new(Epoch(4), &KEY, longer.iter().copied().map(number)).head();
            prop_assert!(proof.check(&label, &later).is_err());
        }
        let mut octets = proof.octets();
        let place = at.index(octets.len());
        octets[place] ^= flip;
        let changed = MapProof::parse(&octets).and_then(|proof| proof.check(&label, &head));
        prop_assert!(changed.is_err(), "octet {} changed and the proof holds", place);
    }
}

const PINNED: &str = "466253bdc92e3391";
