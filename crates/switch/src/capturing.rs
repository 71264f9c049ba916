//! From a station's leg to a name. The only capture there is.

use call::{Enrolment, NameClip};
use media::Capture;

/// Takes one name. It can be made only from an [`Enrolment`], which it uses up.
pub(crate) struct Capturing {
    enrolment: Enrolment,
    deliver: Box<dyn FnOnce(Option<NameClip>) + Send>,
}

impl Capturing {
    /// A capture under `enrolment`; `deliver` gets what was said, once.
    pub(crate) fn new(
        enrolment: Enrolment,
        deliver: impl FnOnce(Option<NameClip>) + Send + 'static,
    ) -> Self {
        Self { enrolment, deliver: Box::new(deliver) }
    }
}

impl Capture for Capturing {
    fn captured(self: Box<Self>, spoken: Option<Vec<u8>>) {
        let Self { enrolment, deliver } = *self;
        deliver(spoken.and_then(|spoken| enrolment.captured(spoken)));
    }
}
