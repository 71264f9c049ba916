//! No receipt for segments of a journal by a struct literal.

use access::{Reopening, ReopeningReceipt};
use tlog::Checkpoint;

fn by_hand(reopening: Reopening, checkpoint: Checkpoint) -> ReopeningReceipt {
    ReopeningReceipt { reopening, index: 0, checkpoint }
}

fn main() {
    let _ = by_hand;
}
