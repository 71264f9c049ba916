//! What an engine keeps, in numbers, and how its trunks are.

use super::Engine;
use crate::{Kept, LineLook};

impl Engine {
    /// Everything that is kept of calls and requests.
    pub(super) fn kept(&self) -> Kept {
        let (transactions, unacknowledged) = self.stack.kept();
        Kept {
            dialogs: self.wires.len().max(self.by_tag.len()),
            given_up: self.orphans.len(),
            pending: self.pending_all.max(self.pending.len()),
            requests: self.requests_open,
            waiting: self.due.len() + self.errands.len() + self.lost.len(),
            transactions,
            unacknowledged,
        }
    }

    /// How stations and trunks are now.
    pub(super) fn how_is_it(&mut self) -> LineLook {
        self.trunks.provision(self.directory.trunk());
        let now = self.clock.now();
        LineLook {
            dialogs: self.wires.len(),
            streams: self.streams.len(),
            stations: self.registrar.all(now).collect(),
            trunks: self.trunks.iter().map(|(_, trunk)| trunk.look(now)).collect(),
        }
    }
}
