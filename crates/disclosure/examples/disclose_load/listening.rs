//! Recordings: how fast one opens, and how soon one that was approved is heard.

use crate::{
    VERBS, elsewhere,
    measure::{Times, cpu_s},
    office::{CEDAR, NOW, Office, RECORDING, Running, reason, recorded_call, shown, signer},
    open_among,
    world::second,
};
use access::{Gate, Purpose};
use disclosure::records::{Answer, Heard, Reason};
use model::{RecordingId, fact::RecordingEnd};
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    path::Path,
    thread,
    time::{Duration, Instant},
};
use tlog::{KeyKind, Policy, Signer};
use witness::Peer;

/// The long recording.
const LONG: RecordingId = RecordingId(77);
/// A second of G.711, of which the called side here has one octet more.
pub(crate) const SECOND_OCTETS: usize = 7_999;

/// Seals a recording of so many whole seconds in both directions.
pub(crate) fn record(office: &Office, seconds: u32) -> RecordingEnd {
    let vault = office.world.vault_that_syncs_every(Duration::from_secs(2)).unwrap();
    let (mut writer, closing) = office.world.begin(&vault, LONG.0);
    for index in 0..seconds {
        writer.second(second(index, SECOND_OCTETS));
        // The vault takes seconds as they are spoken, and queues few.
        thread::sleep(SECOND_APART);
    }
    writer.end();
    let end = closing.recv().unwrap().unwrap();
    vault.close();
    assert_eq!(end.frames, seconds, "the vault took every second");
    end
}

/// Tells the store of it, and gives the investigator leave.
pub(crate) fn book(running: &Running, end: RecordingEnd) {
    let first = running.store.projected().unwrap() + 1;
    let facts: Vec<_> = (first..).zip(recorded_call(LONG, end)).collect();
    running.store.project(&facts).unwrap();
    running.grant("inve", Purpose::Investigation, VERBS);
}

/// Opens the long recording, and hears it to its end.
pub(crate) fn opened(running: &Running, seconds: u32) -> Value {
    let staff = running.staff("inve");
    let why = reason(Purpose::Investigation);
    let (begun, cpu) = (Instant::now(), cpu_s());
    let mut rounds = 0_u32;
    // Clock ticks are coarse: enough of them.
    while cpu_s() - cpu < CPU_S_MIN {
        let answer = running.records.listen(&staff, &why, (CEDAR, LONG));
        let mut heard = shown(answer.unwrap()).what;
        let mut octets = 0;
        while let Some(piece) = heard.next_piece().unwrap() {
            octets += piece.len();
        }
        assert!(octets > seconds as usize * (SECOND_OCTETS + 1) * 4, "the whole of it");
        rounds += 1;
    }
    let audio_s = f64::from(seconds) * f64::from(rounds);
    json!({
        "seconds": seconds,
        "rounds": rounds,
        "audio_s_per_cpu_s": audio_s / (cpu_s() - cpu),
        "audio_s_per_s": audio_s / begun.elapsed().as_secs_f64(),
    })
}

/// How soon audio that a second person approved begins, when two of three witnesses must have seen
/// the log, one of the three takes connections and never answers, and both keyholders are asked
/// over mutual TLS.
pub(crate) fn started(office: &Office, starts: u64) -> Value {
    let root = office.world.root();
    let ((_a, first), (_b, second)) = (witness(1, root), witness(2, root));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let third = Peer {
        url: format!("http://{}", silent.local_addr().unwrap()),
        key: witness_key(3).verifier().clone(),
    };
    let peers = vec![third, first, second];
    let keys = peers.iter().map(|peer| peer.key.clone()).collect();
    let policy = Policy::quorum(2, keys).unwrap();
    let gate = || Gate::new(signer().verifier().clone(), policy.clone());
    let holders = [0, 1]
        .map(|number| elsewhere::at(office, number, elsewhere::serve(office, number, gate())));
    let running = open_among(office, policy.clone(), peers, holders.into());
    let (staff, other) = (running.staff("inve"), running.staff("super"));
    let mut times = Times::new();
    let cpu = cpu_s();
    for _ in 0..starts {
        let why = reason(Purpose::Investigation);
        let asked = running.records.follow(&staff, &why, (CEDAR, RECORDING)).unwrap();
        let Answer::Waits { act, .. } = asked else { unreachable!("it wants a second person") };
        running.roster.approve(&other, act).unwrap();
        let again = Reason { act: Some(act), ..why };
        times.of(|| {
            let answer = running.records.follow(&staff, &again, (CEDAR, RECORDING));
            first_audio(shown(answer.unwrap()).what)
        });
    }
    let cpu_ms = (cpu_s() - cpu) * 1_000.0 / starts as f64;
    running.close();
    json!({ "starts": times.summary(), "cpu_ms_a_start": cpu_ms })
}

/// Reads to the end of the first second.
fn first_audio(mut heard: Heard) {
    let head = heard.next_piece().unwrap().unwrap();
    assert!(!head.is_empty(), "a file has a head");
    while heard.next_piece().unwrap().is_none_or(|piece| piece.is_empty()) {}
}

fn witness_key(number: u8) -> Signer {
    let name = format!("w{number}.example/witness");
    Signer::from_seed(&name, KeyKind::Witness, &[number + 10; 32]).unwrap()
}

fn witness(number: u8, root: &Path) -> (witness::Server, Peer) {
    let key = witness_key(number);
    let verifier = key.verifier().clone();
    let folder = root.join(format!("w{number}"));
    let logs = vec![signer().verifier().clone()];
    let witness = witness::Witness::open(key, logs, &folder).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let time_s = u64::try_from(NOW.micros() / 1_000_000).unwrap();
    let server = witness::serve(witness, listener, move || time_s).unwrap();
    let peer = Peer { url: format!("http://{}", server.address()), key: verifier };
    (server, peer)
}

const CPU_S_MIN: f64 = 2.0;
const SECOND_APART: Duration = Duration::from_millis(5);
