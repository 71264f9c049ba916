//! From a bridge to the vault. The only tap there is.

use media::Tap;
use model::Second;
use vault::Writer;

/// Hands the seconds of a bridge to the writer of its recording. It can be made only from a
/// [`Writer`], and a writer only from a `Consent`.
pub(crate) struct Tapping(Writer);

impl Tapping {
    /// A tap into `writer`.
    pub(crate) fn new(writer: Writer) -> Self {
        Self(writer)
    }
}

impl Tap for Tapping {
    fn second(&mut self, second: Second) {
        self.0.second(second);
    }

    fn end(self: Box<Self>) {
        self.0.end();
    }
}
