//! There is no writer but the one that `Vault::begin` gives, and it writes its own recording.

use model::RecordingId;
use vault::Writer;

fn bent(writer: &mut Writer) {
    writer.recording = RecordingId(2);
}

fn copied<T: Clone>() {}

fn main() {
    let _ = Writer::new;
    let _ = Writer::default();
    copied::<Writer>();
    let _ = bent;
}
