//! Pages of a search over many records.

use crate::{
    VERBS,
    measure::{Times, cpu_s},
    office::{CASE, CEDAR, HOUR, NOW, Running, admitted, number, over, plan, reason, shown},
};
use access::{Purpose, Query, Role, act::Line, staff::Staff};
use disclosure::{records::Look, roster::NewGrant};
use model::{
    CallId, Language, PersonId, Private, Timestamp,
    fact::{Fact, NumberClass},
};
use serde_json::{Value, json};
use std::time::Duration;
use store::{
    Plan,
    plan::Person,
    staff::{Enrolment, NewStaff},
};

/// People whose calls they are.
const PEOPLE: u64 = 2_000;
/// Numbers that they call.
const NUMBERS: u64 = 100;
/// Over how long the calls are spread.
const SPREAD: Duration = Duration::from_secs(90 * 86_400);
/// Facts that are projected at once.
const BATCH: u64 = 1_000;
const PAGE_ROWS: u32 = 50;
/// As many rows as one person may see in a day without a second one.
const ROWS_A_DAY: u32 = access::limits::ROWS_PER_DAY_MAX;

/// Fills the store, and searches it page by page: by time, by person, and by number.
pub(crate) fn searched(running: &Running, records: u64, searches: u64) -> Value {
    fill(running, records);
    let pages_each = u64::from(ROWS_A_DAY / PAGE_ROWS) / 3 * 3;
    let mut times = [Times::new(), Times::new(), Times::new()];
    let (mut rows, mut cpu) = (0, 0.0);
    for round in 0..searches.div_ceil(pages_each) {
        let staff = investigator(running, round);
        let left = pages_each.min(searches - round * pages_each);
        let begun = cpu_s();
        for page in 0..left {
            let search = nth(round * pages_each + page);
            let kind = usize::try_from(page % 3).unwrap();
            let why = reason(Purpose::Investigation);
            let found = times.get_mut(kind).unwrap();
            let found = found.of(|| running.records.search(&staff, &why, &search));
            rows += shown(found.unwrap()).what.rows.len();
        }
        cpu += cpu_s() - begun;
    }
    let [by_time, by_person, by_number] = times.map(Times::summary);
    json!({
        "records": records,
        "by_time": by_time,
        "by_person": by_person,
        "by_number": by_number,
        "rows_a_page": rows as f64 / searches as f64,
        "cpu_ms_a_page": cpu * 1_000.0 / searches as f64,
    })
}

/// The n-th search, of some time, some person's or some number's calls from some time on.
fn nth(n: u64) -> Look {
    // Spread over the first eight tenths, so that every page is full.
    let part = n.wrapping_mul(0x9e37_79b9) % 800;
    let from =
        NOW.micros() - micros(SPREAD) + micros(SPREAD) / 1_000 * i64::try_from(part).unwrap();
    let query = Query {
        person: (n % 3 == 1).then(|| Private::new(format!("P-{}", 1 + n * 7 % PEOPLE))),
        number: (n % 3 == 2).then(|| number(n * 11 % NUMBERS)),
        from: Some(Timestamp::from_micros(from)),
        ..Query::of(Line::Ordinary)
    };
    Look { agency: CEDAR, query, limit: PAGE_ROWS }
}

fn fill(running: &Running, records: u64) {
    let person = |index: u64| {
        let mut pin = [0; 32];
        pin.iter_mut().zip(index.to_be_bytes()).for_each(|(octet, part)| *octet = part);
        Person {
            agency: "cedar".into(),
            facility: "cedar/jail".into(),
            key: Private::new(format!("P-{index}")),
            name: Private::new(format!("Person {index}")),
            pin: Private::new(pin),
            language: Language::En,
            removed: false,
            line: index,
        }
    };
    let plan = Plan { people: (1..=PEOPLE).map(person).collect(), ..plan(&[]) };
    running.store.apply(&plan, NOW).unwrap();
    let apart = micros(SPREAD) / i64::try_from(records).unwrap();
    let mut seq = running.store.projected().unwrap();
    let mut batch = Vec::new();
    for index in 0..records {
        let call = CallId(FIRST_CALL + index);
        let Fact::Admitted(mut fact) =
            admitted(call.0, index * 13 % NUMBERS, NumberClass::Ordinary)
        else {
            continue;
        };
        let at = NOW.micros() - micros(SPREAD) + apart * i64::try_from(index).unwrap();
        fact.at = Timestamp::from_micros(at);
        fact.person = Some(PersonId(u32::try_from(1 + index % PEOPLE).unwrap()));
        for fact in [Fact::Admitted(fact), over(call, Duration::from_secs(60 + index % 900))] {
            seq += 1;
            batch.push((seq, fact));
        }
        if index % BATCH == BATCH - 1 || index + 1 == records {
            running.store.project(&batch).unwrap();
            batch.clear();
        }
    }
}

/// Somebody new, with a grant for as much as one person may see.
fn investigator(running: &Running, round: u64) -> Staff {
    let name = format!("bench{round}");
    let new = NewStaff {
        id: running.store.next_staff().unwrap(),
        agency: CEDAR,
        name: Private::new(name.clone()),
        role: Role::Investigator,
        enrolment: Enrolment { token: [0; 32], until: NOW },
    };
    running.store.add_staff(&new, NOW).unwrap();
    let grant = NewGrant {
        staff: new.id,
        case: Private::new(CASE.to_owned()),
        purpose: Purpose::Investigation,
        verbs: VERBS.to_vec(),
        rows_max: ROWS_A_DAY,
        from: NOW,
        until: NOW.after(24 * HOUR),
    };
    running.roster.give(&running.staff("super"), grant).unwrap();
    running.staff(&name)
}

fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap()
}

/// Calls before it are the office's own.
const FIRST_CALL: u64 = 1_000;
