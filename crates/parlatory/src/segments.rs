//! Closed segments of the journal whose keys are given to the keyholders: who gets them, and who
//! must be asked for what the node cannot open any more.

use std::fs;

use desk::Broken;
use journal::{GivenSegment, JournalError, KEY_KEPT, Parting, SealedAway, sealed_away};
use model::Timestamp;
use vault::{KeyId, KeyholderKey, Keyholders, SegmentAbout, segment_holders};

use crate::{custody::HOLDERS, data::Data};

/// Seals the key of a segment to the keyholders of all agencies and the independent one.
pub(crate) fn share_out(
    parting: &Parting,
    key: &[u8; 32],
    keyholders: &Keyholders,
) -> Option<Vec<u8>> {
    let about = SegmentAbout {
        node: parting.node,
        first: parting.first.0,
        entry: parting.entry.0,
        next: parting.next.0,
        next_entry: parting.next_entry.0,
        at: parting.at,
    };
    vault::share_out(&about, key, keyholders)
        .inspect_err(|error| tracing::error!(%error, "the key of a segment cannot be given away"))
        .ok()
}

/// The keys of segments are given away of which all is older than this.
pub(crate) fn given_away_before(now: Timestamp) -> Timestamp {
    let kept = i64::try_from(KEY_KEPT.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.micros().saturating_sub(kept))
}

/// Why a node does not start on a data folder; where its database lacks what was given away, with
/// the segments that have it and who holds their keys.
pub(crate) fn explained(data: &Data, broken: Broken) -> anyhow::Error {
    let given = matches!(&broken, Broken::Journal(JournalError::GivenAway { .. }));
    let error = anyhow::Error::new(broken);
    if !given {
        return error;
    }
    let needed = data.open_store().and_then(|store| {
        let projected = store.projected()?;
        let SealedAway { mut given, .. } = sealed_away(&data.journal(), &data.journal_key()?)?;
        given.retain(|segment| segment.last.0 > projected);
        Ok(given)
    });
    match needed {
        Ok(needed) => {
            let asked = asked_for(data, &needed);
            error.context(format!(
                "{asked}; with a database of an older backup in its place, ask them with \
                                   `parlatory journal open`"
            ))
        }
        Err(unreadable) => {
            error.context(format!("nobody can say which segments are needed: {unreadable:#}"))
        }
    }
}

/// Which segments a database lacks, and whom they can be had from.
fn asked_for(data: &Data, needed: &[GivenSegment]) -> String {
    let mut text = "the database lacks facts that stand in these segments of the journal, each of \
                    which opens with the shares of all keyholders that it names: "
        .to_owned();
    let each: Vec<_> = needed
        .iter()
        .map(|segment| {
            let name = segment.file.file_name().unwrap_or_default().display();
            let facts = format!("facts {} to {}", segment.first.0, segment.last.0);
            format!("`{name}` ({facts}; {})", holders_of(data, segment).join(", "))
        })
        .collect();
    text.push_str(&each.join("; "));
    text
}

/// Who holds the shares of a segment's key.
fn holders_of(data: &Data, segment: &GivenSegment) -> Vec<String> {
    let octets = fs::read(&segment.shares).ok().filter(|_| segment.whole);
    let Some(holders) = octets.as_deref().and_then(segment_holders) else {
        return vec!["its shares are missing".to_owned()];
    };
    holders.into_iter().map(|id| holder(data, id)).collect()
}

/// A keyholder by the id of their key, and by their file where it is one of the folder's two.
pub(crate) fn holder(data: &Data, id: KeyId) -> String {
    let known = HOLDERS.into_iter().find(|holder| {
        let text = fs::read_to_string(data.keyholder_public(holder)).unwrap_or_default();
        let key = text.lines().find_map(|line| line.parse::<KeyholderKey>().ok());
        key.is_some_and(|key| key.id() == id)
    });
    match known {
        Some(known) => format!("keyholder {id}, `{known}`"),
        None => format!("keyholder {id}"),
    }
}
