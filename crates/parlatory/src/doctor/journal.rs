//! What `doctor` says of the journal: what of it the node's own key opens, and what it does not any
//! more.

use std::ops::ControlFlow;

use anyhow::{Context, Result};
use journal::{KEY_KEPT, SEGMENT_AGE_MAX, SealedAway};
use model::Timestamp;

use super::Findings;
use crate::{audit::show, data::Data};

impl Findings {
    /// How far the keys of the journal were given away or destroyed.
    pub(super) fn journal(&mut self, data: &Data, now: Timestamp) {
        if !data.journal().is_dir() {
            return;
        }
        if let Err(error) = self.sealed_away(data, now) {
            self.problem("journal", format!("{error:#}"));
        }
    }

    fn sealed_away(&mut self, data: &Data, now: Timestamp) -> Result<()> {
        let (journal, key) = (data.journal(), data.journal_key()?);
        let away = journal::sealed_away(&journal, &key).context("the journal cannot be read")?;
        let SealedAway { forgotten, given } = &away;
        if forgotten.segments > 0 {
            let segments = forgotten.segments;
            self.ok("journal", format!("{segments} segments are forgotten: nobody opens them"));
        }
        if let Some(newest) = given.last() {
            let (segments, at) = (given.len(), show(newest.newest));
            self.ok(
                "journal",
                format!(
                    "{segments} segments, up to {at}, open with the shares of all keyholders alone, and with no \
                     key of this node"
                ),
            );
        }
        if data.segment_request().exists() {
            self.know(
                "journal",
                "a request to open segments waits for keyholders, and `segments.json` has the key that they \
                 seal to: `parlatory journal open` asks again, with `--withdraw` it is given up"
                    .to_owned(),
            );
        }
        let missing = given.iter().filter(|segment| !segment.whole).count();
        if missing > 0 {
            self.problem(
                "journal",
                format!(
                    "the shares of the keys of {missing} segments are missing or changed, so that nobody opens \
                     them: put the files `*.shares` back from a backup"
                ),
            );
        }
        let mut oldest = None;
        journal::replay(&journal, &key, away.last(), |_, fact| {
            oldest = Some(fact.at());
            ControlFlow::Break(())
        })
        .context("the journal cannot be read")?;
        let Some(oldest) = oldest else { return Ok(()) };
        let says = format!("with `keys/store.key` it opens from {} on", show(oldest));
        // Closed when it is a day old, given away two days later, within the next hour.
        if now.since(oldest) > KEY_KEPT + SEGMENT_AGE_MAX + SEGMENT_AGE_MAX {
            self.know(
                "journal",
                format!(
                    "{says}: a running node gives older keys to the keyholders once the database and the log \
                     have taken over what they seal"
                ),
            );
        } else {
            self.ok("journal", says);
        }
        Ok(())
    }
}
