//! What is spoken is what opens, with both keys and in no other way.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod consent;
mod open;
mod world;

use model::{
    Timestamp,
    fact::{OffReason, RecordingEnd, RecordingState},
};
use open::{BOUND, CannotOpen, End, HEADER, SHARE, open};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, time::Duration};
use vault::NotRecorded;
use world::{ABOUT, EPOCH, World, pair, second};

#[test]
fn a_recording_opens_with_both_keys_and_is_what_was_spoken() {
    let world = World::new();
    let vault = world.vault();
    let (mut writer, closing) = world.begin(&vault, 0x1_0000_0002);
    let begun = world.now();
    world.pass(Duration::from_secs(3));
    // Whole seconds, a last part of one, and one in which nobody was heard.
    let mut spoken: Vec<_> = (0..3).map(|index| second(index, 7_999)).collect();
    spoken.push(second(3, 800));
    let mut silent = second(4, 0);
    silent.called.octets.clear();
    spoken.push(silent);
    for second in &spoken {
        writer.second(second.clone());
    }
    writer.end();
    let end = closing.recv().unwrap().unwrap();
    assert!(closing.recv().is_err(), "told twice");
    let file = world.closed(0x1_0000_0002, "rec");
    assert_eq!(world.files(), std::slice::from_ref(&file));
    let octets = fs::read(&file).unwrap();
    let sha256 = Sha256::digest(&octets).into();
    let bytes = octets.len() as u64;
    let expected = RecordingEnd { state: RecordingState::Ended, bytes, frames: 5, sha256 };
    assert_eq!(end, expected);
    assert_eq!(vault.end_of(ABOUT.agency, model::RecordingId(0x1_0000_0002)).unwrap(), Some(end));
    let opened = open(&octets, &world.a, &world.b).unwrap();
    assert_eq!(opened.seconds, spoken);
    let (station, called) = (3 * 7_999 + 800, 3 * 8_000 + 801);
    assert_eq!(opened.end, End::Ended { frames: 5, at: world.now(), station, called });
    let header = opened.header;
    assert_eq!((header.agency, header.facility), (ABOUT.agency.0, ABOUT.facility.0));
    assert_eq!((header.recording, header.begun, header.epoch), (0x1_0000_0002, begun, EPOCH.0));
    let ids = world.keys.map(|key| key.id().0);
    assert_eq!(header.key_ids, ids);
}

#[test]
fn the_header_names_the_consent() {
    let world = World::new();
    let (file, _) = world.recorded(1, 0);
    let opened = open(&fs::read(file).unwrap(), &world.a, &world.b).unwrap();
    let consent =
        consent::consent(model::CallId(1), model::E164::new(world::NUMBER).unwrap(), EPOCH);
    let mut hash = Sha256::new();
    hash.update(b"parlatory consent v1");
    hash.update(1_u64.to_le_bytes());
    hash.update(postcard::to_allocvec(consent.evidence()).unwrap());
    assert_eq!(opened.header.consent, <[u8; 32]>::from(hash.finalize()));
}

#[test]
fn no_audio_and_no_key_is_on_disk_in_clear() {
    let world = World::new();
    let vault = world.vault();
    let (mut writer, closing) = world.begin(&vault, 1);
    writer.second(second(0, 4_000));
    writer.end();
    closing.recv().unwrap().unwrap();
    let octets = fs::read(world.closed(1, "rec")).unwrap();
    // A run of one octet would be silence or the test's audio.
    assert!(octets.windows(16).all(|run| run.iter().any(|octet| *octet != run[0])));
}

#[test]
fn two_recordings_of_the_same_words_share_nothing() {
    let world = World::new();
    let [first, other] = [1, 2].map(|call| fs::read(world.recorded(call, 3).0).unwrap());
    let blocks =
        |octets: &[u8]| octets[HEADER..].chunks(16).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (first, other) = (blocks(&first), blocks(&other));
    // Only the four octets of a length are the same.
    assert!(first.iter().all(|block| !other.contains(block)));
}

#[test]
fn another_keyholder_or_one_alone_opens_nothing() {
    let world = World::new();
    let octets = fs::read(world.recorded(1, 2).0).unwrap();
    let (stranger, _) = pair();
    assert_eq!(open(&octets, &stranger, &world.b), Err(CannotOpen::ShareA));
    assert_eq!(open(&octets, &world.a, &stranger), Err(CannotOpen::ShareB));
    assert_eq!(open(&octets, &world.a, &world.a), Err(CannotOpen::ShareB));
    assert_eq!(open(&octets, &world.b, &world.b), Err(CannotOpen::ShareA));
    // A share in the other's place, and a share of another recording.
    let mut swapped = octets.clone();
    swapped.copy_within(BOUND..BOUND + SHARE, BOUND + SHARE);
    assert_eq!(open(&swapped, &world.a, &world.a), Err(CannotOpen::ShareB));
    let other = fs::read(world.recorded(2, 2).0).unwrap();
    let mut mixed = octets;
    mixed[BOUND..BOUND + SHARE].copy_from_slice(&other[BOUND..BOUND + SHARE]);
    assert_eq!(open(&mixed, &world.a, &world.b), Err(CannotOpen::ShareA));
}

#[test]
fn an_agency_with_its_own_keyholder_gets_its_share() {
    let mut world = World::new();
    let (own, key) = pair();
    world.agencies = BTreeMap::from([(ABOUT.agency, Some(key))]);
    let octets = fs::read(world.recorded(1, 1).0).unwrap();
    assert!(open(&octets, &own, &world.b).is_ok());
    assert_eq!(open(&octets, &world.a, &world.b), Err(CannotOpen::ShareA));
}

#[test]
fn recordings_that_begin_after_a_change_of_keyholders_are_sealed_to_the_new_ones() {
    let mut world = World::new();
    let vault = world.vault();
    let (running, running_closed) = world.begin(&vault, 1);
    let (own, key) = pair();
    world.agencies = BTreeMap::from([(ABOUT.agency, Some(key))]);
    vault.clone().set_keyholders(world.keyholders());
    let (later, later_closed) = world.begin(&vault, 2);
    running.end();
    later.end();
    running_closed.recv().unwrap().unwrap();
    later_closed.recv().unwrap().unwrap();
    let read = |call| fs::read(world.closed(call, "rec")).unwrap();
    assert!(open(&read(1), &world.a, &world.b).is_ok());
    assert!(open(&read(2), &own, &world.b).is_ok());
    assert_eq!(open(&read(2), &world.a, &world.b), Err(CannotOpen::ShareA));
}

#[test]
fn an_agency_that_nobody_named_is_not_recorded_until_it_is() {
    let mut world = World::new();
    world.agencies.clear();
    let vault = world.vault();
    let disk = Some(NotRecorded(OffReason::Disk));
    assert_eq!(world.try_begin(&vault, 1, world::NUMBER).err(), disk);
    assert_eq!(world.files(), [] as [&std::path::Path; 0]);
    world.agencies.insert(ABOUT.agency, None);
    vault.set_keyholders(world.keyholders());
    let (writer, closing) = world.begin(&vault, 1);
    writer.end();
    closing.recv().unwrap().unwrap();
}

#[test]
fn a_changed_bit_anywhere_is_found() {
    let world = World::new();
    let (file, _) = world.recorded(1, 3);
    let octets = fs::read(file).unwrap();
    let whole = open(&octets, &world.a, &world.b).unwrap();
    for at in 0..octets.len() {
        for bit in [0x01, 0x80] {
            let mut changed = octets.clone();
            changed[at] ^= bit;
            match open(&changed, &world.a, &world.b) {
                Err(_) => {}
                // A length that makes no sense reads as a cut, never as other words.
                Ok(opened) => {
                    assert!(matches!(opened.end, End::Cut { left_over: 1.. }), "octet {at}");
                    assert!(opened.seconds.len() < whole.seconds.len() + 1);
                    assert_eq!(opened.seconds, whole.seconds[..opened.seconds.len()]);
                }
            }
        }
    }
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_seconds_and_says_that_it_is_cut() {
    let world = World::new();
    let (file, _) = world.recorded(1, 3);
    let octets = fs::read(file).unwrap();
    let whole = open(&octets, &world.a, &world.b).unwrap();
    let frame = (octets.len() - HEADER - 49) / 3;
    for cut in 0..octets.len() {
        let opened = open(&octets[..cut], &world.a, &world.b);
        if cut < HEADER {
            assert_eq!(opened, Err(CannotOpen::Header), "cut at {cut}");
            continue;
        }
        let opened = opened.unwrap();
        let seconds = ((cut - HEADER) / frame).min(3);
        assert_eq!(opened.seconds, whole.seconds[..seconds], "cut at {cut}");
        let left_over = cut - HEADER - seconds * frame;
        assert_eq!(opened.end, End::Cut { left_over }, "cut at {cut}");
    }
}

#[test]
fn frames_in_another_order_left_out_or_added_are_found() {
    let world = World::new();
    let (file, _) = world.recorded(1, 3);
    let octets = fs::read(file).unwrap();
    let size = (octets.len() - HEADER - 49) / 3;
    let parts: Vec<&[u8]> = octets[HEADER..].chunks(size).collect();
    let [one, two, three, last] = parts.try_into().unwrap();
    let header = &octets[..HEADER];
    for (frames, fault) in [
        (vec![two, one, three, last], CannotOpen::Frame(0)),
        (vec![one, three, two, last], CannotOpen::Frame(1)),
        (vec![one, two, last], CannotOpen::Frame(2)),
        (vec![two, three, last], CannotOpen::Frame(0)),
        (vec![one, one, two, three, last], CannotOpen::Frame(1)),
        (vec![one, two, three, three, last], CannotOpen::Frame(3)),
        (vec![one, two, three, last, last], CannotOpen::End),
    ] {
        let file = [&[header], frames.as_slice()].concat().concat();
        assert_eq!(open(&file, &world.a, &world.b), Err(fault));
    }
    let other = fs::read(world.recorded(2, 3).0).unwrap();
    let mixed = [header, one, &other[HEADER + size..]].concat();
    assert_eq!(open(&mixed, &world.a, &world.b), Err(CannotOpen::Frame(1)));
}

#[test]
fn files_and_folders_are_for_their_owner_only() {
    let world = World::new();
    let (file, _) = world.recorded(1, 1);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    for folder in ["", "open", "closed", "closed/3"] {
        assert_eq!(mode(&world.vault_dir().join(folder)), 0o700);
    }
}

#[test]
fn a_thousand_recordings_at_once_are_all_whole() {
    let world = World::new();
    let vault = world.vault_that_syncs_every(Duration::from_secs(2)).unwrap();
    let calls = 1_000_u64;
    let mut running: Vec<_> = (1..=calls).map(|call| world.begin(&vault, call)).collect();
    for index in 0..2 {
        for (writer, _) in &mut running {
            writer.second(second(index, 160));
        }
    }
    let mut closings = Vec::new();
    for (writer, closing) in running {
        writer.end();
        closings.push(closing);
    }
    for (closing, call) in closings.into_iter().zip(1_u64..) {
        let end = closing.recv().unwrap().unwrap();
        assert_eq!((end.state, end.frames), (RecordingState::Ended, 2), "call {call}");
        if call % 100 == 0 {
            let octets = fs::read(world.closed(call, "rec")).unwrap();
            let opened = open(&octets, &world.a, &world.b).unwrap();
            assert_eq!(opened.seconds, [second(0, 160), second(1, 160)]);
            assert_ne!(opened.header.begun, Timestamp::default());
        }
    }
}
