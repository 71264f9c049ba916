//! Nor is there another way to one: out of nothing, or past the state machine.

use call::Enrolment;

fn out_of_nothing() -> Enrolment {
    Enrolment::default()
}

fn past_the_machine() -> Option<Enrolment> {
    call::enrolment::choose()
}

fn main() {
    let _ = (out_of_nothing, past_the_machine);
}
