//! When the engine has done what there was: transactions get their turn, and more may gather.

use super::{Engine, Work};
use crate::limits::REST_MAX;
use model::Timestamp;
use std::future::poll_fn;
use std::task::Poll;

impl Engine {
    /// There is nothing to do right now, after work that began at `began`: more of it gathers for
    /// what is left of [`REST_MAX`]. Nothing else runs on this thread that could miss it meanwhile.
    pub(super) async fn rest(&mut self, began: Option<Timestamp>) {
        self.let_transactions_run().await;
        let until = began.map(|began| began.after(REST_MAX));
        let rest = until.map(|until| until.since(self.clock.now())).unwrap_or_default();
        if self.rests && !rest.is_zero() {
            std::thread::park_timeout(rest.min(REST_MAX));
        }
    }

    /// Transactions run as tasks of this thread. What one says to a datagram is heard before the
    /// next datagram is looked at, or a BYE right behind an ACK or a 200 would come too early; and
    /// tasks get their turn also while datagrams never end.
    pub(super) async fn let_transactions_run(&mut self) {
        behind_the_others().await;
        while let Ok(happening) = self.happenings.try_recv() {
            self.attempt(Work::Happening(happening)).await;
        }
    }
}

/// Lets every task run that could run by now. Unlike `yield_now` of tokio, it does not ask the
/// system for events in between.
async fn behind_the_others() {
    let mut once = false;
    poll_fn(|context| {
        if std::mem::replace(&mut once, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
