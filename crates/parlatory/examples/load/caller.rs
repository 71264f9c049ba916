//! Who calls whom, from a file.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use model::{Key, Private};

/// One call to be made.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// User part of the From address: the gateway's line.
    pub(crate) station: String,
    /// What is typed: PIN and number, each followed by `#`.
    pub(crate) keys: Private<Vec<Key>>,
    /// The number as the trunk is given it, without `+`.
    pub(crate) number: Private<String>,
}

/// Reads `station,pin,number` lines; numbers are ten digits of the North American plan.
///
/// # Errors
/// When the file cannot be read, a line has another shape, or there is none.
pub(crate) fn read(path: &Path) -> Result<Vec<Caller>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let callers = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            parse(line).with_context(|| format!("`{}` line {}", path.display(), index + 1))
        })
        .collect::<Result<Vec<_>>>()?;
    ensure!(!callers.is_empty(), "`{}` names no call", path.display());
    Ok(callers)
}

fn parse(line: &str) -> Result<Caller> {
    let mut parts = line.split(',');
    let (station, pin, number, rest) = (parts.next(), parts.next(), parts.next(), parts.next());
    let (Some(station), Some(pin), Some(number), None) = (station, pin, number, rest) else {
        anyhow::bail!("is not `station,pin,number`");
    };
    let keys = format!("{pin}#{number}#").chars().filter_map(Key::from_char).collect();
    Ok(Caller {
        station: station.to_owned(),
        keys: Private::new(keys),
        number: Private::new(format!("1{number}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_call() {
        let caller = parse("line-7,482913,2025550107").unwrap();
        assert_eq!(caller.station, "line-7");
        assert_eq!(caller.keys.expose().len(), 6 + 1 + 10 + 1);
        assert_eq!(caller.keys.expose().last(), Some(&Key::POUND));
        assert_eq!(caller.number.expose(), "12025550107");
        for wrong in ["", "line-7", "line-7,482913", "line-7,482913,2025550107,"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
