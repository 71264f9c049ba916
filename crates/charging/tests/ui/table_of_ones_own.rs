//! There is no cap table without the built-in caps.

use charging::CapTable;

fn main() {
    let _ = CapTable { caps: Vec::new(), own: String::new() };
}
