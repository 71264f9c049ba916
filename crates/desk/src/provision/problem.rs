//! What is wrong with a provision file, and where.

use super::limits::PROBLEMS_LISTED_MAX;
use std::{fmt, path::PathBuf};

/// One thing that is wrong. Prints as `file:line:column: reason`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The line, from 1; `None` for the file as a whole.
    pub line: Option<u64>,
    /// The column in characters, from 1, where it is known.
    pub column: Option<u64>,
    /// What is wrong and what to write instead. Never quotes personal data.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if let Some(column) = self.column {
            write!(f, "{column}:")?;
        }
        write!(f, " {}", self.reason)
    }
}

/// Collects problems while reading goes on.
#[derive(Debug, Default)]
pub(super) struct Problems {
    listed: Vec<Problem>,
    unlisted: usize,
}

impl Problems {
    pub(super) fn add(&mut self, problem: Problem) {
        if self.listed.len() < PROBLEMS_LISTED_MAX {
            self.listed.push(problem);
        } else {
            self.unlisted += 1;
        }
    }

    /// Files stand in the order in which they were read, lines in theirs.
    pub(super) fn finish(mut self) -> Result<(), Vec<Problem>> {
        let Some(first) = self.listed.first() else { return Ok(()) };
        let main = first.file.clone();
        let mut files: Vec<PathBuf> = Vec::new();
        for problem in &self.listed {
            if !files.contains(&problem.file) {
                files.push(problem.file.clone());
            }
        }
        self.listed.sort_by_key(|problem| {
            let file = files.iter().position(|file| *file == problem.file);
            (file, problem.line, problem.column)
        });
        if self.unlisted > 0 {
            let reason = format!("there are {} more problems; mend these first", self.unlisted);
            self.listed.push(Problem { file: main, line: None, column: None, reason });
        }
        Err(self.listed)
    }
}
