//! Tells whoever wants to know that the loop has ended, in order or by a fault.

use std::sync::{Arc, Mutex, PoisonError};

/// Who is told when the loop ends.
#[derive(Clone, Default)]
pub(crate) struct Ended(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    over: bool,
    waiting: Vec<Box<dyn FnOnce() + Send>>,
}

impl Ended {
    /// Calls `tell` when the loop has ended, which may be now.
    pub(crate) fn tell(&self, tell: impl FnOnce() + Send + 'static) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.over {
            drop(state);
            tell();
        } else {
            state.waiting.push(Box::new(tell));
        }
    }
}

/// Held by the loop's thread: dropping it, also by a panic, is the end.
pub(crate) struct Running(pub(crate) Ended);

impl Drop for Running {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.over = true;
            std::mem::take(&mut state.waiting)
        };
        for tell in waiting {
            tell();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn everybody_is_told_once_also_after_a_panic_and_afterwards() {
        let ended = Ended::default();
        let (sender, told) = channel();
        let tell = |name: &'static str| {
            let sender = sender.clone();
            move || sender.send(name).unwrap()
        };
        ended.tell(tell("before"));
        let running = Running(ended.clone());
        assert!(told.try_recv().is_err());
        let thread = std::thread::spawn(move || {
            let _running = running;
            panic!("a fault of the loop, on purpose");
        });
        assert!(thread.join().is_err());
        ended.tell(tell("after"));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), ["before", "after"]);
    }
}
