//! What an append costs the processor: appends of one admission with its entry for the log, as many
//! to a group as fit, into a folder that should be in memory (`/dev/shm`), so that no disk is
//! measured.
//!
//! `cargo run --release -p journal --example fact_load -- FOLDER APPENDS`
#![expect(clippy::print_stdout, reason = "its output is read by a person")]
#![expect(clippy::unwrap_used, reason = "a benchmark that fails has no figures")]

use journal::{Draft, Journal, LEAF_OCTETS, Options, SealKey};
use model::{
    AccountId, AgencyId, CallId, E164, FacilityId, Money, PersonId, Private, StationId, Timestamp,
    UnitId,
    fact::{Admitted, Epoch, Fact, HoldFact, NumberClass, RateFact},
    place::{FacilityKind, Site, State},
};
use std::{env, fs, path::PathBuf, sync::mpsc};

/// A sealed detail of an ordinary entry.
const DETAIL_OCTETS: usize = 400;
/// Appends on their way at once.
const ON_THE_WAY: u64 = 1_000;
const TICKS_PER_SECOND: f64 = 100.0;

fn main() {
    let mut args = env::args().skip(1);
    let folder = PathBuf::from(args.next().unwrap()).join(std::process::id().to_string());
    let appends: u64 = args.next().unwrap().parse().unwrap();
    let key = SealKey::derive(&[1; 32]);
    let (journal, _) = Journal::open(&folder, &key, Options::default(), |_, _| {}).unwrap();
    let (done, answers) = mpsc::channel();
    let begun = ticks();
    for n in 0..appends {
        let done = done.clone();
        journal.append_entries(vec![admitted(n)], vec![draft()], move |appended| {
            done.send(appended.unwrap().last).unwrap();
        });
        if n % ON_THE_WAY == ON_THE_WAY - 1 {
            answers.iter().take(usize::try_from(ON_THE_WAY).unwrap()).for_each(drop);
        }
    }
    journal.close();
    let spent = (ticks() - begun) / TICKS_PER_SECOND;
    let octets: u64 =
        fs::read_dir(&folder).unwrap().map(|it| it.unwrap().metadata().unwrap().len()).sum();
    println!(
        "{appends} appends, {octets} octets, {:.2} us of CPU each",
        spent * 1e6 / appends as f64
    );
    let begun = ticks();
    let mut facts = 0_u64;
    journal::replay(&folder, &key, journal::Seq(0), |_, _| {
        facts += 1;
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    let spent = (ticks() - begun) / TICKS_PER_SECOND;
    println!("{facts} facts read again, {:.2} us of CPU each", spent * 1e6 / facts as f64);
    fs::remove_dir_all(folder).unwrap();
}

fn draft() -> Draft {
    let mut leaf = [7; LEAF_OCTETS];
    leaf.iter_mut()
        .zip([1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        .for_each(|(to, it)| *to = it);
    Draft { leaf, detail: vec![7; DETAIL_OCTETS] }
}

fn admitted(n: u64) -> Fact {
    let at = Timestamp::from_micros(1_700_000_000_000_000);
    let site = Site { kind: FacilityKind::Jail, adp: 420, state: State::new("CO").unwrap() };
    let rate = RateFact {
        base_per_minute: Money::from_micros(60_000),
        additive_per_minute: Money::from_micros(20_000),
        site,
        at,
    };
    Fact::Admitted(Box::new(Admitted {
        call: CallId(n),
        at,
        agency: AgencyId(1),
        facility: FacilityId(2),
        unit: UnitId(3),
        station: StationId(4),
        person: Some(PersonId(5)),
        number: Private::new(E164::new(12_025_550_142).unwrap()),
        class: NumberClass::Ordinary,
        epoch: Epoch(7),
        may_record: Ok(()),
        hold: Some(HoldFact {
            account: AccountId(6),
            amount: Money::from_cents(120),
            rate,
            expires: at,
        }),
    }))
}

/// Processor time of this process in hundredths of a second.
fn ticks() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // User and system time, fields 14 and 15 of proc_pid_stat(5).
    [11, 12].iter().map(|at| fields.get(*at).unwrap().parse::<f64>().unwrap()).sum()
}
