//! One receipt releases one thing, once.

use access::{NotReleased, Receipt, Undisclosed};

fn twice<T>(
    first: Undisclosed<T>,
    second: Undisclosed<T>,
    receipt: Receipt,
) -> Result<(T, T), NotReleased> {
    Ok((first.release(receipt)?, second.release(receipt)?))
}

fn main() {
    let _ = twice::<u8>;
}
