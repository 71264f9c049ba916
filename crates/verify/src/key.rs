//! Keys that logs and witnesses are checked with.

use crate::Source;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tlog::{NotAKey, Verifier};

/// Reads a key that is given as text, or as a file that it stands in.
///
/// # Errors
/// When it is no key; and when its file is inside the folder that it is to vouch for, because
/// whoever changes the one can change the other.
pub fn read_key(given: &str, source: &Source) -> Result<Verifier, KeyFault> {
    // No key has a line break, and no file name needs one.
    let file = Path::new(given);
    if !file.is_file() {
        return Verifier::parse(given.trim())
            .map_err(|why| KeyFault::Text { given: given.to_owned(), why });
    }
    if source.contains(file) {
        return Err(KeyFault::Inside { file: file.to_owned() });
    }
    let text = fs::read_to_string(file)
        .map_err(|error| KeyFault::File { file: file.to_owned(), why: error.to_string() })?;
    Verifier::parse(text.trim())
        .map_err(|why| KeyFault::File { file: file.to_owned(), why: why.to_string() })
}

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// It is neither a key nor a file.
    #[error("`{given}` is no file, and no key either: {why}")]
    Text {
        /// What was given.
        given: String,
        /// What about it is wrong.
        why: NotAKey,
    },
    /// The file has no key.
    #[error("the key in `{}` cannot be used: {why}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What about it is wrong.
        why: String,
    },
    /// The file is part of what it is to vouch for.
    #[error(
        "the key `{}` lies inside the log that it is to check: whoever changed the log could have \
         changed it too; take a key that you got in another way",
        file.display()
    )]
    Inside {
        /// The file.
        file: PathBuf,
    },
}
