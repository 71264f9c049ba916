//! Names, numbers and case numbers are sealed before they reach a row, and found by a keyed index.
//!
//! A sealed value is an octet 1, a random nonce of 12 octets and AES-256-GCM's ciphertext and tag
//! (NIST SP 800-38D), with table, column and agency as associated data: a value that was moved to
//! another of them does not open. Numbers are eight octets; text is filled up to a multiple of
//! [`TEXT_STEP`], so that its length shows in steps only. Beside it, where it must be found again,
//! stands its blind index: HMAC-SHA-256 (RFC 2104) of the value, cut to [`INDEX_OCTETS`]. It is one
//! for the same value in all tables of an agency, so that they can be joined, and another at each
//! agency.
//!
//! Both keys of an agency are derived from one master key by HKDF-SHA-256 (RFC 5869). What that
//! protects, and what it does not, is in `SECURITY.md`: a stolen file without the key says neither
//! names nor numbers, but whoever has the key can try all numbers there are.

pub(crate) mod field;

use crate::{
    code::Columns,
    dialect::{Database, Row, Work},
    error::{Broken, Doing, Refused, StoreError},
};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce, aead::AeadInOut};
use field::Field;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use model::{AgencyId, E164};
use sha2::Sha256;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// The keys of all sealed columns. Cheap to clone; prints nothing.
#[derive(Clone)]
pub struct ColumnKeys(Arc<Keys>);

struct Keys {
    master: Zeroizing<[u8; COLUMN_KEY_OCTETS]>,
    agencies: Mutex<BTreeMap<AgencyId, Arc<AgencyKeys>>>,
}

/// The keys of one agency's rows.
struct AgencyKeys {
    cipher: Aes256Gcm,
    index: Hmac<Sha256>,
}

impl ColumnKeys {
    /// The keys that follow from this master key: random octets, made once for each database.
    pub fn new(master: [u8; COLUMN_KEY_OCTETS]) -> Self {
        let master = Zeroizing::new(master);
        Self(Arc::new(Keys { master, agencies: Mutex::default() }))
    }

    /// Seals a number.
    pub(crate) fn seal_number(
        &self,
        agency: AgencyId,
        field: Field,
        number: E164,
    ) -> Result<Vec<u8>, Broken> {
        self.seal(agency, field, &number.digits().to_be_bytes())
    }

    /// Seals text of any length.
    pub(crate) fn seal_text(
        &self,
        agency: AgencyId,
        field: Field,
        text: &str,
    ) -> Result<Vec<u8>, Broken> {
        let mut filled = Zeroizing::new(Vec::with_capacity(text.len() + TEXT_STEP));
        filled.extend_from_slice(text.as_bytes());
        filled.push(END);
        let octets = filled.len().next_multiple_of(TEXT_STEP);
        filled.resize(octets, 0);
        self.seal(agency, field, &filled)
    }

    /// Seals octets as they are: their length shows.
    pub(crate) fn seal(
        &self,
        agency: AgencyId,
        field: Field,
        plain: &[u8],
    ) -> Result<Vec<u8>, Broken> {
        let mut nonce = [0; NONCE_OCTETS];
        getrandom::fill(&mut nonce)
            .map_err(|_| Broken::new(SEAL, "the operating system gives no randomness"))?;
        let mut sealed = Vec::with_capacity(1 + NONCE_OCTETS + plain.len() + TAG_OCTETS);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let Some(text) = sealed.get_mut(1 + NONCE_OCTETS..) else {
            return Err(Broken::new(SEAL, "it is too short"));
        };
        let tag = self
            .of(agency)?
            .cipher
            .encrypt_inout_detached(&Nonce::from(nonce), &field.associated(agency), text.into())
            .map_err(|_| Broken::new(SEAL, "it is too long"))?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens what [`ColumnKeys::seal`] made for the same agency and field.
    pub(crate) fn open(
        &self,
        agency: AgencyId,
        field: Field,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Broken> {
        let unreadable = || Broken::unreadable(field.column);
        let Some(([FORMAT], rest)) = sealed.split_first_chunk::<1>() else {
            return Err(unreadable());
        };
        let (nonce, rest) = rest.split_first_chunk::<NONCE_OCTETS>().ok_or_else(unreadable)?;
        let (text, tag) = rest.split_last_chunk::<TAG_OCTETS>().ok_or_else(unreadable)?;
        let mut plain = Zeroizing::new(text.to_vec());
        self.of(agency)?
            .cipher
            .decrypt_inout_detached(
                &Nonce::from(*nonce),
                &field.associated(agency),
                plain.as_mut_slice().into(),
                &(*tag).into(),
            )
            .map_err(|_| unreadable())?;
        Ok(plain)
    }

    /// The blind index of a number.
    pub(crate) fn number_index(&self, agency: AgencyId, number: E164) -> Result<Vec<u8>, Broken> {
        self.index(agency, field::NUMBER_KIND, &number.digits().to_be_bytes())
    }

    /// The blind index of text, letter for letter. Fields of the same kind share it.
    pub(crate) fn text_index(
        &self,
        agency: AgencyId,
        field: Field,
        text: &str,
    ) -> Result<Vec<u8>, Broken> {
        self.index(agency, field.kind, text.as_bytes())
    }

    /// The number in a row, whose agency is in the same row.
    pub(crate) fn number(&self, row: &Row, field: Field) -> Result<E164, Broken> {
        self.maybe_number(row, field)?.ok_or_else(|| Broken::unreadable(field.column))
    }

    /// The number in a row, unless there is none or it was erased.
    pub(crate) fn maybe_number(&self, row: &Row, field: Field) -> Result<Option<E164>, Broken> {
        let Some(plain) = self.maybe_octets(row, field)? else { return Ok(None) };
        as_number(&plain).map(Some).ok_or_else(|| Broken::unreadable(field.column))
    }

    /// The text in a row, whose agency is in the same row.
    pub(crate) fn text(&self, row: &Row, field: Field) -> Result<String, Broken> {
        self.maybe_text(row, field)?.ok_or_else(|| Broken::unreadable(field.column))
    }

    /// The text in a row, unless there is none or it was erased.
    pub(crate) fn maybe_text(&self, row: &Row, field: Field) -> Result<Option<String>, Broken> {
        let Some(mut plain) = self.maybe_octets(row, field)? else { return Ok(None) };
        let unreadable = || Broken::unreadable(field.column);
        let end = plain.iter().rposition(|octet| *octet == END).ok_or_else(unreadable)?;
        plain.truncate(end);
        String::from_utf8(plain.to_vec()).map(Some).map_err(|_| unreadable())
    }

    /// The octets in a row, unless there are none.
    pub(crate) fn maybe_octets(
        &self,
        row: &Row,
        field: Field,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Broken> {
        let Some(sealed) = row.maybe_octets(field.column)? else { return Ok(None) };
        self.open(AgencyId(row.number("agency_id")?), field, &sealed).map(Some)
    }

    /// What tells these keys from others, and nothing about them.
    fn check(&self) -> Result<Vec<u8>, Broken> {
        Ok(self.derive::<CHECK_OCTETS>(b"parlatory columns v1 check", CELL)?.to_vec())
    }

    fn index(&self, agency: AgencyId, kind: &str, value: &[u8]) -> Result<Vec<u8>, Broken> {
        let mut mac = self.of(agency)?.index.clone();
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(value);
        let mut index = mac.finalize().into_bytes().to_vec();
        index.truncate(INDEX_OCTETS);
        Ok(index)
    }

    fn of(&self, agency: AgencyId) -> Result<Arc<AgencyKeys>, Broken> {
        let mut agencies = self.0.agencies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = agencies.get(&agency) {
            return Ok(keys.clone());
        }
        let seal = self.derive::<32>(b"parlatory columns v1 seal", agency)?;
        let index = self.derive::<32>(b"parlatory columns v1 index", agency)?;
        let index = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(index.as_slice())
            .map_err(|_| Broken::new(SEAL, "its key has a wrong length"))?;
        let keys = Arc::new(AgencyKeys { cipher: Aes256Gcm::new((&*seal).into()), index });
        agencies.insert(agency, keys.clone());
        Ok(keys)
    }

    fn derive<const N: usize>(
        &self,
        purpose: &[u8],
        agency: AgencyId,
    ) -> Result<Zeroizing<[u8; N]>, Broken> {
        let mut derived = Zeroizing::new([0; N]);
        Hkdf::<Sha256>::new(None, self.0.master.as_slice())
            .expand_multi_info(&[purpose, &agency.0.to_be_bytes()], derived.as_mut_slice())
            .map_err(|_| Broken::new(SEAL, "its key cannot be derived"))?;
        Ok(derived)
    }
}

impl fmt::Debug for ColumnKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ColumnKeys([private])")
    }
}

/// Refuses keys that are not those of this database; a new one takes them as its own.
pub(crate) async fn check(database: &Database) -> Result<(), StoreError> {
    let check = database.keys().check()?;
    let mut stored = stored_check(&mut database.read().await?).await?;
    if stored.is_none() {
        let mut work = database.write_durably().await?;
        // Somebody else may have been faster.
        sqlx::query(
            "INSERT INTO sealing (one, check_octets) VALUES (1, $1) ON CONFLICT DO NOTHING",
        )
        .bind(check.clone())
        .execute(&mut *work)
        .await
        .doing(CHECK)?;
        stored = stored_check(&mut work).await?;
        work.commit().await.doing(CHECK)?;
    }
    if stored == Some(check) { Ok(()) } else { Err(Refused::OtherColumnKey.into()) }
}

async fn stored_check(work: &mut Work) -> Result<Option<Vec<u8>>, Broken> {
    let row = sqlx::query("SELECT check_octets FROM sealing WHERE one = 1")
        .fetch_optional(&mut **work)
        .await
        .doing(CHECK)?;
    Ok(row.map(|row| row.maybe_octets("check_octets")).transpose()?.flatten())
}

/// The number in eight opened octets.
pub(crate) fn as_number(plain: &[u8]) -> Option<E164> {
    E164::new(u64::from_be_bytes(plain.try_into().ok()?))
}

/// Octets of the master key.
pub const COLUMN_KEY_OCTETS: usize = 32;

/// Whose keys seal rows of the cell as a whole; agencies are numbered from 1.
pub(crate) const CELL: AgencyId = AgencyId(0);

/// What text is filled up to a multiple of.
const TEXT_STEP: usize = 32;

/// Octets of a blind index. Keys of tables rest on it, so two values must never meet: with 128 bits
/// and a thousand million values of one agency, the odds that any two do are under 1 in 10^20. A
/// shorter one would hide no more, because whoever can make one can try all numbers.
const INDEX_OCTETS: usize = 16;

const FORMAT: u8 = 1;
const NONCE_OCTETS: usize = 12;
const TAG_OCTETS: usize = 16;
const CHECK_OCTETS: usize = 16;

/// Ends the text before it is filled up with zeros (ISO/IEC 7816-4).
const END: u8 = 0x80;

const SEAL: &str = "seal a value";
const CHECK: &str = "check the key of its columns";

#[cfg(test)]
mod tests;
