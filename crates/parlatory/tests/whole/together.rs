//! Plays several scenes at once, each in a thread of its own, and hands each to the test that looks
//! at it. The test runner alone would play as many at a time as the machine has processors, and
//! calls need hardly any of them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    thread,
};

/// Scenes that have been played. All of them are over, also those that nobody looks at: a scene
/// that went on would leave its phones behind when the tests end.
pub(crate) struct Together<T>(Mutex<BTreeMap<&'static str, thread::Result<T>>>);

/// A scene and its name.
pub(crate) type Scene<T> = (&'static str, fn() -> T);

impl<T: Send> Together<T> {
    /// Plays all scenes.
    pub(crate) fn play(scenes: &[Scene<T>]) -> Self {
        let played = thread::scope(|scope| {
            let running: Vec<_> =
                scenes.iter().map(|(name, scene)| (*name, scope.spawn(scene))).collect();
            running.into_iter().map(|(name, scene)| (name, scene.join())).collect()
        });
        Self(Mutex::new(played))
    }

    /// Gives a scene, once; fails where the scene failed.
    pub(crate) fn take(&self, name: &str) -> T {
        let scene = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        scene.expect("a scene of that name, looked at once").unwrap_or_else(|payload| {
            let reason = payload.downcast_ref::<String>().map_or("failed", String::as_str);
            panic!("`{name}`: {reason}")
        })
    }
}
