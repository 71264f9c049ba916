//! The same as a vCon (IETF draft-ietf-vcon-vcon-core), for programs that read those. The manifest
//! holds where the two differ: the draft still moves.

use crate::{
    package::{Contents, NotPacked},
    record, wav,
};
use access::Receipt;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

/// The vCon of a package, unsigned: recordings as dialogs that point to the files beside it.
pub(crate) fn encode(receipt: &Receipt, contents: &Contents<'_>) -> Result<Vec<u8>, NotPacked> {
    let mut dialog = Vec::new();
    for recording in contents.recordings {
        let name = format!("audio/{:016x}.wav", recording.recording.0);
        let sound = wav::wav(&recording.seconds).ok_or(NotPacked::TooLarge)?;
        dialog.push(json!({
            "type": "recording",
            "start": record::utc(recording.begun),
            "duration": recording.seconds.len(),
            "parties": [0, 1],
            "mediatype": "audio/x-wav",
            "filename": name,
            "url": name,
            "content_hash": format!("sha512-{}", URL_SAFE_NO_PAD.encode(Sha512::digest(&sound))),
        }));
    }
    // Who spoke stands in the records, which the recipient may or may not be allowed to have.
    let parties = match dialog.is_empty() {
        true => Vec::new(),
        false => vec![json!({ "role": "caller" }), json!({ "role": "called party" })],
    };
    let vcon: Value = json!({
        "vcon": "0.3.0",
        "uuid": uuid(receipt),
        "created_at": record::utc(receipt.intent().asked),
        "parties": parties,
        "dialog": dialog,
        "attachments": [],
        "analysis": [],
    });
    let mut octets = serde_json::to_vec_pretty(&vcon).map_err(|_| NotPacked::Manifest)?;
    octets.push(b'\n');
    Ok(octets)
}

/// A UUID of version 8 (RFC 9562 section 5.8) that follows from the entry, so that packing again
/// gives the same.
fn uuid(receipt: &Receipt) -> String {
    let seed = format!("{} {}", receipt.checkpoint().origin(), receipt.index());
    let mut octets: [u8; 16] = [0; 16];
    for (octet, random) in octets.iter_mut().zip(Sha256::digest(seed)) {
        *octet = random;
    }
    let number = u128::from_be_bytes(octets);
    let number = number & !(0xf << 76) & !(0x3 << 62) | (0x8 << 76) | (0x2 << 62);
    let digits = format!("{number:032x}");
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
