//! There is no receipt by default, and none is copied.

use access::Receipt;

fn copied(receipt: &Receipt) -> Receipt {
    Receipt::clone(receipt)
}

fn main() {
    let _ = copied;
    let _ = Receipt::default();
}
