//! Only what was decided on becomes an entry: an intent alone is not allowed.

use access::{Draft, Intent, NotAnIntent, decide::Allowed};

fn undecided(intent: Intent, salt: [u8; 32]) -> Result<Draft, NotAnIntent> {
    Draft::new(intent, salt)
}

fn decided_by_hand(intent: Intent) -> Allowed {
    Allowed(intent)
}

fn main() {
    let _ = (undecided, decided_by_hand);
}
