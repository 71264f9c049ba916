//! An authenticator app, as staff carry one: shows the code of a secret (RFC 6238).

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use model::Timestamp;
use sha1::Sha1;

/// The six digits that an app with this secret, in Base32, shows at `now`; `None` for a secret that
/// no app would take.
pub(crate) fn code(secret: &str, now: Timestamp) -> Option<String> {
    let secret = BASE32_NOPAD.decode(secret.as_bytes()).ok()?;
    let step = u64::try_from(now.micros()).ok()? / STEP_MICROS;
    let mut mac = Hmac::<Sha1>::new_from_slice(&secret).ok()?;
    mac.update(&step.to_be_bytes());
    let tag: [u8; 20] = mac.finalize().into_bytes().into();
    let offset = usize::from(tag.last()? & 0xf);
    let cut = tag.get(offset..offset + 4)?.try_into().ok()?;
    Some(format!("{:06}", (u32::from_be_bytes(cut) & 0x7fff_ffff) % 1_000_000))
}

/// How long a code is shown.
const STEP_MICROS: u64 = 30_000_000;
