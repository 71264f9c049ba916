//! Details of log entries, opened by test code as a holder would.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by it")]

use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::Aead, aead::Payload};
use hpke::{Deserializable, OpModeR, aead::AesGcm256, kdf::HkdfSha256};
use model::{AgencyId, Timestamp};
use std::collections::BTreeMap;
use vault::{DetailSealer, KeyholderKey, KeyholderSecret, Keyholders, generate};

type Kem = hpke::kem::X25519HkdfSha256;

struct Holders {
    common: (KeyholderSecret, KeyholderKey),
    own: (KeyholderSecret, KeyholderKey),
    independent: (KeyholderSecret, KeyholderKey),
}

impl Holders {
    fn new() -> Self {
        let [common, own, independent] = [(); 3].map(|()| generate().unwrap());
        Self { common, own, independent }
    }

    fn sealer(&self) -> DetailSealer {
        let agencies = BTreeMap::from([(AgencyId(1), None), (AgencyId(2), Some(self.own.1))]);
        DetailSealer::new(Keyholders::new(self.common.1, agencies, self.independent.1).unwrap())
    }
}

/// As `docs/formats/entry.md` says.
fn open(sealed: &[u8], (secret, key): &(KeyholderSecret, KeyholderKey)) -> Option<Vec<u8>> {
    let (envelope, rest) = sealed.split_at(12 + 2 * 88);
    assert_eq!(envelope[..4], [1, 0, 0, 0]);
    let share = envelope[12..].chunks(88).find(|share| share[..8] == key.id().0)?;
    let secret = secret.text();
    let digits = secret.strip_prefix("parlatory-keyholder-secret:").unwrap();
    let octets: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect();
    let day_key = hpke::single_shot_open::<AesGcm256, HkdfSha256, Kem>(
        &OpModeR::Base,
        &<Kem as hpke::Kem>::PrivateKey::from_bytes(&octets).unwrap(),
        &<Kem as hpke::Kem>::EncappedKey::from_bytes(&share[8..40]).unwrap(),
        b"parlatory detail v1",
        &share[40..],
        &envelope[..12],
    )
    .ok()?;
    let (nonce, content) = rest.split_first_chunk::<12>().unwrap();
    let cipher = Aes256Gcm::new_from_slice(&day_key).unwrap();
    cipher.decrypt(&Nonce::from(*nonce), Payload { msg: content, aad: envelope }).ok()
}

fn day(day: i64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000 + day * 86_400_000_000)
}

#[test]
fn each_of_two_holders_opens_a_detail_and_nobody_else_does() {
    let holders = Holders::new();
    let sealer = holders.sealer();
    for (agency, opens, does_not) in [
        (Some(AgencyId(1)), &holders.common, &holders.own),
        (Some(AgencyId(2)), &holders.own, &holders.common),
        (Some(AgencyId(9)), &holders.common, &holders.own),
        (None, &holders.common, &holders.own),
    ] {
        let sealed = sealer.seal(agency, day(0), b"a detail".to_vec()).unwrap();
        assert_eq!(open(&sealed, opens).unwrap(), b"a detail");
        assert_eq!(open(&sealed, &holders.independent).unwrap(), b"a detail");
        assert_eq!(open(&sealed, does_not), None);
        assert!(!sealed.windows(8).any(|part| part == b"a detail"));
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(open(&changed, opens), None);
    }
}

#[test]
fn a_day_has_one_key_for_each_agency_and_the_next_day_another() {
    let holders = Holders::new();
    let sealer = holders.sealer();
    let envelope = |agency, at| {
        let sealed = sealer.seal(Some(agency), at, Vec::new()).unwrap();
        (sealed[..188].to_vec(), sealed[188..].to_vec())
    };
    let (first, one) = envelope(AgencyId(1), day(0));
    let (again, other) = envelope(AgencyId(1), day(0));
    assert_eq!(first, again);
    assert_ne!(one, other, "no nonce is used twice");
    assert_ne!(first, envelope(AgencyId(2), day(0)).0);
    assert_ne!(first, envelope(AgencyId(1), day(1)).0);
}

#[test]
fn new_keyholders_are_sealed_to_at_once() {
    let (old, new) = (Holders::new(), Holders::new());
    let sealer = old.sealer();
    sealer.seal(None, day(0), Vec::new()).unwrap();
    let agencies = BTreeMap::from([(AgencyId(1), None)]);
    let keyholders = Keyholders::new(new.common.1, agencies, new.independent.1).unwrap();
    sealer.set_keyholders(keyholders);
    let sealed = sealer.seal(None, day(0), b"x".to_vec()).unwrap();
    assert_eq!(open(&sealed, &old.common), None);
    assert_eq!(open(&sealed, &new.common).unwrap(), b"x");
    assert_eq!(format!("{sealer:?}"), "DetailSealer([private])");
}
