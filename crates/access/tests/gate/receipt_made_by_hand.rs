//! Nobody outside its module fills in a receipt.

use access::{Intent, Receipt};
use tlog::Checkpoint;

fn forged(intent: Intent, index: u64, checkpoint: Checkpoint) -> Receipt {
    Receipt { intent, index, checkpoint }
}

fn main() {
    let _ = forged;
}
