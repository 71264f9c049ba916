//! The load of `cargo xtask bench disclose`: what a disclosure costs, from the request to what is
//! shown, with everything between: the policies, the entry in the log, its proof, the keyholders.
//!
//! Prints one JSON document. Records, log, store and keyholders are real and on disk; details are
//! sealed as a node seals them; both keyholders are at hand, or on other machines where it is said.
#![expect(clippy::print_stdout, reason = "its output is read by xtask")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark that fails has no figures")]

#[path = "../../../vault/tests/consent/mod.rs"]
mod consent;
#[path = "../../tests/office/elsewhere.rs"]
mod elsewhere;
mod following;
mod listening;
mod measure;
#[path = "../../tests/office/mod.rs"]
mod office;
#[path = "../../../vault/tests/open/mod.rs"]
mod open;
mod searching;
#[path = "../../../vault/tests/world/mod.rs"]
mod world;

use access::{Gate, Verb};
use disclosure::{HolderAt, SealDetail};
use office::{NOW, Office, Running, here, signer};
use serde_json::json;
use std::env;
use tlog::Policy;
use vault::DetailSealer;
use witness::Peer;

/// What the investigators' grants are for.
const VERBS: &[Verb] = &[Verb::Search, Verb::Listen, Verb::Follow];

fn main() {
    if env::args().nth(1).is_some_and(|word| word == "follow") {
        let seconds = env::args().nth(2).unwrap().parse().unwrap();
        println!("{}", following::followed(seconds));
        return;
    }
    let mut numbers = env::args().skip(1).map(|number| number.parse().unwrap());
    let (records, searches) = (numbers.next().unwrap(), numbers.next().unwrap());
    let (seconds, starts) = (numbers.next().unwrap(), numbers.next().unwrap());
    let seconds = u32::try_from(seconds).unwrap();
    let office = Office::new();
    let recorded = listening::record(&office, seconds);
    let running = open_office(&office, Policy::LOG_ALONE, vec![]);
    listening::book(&running, recorded);
    let opened = listening::opened(&running, seconds);
    let searched = searching::searched(&running, records, searches);
    running.close();
    let started = listening::started(&office, starts);
    println!("{}", json!({ "searched": searched, "opened": opened, "started": started }));
}

/// Opens the office with both keyholders at hand.
fn open_office(office: &Office, witnesses: Policy, peers: Vec<Peer>) -> Running {
    open_among(office, witnesses, peers, here(&office.disk))
}

/// Opens the office with seals as a node has them.
fn open_among(
    office: &Office,
    witnesses: Policy,
    peers: Vec<Peer>,
    holders: Vec<HolderAt>,
) -> Running {
    let gate = Gate::new(signer().verifier().clone(), witnesses);
    let sealer = DetailSealer::new(office.world.keyholders());
    let seal: SealDetail =
        Box::new(move |agency, detail| sealer.seal(Some(agency), NOW, detail.to_vec()).ok());
    office.open_sealing(&office.disk, gate, (peers, holders), seal)
}
