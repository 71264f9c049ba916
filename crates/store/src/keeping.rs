//! What is kept, for how long, what must be kept, and what was erased: the rows behind
//! `disclosure`'s keeping. It stands here alone, so every change is on the disk before a function
//! returns.

mod detail;
mod erasing;
mod hold;
mod records;
mod rule;
mod run;

pub use detail::CallLeft;
pub use erasing::{Basis, Due, Erasing, Terms};
pub use hold::{Held, HoldRow, NewHold};
pub use records::{RecordsCount, Swept};
pub use rule::{Class, RuleRow};
pub use run::{RunOutcome, RunRow, RunScope};

const READ: &str = "look up what is kept";
const KEEP: &str = "keep what is kept";
