//! Nobody outside its module fills in an enrolment.

use call::Enrolment;
use model::{CallId, PersonId};

fn forged(call: CallId, person: PersonId) -> Enrolment {
    Enrolment { call, person, takes: 2 }
}

fn main() {
    let _ = forged;
}
