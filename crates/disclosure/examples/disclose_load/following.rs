//! How long after it was spoken a second is heard by whoever follows the call.

use crate::{
    VERBS,
    listening::SECOND_OCTETS,
    measure::Times,
    office::{CEDAR, Office, SECONDS, reason, recorded_call, shown},
    open_office,
    world::second,
};
use access::Purpose;
use disclosure::records::{Answer, Reason};
use model::{
    RecordingId,
    fact::{RecordingEnd, RecordingState},
};
use serde_json::{Value, json};
use std::{
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};
use tlog::Policy;

/// The call that goes on.
const LIVE: RecordingId = RecordingId(78);

/// Follows a call in which so many seconds are spoken, one a second, and sealed as they are.
///
/// A second is handed to the vault when its last sample was spoken; from then on the time counts
/// until its audio is in the hands of whoever follows, approved and entered.
pub(crate) fn followed(seconds: u32) -> Value {
    let office = Office::new();
    let vault = office.world.vault_that_syncs_every(Duration::from_secs(2)).unwrap();
    let (mut writer, closing) = office.world.begin(&vault, LIVE.0);
    let running = open_office(&office, Policy::LOG_ALONE, vec![]);
    // Admitted and accepted; what closes it comes when it is over.
    let first = running.store.projected().unwrap() + 1;
    let [admitted, accepted, _, _] = recorded_call(LIVE, nothing());
    running.store.project(&[(first, admitted), (first + 1, accepted)]).unwrap();
    running.grant("inve", Purpose::Investigation, VERBS);
    let (staff, other) = (running.staff("inve"), running.staff("super"));
    let why = reason(Purpose::Investigation);
    let asked = running.records.follow(&staff, &why, (CEDAR, LIVE)).unwrap();
    let Answer::Waits { act, .. } = asked else { unreachable!("it wants a second person") };
    running.roster.approve(&other, act).unwrap();
    let (spoken, heard_of) = channel();
    let speaking = thread::spawn(move || {
        let begun = Instant::now();
        for index in 0..seconds {
            let over = begun + Duration::from_secs(u64::from(index) + 1);
            thread::sleep(over.saturating_duration_since(Instant::now()));
            spoken.send(Instant::now()).unwrap();
            writer.second(second(index, SECOND_OCTETS));
        }
        writer.end();
    });
    let again = Reason { act: Some(act), ..why };
    let answer = running.records.follow(&staff, &again, (CEDAR, LIVE));
    let mut heard = shown(answer.unwrap()).what;
    let mut times = Times::new();
    let head = heard.next_piece().unwrap().unwrap();
    assert!(!head.is_empty(), "a file has a head");
    while let Some(piece) = heard.next_piece().unwrap() {
        if !piece.is_empty() {
            times.keep(heard_of.recv().unwrap().elapsed());
        }
    }
    speaking.join().unwrap();
    assert_eq!(closing.recv().unwrap().unwrap().frames, seconds, "the vault took every second");
    vault.close();
    running.close();
    json!({ "times": times.summary() })
}

/// Something in the place of the end that a call does not have yet.
fn nothing() -> RecordingEnd {
    RecordingEnd { state: RecordingState::Ended, frames: SECONDS, bytes: 0, sha256: [0; 32] }
}
