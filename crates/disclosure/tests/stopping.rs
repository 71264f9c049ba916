//! Calls that staff end: which, by whom, and what the log says of it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

#[path = "../../vault/tests/consent/mod.rs"]
mod consent;
mod office;
#[path = "../../vault/tests/open/mod.rs"]
mod open;
#[path = "../../vault/tests/world/mod.rs"]
mod world;

use disclosure::{
    Note, Stopping,
    stopping::{Floor, NotStopped, StopAsk, StopSaid, Stopped},
};
use evidence::{Kind, Statement, leaf};
use model::{
    AgencyId, CallId, Clock, PersonId, Private, UnitId,
    fact::{Admitted, Fact, NumberClass},
};
use office::{CEDAR, NOW, Office, PINE, Running, admitted};
use std::sync::{Arc, Mutex};

/// The calls that run, and those that were ended.
#[derive(Clone)]
struct Calls {
    running: Arc<Vec<Admitted>>,
    ended: Arc<Mutex<Vec<CallId>>>,
}

impl Floor for Calls {
    fn end(&self, ends: &dyn Fn(&Admitted) -> bool) -> Vec<CallId> {
        let ended: Vec<_> =
            self.running.iter().filter(|call| ends(call)).map(|call| call.call).collect();
        self.ended.lock().unwrap().extend(&ended);
        ended
    }
}

/// One of each kind, of unit 1 and person 1; call 6 is of unit 2 and person 2, call 7 of another
/// agency.
fn calls() -> Calls {
    let of = |id: u64, class| {
        let Fact::Admitted(admitted) = admitted(id, 42, class) else { panic!() };
        *admitted
    };
    let other = of(6, NumberClass::Ordinary);
    let foreign = of(7, NumberClass::Ordinary);
    let running = vec![
        of(1, NumberClass::Ordinary),
        of(2, NumberClass::Free),
        of(3, NumberClass::Protected),
        of(4, NumberClass::Relay),
        of(5, NumberClass::Service),
        Admitted { unit: UnitId(2), person: Some(PersonId(2)), ..other },
        Admitted { agency: PINE, ..foreign },
    ];
    Calls { running: Arc::new(running), ended: Arc::default() }
}

fn stopping(running: &Running, calls: &Calls) -> Stopping {
    let floor = Box::new(calls.clone());
    let register = Arc::clone(&running.register);
    Stopping::new(running.store.clone(), register, floor, Clock::new(|| NOW))
}

fn ask() -> StopAsk {
    StopAsk {
        facility: Some("cedar/jail".to_owned()),
        reason: Private::new("a threat in the jail".to_owned()),
        ..StopAsk::default()
    }
}

#[test]
fn calls_end_but_not_those_that_nobody_may_cut_and_it_is_entered() {
    let office = Office::new();
    let (running, calls) = (office.open(), calls());
    let stopped = stopping(&running, &calls).stop(&running.staff("super"), &ask()).unwrap();
    assert_eq!(stopped, Stopped { ended: 3, spared: 3 });
    assert_eq!(*calls.ended.lock().unwrap(), [1, 2, 6].map(CallId));
    let by = running.staff("super").id;
    running.close();
    let entries = Office::entries(&office.disk);
    let kills = entries.iter().filter(|(read, _)| read.said.what == Statement::Kill { calls: 3 });
    let [(read, detail)] = kills.collect::<Vec<_>>()[..] else { panic!("{entries:?}") };
    let detail = detail_of(read, detail);
    assert_eq!((detail.agency, detail.by, detail.spared), (CEDAR, by, 3));
    assert_eq!(detail.calls, [1, 2, 6].map(CallId));
    assert!(detail.facility.is_some() && detail.person.is_none());
    assert_eq!(detail.reason.expose(), "a threat in the jail");
}

#[test]
fn one_person_is_meant_by_their_number() {
    let office = Office::new();
    let (running, calls) = (office.open(), calls());
    let ask = StopAsk { person: Some(Private::new("P-2".to_owned())), ..ask() };
    let stopped = stopping(&running, &calls).stop(&running.staff("inve"), &ask).unwrap();
    assert_eq!(stopped, Stopped { ended: 1, spared: 0 });
    assert_eq!(*calls.ended.lock().unwrap(), [CallId(6)]);
}

#[test]
fn nothing_ends_for_who_may_not_for_nothing_named_or_for_what_is_not_there() {
    let office = Office::new();
    let (running, calls) = (office.open(), calls());
    let stopping = stopping(&running, &calls);
    let own = running.staff("super");
    for role in access::Role::ALL.iter().copied() {
        let staff = access::staff::Staff { role, ..own.clone() };
        let may = matches!(role, access::Role::Supervisor | access::Role::Investigator);
        let refused = stopping.stop(&staff, &ask());
        assert_eq!(refused.is_ok(), may, "{role}");
    }
    calls.ended.lock().unwrap().clear();
    let nothing = StopAsk { facility: None, ..ask() };
    assert!(matches!(stopping.stop(&own, &nothing), Err(NotStopped::Everything)));
    let silent = StopAsk { reason: Private::new(" ".to_owned()), ..ask() };
    assert!(matches!(stopping.stop(&own, &silent), Err(NotStopped::Reason)));
    let key = || Some("cedar/none".to_owned());
    for unknown in [
        StopAsk { facility: key(), ..ask() },
        StopAsk { unit: key(), ..ask() },
        StopAsk { station: key(), ..ask() },
        StopAsk { person: key().map(Private::new), ..ask() },
    ] {
        assert!(matches!(stopping.stop(&own, &unknown), Err(NotStopped::NotThere)), "{unknown:?}");
    }
    // What is another agency's is not there.
    let foreign = access::staff::Staff { agency: PINE, ..own.clone() };
    assert!(matches!(stopping.stop(&foreign, &ask()), Err(NotStopped::NotThere)));
    let gone = access::staff::Staff { revoked: true, ..own.clone() };
    assert!(matches!(stopping.stop(&gone, &ask()), Err(NotStopped::Unusable(_))));
    assert!(calls.ended.lock().unwrap().is_empty());
}

#[test]
fn a_log_that_takes_nothing_keeps_no_call_going() {
    let office = Office::new();
    let (running, calls) = (office.open(), calls());
    let stopping = stopping(&running, &calls);
    let staff = running.staff("super");
    running.close();
    assert!(matches!(stopping.stop(&staff, &ask()), Err(NotStopped::NotEntered(_))));
    assert_eq!(calls.ended.lock().unwrap().len(), 3);
}

#[test]
fn what_a_stop_says_is_written_as_it_was() {
    let said = StopSaid {
        agency: AgencyId(1),
        by: model::StaffId(2),
        facility: None,
        unit: Some(UnitId(3)),
        station: None,
        person: Some(PersonId(4)),
        reason: Private::new("why".to_owned()),
        calls: vec![CallId(5)],
        spared: 6,
    };
    let octets = postcard::to_allocvec(&said).unwrap();
    assert_eq!(octets, [1, 2, 0, 1, 3, 0, 1, 4, 3, b'w', b'h', b'y', 1, 5, 6]);
}

fn detail_of(read: &leaf::Read, detail: &[u8]) -> StopSaid {
    let detail = leaf::open(read, detail).unwrap();
    let head = Note::head(Kind::Kill).unwrap().as_bytes();
    postcard::from_bytes(detail.strip_prefix(head).unwrap()).unwrap()
}
