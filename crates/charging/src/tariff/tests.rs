use super::*;
use crate::Day;
use model::place::{FacilityKind, State};
use proptest::prelude::*;
use std::string::ToString;

fn site(kind: FacilityKind, adp: u32) -> Site {
    Site { kind, adp, state: State::new("WY").unwrap() }
}

fn jail(adp: u32) -> Site {
    site(FacilityKind::Jail, adp)
}

fn prison() -> Site {
    site(FacilityKind::Prison, 1)
}

/// A rate in tenths of a cent.
fn rate(base: i64, additive: i64) -> Rate {
    Rate {
        base_per_minute: Money::from_micros(base * 1_000),
        additive_per_minute: Money::from_micros(additive * 1_000),
    }
}

fn noon(day: &str) -> Timestamp {
    Timestamp::from_micros(Day::parse(day).unwrap().begins().micros() + 12 * 3_600_000_000)
}

fn prove(rate: Rate, site: Site, at: Timestamp) -> Result<LawfulRate, Unlawful> {
    LawfulRate::prove(rate, site, at, &CapTable::builtin())
}

/// The id of the cap that refuses.
fn refused_by(result: Result<LawfulRate, Unlawful>) -> std::string::String {
    match result.unwrap_err() {
        Unlawful::AboveCap { cap, .. } => cap.to_string(),
        other @ (Unlawful::Negative | Unlawful::NoCap { .. }) => other.to_string(),
    }
}

#[test]
fn every_tier_has_its_caps_to_the_tenth_of_a_cent() {
    // Site, base, total: 47 CFR 64.6030 from 2026-04-06 on, in tenths of a cent.
    for (site, tier, base, total) in [
        (prison(), "prison", 90, 110),
        (site(FacilityKind::Prison, 5_000), "prison", 90, 110),
        (jail(1_000), "jail-1000", 80, 100),
        (jail(u32::MAX), "jail-1000", 80, 100),
        (jail(999), "jail-350", 100, 120),
        (jail(350), "jail-350", 100, 120),
        (jail(349), "jail-100", 110, 130),
        (jail(100), "jail-100", 110, 130),
        (jail(99), "jail-50", 130, 150),
        (jail(50), "jail-50", 130, 150),
        (jail(49), "jail-0", 170, 190),
        (jail(0), "jail-0", 170, 190),
    ] {
        let at = noon("2026-11-22");
        let cap = |component: &str| std::format!("fcc-25-75/{tier}/{component}");
        let dearest = prove(rate(base, total - base), site, at).unwrap();
        let passed: Vec<_> = dearest.caps().iter().map(ToString::to_string).collect();
        assert_eq!(passed, ["fcc-25-75/additive".into(), cap("base"), cap("total")]);
        assert!(prove(rate(base, 0), site, at).is_ok());
        assert!(prove(Rate::FREE, site, at).is_ok());
        assert_eq!(refused_by(prove(rate(base + 1, 0), site, at)), cap("base"));
        // The facility's part cannot hide in the base, nor the base in the facility's part.
        assert_eq!(refused_by(prove(rate(total, 0), site, at)), cap("base"));
        assert_eq!(refused_by(prove(rate(0, 21), site, at)), "fcc-25-75/additive");
        assert_eq!(refused_by(prove(rate(base, 21), site, at)), "fcc-25-75/additive");
    }
}

#[test]
fn the_total_is_a_cap_of_its_own() {
    // Were the base cap read as the published figure, the total would still hold.
    let table = CapTable::without_federal_caps(
        "id,order,source,kind,adp_min,adp_max,state,component,amount,from,to,note\n\
         a,O,S,any,,,,base,0.11,2026-04-06,,\n\
         b,O,S,any,,,,additive,0.02,2026-04-06,,\n\
         c,O,S,any,,,,total,0.11,2026-04-06,,\n",
    )
    .unwrap();
    let prove = |rate| LawfulRate::prove(rate, prison(), noon("2026-11-22"), &table);
    assert!(prove(rate(110, 0)).is_ok());
    assert!(prove(rate(90, 20)).is_ok());
    assert_eq!(refused_by(prove(rate(91, 20))), "c");
    assert_eq!(refused_by(prove(rate(110, 1))), "c");
}

#[test]
fn the_caps_of_2021_hold_until_their_last_day() {
    for (site, base, additive, id) in
        [(prison(), 120, 20, "fcc-21-60/prison"), (jail(1_000), 140, 20, "fcc-21-60/jail-1000")]
    {
        let at = noon("2026-04-05");
        assert!(prove(rate(base, additive), site, at).is_ok());
        assert_eq!(refused_by(prove(rate(base + 1, 0), site, at)), std::format!("{id}/base"));
        let too_much = refused_by(prove(rate(base, additive + 1), site, at));
        assert_eq!(too_much, std::format!("{id}/additive"));
    }
    for adp in [0, 49, 50, 999] {
        let at = noon("2021-10-26");
        assert!(prove(rate(210, 0), jail(adp), at).is_ok());
        assert_eq!(refused_by(prove(rate(211, 0), jail(adp), at)), "fcc-21-60/jail-0/total");
        // No order allowed a part of its own there.
        let no_additive = Unlawful::NoCap { component: Component::Additive };
        assert_eq!(prove(rate(100, 1), jail(adp), at).unwrap_err(), no_additive);
    }
}

#[test]
fn days_begin_and_end_at_midnight_in_washington() {
    let first = Day::parse("2026-04-06").unwrap().begins();
    let last_of_2021 = Day::parse("2026-04-05").unwrap().ends();
    let before = |at: Timestamp| Timestamp::from_micros(at.micros() - 1);
    let old_rate = || rate(120, 20);
    // 2026-04-06T04:00:00Z is midnight of daylight time in Washington.
    assert_eq!(first.micros(), 1_775_448_000_000_000);
    assert!(prove(old_rate(), prison(), before(first)).is_ok());
    assert_eq!(refused_by(prove(old_rate(), prison(), first)), "fcc-25-75/prison/base");
    // In the hour between, both bind.
    assert_eq!(last_of_2021.since(first).as_secs(), 3600);
    assert_eq!(prove(rate(90, 20), prison(), before(last_of_2021)).unwrap().caps().len(), 6);
    assert_eq!(prove(rate(90, 20), prison(), last_of_2021).unwrap().caps().len(), 3);

    let oldest = Day::parse("2021-10-26").unwrap().begins();
    assert!(prove(old_rate(), prison(), oldest).is_ok());
    let no_total = Unlawful::NoCap { component: Component::Total };
    assert_eq!(prove(Rate::FREE, prison(), before(oldest)).unwrap_err(), no_total);
}

#[test]
fn a_state_can_only_be_stricter() {
    let table = CapTable::parse(
        "id,order,source,kind,adp_min,adp_max,state,component,amount,from,to,note\n\
         xx/free,State law,Code 1,jail,,,XX,total,0,2026-05-01,,Free calls\n\
         yy/dear,State law,Code 2,any,,,YY,total,0.50,2020-01-01,,\n",
    )
    .unwrap();
    let at = noon("2026-11-22");
    let prove = |state: &str, kind, base, at| {
        let site = Site { kind, adp: 10, state: State::new(state).unwrap() };
        LawfulRate::prove(rate(base, 0), site, at, &table)
    };
    let (jail, prison) = (FacilityKind::Jail, FacilityKind::Prison);
    assert_eq!(refused_by(prove("XX", jail, 1, at)), "xx/free");
    assert!(prove("XX", jail, 0, at).is_ok());
    assert!(prove("XX", jail, 1, noon("2026-04-30")).is_ok());
    assert!(prove("XX", prison, 90, at).is_ok());
    assert!(prove("WY", jail, 170, at).is_ok());
    assert_eq!(refused_by(prove("YY", jail, 171, at)), "fcc-25-75/jail-0/base");
    // A state's cap alone is no federal cap.
    let no_total = Unlawful::NoCap { component: Component::Total };
    assert_eq!(prove("YY", jail, 1, noon("2021-10-25")).unwrap_err(), no_total);
}

#[test]
fn nothing_passes_without_a_cap() {
    let no_total = Unlawful::NoCap { component: Component::Total };
    for rows in [
        "",
        "a,O,S,any,,,,base,9,2026-04-06,,\nb,O,S,any,,,,additive,9,2026-04-06,,\n",
        "a,O,S,any,,,WY,total,9,2026-04-06,,\n",
        "a,O,S,prison,,,,total,9,2026-04-06,,\n",
        "a,O,S,any,51,,,total,9,2026-04-06,,\n",
        "a,O,S,any,,49,,total,9,2026-04-06,,\n",
        "a,O,S,any,,,,total,9,2027-04-06,,\n",
        "a,O,S,any,,,,total,9,2020-04-06,2020-04-07,\n",
    ] {
        let header = "id,order,source,kind,adp_min,adp_max,state,component,amount,from,to,note";
        let table = CapTable::without_federal_caps(&std::format!("{header}\n{rows}")).unwrap();
        let result = LawfulRate::prove(Rate::FREE, jail(50), noon("2026-11-22"), &table);
        assert_eq!(result.unwrap_err(), no_total, "{rows}");
    }
}

#[test]
fn negative_and_boundless_rates_are_refused() {
    let at = noon("2026-11-22");
    for (base, additive) in [(-1, 0), (0, -1), (100, -20), (-20, 20)] {
        assert_eq!(prove(rate(base, additive), jail(0), at).unwrap_err(), Unlawful::Negative);
    }
    let most = Money::from_micros(i64::MAX);
    let boundless = Rate { base_per_minute: most, additive_per_minute: most };
    assert_eq!(boundless.total_per_minute(), most);
    assert_eq!(refused_by(prove(boundless, jail(0), at)), "fcc-25-75/additive");
    assert_eq!(rate(70, 20).total_per_minute(), Money::from_cents(9));
}

#[test]
fn a_proof_is_made_again_from_what_was_written_down() {
    let proof = prove(rate(100, 20), jail(400), noon("2026-11-22")).unwrap();
    let fact = proof.fact();
    assert_eq!(fact.base_per_minute, Money::from_cents(10));
    assert_eq!(fact.additive_per_minute, Money::from_cents(2));
    assert_eq!((fact.site, fact.at), (jail(400), noon("2026-11-22")));
    assert_eq!(proof.rate(), rate(100, 20));
    assert_eq!(LawfulRate::prove_again(&fact, &CapTable::builtin()).unwrap(), proof);
    // A fact that was tampered with proves nothing.
    let dearer = RateFact { base_per_minute: Money::from_cents(11), ..fact };
    let again = LawfulRate::prove_again(&dearer, &CapTable::builtin());
    assert_eq!(refused_by(again), "fcc-25-75/jail-350/base");
}

#[test]
fn a_refusal_says_what_to_do() {
    let above = prove(rate(135, 0), jail(60), noon("2026-11-22")).unwrap_err();
    assert_eq!(
        above.to_string(),
        "the base rate of $0.135 per minute is above $0.13, the cap `fcc-25-75/jail-50/base` of \
         FCC 25-75 (90 FR 56013); lower it"
    );
    for (error, words) in [
        (Unlawful::Negative, "write 0"),
        (Unlawful::NoCap { component: Component::Additive }, "no cap on the additive rate"),
        (Unlawful::NoCap { component: Component::Total }, "no cap on the total rate"),
    ] {
        assert!(error.to_string().contains(words), "{error}");
    }
}

proptest! {
    /// Whatever passes is bounded by every cap in force.
    #[test]
    fn what_passes_is_within_every_cap(
        base in -5_i64..250, additive in -5_i64..40, adp in 0_u32..2_000, prison: bool,
        day in 0_i64..3_000,
    ) {
        let kind = if prison { FacilityKind::Prison } else { FacilityKind::Jail };
        let site = site(kind, adp);
        let start = Day::parse("2021-01-01").unwrap().begins().micros();
        let at = Timestamp::from_micros(start + day * 86_400_000_000);
        let asked = rate(base, additive);
        if let Ok(proof) = prove(asked, site, at) {
            prop_assert_eq!(proof.rate(), asked);
            prop_assert!(base >= 0 && additive >= 0);
            let table = CapTable::builtin();
            let caps: Vec<_> = table.in_force(site, at).collect();
            prop_assert_eq!(proof.caps().len(), caps.len());
            prop_assert!(caps.iter().any(|cap| cap.component == Component::Total));
            for cap in caps {
                let part = match cap.component {
                    Component::Base => base,
                    Component::Additive => additive,
                    Component::Total => base + additive,
                };
                prop_assert!(part * 1_000 <= cap.per_minute_max.micros());
            }
        }
    }
}
