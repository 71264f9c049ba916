//! Whoever holds a desk can ask it, and reaches neither its ledger nor its journal.

use desk::Desk;
use model::AccountId;

fn reached(desk: &Desk) {
    let _ = desk.state().ledger.available(AccountId(1));
    let _ = desk.inner().journal.clone();
    let _ = &desk.0;
}

fn main() {
    let _ = reached;
}
