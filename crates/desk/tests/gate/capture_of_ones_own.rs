//! The switch's capture cannot be had outside the switch, and an enrolment is none.

use call::Enrolment;
use media::Capture;

fn out_of_an_enrolment(enrolment: Enrolment) -> Box<dyn Capture> {
    Box::new(enrolment)
}

fn of_the_switch(enrolment: Enrolment) -> Box<dyn Capture> {
    Box::new(switch::capturing::Capturing::new(enrolment, drop))
}

fn main() {
    let _ = (out_of_an_enrolment, of_the_switch);
}
