//! Shares of the keys of a journal's segments: all holders together make the key, and no fewer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by it")]

mod open;

use model::{AgencyId, Timestamp};
use open::{Keyholder, segment_key, segment_share};
use std::collections::BTreeMap;
use vault::{KeyId, KeyholderKey, Keyholders, SegmentAbout, generate, segment_holders, share_out};

const KEY: [u8; 32] = *b"the key of a closed segment.....";
const ABOUT: SegmentAbout = SegmentAbout {
    node: 1,
    first: 5,
    entry: 9,
    next: 77,
    next_entry: 100,
    at: Timestamp::from_micros(1_790_000_000_000_000),
};

/// A pair, as the program has the one half and the reader of the tests the other.
fn pair() -> (Keyholder, KeyholderKey) {
    let (secret, key) = generate().unwrap();
    (Keyholder::from_text(&secret.text()), key)
}

fn ids(keys: &[KeyholderKey]) -> Vec<KeyId> {
    keys.iter().map(KeyholderKey::id).collect()
}

#[test]
fn every_agency_and_the_independent_holder_are_needed_for_a_segment() {
    let [common, one, two, independent] = [(); 4].map(|()| pair());
    let of = |agencies: &[Option<KeyholderKey>]| {
        let agencies = (1..).map(AgencyId).zip(agencies.iter().copied()).collect();
        Keyholders::new(common.1, agencies, independent.1).unwrap()
    };
    // Agencies without a holder of their own have the common one; two with one holder have one.
    for (agencies, holders) in [
        (vec![], vec![&common, &independent]),
        (vec![None, None], vec![&common, &independent]),
        (vec![Some(one.1)], vec![&one, &independent]),
        (vec![Some(one.1), None, Some(one.1)], vec![&one, &common, &independent]),
        (vec![Some(one.1), Some(two.1)], vec![&one, &two, &independent]),
    ] {
        let file = share_out(&ABOUT, &KEY, &of(&agencies)).unwrap();
        let keys: Vec<_> = holders.iter().map(|holder| holder.1).collect();
        assert_eq!(segment_holders(&file), Some(ids(&keys)));
        assert_eq!(file.len(), 92 + 88 * holders.len());
        let secrets: Vec<_> = holders.iter().map(|holder| &holder.0).collect();
        assert_eq!(segment_key(&file, &secrets), Some(KEY));
        for (missing, _) in secrets.iter().enumerate() {
            let mut fewer = secrets.clone();
            fewer.remove(missing);
            assert_eq!(segment_key(&file, &fewer), None);
        }
        // Nothing of the key is in the file, and nobody else opens any of it.
        assert!(!file.windows(8).any(|window| KEY.windows(8).any(|part| part == window)));
        let others = [&common, &one, &two, &independent];
        for (secret, key) in others.into_iter().filter(|other| !keys.contains(&other.1)) {
            assert!(segment_share(&file, &secret.octets()).is_none(), "{key}");
        }
    }
}

#[test]
fn a_share_is_of_its_segment_and_of_its_place_alone() {
    let [common, independent] = [(); 2].map(|()| pair());
    let keyholders = Keyholders::new(common.1, BTreeMap::new(), independent.1).unwrap();
    let file = share_out(&ABOUT, &KEY, &keyholders).unwrap();
    let again = share_out(&ABOUT, &KEY, &keyholders).unwrap();
    assert_ne!(file[92..], again[92..], "drawn anew");
    let secrets = [&common.0, &independent.0];
    assert_eq!(segment_key(&again, &secrets), Some(KEY));
    // Shares of two files make no key.
    let mixed = [&file[..92 + 88], &again[92 + 88..]].concat();
    assert_eq!(segment_key(&mixed, &secrets), None);
    for at in 0..92 {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(segment_share(&changed, &common.0.octets()).is_none(), "octet {at}");
    }
    let swapped = [&file[..92], &file[92 + 88..], &file[92..92 + 88]].concat();
    assert!(segment_share(&swapped, &common.0.octets()).is_none());
    for cut in [0, 91, 92, 92 + 88, file.len() - 1] {
        assert_eq!(segment_holders(&file[..cut]), None, "cut at {cut}");
    }
    assert_eq!(segment_holders(&[&file[..], &file[92..92 + 88]].concat()), None);
    assert_eq!(segment_holders(b"PARLRECD"), None);
}
