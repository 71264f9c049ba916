//! A name that was said is one under an enrolment, and under nothing else.

use call::{Enrolment, NameClip};
use model::speech::OwnVoice;

fn made_by_hand(enrolment: Enrolment, voice: OwnVoice) -> NameClip {
    NameClip { enrolment, voice }
}

fn main() {
    let _ = made_by_hand;
}
