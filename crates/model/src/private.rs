//! Personal data that cannot be printed by accident.

use core::fmt;
use serde::{Deserialize, Serialize};

/// Personal data: a name, a telephone number, a PIN. `Debug` prints `[private]`, and there is no
/// `Display`, so it reaches no log line, metric label, URL or panic message unless code says
/// [`Private::expose`], which a reviewer can search for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private<T>(T);

impl<T> Private<T> {
    /// Marks `value` as personal data.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the one place that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, by value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn debug_prints_no_personal_data() {
        let name = Private::new("Dana Example");
        assert_eq!(format!("{name:?}"), "[private]");
        assert_eq!(format!("{:?}", Some(name)), "Some([private])");
        assert_eq!(*name.expose(), "Dana Example");
    }
}
