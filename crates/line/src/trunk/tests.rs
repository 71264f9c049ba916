use super::*;
use crate::TrunkLook;

fn trunk(id: u16, order: u16, weight: u16) -> TrunkConfig {
    let address = SocketAddr::from(([192, 0, 2, u8::try_from(id).unwrap()], 5060));
    TrunkConfig { order, weight, ..TrunkConfig::plain(TrunkId(id), address) }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::default().after(Duration::from_secs(seconds))
}

/// The numbers of the trunks that so many calls take in turn.
fn chosen(trunks: &mut Trunks, calls: usize) -> Vec<u16> {
    (0..calls)
        .map(|_| {
            let index = trunks.choose(at(10), &[]).unwrap();
            trunks.get(index).unwrap().config.id.0
        })
        .collect()
}

#[test]
fn order_comes_before_weight_and_weight_is_a_share() {
    let mut trunks = Trunks::new(&[trunk(1, 1, 9), trunk(2, 0, 3), trunk(3, 0, 1)]).unwrap();
    assert_eq!(chosen(&mut trunks, 8), [2, 2, 3, 2, 2, 2, 3, 2]);
    assert_eq!(trunks.choose(at(10), &[1, 2]), Some(0));
    assert_eq!(trunks.choose(at(10), &[0, 1, 2]), None);
}

#[test]
fn a_trunk_that_is_down_is_the_last_resort() {
    let mut trunks = Trunks::new(&[trunk(1, 0, 1), trunk(2, 5, 1)]).unwrap();
    assert!(trunks.get_mut(0).unwrap().answered(false), "that is news");
    assert!(!trunks.get_mut(0).unwrap().answered(false));
    assert_eq!(chosen(&mut trunks, 2), [2, 2]);
    trunks.get_mut(1).unwrap().rest(at(11));
    assert_eq!(chosen(&mut trunks, 2), [1, 1], "both are down: order counts again");
    trunks.get_mut(0).unwrap().answered(true);
    trunks.get_mut(0).unwrap().rest(at(10));
    assert_eq!(chosen(&mut trunks, 1), [1], "a rest ends to the microsecond");
}

#[test]
fn what_is_worst_of_a_trunk_is_what_is_told() {
    let account = TrunkAccount {
        user: "county".to_owned(),
        password: Private::new(String::new()),
        register: true,
        expires: Duration::from_secs(60),
    };
    let registers = TrunkConfig { account: Some(account), ..trunk(1, 0, 1) };
    let unknown = TrunkName::Services { domain: "carrier.example".to_owned() };
    let unknown = TrunkConfig { name: Some(unknown), ..trunk(2, 0, 1) };
    let mut trunks = Trunks::new(&[registers, unknown]).unwrap();
    let health = |trunks: &Trunks, index| trunks.get(index).unwrap().look(at(10)).health;
    assert_eq!(health(&trunks, 1), TrunkHealth::Nowhere);
    assert_eq!(health(&trunks, 0), TrunkHealth::Unregistered);
    let first = trunks.get_mut(0).unwrap();
    first.rest(at(11));
    assert!(first.registered(true) && first.answered(false));
    assert_eq!(health(&trunks, 0), TrunkHealth::Silent);
    trunks.get_mut(0).unwrap().answered(true);
    assert_eq!(health(&trunks, 0), TrunkHealth::Resting);
    trunks.get_mut(0).unwrap().rest(at(10));
    trunks.get_mut(0).unwrap().take(at(10));
    let look = trunks.get(0).unwrap().look(at(10));
    let calls_max = u32::MAX;
    let up = TrunkLook { id: TrunkId(1), health: TrunkHealth::Up, calls: 1, calls_max };
    assert_eq!(look, up);
}

#[test]
fn channels_and_calls_per_second_are_capped() {
    let limited = TrunkConfig { channels_max: 2, ..trunk(1, 0, 1) };
    let slow = TrunkConfig { calls_per_second_max: 1, ..trunk(2, 1, 1) };
    let mut trunks = Trunks::new(&[limited, slow]).unwrap();
    let mut begin = |now| {
        let index = trunks.choose(now, &[]);
        if let Some(index) = index {
            trunks.get_mut(index).unwrap().take(now);
        }
        index
    };
    assert_eq!([begin(at(1)), begin(at(1))], [Some(0), Some(0)]);
    assert_eq!([begin(at(1)), begin(at(1))], [Some(1), None]);
    assert_eq!([begin(at(2)), begin(at(2))], [Some(1), None]);
    trunks.get_mut(0).unwrap().release();
    assert_eq!(trunks.choose(at(2), &[]), Some(0));
    assert!(trunks.has_other(at(2), &[1]) && !trunks.has_other(at(2), &[0, 1]));
}

#[test]
fn a_trunk_with_an_account_is_up_when_it_knows_us() {
    let account = TrunkAccount {
        user: "county".into(),
        password: Private::new("secret".into()),
        register: true,
        expires: Duration::from_secs(600),
    };
    let config = TrunkConfig { account: Some(account), ..trunk(1, 0, 1) };
    let mut trunks = Trunks::new(&[config]).unwrap();
    assert!(!trunks.get(0).unwrap().is_up(at(1)));
    assert!(trunks.get_mut(0).unwrap().registered(true));
    assert!(trunks.get(0).unwrap().is_up(at(1)));
}

#[test]
fn the_directorys_trunk_is_used_where_none_is_configured() {
    let address = "192.0.2.9:5060".parse().unwrap();
    let mut trunks = Trunks::new(&[]).unwrap();
    assert_eq!(trunks.choose(at(1), &[]), None);
    trunks.provision(Some(address));
    trunks.get_mut(0).unwrap().take(at(1));
    trunks.provision(Some(address));
    assert_eq!(trunks.get(0).unwrap().calls, 1, "the same trunk stays");
    assert!(trunks.is_source("192.0.2.9:1".parse().unwrap()));
    trunks.provision(None);
    assert_eq!(trunks.choose(at(1), &[]), None);
    let mut configured = Trunks::new(&[trunk(4, 0, 1)]).unwrap();
    configured.provision(Some(address));
    assert_eq!(chosen(&mut configured, 1), [4]);
}

#[test]
fn numbers_are_written_as_the_trunk_wants_them() {
    let home = E164::new(12_025_550_142).unwrap();
    let abroad = E164::new(442_079_460_142).unwrap();
    let national = NumberForm::National { country: "1".to_owned(), abroad: "011".to_owned() };
    for (form, strip, prefix, at_home, far) in [
        (NumberForm::Plus, 0, "", "+12025550142", "+442079460142"),
        (NumberForm::Digits, 0, "", "12025550142", "442079460142"),
        (NumberForm::Digits, 1, "9,", "9,2025550142", "9,42079460142"),
        (national, 0, "", "2025550142", "011442079460142"),
    ] {
        let format = NumberFormat { form, strip, prefix: prefix.to_owned() };
        assert_eq!(format.write(home), at_home);
        assert_eq!(format.write(abroad), far);
    }
}

#[test]
fn a_trunk_with_several_places_is_tried_at_each_of_them_once() {
    let name = Some(TrunkName::Services { domain: "carrier.example".to_owned() });
    let mut trunks = Trunks::new(&[TrunkConfig { name, ..trunk(1, 0, 1) }]).unwrap();
    assert_eq!(trunks.choose(at(1), &[]), None, "nobody knows where it is");
    let place = |end| SocketAddr::from(([192, 0, 2, end], 5060));
    let trunk = trunks.get_mut(0).unwrap();
    assert!(!trunk.found(vec![]) && !trunk.is_up(at(1)));
    assert!(trunk.found(vec![place(7), place(8)]) && trunk.is_up(at(1)));
    assert_eq!(trunk.config.address, place(7));
    assert!(trunk.turn(0, &[0]), "the second was not tried");
    assert_eq!(trunk.config.address, place(8));
    assert!(!trunk.turn(0, &[0, 0]), "both were");
    assert_eq!(trunk.config.address, place(7));
    // What did not take a call is not kept when the name is looked up again.
    assert!(trunk.turn(0, &[0]) && trunk.found(vec![place(7), place(8)]));
    assert_eq!(trunk.config.address, place(7));
    // What did is kept wherever it stands now.
    assert!(!trunk.found(vec![place(9), place(7)]));
    assert_eq!(trunk.config.address, place(7));
    assert_eq!(trunks.choose(at(1), &[0]), Some(0));
    assert_eq!(trunks.choose(at(1), &[0, 0]), None);
    assert!(trunks.is_source(place(9)) && trunks.is_source(place(7)));
    assert!(!trunks.is_source(place(8)));
}
