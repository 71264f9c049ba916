//! What the journal must take: facts that must not be missing, those that it refused and that are
//! appended again, and those whose durability nobody waits for.

use std::sync::atomic::Ordering;

use journal::{Appended, Draft, Haste, JournalError};
use model::{CallId, fact::Fact};

use crate::{
    desk::Desk,
    limits::{APPEND_FACTS_MAX, UNSAID_COUNT_MAX},
};

/// A fact that must not be missing, with its entry.
#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) fact: Fact,
    pub(crate) draft: Option<Draft>,
}

impl Desk {
    /// Appends a fact that must not be missing: one that the journal refuses is kept and appended
    /// again, so that a disk that was full for a while costs no record and no money. What the
    /// node's end finds unsaid, the next start settles from what was said.
    pub(crate) fn insist(&self, item: Item) {
        self.insist_in(Haste::InTime, item, |_| {});
    }

    /// [`Desk::insist`], for whom somebody waits: says whether the fact is on disk for now.
    pub(crate) fn insist_and(&self, item: Item, then: impl FnOnce(bool) + Send + 'static) {
        self.insist_in(Haste::AtOnce, item, then);
    }

    fn insist_in(&self, haste: Haste, item: Item, then: impl FnOnce(bool) + Send + 'static) {
        let mut state = self.state();
        if state.appending_again || !state.unsaid.is_empty() {
            // An end is never written before its beginning.
            state.unsaid.push(item);
            drop(state);
            then(false);
            return;
        }
        drop(state);
        let (desk, kept) = (self.clone(), item.clone());
        let drafts = item.draft.into_iter().collect();
        let done = move |durable: Result<Appended, JournalError>| {
            let is_durable = durable.is_ok();
            match durable {
                Ok(_) => {
                    if let Fact::Ended(ended) = kept.fact {
                        desk.state().ledger.forget(ended.call.hold());
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "the journal does not take what must not be missing");
                    desk.note_failure(&error);
                    desk.state().unsaid.push(kept);
                }
            }
            then(is_durable);
        };
        let journal = &self.inner().journal;
        match haste {
            Haste::AtOnce => journal.append_entries(vec![item.fact], drafts, done),
            Haste::InTime => journal.append_entries_soon(vec![item.fact], drafts, done),
        }
    }

    /// Appends again what the journal refused, the earliest first and as much at once as one append
    /// holds.
    pub(crate) fn append_again(&self) {
        let mut state = self.state();
        if state.appending_again || state.unsaid.is_empty() {
            return;
        }
        let some = state.unsaid.len().min(APPEND_FACTS_MAX);
        let items: Vec<Item> = state.unsaid.drain(..some).collect();
        state.appending_again = true;
        drop(state);
        let facts = items.iter().map(|item| item.fact.clone()).collect();
        let drafts = items.iter().filter_map(|item| item.draft.clone()).collect();
        let (desk, kept) = (self.clone(), items);
        self.inner().journal.append_entries(facts, drafts, move |durable| {
            let mut state = desk.state();
            state.appending_again = false;
            match durable {
                Ok(_) => {
                    for item in kept {
                        if let Fact::Ended(ended) = item.fact {
                            state.ledger.forget(ended.call.hold());
                        } else if let Fact::Admitted(admitted) = item.fact
                            && let Some(open) = state.calls.get_mut(&admitted.call)
                        {
                            open.unwritten = false;
                        }
                    }
                }
                Err(error) => {
                    state.unsaid.splice(..0, kept);
                    drop(state);
                    desk.note_failure(&error);
                }
            }
        });
    }

    /// A journal that stopped takes nothing until the node is started again.
    pub(crate) fn note_failure(&self, error: &JournalError) {
        if matches!(error, JournalError::Stopped { .. }) {
            self.inner().failed.store(true, Ordering::Relaxed);
        }
    }

    /// Appends a fact whose durability nobody waits for. A failure is loud; the next start finds
    /// the call open and settles it.
    pub(crate) fn note(&self, fact: Fact) {
        self.note_with(fact, None);
    }

    /// The same of a call, with its entry; where its admission waits for room, behind that.
    pub(crate) fn note_of(&self, call: CallId, fact: Fact, draft: Option<Draft>) {
        if let Some(fact) = self.behind_admission(call, fact) {
            self.note_with(fact, draft);
        }
    }

    /// Keeps a fact of a call whose admission waits for room, behind it: what is said of a call
    /// before its beginning is lost on whoever reads. Gives back any other.
    pub(crate) fn behind_admission(&self, call: CallId, fact: Fact) -> Option<Fact> {
        let mut state = self.state();
        if !state.calls.get(&call).is_some_and(|open| open.unwritten) {
            return Some(fact);
        }
        if state.unsaid.len() < UNSAID_COUNT_MAX {
            state.unsaid.push(Item { fact, draft: None });
        }
        None
    }

    pub(crate) fn note_with(&self, fact: Fact, draft: Option<Draft>) {
        let (desk, drafts) = (self.clone(), draft.into_iter().collect());
        self.inner().journal.append_entries_soon(vec![fact], drafts, move |durable| {
            if let Err(error) = durable {
                tracing::error!(%error, "the journal does not take facts");
                desk.note_failure(&error);
            }
        });
    }
}
