//! Where a call is made from, as far as law and price depend on it.

use serde::{Deserialize, Serialize};

/// Kind of a facility: the rate caps are by kind first, then by population (47 CFR 64.6000).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FacilityKind {
    /// A prison: its population does not matter to its cap.
    Prison,
    /// A jail: its cap depends on its average daily population.
    Jail,
}

/// What the caps depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Site {
    /// Prison or jail.
    pub kind: FacilityKind,
    /// Average daily population of the preceding calendar year (47 CFR 64.6000, "Average Daily
    /// Population").
    pub adp: u32,
    /// The state or territory whose law applies besides the federal rules.
    pub state: State,
}

/// A United States state or territory by its two-letter postal code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct State([u8; 2]);

impl State {
    /// The state with this postal code, such as `CO`.
    ///
    /// # Errors
    /// `None` when it is not two ASCII letters.
    pub fn new(code: &str) -> Option<Self> {
        match code.as_bytes() {
            [first, second] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
                Some(Self([first.to_ascii_uppercase(), second.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    /// The postal code in capitals.
    pub fn code(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or("")
    }
}
