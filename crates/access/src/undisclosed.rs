//! Data that nobody has seen yet.

use crate::{Object, Receipt, Verb};
use core::fmt;

/// Data about somebody, on its way to somebody else. It cannot be looked at, printed or copied:
/// [`Undisclosed::release`] alone gives it out.
pub struct Undisclosed<T> {
    object: Object,
    value: T,
}

impl<T> Undisclosed<T> {
    /// Wraps `value`, which is exactly what `object` names.
    pub const fn new(object: Object, value: T) -> Self {
        Self { object, value }
    }

    /// What it is, as its entry must name it.
    #[must_use]
    pub const fn object(&self) -> &Object {
        &self.object
    }

    /// Gives the data out against the receipt of their entry. The receipt is used up.
    ///
    /// # Errors
    /// When the entry names something else, or an act that shows no data. The data are gone: a new
    /// entry and a new look are needed.
    pub fn release(self, receipt: Receipt) -> Result<T, NotReleased> {
        if receipt.intent().object != self.object {
            return Err(NotReleased::OtherObject);
        }
        match receipt.intent().verb {
            Verb::Search | Verb::Listen | Verb::Follow | Verb::Export | Verb::List | Verb::Name => {
                Ok(self.value)
            }
            Verb::Hold | Verb::Approve | Verb::Retain | Verb::Watch | Verb::Switch => {
                Err(NotReleased::ShowsNothing)
            }
        }
    }
}

impl<T> fmt::Debug for Undisclosed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[undisclosed]")
    }
}

/// Why data were not given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReleased {
    /// The entry names something else.
    #[error("the entry in the log names something else than what was looked up")]
    OtherObject,
    /// A hold and an approval show nothing.
    #[error("the entry in the log is of an act that shows no data")]
    ShowsNothing,
}
