//! There is no writer but the one that `Vault::begin` gives.

use model::RecordingId;
use vault::Writer;

fn copied(writer: &Writer) -> Writer {
    writer.clone()
}

fn main() {
    let _ = Writer { recording: RecordingId(1), over: false };
    let _ = Writer::default();
    let _ = copied;
}
