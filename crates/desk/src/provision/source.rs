//! The text of one file, and where in it an octet stands.

use super::{
    Open,
    limits::FILE_OCTETS_MAX,
    problem::{Problem, Problems},
};
use std::{
    fs,
    io::Read,
    ops::Range,
    path::{Path, PathBuf},
};

/// A file that was read whole.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: PathBuf,
    pub(super) text: String,
    /// Where each line begins.
    starts: Vec<usize>,
}

impl Source {
    /// Reads a text file with `open`. What keeps it from being read is a problem.
    pub(super) fn read(path: &Path, open: &Open<'_>, problems: &mut Problems) -> Option<Self> {
        let whole =
            |reason: String| Problem { file: path.to_owned(), line: None, column: None, reason };
        let octets = match open(path) {
            Ok(octets) => octets,
            Err(error) => {
                let kind = error.kind();
                problems.add(whole(format!("this file cannot be read: {kind}; check its name")));
                return None;
            }
        };
        if octets.len() as u64 > FILE_OCTETS_MAX {
            let limit = FILE_OCTETS_MAX / (1024 * 1024);
            problems.add(whole(format!("this file has more than {limit} MiB; split it")));
            return None;
        }
        if octets.starts_with(b"\xff\xfe") || octets.starts_with(b"\xfe\xff") {
            problems.add(whole("this is UTF-16 text; save it as `CSV UTF-8` or UTF-8".to_owned()));
            return None;
        }
        match String::from_utf8(octets) {
            Ok(text) => Some(Self::new(path, text)),
            Err(error) => {
                for (line, octets) in (1..).zip(error.as_bytes().split(|octet| *octet == b'\n')) {
                    if std::str::from_utf8(octets).is_err() {
                        let reason =
                            "a character here is not UTF-8; save the file as `CSV UTF-8` or UTF-8";
                        problems.add(Problem { line: Some(line), ..whole(reason.to_owned()) });
                    }
                }
                None
            }
        }
    }

    pub(super) fn new(path: &Path, text: String) -> Self {
        // Spreadsheets begin UTF-8 files with a byte order mark, which is not part of the first
        // word.
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        let ends = text.bytes().enumerate().filter(|(_, octet)| *octet == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { file: path.to_owned(), text, starts }
    }

    /// A problem at an octet range of the text.
    pub(super) fn problem(&self, at: &Range<usize>, reason: impl Into<String>) -> Problem {
        let (line, column) = self.place(at.start);
        Problem {
            file: self.file.clone(),
            line: Some(line),
            column: Some(column),
            reason: reason.into(),
        }
    }

    /// A problem of a whole line.
    pub(super) fn problem_in(&self, line: u64, reason: impl Into<String>) -> Problem {
        Problem { file: self.file.clone(), line: Some(line), column: None, reason: reason.into() }
    }

    /// The line of an octet, from 1.
    pub(super) fn line(&self, at: usize) -> u64 {
        self.place(at).0
    }

    fn place(&self, at: usize) -> (u64, u64) {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index));
        let before = start.and_then(|start| self.text.get(*start..at)).unwrap_or("");
        (line as u64, before.chars().count() as u64 + 1)
    }
}

/// The octets of a file of this machine.
pub(super) fn from_disk(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    // One octet more than the limit tells a file that is too large from one that just fits.
    fs::File::open(path)?.take(FILE_OCTETS_MAX + 1).read_to_end(&mut octets)?;
    Ok(octets)
}
