//! "Recorded" holds a consent or does not exist: neither a reason, nor an epoch, nor a flag will
//! do.

use call::Recording;
use model::fact::{Epoch, OffReason};

fn turned_on(off: Recording) -> Recording {
    match off {
        Recording::Off(reason) => Recording::Consented(reason),
        consented => consented,
    }
}

fn by_the_offices_word(committed: Result<Epoch, OffReason>) -> Recording {
    match committed {
        Ok(epoch) => Recording::Consented(epoch),
        Err(reason) => Recording::Off(reason),
    }
}

fn by_a_flag() -> Recording {
    Recording::Consented(true)
}

fn main() {
    let _ = (turned_on, by_the_offices_word, by_a_flag);
}
