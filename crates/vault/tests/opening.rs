//! What opens a recording: two keyholders, a recipient, and the receipt of just this disclosure.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod consent;
#[path = "../../access/tests/log/mod.rs"]
mod log;
mod open;
mod world;

use access::{Gate, Intent, Object, Receipt, Verb};
use log::{Log, MINUTE, NOW, log_key};
use model::{AgencyId, RecordingId, Second};
use std::{
    fs::{self, OpenOptions},
    io::Write,
};
use tlog::Policy;
use vault::{
    Followed, HEADER_OCTETS, KeyholderSecret, Next, NotOpened, Reading, RecipientSecret, Resealed,
    Share, Shelf, generate,
};
use world::{ABOUT, World, second};

/// Two keyholders, a recipient, a log, and a recording of five seconds.
struct Scene {
    world: World,
    holders: [KeyholderSecret; 2],
    recipient: RecipientSecret,
    log: Log,
    recording: Vec<u8>,
}

const SECONDS: u32 = 5;

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let (path, _) = world.recorded(7, SECONDS);
        Self {
            holders: [world.a.secret(), world.b.secret()],
            world,
            recipient: RecipientSecret::generate().unwrap(),
            log: Log::of(3),
            recording: fs::read(path).unwrap(),
        }
    }

    fn header(&self) -> &[u8] {
        &self.recording[..HEADER_OCTETS]
    }

    fn intent(&self, verb: Verb) -> Intent {
        let object = vault::object(self.header()).unwrap();
        Intent { verb, object, recipient: self.recipient.public(), ..log::intent() }
    }

    /// A new entry in the log, and a receipt for each of so many who check it.
    fn receipts<const N: usize>(&mut self, intent: Intent) -> [Receipt; N] {
        let proof = self.log.proof(intent);
        let gate = Gate::new(log_key(), Policy::LOG_ALONE);
        [(); N].map(|()| gate.receipt(proof.clone(), NOW).unwrap())
    }

    fn shares(&self, a: Receipt, b: Receipt) -> [Resealed; 2] {
        let [agency, independent] = &self.holders;
        [agency.reseal(self.header(), a).unwrap(), independent.reseal(self.header(), b).unwrap()]
    }

    /// Everything in order up to the opening.
    fn ready(&mut self, verb: Verb) -> ([Resealed; 2], Receipt) {
        let [a, b, receipt] = self.receipts(self.intent(verb));
        (self.shares(a, b), receipt)
    }

    fn open<'o>(&mut self, octets: &'o [u8]) -> Result<Reading<&'o [u8]>, NotOpened> {
        let (shares, receipt) = self.ready(Verb::Listen);
        vault::open(octets, &shares, &self.recipient, receipt)
    }
}

fn read(reading: &mut Reading<impl std::io::Read>) -> (Vec<Second>, Result<Next, NotOpened>) {
    let mut seconds = Vec::new();
    loop {
        match reading.read() {
            Ok(Next::Second(second)) => seconds.push(*second),
            end => return (seconds, end),
        }
    }
}

#[test]
fn two_shares_and_a_receipt_open_a_recording() {
    let mut scene = Scene::new();
    let octets = scene.recording.clone();
    let mut reading = scene.open(&octets).unwrap();
    let about = reading.about();
    assert_eq!((about.agency, about.recording), (ABOUT.agency, RecordingId(7)));
    assert_eq!(about.begun, scene.world.now());
    let (seconds, end) = read(&mut reading);
    assert_eq!(seconds, (0..SECONDS).map(|index| second(index, 5)).collect::<Vec<_>>());
    assert_eq!(end, Ok(Next::Ended { at: scene.world.now() }));
    assert_eq!(reading.read(), Err(NotOpened::Over));
    // The reader that was written from the document sees the same.
    let other = open::open(&octets, &scene.world.a, &scene.world.b).unwrap();
    assert_eq!(other.seconds, seconds);
}

#[test]
fn a_cut_recording_opens_up_to_the_cut_wherever_it_is() {
    let mut scene = Scene::new();
    let octets = scene.recording.clone();
    let mut last = 0;
    for length in HEADER_OCTETS..octets.len() {
        // One entry for many cuts would do; the log of a test is small.
        scene.log = Log::of(3);
        let (seconds, end) = read(&mut scene.open(&octets[..length]).unwrap());
        let other = open::open(&octets[..length], &scene.world.a, &scene.world.b).unwrap();
        let open::End::Cut { left_over } = other.end else { panic!("{:?}", other.end) };
        assert_eq!(end, Ok(Next::Pause { left_over: left_over as u64 }));
        assert_eq!(seconds, other.seconds);
        last = seconds.len();
    }
    assert_eq!(last, 5);
    for length in 0..HEADER_OCTETS {
        scene.log = Log::of(3);
        assert_eq!(scene.open(&octets[..length]).unwrap_err(), NotOpened::NoRecording);
    }
}

#[test]
fn a_changed_octet_is_noticed_wherever_it_is() {
    let mut scene = Scene::new();
    let octets = scene.recording.clone();
    for at in 0..octets.len() {
        scene.log = Log::of(3);
        let mut changed = octets.clone();
        changed[at] ^= 1;
        match scene.open(&changed) {
            Ok(mut reading) => {
                let (seconds, end) = read(&mut reading);
                assert!(at >= HEADER_OCTETS, "octet {at} of the header counts for nothing");
                assert!(seconds.len() <= (at - HEADER_OCTETS) / 58, "octet {at}");
                // A length that cannot be is where a cut begins; all else is damage.
                let cut = matches!(end, Ok(Next::Pause { .. }));
                assert!(cut || matches!(end, Err(NotOpened::Frame(_))), "octet {at}: {end:?}");
            }
            Err(why) => {
                let header = [NotOpened::NoRecording, NotOpened::OtherRecording];
                assert!(at < HEADER_OCTETS && header.contains(&why), "octet {at}: {why}");
            }
        }
    }
    let mut longer = octets.clone();
    longer.push(0);
    scene.log = Log::of(3);
    assert_eq!(read(&mut scene.open(&longer).unwrap()).1, Err(NotOpened::End));
}

#[test]
fn a_keyholder_opens_what_the_entry_names_and_nothing_else() {
    let mut scene = Scene::new();
    let header = scene.header().to_vec();
    let of = |scene: &Scene, object| Intent { object, ..scene.intent(Verb::Listen) };
    let Object::Recording { agency, recording, header: digest } = scene.intent(Verb::Listen).object
    else {
        panic!("no recording")
    };
    for object in [
        Object::Recording { agency, recording: RecordingId(8), header: digest },
        Object::Recording { agency: AgencyId(4), recording, header: digest },
        Object::Recording { agency, recording, header: [0; 32] },
        Object::Records { agency, records: vec![] },
        Object::Ledger { agency },
    ] {
        let [receipt] = scene.receipts(of(&scene, object));
        let refused = scene.holders[0].reseal(&header, receipt);
        assert_eq!(refused, Err(NotOpened::OtherRecording));
    }
    for verb in [Verb::Search, Verb::Hold, Verb::Approve, Verb::List, Verb::Retain] {
        let [receipt, other] = scene.receipts(scene.intent(verb));
        let refused = scene.holders[1].reseal(&header, receipt);
        assert_eq!(refused, Err(NotOpened::HearsNothing));
        let (shares, _) = scene.ready(Verb::Listen);
        let refused = vault::open(&*scene.recording, &shares, &scene.recipient, other);
        assert_eq!(refused.unwrap_err(), NotOpened::HearsNothing);
    }
    let (stranger, _) = generate().unwrap();
    let [receipt, second] = scene.receipts(scene.intent(Verb::Listen));
    assert_eq!(stranger.reseal(&header, receipt), Err(NotOpened::OtherKeyholder));
    assert_eq!(scene.holders[0].reseal(&header[1..], second), Err(NotOpened::NoRecording));
    // A key that gives everybody the same secret (RFC 7748 section 6.1).
    let weak = Intent { recipient: access::Recipient([0; 32]), ..scene.intent(Verb::Listen) };
    let [receipt] = scene.receipts(weak);
    assert_eq!(scene.holders[0].reseal(&header, receipt), Err(NotOpened::Recipient));
}

#[test]
fn shares_open_for_their_own_recipient_and_entry_only() {
    let mut scene = Scene::new();
    let octets = scene.recording.clone();
    let (shares, receipt) = scene.ready(Verb::Listen);
    let thief = RecipientSecret::generate().unwrap();
    let refused = vault::open(&*octets, &shares, &thief, receipt);
    assert_eq!(refused.unwrap_err(), NotOpened::OtherRecipient);
    // The thief has an entry, but the shares of somebody else's.
    let own = Intent { recipient: thief.public(), ..scene.intent(Verb::Listen) };
    let [receipt] = scene.receipts(own);
    let refused = vault::open(&*octets, &shares, &thief, receipt);
    assert_eq!(refused.unwrap_err(), NotOpened::Share(Share::A));
    // The same recipient, the shares of an earlier entry.
    let [receipt] = scene.receipts(scene.intent(Verb::Listen));
    let refused = vault::open(&*octets, &shares, &scene.recipient, receipt);
    assert_eq!(refused.unwrap_err(), NotOpened::Share(Share::A));
    // One keyholder alone, twice.
    let (shares, receipt) = scene.ready(Verb::Listen);
    let refused = vault::open(&*octets, &[shares[0]; 2], &scene.recipient, receipt);
    assert_eq!(refused.unwrap_err(), NotOpened::Share(Share::B));
    let ([a, b], receipt) = scene.ready(Verb::Listen);
    let swapped = [Resealed { share: Share::B, ..a }, Resealed { share: Share::A, ..b }];
    let refused = vault::open(&*octets, &swapped, &scene.recipient, receipt);
    assert_eq!(refused.unwrap_err(), NotOpened::Share(Share::A));
    // Their order does not matter.
    let ([a, b], receipt) = scene.ready(Verb::Export);
    assert!(vault::open(&*octets, &[b, a], &scene.recipient, receipt).is_ok());
}

#[test]
fn a_closed_recording_is_found_on_the_shelf() {
    let mut scene = Scene::new();
    let shelf = Shelf::at(scene.world.vault_dir());
    let place = (ABOUT.agency, RecordingId(7));
    assert_eq!(shelf.header(place.0, place.1).unwrap(), scene.header());
    let (shares, receipt) = scene.ready(Verb::Listen);
    let mut reading = shelf.open(place, &shares, &scene.recipient, receipt).unwrap();
    assert_eq!(read(&mut reading).0.len(), 5);
    for absent in [(ABOUT.agency, RecordingId(8)), (AgencyId(4), RecordingId(7))] {
        assert_eq!(shelf.header(absent.0, absent.1), Err(NotOpened::NoRecording));
    }
    // To follow and to listen are different entries.
    let (shares, receipt) = scene.ready(Verb::Follow);
    let refused = shelf.open(place, &shares, &scene.recipient, receipt);
    assert_eq!(refused.unwrap_err(), NotOpened::HearsNothing);
    let (shares, receipt) = scene.ready(Verb::Listen);
    let refused = shelf.follow(place, &shares, &scene.recipient, receipt);
    assert_eq!(refused.unwrap_err(), NotOpened::HearsNothing);
}

#[test]
fn a_recording_is_followed_as_it_grows_octet_by_octet() {
    let mut scene = Scene::new();
    let octets = scene.recording.clone();
    let shelf = Shelf::at(scene.world.vault_dir());
    let place = (ABOUT.agency, RecordingId(7));
    let (part, closed) = (scene.world.part(7), scene.world.closed(7, "rec"));
    fs::remove_file(&closed).unwrap();
    fs::write(&part, &octets[..HEADER_OCTETS]).unwrap();
    let (shares, receipt) = scene.ready(Verb::Follow);
    let mut follow = shelf.follow(place, &shares, &scene.recipient, receipt).unwrap();
    assert_eq!(follow.about().recording, RecordingId(7));
    let mut grows = OpenOptions::new().append(true).open(&part).unwrap();
    let mut seconds = Vec::new();
    for octet in &octets[HEADER_OCTETS..octets.len() - 1] {
        grows.write_all(&[*octet]).unwrap();
        match follow.poll(NOW).unwrap() {
            Followed::Second(second) => seconds.push(*second),
            Followed::Waiting => {}
            end @ (Followed::Ended { .. } | Followed::Cut { .. }) => panic!("{end:?}"),
        }
    }
    assert_eq!(seconds, (0..SECONDS).map(|index| second(index, 5)).collect::<Vec<_>>());
    // It ends and is moved while it is followed.
    grows.write_all(&octets[octets.len() - 1..]).unwrap();
    fs::rename(&part, &closed).unwrap();
    assert_eq!(follow.poll(NOW), Ok(Followed::Ended { at: scene.world.now() }));
    assert_eq!(follow.poll(NOW), Err(NotOpened::Over));
}

#[test]
fn a_followed_recording_that_is_cut_says_so_and_the_time_of_the_entry_ends_it() {
    let mut scene = Scene::new();
    let octets = scene.recording.clone();
    let shelf = Shelf::at(scene.world.vault_dir());
    let place = (ABOUT.agency, RecordingId(7));
    let (part, closed) = (scene.world.part(7), scene.world.closed(7, "cut"));
    fs::remove_file(scene.world.closed(7, "rec")).unwrap();
    fs::write(&part, &octets[..octets.len() - 1]).unwrap();
    let (shares, receipt) = scene.ready(Verb::Follow);
    let mut follow = shelf.follow(place, &shares, &scene.recipient, receipt).unwrap();
    for _ in 0..SECONDS {
        assert!(matches!(follow.poll(NOW), Ok(Followed::Second(_))));
    }
    assert_eq!(follow.poll(NOW), Ok(Followed::Waiting));
    fs::rename(&part, &closed).unwrap();
    assert_eq!(follow.poll(NOW), Ok(Followed::Cut { left_over: 48 }));
    assert_eq!(follow.poll(NOW.after(10 * MINUTE)), Err(NotOpened::Expired));
}
