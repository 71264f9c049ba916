//! What people prove themselves with: passwords, codes, and tokens that are drawn.

use super::{NotDone, limits};
use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::phc::PasswordHash,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::{Private, Timestamp};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// Why a password cannot be chosen, after NIST SP 800-63B section 3.1.1.2: length and a list of
/// common ones, no rules about what it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// It is too short.
    #[error(
        "a password has at least {} characters: take several words",
        limits::PASSWORD_CHARS_MIN
    )]
    Short,
    /// It is too long.
    #[error("a password has at most {} octets", limits::PASSWORD_OCTETS_MAX)]
    Long,
    /// It is among the first that are tried.
    #[error("this password is among the first that are tried: take several words")]
    Common,
    /// It has the name in it.
    #[error("the password has the name in it: take another one")]
    Name,
}

/// Whether a password may be chosen by whoever logs in as `name`.
///
/// # Errors
/// Why not.
pub(super) fn check(password: &str, name: &str) -> Result<(), BadPassword> {
    if password.len() > limits::PASSWORD_OCTETS_MAX {
        return Err(BadPassword::Long);
    }
    if password.chars().count() < limits::PASSWORD_CHARS_MIN {
        return Err(BadPassword::Short);
    }
    let folded = password.to_lowercase();
    if folded.contains(&name.trim().to_lowercase()) {
        return Err(BadPassword::Name);
    }
    // What is left when digits and signs around a word are taken away, and when it is repeated.
    let word = folded.trim_matches(|sign: char| !sign.is_alphabetic());
    let common = COMMON.lines().any(|common| {
        common == folded
            || common == word
            || is_made_of(word, common)
            || is_made_of(&folded, common)
    });
    let first = folded.chars().next();
    if common || folded.chars().all(|sign| Some(sign) == first) || is_run(&folded) {
        return Err(BadPassword::Common);
    }
    Ok(())
}

/// `passwordpassword` is made of `password`.
fn is_made_of(text: &str, part: &str) -> bool {
    !part.is_empty() && !text.is_empty() && text.replace(part, "").is_empty()
}

/// `abcdefghijkl` and `210987654321` are runs.
fn is_run(text: &str) -> bool {
    let signs: Vec<i64> = text.chars().map(|sign| i64::from(u32::from(sign))).collect();
    let steps = |step: i64| {
        let next = |pair: &[i64]| matches!(pair, [a, b] if b - a == step || (b - a).abs() == 9);
        signs.windows(2).all(next)
    };
    steps(1) || steps(-1)
}

/// The hash that is kept of a password: Argon2id, with a salt of its own.
///
/// # Errors
/// [`NotDone::NoRandomness`] when there is no salt; [`NotDone::Hash`] when it cannot be made.
pub(super) fn hash(password: &str) -> Result<Private<String>, NotDone> {
    let mut salt = [0; limits::SALT_OCTETS];
    getrandom::fill(&mut salt).map_err(|_| NotDone::NoRandomness)?;
    let hash = argon()?.hash_password_with_salt(password.as_bytes(), &salt);
    Ok(Private::new(hash.map_err(|_| NotDone::Hash)?.to_string()))
}

/// Whether a password is the one of this hash. Takes the same time for every password.
pub(super) fn verify(password: &str, hash: &Private<String>) -> bool {
    let Ok(hash) = PasswordHash::new(hash.expose()) else { return false };
    let fits = password.len() <= limits::PASSWORD_OCTETS_MAX;
    let password = if fits { password.as_bytes() } else { &[] };
    // Its costs are those that stand in the hash.
    argon().is_ok_and(|argon| argon.verify_password(password, &hash).is_ok()) && fits
}

fn argon() -> Result<Argon2<'static>, NotDone> {
    let costs = Params::new(
        limits::ARGON_MEMORY_KIB,
        limits::ARGON_PASSES,
        limits::ARGON_LANES,
        Some(limits::ARGON_OCTETS),
    );
    let costs = costs.map_err(|_| NotDone::Hash)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, costs))
}

/// A new secret of codes (RFC 4226 section 4, R6: 160 bits).
pub(super) fn draw_secret() -> Result<Private<Vec<u8>>, NotDone> {
    let mut secret = vec![0; limits::SECRET_OCTETS];
    getrandom::fill(&mut secret).map_err(|_| NotDone::NoRandomness)?;
    Ok(Private::new(secret))
}

/// How an authenticator app takes a secret: its Base32 (RFC 4648) and the whole as an address
/// (the key URI format of such apps).
pub(super) fn shown(secret: &Private<Vec<u8>>, name: &str) -> (Private<String>, Private<String>) {
    let text = BASE32_NOPAD.encode(secret.expose());
    let unreserved = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    let name: String = name
        .bytes()
        .map(|octet| match unreserved(octet) {
            true => char::from(octet).to_string(),
            false => format!("%{octet:02X}"),
        })
        .collect();
    let address = format!("otpauth://totp/Parlatory:{name}?secret={text}&issuer=Parlatory");
    (Private::new(text), Private::new(address))
}

/// The step whose code this is, when it is one of now, the one before or the one after (RFC 6238
/// section 5.2), and later than `last`: a code counts once.
pub(super) fn step_of(secret: &[u8], code: &str, now: Timestamp, last: u64) -> Option<u64> {
    let is_number = code.len() == limits::CODE_DIGITS && code.bytes().all(|at| at.is_ascii_digit());
    let wanted = code.parse::<u32>().ok().filter(|_| is_number);
    let now = u64::try_from(now.micros()).unwrap_or_default() / limits::STEP_MICROS;
    let steps = now.saturating_sub(limits::STEPS_APART_MAX)..=now + limits::STEPS_APART_MAX;
    let mut found = None;
    // All are looked at, whatever is found, so that time tells nothing.
    for step in steps {
        let fits = code_of(secret, step) == wanted && wanted.is_some() && step > last;
        found = if fits { Some(step) } else { found };
    }
    found
}

/// The code of a step (RFC 6238 section 4 over RFC 4226 section 5.3: HMAC-SHA-1, six digits).
fn code_of(secret: &[u8], step: u64) -> Option<u32> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    mac.update(&step.to_be_bytes());
    let tag: [u8; 20] = mac.finalize().into_bytes().into();
    let offset = usize::from(tag.last()? & 0xf);
    let cut = tag.get(offset..offset + 4)?.try_into().ok()?;
    Some((u32::from_be_bytes(cut) & 0x7fff_ffff) % 1_000_000)
}

/// A token that cannot be guessed, and the SHA-256 that is kept of it.
pub(super) fn draw_token() -> Result<(Private<String>, [u8; 32]), NotDone> {
    let mut octets = [0; limits::TOKEN_OCTETS];
    getrandom::fill(&mut octets).map_err(|_| NotDone::NoRandomness)?;
    let token = URL_SAFE_NO_PAD.encode(octets);
    let hash = token_hash(&token);
    Ok((Private::new(token), hash))
}

/// What is kept of a token. A token is drawn from 256 bits, so no slow hash is needed.
pub(super) fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.trim()).into()
}

const COMMON: &str = include_str!("../../data/common-passwords.txt");

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// RFC 6238 appendix B, whose eight digits end with our six.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = b"12345678901234567890";
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::from_micros(seconds * 1_000_000);
            assert_eq!(step_of(secret, code, now, 0), Some(seconds.unsigned_abs() / 30));
        }
    }

    #[test]
    fn a_code_is_good_for_the_step_before_and_after_and_once() {
        let secret = b"12345678901234567890";
        let (code, step) = ("081804", 1_111_111_109_u64 / 30);
        let at = |step: u64| Timestamp::default().after(Duration::from_secs(step * 30));
        for (apart, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let now = at(step.saturating_add_signed(apart));
            assert_eq!(step_of(secret, code, now, 0), good.then_some(step), "{apart}");
        }
        assert_eq!(step_of(secret, code, at(step), step - 1), Some(step));
        assert_eq!(step_of(secret, code, at(step), step), None);
        for wrong in ["", "81804", "+81804", "0081804", "08180x", "081805"] {
            assert_eq!(step_of(secret, wrong, at(step), 0), None, "{wrong}");
        }
    }

    #[test]
    fn a_password_is_long_and_not_among_the_first_that_are_tried() {
        for good in ["three quiet herons", "æøå-æøå-æøå-", "correct horse battery", "94-brass-owls"]
        {
            assert_eq!(check(good, "dana"), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("short words", BadPassword::Short),
            ("ææææææææææ", BadPassword::Short),
            (&"owl ".repeat(65), BadPassword::Long),
            ("Password1234!", BadPassword::Common),
            ("passwordpassword", BadPassword::Common),
            ("123456789012", BadPassword::Common),
            ("zzzzzzzzzzzzzz", BadPassword::Common),
            ("abcdefghijklmn", BadPassword::Common),
            ("parlatory2026!!", BadPassword::Common),
            ("heron DANA heron", BadPassword::Name),
        ] {
            assert_eq!(check(bad, "dana"), Err(why), "{bad}");
        }
    }

    #[test]
    fn a_hash_is_argon2id_with_our_costs_and_a_salt_of_its_own() {
        let hash_of = |password| hash(password).unwrap();
        let (one, other) = (hash_of("three quiet herons"), hash_of("three quiet herons"));
        assert_ne!(one, other);
        assert!(one.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify("three quiet herons", &one) && verify("three quiet herons", &other));
        assert!(!verify("three quiet heron", &one));
        assert!(!verify("", &Private::new(String::new())));
        assert_eq!(format!("{one:?}"), "[private]");
    }

    #[test]
    fn an_app_takes_the_secret_as_base32_and_as_an_address() {
        let secret = Private::new(b"12345678901234567890".to_vec());
        let (text, address) = shown(&secret, "Dana O'Example");
        assert_eq!(text.expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            address.expose(),
            "otpauth://totp/Parlatory:Dana%20O%27Example?\
             secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Parlatory"
        );
    }

    #[test]
    fn tokens_differ_and_are_kept_as_hashes() {
        let (one, hash) = draw_token().unwrap();
        let (other, _) = draw_token().unwrap();
        assert_ne!(one, other);
        assert_eq!((one.expose().len(), token_hash(&format!("{}\n", one.expose()))), (43, hash));
    }
}
