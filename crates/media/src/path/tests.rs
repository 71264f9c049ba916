use crate::{
    MediaEvent, Statistics,
    engine::Command,
    rig::{Phone, Rig, STATION},
    rtp::HEADER_OCTETS,
    srtp::{SEALED_EXTRA_OCTETS, Secured},
};
use model::{Agreed, Codec, SrtpKey, SrtpKeys, SrtpSuite};

fn key(seed: u8) -> SrtpKey {
    let suite = SrtpSuite::AeadAes128Gcm;
    SrtpKey::new(suite, &vec![seed; suite.octets()]).unwrap()
}

/// The keys of a leg, and its telephone's end of them.
fn keys() -> (SrtpKeys, Secured) {
    let ours = SrtpKeys { send: key(1), receive: key(2) };
    (ours, Secured::new(SrtpKeys { send: key(2), receive: key(1) }))
}

fn sealed(phone: &mut Phone, secured: &mut Secured, octet: u8) -> Vec<u8> {
    let mut room = [octet; HEADER_OCTETS + 160 + SEALED_EXTRA_OCTETS];
    phone.header.write(room.first_chunk_mut().unwrap());
    phone.skip(160);
    let length = secured.seal().rtp(&mut room, HEADER_OCTETS + 160).unwrap();
    room[..length].to_vec()
}

fn say(phone: &mut Phone, secured: &mut Secured) {
    let datagram = sealed(phone, secured, 1);
    phone.send_raw(&datagram);
}

#[test]
fn an_encrypted_leg_hears_and_says_nothing_in_clear() {
    let mut rig = Rig::new();
    let mut phone = rig.open(STATION);
    let (ours, mut theirs) = keys();
    let agreed = phone.agreed();
    rig.secure(STATION, agreed, ours.clone());
    phone.speak(&[1; 160]);
    rig.deliver(STATION, 1);
    let Statistics { received, forged, .. } = rig.statistics(STATION);
    assert_eq!((received, forged), (0, 1), "in clear");
    assert_eq!(rig.events(), []);
    let datagram = sealed(&mut phone, &mut theirs, 2);
    phone.send_raw(&datagram);
    rig.deliver(STATION, 2);
    assert_eq!(rig.events(), [MediaEvent::Live { leg: STATION }]);
    phone.send_raw(&datagram);
    rig.deliver(STATION, 3);
    assert_eq!(rig.statistics(STATION).forged, 2, "replayed");
    rig.run(20);
    let mut heard = phone.hear_raw();
    let length = theirs.open().rtp(&mut heard).unwrap();
    assert_eq!(heard[HEADER_OCTETS..length], [0xff; 160]);
    // A new agreement without keys does not fall back to clear; nor does one with the same begin
    // the stream anew.
    rig.connect(STATION, Agreed { codec: Codec::Pcma, ..agreed });
    rig.secure(STATION, Agreed { codec: Codec::Pcma, ..agreed }, ours);
    phone.forget();
    rig.run(20);
    let mut heard = phone.hear_raw();
    let length = theirs.open().rtp(&mut heard).unwrap();
    assert_eq!(heard[HEADER_OCTETS..length], [0xd5; 160]);
}

#[test]
fn a_telephone_that_holds_the_key_is_found_again_behind_its_nat() {
    let mut rig = Rig::new();
    let mut phone = rig.open(STATION);
    let (ours, mut theirs) = keys();
    rig.secure(STATION, phone.agreed(), ours);
    say(&mut phone, &mut theirs);
    rig.deliver(STATION, 1);
    let mut phone = phone.rebound();
    // Its former address was heard a moment ago: the kernel lets no other through.
    say(&mut phone, &mut theirs);
    rig.run(900);
    assert_eq!(rig.statistics(STATION).received, 1);
    rig.run(200);
    // A stranger who knows stream and number, but no key.
    let stranger = Phone::new(phone.leg);
    stranger.send(phone.header, &[7; 160]);
    rig.deliver(STATION, 2);
    let Statistics { received, foreign, moved, .. } = rig.statistics(STATION);
    assert_eq!((received, foreign, moved), (1, 1, 0));
    phone.forget();
    say(&mut phone, &mut theirs);
    rig.deliver(STATION, 3);
    let Statistics { received, moved, .. } = rig.statistics(STATION);
    assert_eq!((received, moved), (2, 1));
    rig.run(20);
    assert!(theirs.open().rtp(&mut phone.hear_raw()).is_some(), "it is sent to where it is");
    // And now nobody else is let in again.
    stranger.send(phone.header, &[7; 160]);
    rig.run(100);
    assert_eq!(rig.statistics(STATION).foreign, 1);
}

#[test]
fn a_telephone_in_clear_is_moved_by_signalling_only() {
    let mut rig = Rig::new();
    let mut phone = rig.phone(STATION, Codec::Pcmu);
    phone.speak(&[1; 160]);
    rig.deliver(STATION, 1);
    rig.run(3_000);
    let mut phone = phone.rebound();
    phone.speak(&[2; 160]);
    rig.run(100);
    assert_eq!(rig.statistics(STATION).received, 1);
    rig.connect(STATION, phone.agreed());
    phone.speak(&[3; 160]);
    rig.deliver(STATION, 2);
    assert_eq!(rig.statistics(STATION).received, 2);
}

/// A telephone that described another host than it signals from, which is 127.0.0.1.
fn behind_a_nat(rig: &mut Rig) -> Phone {
    let phone = rig.open(STATION);
    let described = "127.0.0.9:4000".parse().unwrap();
    let signals_from = Some("127.0.0.1".parse().unwrap());
    rig.connect(STATION, Agreed { remote: described, signals_from, ..phone.agreed() });
    phone
}

#[test]
fn a_station_in_clear_is_found_once_where_it_signals_from() {
    let mut rig = Rig::new();
    let mut phone = behind_a_nat(&mut rig);
    phone.speak(&[1; 160]);
    phone.speak(&[1; 160]);
    rig.deliver(STATION, 2);
    let Statistics { received, foreign, .. } = rig.statistics(STATION);
    assert_eq!((received, foreign), (0, 2), "two packets are not enough");
    phone.speak(&[1; 160]);
    rig.deliver(STATION, 3);
    let Statistics { received, moved, .. } = rig.statistics(STATION);
    assert_eq!((received, moved), (1, 1));
    assert_eq!(rig.events(), [MediaEvent::Live { leg: STATION }]);
    rig.run(20);
    assert_eq!(phone.hear_raw().len(), HEADER_OCTETS + 160, "it is sent to where it is");
    // From now on the kernel lets nobody else through, however silent it is.
    rig.run(3_000);
    let mut other = phone.rebound();
    for _ in 0..4 {
        other.speak(&[2; 160]);
    }
    rig.run(100);
    let Statistics { received, foreign, moved, .. } = rig.statistics(STATION);
    assert_eq!((received, foreign, moved), (1, 2, 1));
}

#[test]
fn what_is_no_stream_of_audio_from_there_is_not_followed() {
    let mut rig = Rig::new();
    let mut phone = behind_a_nat(&mut rig);
    // Gaps, another stream, keys, and nothing that could be understood.
    for packet in 0..6 {
        phone.speak(&[1; 160]);
        if packet % 2 == 1 {
            phone.skip(160);
        }
    }
    for packet in 0..6_u32 {
        phone.header.ssrc = packet / 2;
        phone.speak(&[1; 160]);
    }
    phone.header.payload_type = 101;
    for _ in 0..4 {
        phone.speak(&[1; 160]);
    }
    for _ in 0..4 {
        phone.send_raw(b"hello");
    }
    rig.deliver(STATION, 20);
    let Statistics { received, foreign, .. } = rig.statistics(STATION);
    assert_eq!((received, foreign), (0, 20));
}

#[test]
fn a_station_is_sought_from_no_other_host_not_for_long_and_not_once_it_was_heard() {
    let speaks = |phone: &mut Phone| {
        for _ in 0..4 {
            phone.speak(&[1; 160]);
        }
    };
    // From another host than it signals from.
    let mut rig = Rig::new();
    let mut phone = rig.open(STATION);
    let described = "127.0.0.9:4000".parse().unwrap();
    let signals_from = Some("127.0.0.2".parse().unwrap());
    rig.connect(STATION, Agreed { remote: described, signals_from, ..phone.agreed() });
    speaks(&mut phone);
    rig.deliver(STATION, 4);
    assert_eq!(rig.statistics(STATION).received, 0);
    // Too late.
    let mut rig = Rig::new();
    let mut phone = behind_a_nat(&mut rig);
    let until = u64::try_from(crate::limits::SEEK_MAX.as_millis()).unwrap();
    rig.run(until);
    speaks(&mut phone);
    rig.run(100);
    assert_eq!(rig.statistics(STATION).received, 0);
    // It was heard where it said.
    let mut rig = Rig::new();
    let mut phone = rig.open(STATION);
    let signals_from = Some("127.0.0.1".parse().unwrap());
    rig.connect(STATION, Agreed { signals_from, ..phone.agreed() });
    speaks(&mut phone);
    rig.deliver(STATION, 4);
    let mut other = Phone::new(phone.leg);
    speaks(&mut other);
    rig.run(100);
    assert_eq!(rig.statistics(STATION).received, 4);
    assert_eq!(rig.statistics(STATION).moved, 0);
}

/// A report about our stream: so many lost, and this jitter.
fn about(ssrc: [u8; 4], lost: u8, jitter: u8) -> Vec<u8> {
    let mut datagram = vec![0x81, 201, 0, 7, 0, 0, 0, 77];
    datagram.extend(ssrc);
    datagram.extend([0, 0, 0, lost, 0, 0, 0, 0, 0, 0, 0, jitter, 0, 0, 0, 0, 0, 0, 0, 0]);
    datagram
}

#[test]
fn both_ends_report_on_a_port_of_their_own() {
    let mut rig = Rig::new();
    let mut phone = rig.phone(STATION, Codec::Pcmu);
    for packet in 0..50 {
        if packet % 10 == 3 {
            phone.skip(160);
        } else {
            phone.speak(&[1; 160]);
        }
    }
    rig.deliver(STATION, 45);
    rig.run(2_600);
    let report = phone.report();
    assert_eq!((report[0], report[1]), (0x81, 200), "a sender report about one stream");
    assert_eq!(report[28..36], [0, 0, 0, 77, 25, 0, 0, 5], "5 of 50 lost, 25 of 256");
    let ssrc = [report[4], report[5], report[6], report[7]];
    let (first, _) = phone.hear();
    assert_eq!(first.ssrc.to_be_bytes(), ssrc);
    phone.send_report(&about(ssrc, 9, 40));
    let strange = Phone::new(phone.leg);
    strange.send_report(&about(ssrc, 99, 99));
    for _ in 0..1_000_000 {
        rig.tick();
        if rig.statistics(STATION).lost_there > 0 {
            break;
        }
        std::thread::yield_now();
    }
    let counted = rig.statistics(STATION);
    assert_eq!((counted.lost, counted.lost_there, counted.jitter_there_samples), (5, 9, 40));
    rig.obey(Command::Close { leg: STATION });
    let closed = rig.events().pop();
    let Some(MediaEvent::Closed { leg: STATION, statistics }) = closed else {
        panic!("{closed:?}")
    };
    assert_eq!((statistics.received, statistics.lost, statistics.lost_there), (45, 5, 9));
    let bye = phone.report();
    assert_eq!(bye[bye.len() - 8..][..4], [0x81, 203, 0, 1]);
}

#[test]
fn reports_share_the_port_of_audio_where_both_ends_can_and_are_encrypted_with_it() {
    let mut rig = Rig::new();
    let phone = rig.open(STATION);
    let (ours, mut theirs) = keys();
    let agreed = phone.agreed();
    rig.secure(STATION, Agreed { rtcp: agreed.remote, ..agreed }, ours);
    rig.run(2_600);
    let mut reports = 0;
    for _ in 0..rig.statistics(STATION).sent + 1 {
        let mut heard = phone.hear_raw();
        if heard[1] == 200 {
            assert!(theirs.open().rtcp(&mut heard).is_some());
            reports += 1;
        }
    }
    assert_eq!(reports, 1);

    // In clear it is not believed.
    phone.send_raw(&about([0; 4], 1, 1));
    rig.deliver(STATION, 1);
    assert_eq!(rig.statistics(STATION).forged, 1);
}
