//! Staff, what they may do, and what they did: the rows behind `disclosure`'s roster. It stands
//! here alone, so every change is written through to the disk before a function returns.
//!
//! Nothing is decided here. Who may change what is for the roster, what follows from it for
//! `access`; this keeps what they say, each change whole.

mod act;
mod alarm;
mod grant;
mod overseen;
mod people;
mod session;
mod text;
mod tie;
mod usage;

pub use act::{GlassRow, RequestRow, RequestState};
pub use alarm::CapTryRow;
pub use overseen::{Overseen, OverseenRow};
pub use people::{Credentials, Enrolment, NOBODY, NewStaff, StaffRow};
pub use session::SessionRow;
pub use text::{PolicyRequestRow, PolicyRow};
pub use tie::{TieRow, TieState, TieTo};
pub use usage::UsageRow;

use crate::{
    code::Columns,
    dialect::Row,
    error::Broken,
    sealing::{ColumnKeys, field::Field},
};
use access::{Line, Purpose, Role, Scope, Verb};
use model::Private;

/// An enum of `access`, which has words of its own that never change.
pub(crate) trait Worded: Sized {
    fn of(word: &str) -> Option<Self>;
}

macro_rules! worded {
    ($($kind:ident)*) => {$(
        impl Worded for $kind {
            fn of(word: &str) -> Option<Self> { Self::from_word(word) }
        }
    )*};
}

worded! { Line Purpose Role Scope Verb }

fn worded<T: Worded>(row: &Row, column: &'static str) -> Result<T, Broken> {
    T::of(&row.text(column)?).ok_or_else(|| Broken::unreadable(column))
}

/// What is read from a column with a name, a case or a reason.
fn private_text(keys: &ColumnKeys, row: &Row, field: Field) -> Result<Private<String>, Broken> {
    keys.text(row, field).map(Private::new)
}
