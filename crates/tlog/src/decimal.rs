//! Numbers as the log's formats write them.

/// Reads an unsigned decimal number without sign, spaces or leading zeroes.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    let shortest = text == "0" || !text.starts_with('0');
    (digits && shortest).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_number_has_one_spelling() {
        for (text, number) in
            [("0", Some(0)), ("7", Some(7)), ("18446744073709551615", Some(u64::MAX))]
        {
            assert_eq!(parse(text), number);
        }
        for text in ["", "00", "01", "+1", "-1", " 1", "1 ", "1_0", "18446744073709551616", "٣"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
