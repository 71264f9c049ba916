//! Seals the details of log entries, so that neither the data folder nor the node's keys open them.
//!
//! A key is drawn for an agency and a day, and sealed once to each of two holders, who can both
//! open it alone: the agency's keyholder and the independent one. What was sealed stands whole: it
//! needs nothing beside it but one holder's key.

use crate::{
    KeyholderKey, Keyholders, VaultError,
    format::SealedShare,
    seal::{self, CannotSeal},
};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::AeadInOut};
use model::{AgencyId, Timestamp};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// Seals details. A cheap handle: clones share the keys of the day.
#[derive(Clone)]
pub struct DetailSealer(Arc<Mutex<Inner>>);

struct Inner {
    keyholders: Keyholders,
    keys: BTreeMap<Option<AgencyId>, DayKey>,
}

/// The key of one agency's details of one day.
struct DayKey {
    day: i64,
    /// Wipes its key schedule when dropped.
    cipher: Aes256Gcm,
    /// Format, day, and the key as sealed to both holders.
    envelope: Vec<u8>,
}

impl DetailSealer {
    /// Seals to these keyholders.
    pub fn new(keyholders: Keyholders) -> Self {
        Self(Arc::new(Mutex::new(Inner { keyholders, keys: BTreeMap::new() })))
    }

    /// Seals to these keyholders from now on.
    pub fn set_keyholders(&self, keyholders: Keyholders) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *inner = Inner { keyholders, keys: BTreeMap::new() };
    }

    /// To whom is sealed now.
    pub fn keyholders(&self) -> Keyholders {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keyholders.clone()
    }

    /// Seals `detail` of an agency, or of the cell as a whole. An agency that is not known yet is
    /// sealed for like the cell.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`], [`VaultError::CannotSeal`].
    pub fn seal(
        &self,
        agency: Option<AgencyId>,
        now: Timestamp,
        mut detail: Vec<u8>,
    ) -> Result<Vec<u8>, VaultError> {
        let day = now.micros().div_euclid(DAY_MICROS);
        let mut nonce = [0; NONCE_OCTETS];
        getrandom::fill(&mut nonce).map_err(|_| VaultError::NoRandomness)?;
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.keys.get(&agency).is_none_or(|key| key.day != day) {
            let key = DayKey::draw(&inner.keyholders, agency, day)?;
            inner.keys.insert(agency, key);
        }
        let cannot = || VaultError::CannotSeal("a detail".to_owned());
        let key = inner.keys.get(&agency).ok_or_else(cannot)?;
        let content = detail.as_mut_slice().into();
        let tag = key
            .cipher
            .encrypt_inout_detached(&Nonce::from(nonce), &key.envelope, content)
            .map_err(|_| cannot())?;
        let mut sealed = Vec::with_capacity(key.envelope.len() + nonce.len() + detail.len() + 16);
        sealed.extend_from_slice(&key.envelope);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut detail);
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }
}

impl fmt::Debug for DetailSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DetailSealer([private])")
    }
}

impl DayKey {
    fn draw(
        keyholders: &Keyholders,
        agency: Option<AgencyId>,
        day: i64,
    ) -> Result<Self, VaultError> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice()).map_err(|_| VaultError::NoRandomness)?;
        let mut envelope = DETAIL_FORMAT.to_vec();
        envelope.extend(day.to_be_bytes());
        let bound = envelope.clone();
        let own = agency.and_then(|agency| keyholders.of(agency));
        for holder in [own.unwrap_or_else(|| keyholders.common()), keyholders.independent()] {
            let share = seal_key(&key, holder, &bound)?;
            envelope.extend(share.key_id);
            envelope.extend(share.encapsulated);
            envelope.extend(share.sealed);
        }
        let cipher = Aes256Gcm::new((&*key).into());
        Ok(Self { day, cipher, envelope })
    }
}

fn seal_key(
    key: &[u8; 32],
    holder: &KeyholderKey,
    bound: &[u8],
) -> Result<SealedShare, VaultError> {
    let (encapsulated, sealed) = seal::seal_to(&holder.public()?, DETAIL_INFO, key, bound)
        .map_err(|fault| match fault {
            CannotSeal::NoRandomness => VaultError::NoRandomness,
            CannotSeal::Key => VaultError::CannotSeal(holder.id().to_string()),
        })?;
    Ok(SealedShare { key_id: holder.id().0, encapsulated, sealed })
}

const DETAIL_FORMAT: [u8; 4] = [1, 0, 0, 0];
const DETAIL_INFO: &[u8] = b"parlatory detail v1";
const NONCE_OCTETS: usize = 12;
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;
