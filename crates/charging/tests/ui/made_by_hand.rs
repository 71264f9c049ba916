//! Nobody but `prove` fills in a proof.

use charging::{LawfulRate, Rate};
use model::{
    Timestamp,
    place::{FacilityKind, Site, State},
};

fn main() {
    let site = Site { kind: FacilityKind::Jail, adp: 0, state: State::new("WY").unwrap() };
    let _ = LawfulRate { rate: Rate::FREE, site, at: Timestamp::default(), caps: Vec::new() };
}
