//! What a reader makes of what the frames of an opened recording hold, without a recording: for the
//! fuzz targets. No key of anybody is touched, and nothing that was sealed elsewhere opens here.

use crate::{
    format::{self, LENGTH_OCTETS},
    open::{Next, NotOpened, Reading},
};
use model::{Second, Timestamp};

/// What was read of frames that hold just these octets, of which some say that they are the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inside {
    /// The seconds, up to the end or the first fault.
    pub seconds: Vec<Second>,
    /// When the recording ended in order; `None` when it was cut, or why it was not read on.
    pub ended: Result<Option<Timestamp>, NotOpened>,
}

/// Reads the frames of a recording that is not there: `frames` are what each of them holds after it
/// was opened, and whether it is sealed as the last one. They are sealed to a key that is known to
/// everybody and read as any recording is. What does not fit into a frame is left out.
pub fn inside<'a>(frames: impl IntoIterator<Item = (&'a [u8], bool)>) -> Inside {
    let mut file = Vec::new();
    for (counter, (held, last)) in (0..).zip(frames) {
        let mut frame = vec![0; LENGTH_OCTETS];
        frame.extend_from_slice(held);
        if Reading::<&[u8]>::seal_for_probe(&mut frame, counter, last).is_none() {
            break;
        }
        file.extend_from_slice(&frame);
    }
    let mut reading = Reading::of_probe(file.as_slice());
    let mut seconds = Vec::new();
    let ended = loop {
        match reading.read() {
            Ok(Next::Second(second)) => seconds.push(*second),
            Ok(Next::Pause { .. }) => break Ok(None),
            Ok(Next::Ended { at }) => break Ok(Some(at)),
            Err(fault) => break Err(fault),
        }
    };
    Inside { seconds, ended }
}

/// Writes what the frame of a second holds; `None` when a recording has no such second.
pub fn held(second: &Second) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    format::second(second, &mut octets)?;
    Some(octets)
}
