//! What is undisclosed is not taken apart.

use access::Undisclosed;

fn taken(rows: Undisclosed<String>) -> String {
    let Undisclosed { value, .. } = rows;
    value
}

fn main() {
    let _ = taken;
}
