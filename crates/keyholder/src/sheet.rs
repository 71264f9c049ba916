//! The escrow sheet: a private key on paper, for a safe. Whoever types it in again is told which
//! line is mistyped.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use vault::KeyholderSecret;
use zeroize::Zeroizing;

/// A sheet to be printed.
pub fn sheet(secret: &KeyholderSecret) -> Zeroizing<String> {
    let public = secret.public();
    let text = secret.text();
    let digits = text.rsplit(':').next().unwrap_or_default();
    // With its final capacity from the start, so that growing leaves no copy behind.
    let mut sheet = Zeroizing::new(String::with_capacity(SHEET_OCTETS_MAX));
    let written = write!(
        sheet,
        "PARLATORY KEYHOLDER: ESCROW SHEET\n\n\
         Key id      {}\n\
         Public key  {public}\n\n\
         This is a private key. With it and the other keyholder's, recordings are opened.\n\
         Without it and without another copy, nobody opens them again. Keep this sheet in a\n\
         sealed envelope in a safe, write down who holds it, and destroy it when the key is.\n\n",
        public.id()
    );
    let mut rest = digits;
    for number in 1..=LINES {
        let Some((line, after)) = rest.split_at_checked(LINE_DIGITS) else { break };
        rest = after;
        let groups: Vec<_> = (0..LINE_DIGITS / GROUP_DIGITS)
            .filter_map(|group| line.get(group * GROUP_DIGITS..(group + 1) * GROUP_DIGITS))
            .collect();
        let line = format!("  {number}  {}   {}\n", groups.join(" "), check(number, line));
        sheet.push_str(&Zeroizing::new(line));
    }
    assert!(written.is_ok(), "a string takes what is written to it");
    sheet.push_str(
        "\nThe last four digits of each line check the line when it is typed in again.\n",
    );
    sheet
}

/// Reads the numbered lines of a sheet that somebody typed in.
///
/// # Errors
/// Says which line is mistyped or missing.
pub fn typed(text: &str) -> Result<KeyholderSecret, BadSheet> {
    let mut digits = Zeroizing::new(String::with_capacity(SHEET_OCTETS_MAX));
    digits.push_str("parlatory-keyholder-secret:");
    for number in 1..=LINES {
        let of_it = |line: &str| {
            let mut words = line.split_whitespace();
            (words.next() == Some(number.to_string().as_str())).then(|| words.collect::<String>())
        };
        let line = text.lines().find_map(of_it).ok_or(BadSheet::Missing(number))?;
        let line = Zeroizing::new(line.to_lowercase());
        let parts = line.split_at_checked(LINE_DIGITS);
        let (line, found) = parts.ok_or(BadSheet::Mistyped(number))?;
        if found != check(number, line) {
            return Err(BadSheet::Mistyped(number));
        }
        digits.push_str(line);
    }
    KeyholderSecret::parse(&digits).map_err(|_| BadSheet::NoKey)
}

/// Why a sheet cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSheet {
    /// A line is missing.
    #[error("line {0} of the sheet is missing: type it as `{0} xxxx xxxx xxxx xxxx cccc`")]
    Missing(usize),
    /// A line does not fit its check.
    #[error("line {0} of the sheet is mistyped")]
    Mistyped(usize),
    /// All lines fit, but they are no key.
    #[error("this sheet holds no key")]
    NoKey,
}

fn check(number: usize, line: &str) -> String {
    let hash = Sha256::new().chain_update(b"parlatory escrow sheet v1");
    let hash = hash.chain_update(number.to_string()).chain_update(line).finalize();
    hash.iter().take(2).map(|octet| format!("{octet:02x}")).collect()
}

const LINES: usize = 4;
const LINE_DIGITS: usize = 16;
const GROUP_DIGITS: usize = 4;
const SHEET_OCTETS_MAX: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_that_is_typed_in_gives_the_key_back() {
        let (secret, public) = vault::generate().unwrap();
        let sheet = sheet(&secret);
        assert_eq!(typed(&sheet).unwrap().text(), secret.text());
        assert!(sheet.contains(&public.to_string()) && !sheet.contains(secret.text().as_str()));
        assert!(sheet.len() < SHEET_OCTETS_MAX);
        // Only the numbered lines, in capitals, without the groups, in another order.
        let lines = sheet.lines().filter(|line| line.starts_with("  ")).rev();
        let lines = lines.map(|line| {
            let mut words = line.split_whitespace();
            format!("{} {}\n", words.next().unwrap(), words.collect::<String>().to_uppercase())
        });
        assert_eq!(typed(&lines.collect::<String>()).unwrap().text(), secret.text());
    }

    #[test]
    fn a_mistyped_or_missing_line_is_named() {
        let (secret, _) = vault::generate().unwrap();
        let sheet = sheet(&secret);
        for number in 1..=LINES {
            let start = format!("  {number}  ");
            let line = sheet.lines().find(|line| line.starts_with(&start)).unwrap();
            let without = sheet.replace(line, "");
            assert_eq!(typed(&without).err(), Some(BadSheet::Missing(number)));
            let at = sheet.find(line).unwrap() + start.len();
            let other = if sheet.as_bytes()[at] == b'0' { "1" } else { "0" };
            let mut wrong = sheet.to_string();
            wrong.replace_range(at..=at, other);
            assert_eq!(typed(&wrong).err(), Some(BadSheet::Mistyped(number)));
            let short = sheet.replace(line, &line[..12]);
            assert_eq!(typed(&short).err(), Some(BadSheet::Mistyped(number)));
        }
    }
}
