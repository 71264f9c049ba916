//! A node that is always the same.

use console::status::{
    CallsNow, DiskNow, OtherNow, Pulse, RegistryNow, StationNow, Stations, Status, TrunkNow,
    Written,
};
use disclosure::Reached;
use model::{AgencyId, Timestamp};
use std::collections::BTreeMap;

/// It has one station, one trunk that is silent, and six calls that talk.
pub(crate) struct Still;

impl Pulse for Still {
    fn status(&self, agency: Option<AgencyId>) -> Status {
        let at = Timestamp::from_micros(1_795_726_800_000_000);
        let stages = [("menu".to_owned(), 1), ("talking".to_owned(), 6)].into_iter().collect();
        let station = StationNow {
            station: "cedar/jail/a/1".to_owned(),
            state: "registered",
            until: Some(at),
        };
        let silent = Reached { answered: None, silent: Some(at) };
        Status {
            version: "0.1.0".to_owned(),
            build: "ab".repeat(32),
            start: 3,
            started: at,
            at,
            alarms: vec!["trunk 1 does not answer".to_owned()],
            calls: Some(CallsNow::new(stages, 6, 4, 100)),
            counts: BTreeMap::from([("refused_transfer".to_owned(), 2)]),
            refused: BTreeMap::from([("own_number".to_owned(), 1)]),
            stations: Stations {
                count: 1,
                registered: 1,
                registering: 1,
                each: agency.map(|_| station).into_iter().collect(),
            },
            trunks: vec![TrunkNow { trunk: 1, state: "silent", calls: 6, max: None }],
            disks: vec![DiskNow {
                of: "records and recordings",
                free: 50,
                size: 100,
                free_percent: 50,
                hours: 0,
                step: "full",
            }],
            written: Written {
                facts: 9,
                facts_to_project: 1,
                facts_unsaid: 0,
                journal_stopped: false,
                entries: 8,
                entries_to_carry: 0,
                log_open: true,
            },
            registry: RegistryNow { epoch: 1, numbers: 2, confirmed: at, usable: true },
            custody: "split".to_owned(),
            keyholders: vec![],
            witnesses: vec![OtherNow::of("court.example/witness".to_owned(), silent)],
            signing: None,
        }
    }
}
