//! A queue whose reader is woken once for many things.
//!
//! Waking a thread costs more than most of what it is woken for. What may wait a little is put in
//! without a word, and the reader finds it when it looks; what somebody waits for wakes it.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How soon something is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// Somebody waits for it.
    AtOnce,
    /// When the reader looks next, within its patience.
    InTime,
}

/// Makes a queue. Its reader lets what is [`Haste::InTime`] gather for as long as `patience` after
/// the first of it, or until there are `enough`.
pub fn inbox<T>(patience: Duration, enough: usize) -> (Sender<T>, Receiver<T>) {
    let state = State {
        queue: VecDeque::new(),
        hurried: false,
        reader: Reader::Busy,
        closed: false,
        gone: false,
    };
    let shared = Arc::new(Shared { state: Mutex::new(state), wake: Condvar::new() });
    let taken = VecDeque::new();
    let receiver = Receiver { shared: Arc::clone(&shared), taken, patience, enough };
    (Sender { alive: Arc::new(Alive { shared }) }, receiver)
}

/// Puts things in. Cheap to clone; when the last clone is gone, the reader comes to an end.
pub struct Sender<T> {
    alive: Arc<Alive<T>>,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { alive: Arc::clone(&self.alive) }
    }
}

impl<T> Sender<T> {
    /// Puts something in, and returns at once.
    ///
    /// # Errors
    /// Gives it back when nobody reads any more.
    pub fn send(&self, item: T, haste: Haste) -> Result<(), T> {
        let shared = &self.alive.shared;
        let mut state = shared.lock();
        if state.gone {
            return Err(item);
        }
        state.queue.push_back(item);
        state.hurried |= haste == Haste::AtOnce;
        let wake = match state.reader {
            Reader::Busy => false,
            Reader::Idle => true,
            Reader::Gathering { enough } => state.hurried || state.queue.len() >= enough,
        };
        if wake {
            // Once is enough.
            state.reader = Reader::Busy;
        }
        drop(state);
        if wake {
            shared.wake.notify_one();
        }
        Ok(())
    }
}

/// Takes things out, in the order in which they were put in.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// What was taken out of the queue together, and not yet given.
    taken: VecDeque<T>,
    patience: Duration,
    enough: usize,
}

impl<T> Receiver<T> {
    /// The next thing, when it is time; `None` when nothing is left and nobody can put anything in.
    pub fn recv(&mut self) -> Option<T> {
        if let Some(item) = self.taken.pop_front() {
            return Some(item);
        }
        let shared = &*self.shared;
        let mut state = shared.lock();
        while state.queue.is_empty() {
            if state.closed {
                return None;
            }
            state.reader = Reader::Idle;
            state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state = shared.gather(state, self.patience, self.enough);
        state.take_into(&mut self.taken);
        drop(state);
        self.taken.pop_front()
    }

    /// Waits, at most so long, for something that is for at once, and leaves everything where it
    /// is. `false` when nobody can put anything in any more.
    pub fn wait(&self, at_most: Duration) -> bool {
        if !self.taken.is_empty() {
            return true;
        }
        let mut state = self.shared.gather(self.shared.lock(), at_most, usize::MAX);
        state.reader = Reader::Busy;
        !state.closed
    }

    /// The next thing if there is one, whether or not it could wait.
    pub fn try_recv(&mut self) -> Option<T> {
        if self.taken.is_empty() {
            self.shared.lock().take_into(&mut self.taken);
        }
        self.taken.pop_front()
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut left = VecDeque::new();
        let mut state = self.shared.lock();
        state.gone = true;
        state.take_into(&mut left);
        // What is dropped may put something in again.
        drop(state);
    }
}

/// While there is one, something can still be put in.
struct Alive<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Drop for Alive<T> {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_one();
    }
}

struct Shared<T> {
    state: Mutex<State<T>>,
    wake: Condvar,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that can panic is done under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is enough.
    fn gather<'a>(
        &self,
        mut state: MutexGuard<'a, State<T>>,
        at_most: Duration,
        enough: usize,
    ) -> MutexGuard<'a, State<T>> {
        if state.is_enough(enough) {
            return state;
        }
        state.reader = Reader::Gathering { enough };
        let waiting = |state: &mut State<T>| !state.is_enough(enough);
        let waited = self.wake.wait_timeout_while(state, at_most, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

struct State<T> {
    queue: VecDeque<T>,
    /// Something in the queue is for at once.
    hurried: bool,
    reader: Reader,
    /// Nobody can put anything in any more.
    closed: bool,
    /// Nobody reads any more.
    gone: bool,
}

/// What the reader does, as far as whoever puts something in must know.
enum Reader {
    /// It will look by itself.
    Busy,
    /// It waits for anything.
    Idle,
    /// It waits for so many, or for what is for at once.
    Gathering { enough: usize },
}

impl<T> State<T> {
    fn is_enough(&self, enough: usize) -> bool {
        self.hurried || self.closed || self.queue.len() >= enough
    }

    /// Moves everything to the end of `taken`.
    fn take_into(&mut self, taken: &mut VecDeque<T>) {
        self.reader = Reader::Busy;
        self.hurried = false;
        if taken.is_empty() {
            std::mem::swap(&mut self.queue, taken);
        } else {
            taken.append(&mut self.queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, thread};

    /// Longer than any test may take.
    const NEVER: Duration = Duration::from_secs(3_600);

    #[test]
    fn what_can_wait_waits_until_something_cannot() {
        let (sender, mut receiver) = inbox(NEVER, 100);
        let (told, heard) = mpsc::channel();
        let reader = thread::spawn(move || {
            while let Some(item) = receiver.recv() {
                told.send(item).unwrap();
            }
        });
        sender.send(1, Haste::InTime).unwrap();
        sender.send(2, Haste::InTime).unwrap();
        assert!(heard.try_recv().is_err());
        sender.send(3, Haste::AtOnce).unwrap();
        let three: Vec<_> = heard.iter().take(3).collect();
        assert_eq!(three, [1, 2, 3]);
        // What is left is given when nobody can put in more, without waiting.
        sender.send(4, Haste::InTime).unwrap();
        drop(sender);
        assert_eq!(heard.iter().collect::<Vec<_>>(), [4]);
        reader.join().unwrap();
    }

    #[test]
    fn enough_need_not_wait() {
        let (sender, mut receiver) = inbox(NEVER, 3);
        let reader = thread::spawn(move || (receiver.recv(), receiver.recv(), receiver.recv()));
        for item in 1..=3 {
            sender.send(item, Haste::InTime).unwrap();
        }
        assert_eq!(reader.join().unwrap(), (Some(1), Some(2), Some(3)));
    }

    #[test]
    fn patience_ends() {
        let (sender, mut receiver) = inbox(Duration::from_millis(1), 100);
        sender.send(1, Haste::InTime).unwrap();
        assert_eq!(receiver.recv(), Some(1));
        assert_eq!(receiver.try_recv(), None);
        sender.send(2, Haste::InTime).unwrap();
        assert_eq!(receiver.try_recv(), Some(2));
    }

    #[test]
    fn a_pause_ends_early_for_what_is_for_at_once() {
        let (sender, mut receiver) = inbox(NEVER, 1);
        sender.send(1, Haste::InTime).unwrap();
        assert!(receiver.wait(Duration::from_millis(1)));
        let (told, heard) = mpsc::channel();
        let reader = thread::spawn(move || {
            told.send(receiver.wait(NEVER)).unwrap();
            let items = (receiver.try_recv(), receiver.try_recv());
            assert!(!receiver.wait(NEVER), "nobody can end this pause");
            items
        });
        sender.send(2, Haste::AtOnce).unwrap();
        assert_eq!(heard.recv(), Ok(true));
        drop(sender);
        assert_eq!(reader.join().unwrap(), (Some(1), Some(2)));
    }

    #[test]
    fn without_a_reader_things_come_back_and_those_inside_are_dropped() {
        let (sender, receiver) = inbox(NEVER, 100);
        let inside = Arc::new(());
        sender.send(Arc::clone(&inside), Haste::AtOnce).unwrap();
        drop(receiver);
        assert_eq!(Arc::strong_count(&inside), 1);
        assert!(sender.send(inside, Haste::AtOnce).is_err());
    }

    #[test]
    fn many_who_send_lose_nothing() {
        let (sender, mut receiver) = inbox(Duration::from_millis(1), 10);
        let senders: Vec<_> = (0..4)
            .map(|_| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for number in 0..500 {
                        let haste = if number % 7 == 0 { Haste::AtOnce } else { Haste::InTime };
                        sender.send(1, haste).unwrap();
                    }
                })
            })
            .collect();
        drop(sender);
        let mut sum = 0;
        while let Some(one) = receiver.recv() {
            sum += one;
        }
        assert_eq!(sum, 2_000);
        for sender in senders {
            sender.join().unwrap();
        }
    }
}
