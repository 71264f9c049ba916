//! People and places that a database does not know.

use super::samples::{admitted, at, denied, ended, filled, person};
use crate::{Plan, Refused, Spoken, StoreError};
use model::{
    AccountId, AgencyId, FacilityId, Money, PersonId, StationId, UnitId,
    fact::{Admitted, Fact, Rest},
};

#[test]
fn people_whom_a_database_never_knew_keep_their_numbers_and_places_are_not_made_up() {
    let (_folder, store) = filled();
    let mut stranger = admitted(1, Some(240));
    stranger.person = Some(PersonId(7));
    stranger.hold.as_mut().unwrap().account = AccountId(7);
    let facts = vec![
        (1, Fact::Admitted(Box::new(admitted(2, Some(240))))),
        (2, ended(2, 12, Rest::Released)),
        (3, Fact::Admitted(Box::new(stranger.clone()))),
        (4, ended(1, 12, Rest::Released)),
        (5, denied(3)),
        (6, Fact::PinRefused { station: StationId(99), at: at(141) }),
    ];
    let mut spoken = Spoken::default();
    facts.iter().for_each(|(_, fact)| spoken.note(fact));
    assert_eq!(store.take_in(&spoken, at(5)), Ok(1));
    assert_eq!(store.take_in(&spoken, at(6)), Ok(0), "once");
    store.project(&facts).unwrap();
    // Nobody is known by that number, and whoever comes next has another.
    let people = || store.configuration().unwrap().people;
    assert!(people().iter().all(|person| person.id != PersonId(7)));
    let plan = Plan { people: vec![person("P-999", 9)], ..Plan::default() };
    store.apply(&plan, at(7)).unwrap();
    let new = people().into_iter().find(|it| it.key.expose() == "P-999").unwrap();
    assert_eq!((new.id, new.account), (PersonId(8), AccountId(8)));
    let accounts = store.configuration().unwrap().accounts;
    let balance = |id| accounts.iter().find(|it| it.id == id).unwrap();
    assert_eq!(balance(AccountId(8)).settled, Money::ZERO);
    assert_eq!(balance(AccountId(7)).settled, Money::from_cents(12));
    // Of places nothing is made up, and of the rest nothing is taken.
    stranger.person = Some(PersonId(30));
    for wrong in [
        Admitted { station: StationId(99), ..stranger.clone() },
        Admitted { facility: FacilityId(99), ..stranger.clone() },
        Admitted { unit: UnitId(99), ..stranger.clone() },
    ] {
        let mut spoken = Spoken::default();
        spoken.note(&Fact::Admitted(Box::new(wrong)));
        let refused = StoreError::Refused(Refused::PlacesUnknown { count: 1 });
        assert_eq!(store.take_in(&spoken, at(8)), Err(refused));
    }
    stranger.agency = AgencyId(99);
    spoken.note(&Fact::Admitted(Box::new(stranger)));
    let refused = StoreError::Refused(Refused::PlacesUnknown { count: 4 });
    assert_eq!(store.take_in(&spoken, at(8)), Err(refused));
    store.apply(&Plan { people: vec![person("P-998", 8)], ..Plan::default() }, at(9)).unwrap();
    assert!(people().iter().any(|person| person.id == PersonId(9)));
}
