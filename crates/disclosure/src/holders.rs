//! The keyholders of a node's recordings: here, or elsewhere, as it was configured.

use crate::{Keyholder, NotHeard, Reach};
use access::Gate;
use export::Custody;
use keyholder::{
    Answer, Ask, Holder, KeyRing, Memory, NotAnswered, Program, Remote, SegmentAnswer, SegmentAsk,
    State,
};
use model::{Clock, Timestamp};
use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tlog::Verifier;
use vault::{KeyId, KeyholderKey};

/// Where a keyholder is.
#[derive(Clone, Debug)]
pub enum HolderAt {
    /// On this machine: a folder with its keys in `keys`, and what it remembers beside them.
    Here(PathBuf),
    /// Somewhere else, over HTTPS with mutual TLS.
    There(Remote),
    /// Behind a program, maybe on this machine.
    Behind(Program),
}

/// The custody grade of a configuration, everywhere it is told.
///
/// More than one keyholder on this machine is solo: whoever administers it can open everything,
/// with the log or without. Where a program is asked, nobody can tell from here where it runs, so
/// it counts as on this machine. `witnessed` is whether the log must have been seen by witnesses.
#[must_use]
pub fn custody(holders: &[HolderAt], witnessed: bool) -> Custody {
    let here =
        holders.iter().filter(|at| matches!(at, HolderAt::Here(_) | HolderAt::Behind(_))).count();
    match (here, witnessed) {
        (0 | 1, true) => Custody::SplitWithWitnesses,
        (0 | 1, false) => Custody::Split,
        (2.., _) => Custody::Solo,
    }
}

/// The keyholders that can be asked. Cheap to clone.
#[derive(Clone)]
pub struct Holders(Arc<Inner>);

struct Inner {
    /// Each with what it is called.
    each: Vec<(String, Mutex<Opened>)>,
    /// Which key is at which place.
    known: Mutex<BTreeMap<[u8; 8], usize>>,
    reach: Reach,
    clock: Clock,
}

/// A keyholder that is ready to be asked.
enum Opened {
    Here(Box<Holder>),
    There(Remote),
    Behind(Program),
}

impl Holders {
    /// Opens those that are here, with the log and the witnesses that they believe.
    ///
    /// # Errors
    /// Says which one has no usable keys or memory.
    pub fn open(
        at: Vec<HolderAt>,
        gate: &Gate,
        log: &Verifier,
        clock: Clock,
    ) -> Result<Self, NoHolder> {
        let opened = |at| match at {
            HolderAt::There(remote) => Ok(Opened::There(remote)),
            HolderAt::Behind(program) => Ok(Opened::Behind(program)),
            HolderAt::Here(folder) => {
                let fault = |why: String| NoHolder { folder: folder.display().to_string(), why };
                let ring = KeyRing::load(&folder.join("keys"));
                let ring = ring.map_err(|why| fault(why.to_string()))?;
                let memory = Memory::open(&folder, log).map_err(|why| fault(why.to_string()))?;
                Ok(Opened::Here(Box::new(Holder::new(ring, gate.clone(), memory))))
            }
        };
        let each = at.into_iter().enumerate().map(|(place, at)| {
            let name = format!("{}: {}", place + 1, at.name());
            Ok((name, Mutex::new(opened(at)?)))
        });
        let each: Vec<_> = each.collect::<Result<_, _>>()?;
        let reach = Reach::of(each.iter().map(|(name, _)| name.clone()));
        Ok(Self(Arc::new(Inner { each, known: Mutex::default(), reach, clock })))
    }

    /// Which of them answered when.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.0.reach.clone()
    }

    /// The one at a place, for who asks it alone.
    fn at(&self, place: usize) -> Option<Held<'_>> {
        let (name, opened) = self.0.each.get(place)?;
        let opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Held { opened, name, inner: &self.0 })
    }

    /// The two that hold the shares of the recording with this header, for one request: nobody else
    /// asks them meanwhile, so that a keyholder never sees the log shrink.
    ///
    /// # Errors
    /// [`NotHeard::NoHolder`] when nobody who is configured has one of the keys.
    pub(crate) fn of(&self, header: &[u8]) -> Result<[Held<'_>; 2], NotHeard> {
        let [first, second] = vault::holders(header)?;
        let find = |key| self.with_key(key);
        // In the order of the list, so that two requests never wait for each other.
        let (one, other) = (find(first)?, find(second)?);
        if one == other {
            return Err(NotHeard::NoHolder);
        }
        let mut held: Vec<_> = [one.min(other), one.max(other)]
            .into_iter()
            .filter_map(|place| self.at(place))
            .collect();
        let (Some(last), Some(before)) = (held.pop(), held.pop()) else {
            return Err(NotHeard::NoHolder);
        };
        Ok([before, last])
    }

    /// Asks the one that has this key; nobody else asks it meanwhile.
    pub(crate) fn with<T>(
        &self,
        key: KeyId,
        ask: impl FnOnce(&mut dyn Keyholder) -> Result<T, NotHeard>,
    ) -> Result<T, NotHeard> {
        let place = self.with_key(key)?;
        ask(&mut self.at(place).ok_or(NotHeard::NoHolder)?)
    }

    /// The place of the one that has this key. Who had it before has it still: keys that are no
    /// longer current stay in their ring.
    fn with_key(&self, wanted: KeyId) -> Result<usize, NotHeard> {
        let known = || self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = known().get(&wanted.0) {
            return Ok(*place);
        }
        let mut unreached = None;
        for place in 0..self.0.each.len() {
            let Some(mut holder) = self.at(place) else { continue };
            match holder.state() {
                Ok(state) => {
                    let keys = state.keys.iter().filter_map(|key| key.parse().ok());
                    known().extend(keys.map(|key: KeyholderKey| (key.id().0, place)));
                }
                // Another one may have it.
                Err(why) => unreached = Some(why),
            }
            if let Some(place) = known().get(&wanted.0) {
                return Ok(*place);
            }
        }
        Err(unreached.unwrap_or(NotHeard::NoHolder))
    }
}

impl fmt::Debug for Holders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Holders({})", self.0.each.len())
    }
}

impl HolderAt {
    /// What it is called where it is said whether it answers. No folder is named.
    fn name(&self) -> String {
        match self {
            Self::Here(_) => "on this machine".to_owned(),
            Self::There(remote) => remote.name(),
            Self::Behind(_) => "behind a program".to_owned(),
        }
    }
}

/// A keyholder that nobody else asks meanwhile.
pub(crate) struct Held<'h> {
    opened: MutexGuard<'h, Opened>,
    name: &'h str,
    inner: &'h Inner,
}

impl Held<'_> {
    /// Notes that it was asked, and whether it answered. To say no is an answer.
    fn noted<T>(&self, answer: Result<T, NotHeard>) -> Result<T, NotHeard> {
        let silent = matches!(
            answer,
            Err(NotHeard::NotAnswered(NotAnswered::Unreached(_) | NotAnswered::Answer))
        );
        self.inner.reach.asked(self.name, !silent, self.inner.clock.now());
        answer
    }
}

impl Keyholder for Held<'_> {
    fn state(&mut self) -> Result<State, NotHeard> {
        let state = match &mut *self.opened {
            Opened::Here(holder) => Keyholder::state(holder.as_mut()),
            Opened::There(remote) => Keyholder::state(remote),
            Opened::Behind(program) => Keyholder::state(program),
        };
        self.noted(state)
    }

    fn open(&mut self, ask: &Ask, now: Timestamp) -> Result<Answer, NotHeard> {
        let answer = match &mut *self.opened {
            Opened::Here(holder) => Keyholder::open(holder.as_mut(), ask, now),
            Opened::There(remote) => Keyholder::open(remote, ask, now),
            Opened::Behind(program) => Keyholder::open(program, ask, now),
        };
        self.noted(answer)
    }

    fn open_segment(
        &mut self,
        ask: &SegmentAsk,
        now: Timestamp,
    ) -> Result<SegmentAnswer, NotHeard> {
        let answer = match &mut *self.opened {
            Opened::Here(holder) => Keyholder::open_segment(holder.as_mut(), ask, now),
            Opened::There(remote) => Keyholder::open_segment(remote, ask, now),
            Opened::Behind(program) => Keyholder::open_segment(program, ask, now),
        };
        self.noted(answer)
    }
}

/// A keyholder cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keyholder in `{folder}` cannot be used: {why}")]
pub struct NoHolder {
    /// Its folder.
    pub folder: String,
    /// Why.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grade_follows_from_where_the_keys_are() {
        let here = |name: &str| HolderAt::Here(PathBuf::from(name));
        let words = ["ssh", "court", Program::PLACE].map(str::to_owned);
        let behind = HolderAt::Behind(Program::of(&words).unwrap());
        for (holders, witnessed, grade) in [
            (vec![here("a"), here("b")], false, Custody::Solo),
            (vec![here("a"), here("b")], true, Custody::Solo),
            (vec![here("a")], false, Custody::Split),
            (vec![here("a")], true, Custody::SplitWithWitnesses),
            (vec![], true, Custody::SplitWithWitnesses),
            (vec![here("a"), behind.clone()], true, Custody::Solo),
            (vec![behind], false, Custody::Split),
        ] {
            assert_eq!(custody(&holders, witnessed), grade, "{holders:?}");
        }
    }
}
