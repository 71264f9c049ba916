//! What is undisclosed is not looked at, printed or copied.

use access::Undisclosed;

fn peeked(rows: &Undisclosed<String>) -> &String {
    &rows.value
}

fn copied(rows: &Undisclosed<String>) -> Undisclosed<String> {
    rows.clone()
}

fn printed(rows: &Undisclosed<String>) -> String {
    rows.to_string()
}

fn main() {
    let _ = (peeked, copied, printed);
}
