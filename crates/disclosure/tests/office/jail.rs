//! The jail of whose calls the tests speak.

use model::{
    E164, Money,
    place::{FacilityKind, Site, State},
    plan::{BlockScope, CalledChoices, DiskFull, RegistryDown},
};
use std::time::Duration;
use store::plan::Facility;

pub(crate) fn facility() -> Facility {
    Facility {
        agency: "cedar".into(),
        key: "cedar/jail".into(),
        name: "Cedar County Jail".into(),
        site: Site { kind: FacilityKind::Jail, adp: 212, state: State::new("CO").unwrap() },
        adp_year: Some(2025),
        timezone: "America/Denver".into(),
        recording: true,
        registry_down: RegistryDown::Refuse,
        talk_max: Duration::from_mins(20),
        relay_talk_max: Duration::from_hours(1),
        disk_full: DiskFull::Refuse,
        allowed_only: true,
        base_per_minute: Money::from_cents(10),
        additive_per_minute: Money::from_cents(2),
        caller_id: E164::new(12_025_550_100).unwrap(),
        called: CalledChoices {
            private_claims_max: 2,
            block: BlockScope::Agency,
            drawn_key: true,
            reminder_every: None,
        },
        recorded_names: false,
    }
}
