//! The authority that stamps packages with a time (RFC 3161), asked over HTTP.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use disclosure::records::Authority;
use ureq::Agent;
use verify::stamp::{REQUEST_TYPE, STAMP_OCTETS_MAX, answered, authorities, request};

use crate::config::TsaAt;

/// The authority of the settings. What it answers is checked before a package says that it has its
/// stamp. Where its certificate cannot be read, packages go without, as when it does not answer.
pub(crate) fn authority(at: &TsaAt, folder: &Path) -> Authority {
    let (name, url) = (at.url.clone(), at.url.clone());
    let believed = believed(at, folder).inspect_err(|error| {
        tracing::error!("packages go without a time stamp: {error:#}");
    });
    let Ok(believed) = believed else {
        let why = "the certificate of the authority in the settings cannot be read";
        return Authority { name, stamp: Box::new(move |_| Err(why.to_owned())) };
    };
    let agent = Agent::config_builder()
        .timeout_global(Some(ANSWER_MAX))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .new_agent();
    let stamp = move |sha256: &[u8; 32]| {
        let stamp = ask(&agent, &url, sha256, &believed);
        stamp.inspect_err(|why| tracing::warn!(why, "a package goes without a time stamp"))
    };
    Authority { name, stamp: Box::new(stamp) }
}

/// The certificates that its stamps must lead up to.
///
/// # Errors
/// When they cannot be read.
pub(crate) fn believed(at: &TsaAt, folder: &Path) -> Result<Vec<Vec<u8>>> {
    let file = folder.join(&at.authority);
    let found = authorities(&file);
    found.with_context(|| format!("`disclosure.tsa.authority`, `{}`", file.display()))
}

fn ask(
    agent: &Agent,
    url: &str,
    sha256: &[u8; 32],
    believed: &[Vec<u8>],
) -> Result<Vec<u8>, String> {
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|_| "the system gives no randomness".to_owned())?;
    let nonce = u64::from_be_bytes(nonce);
    let asked = request(sha256, nonce).map_err(|why| why.to_string())?;
    let answer = agent.post(url).content_type(REQUEST_TYPE).send(&asked);
    // What the library says of a failure can hold more than a reader of the package needs.
    let mut answer = answer.map_err(|_| "it cannot be reached, or is too slow".to_owned())?;
    if answer.status().as_u16() != 200 {
        return Err(format!("it answered with status {}", answer.status().as_u16()));
    }
    let body = answer.body_mut().with_config().limit(STAMP_OCTETS_MAX as u64).read_to_vec();
    let body = body.map_err(|_| "its answer broke off or is too long".to_owned())?;
    let (token, _) = answered(&body, (sha256, nonce), believed).map_err(|why| why.to_string())?;
    Ok(token)
}

/// How long a package waits for its stamp.
const ANSWER_MAX: Duration = Duration::from_secs(5);
