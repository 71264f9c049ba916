//! What an engine keeps, in numbers.

use super::Engine;
use crate::Kept;

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
}
