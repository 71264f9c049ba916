//! One enrolment is one name, and one name is stored once.

use call::{Enrolment, NameClip};

fn two_of_one(enrolment: Enrolment) -> [Option<NameClip>; 2] {
    [enrolment.captured(Vec::new()), enrolment.captured(Vec::new())]
}

fn kept_twice(clip: NameClip) -> [NameClip; 2] {
    [clip.clone(), clip]
}

fn main() {
    let _ = (two_of_one, kept_twice);
}
