//! The archive around a package: ZIP without compression, sealed or not.

use super::Fault;
use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
};
use zip::{CompressionMethod, ZipArchive, result::ZipError};

/// Files by their paths.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// Reads all files of an archive.
pub(super) fn unpacked(octets: &[u8], passphrase: Option<&str>) -> Result<Files, Fault> {
    let mut archive = ZipArchive::new(Cursor::new(octets)).map_err(|why| of(&why))?;
    if archive.len() > FILES_COUNT_MAX {
        return Err(Fault::Archive("it has too many files".to_owned()));
    }
    // The library keeps the last of two with one name; another program may take the first.
    if archive.has_duplicate_names() {
        return Err(Fault::Archive("it has a file twice".to_owned()));
    }
    let mut files = Files::new();
    let mut left = octets.len() as u64;
    for place in 0..archive.len() {
        let mut file = match passphrase {
            Some(passphrase) => archive.by_index_decrypt(place, passphrase.as_bytes()),
            None => archive.by_index(place),
        }
        .map_err(|why| of(&why))?;
        let path = file.name().map_err(|why| of(&why))?.into_owned();
        // Without compression nothing is larger than the archive around it.
        let stored = file.compression() == CompressionMethod::Stored;
        if !stored || file.size() > left {
            return Err(Fault::Archive(format!("`{path}` is compressed or cut off")));
        }
        let most = left.saturating_add(1);
        left -= file.size();
        let mut octets = Vec::new();
        let read = file.by_ref().take(most).read_to_end(&mut octets);
        read.map_err(|why| match passphrase {
            // The tag of what is sealed is looked at when all of it was read.
            Some(_) => Fault::Sealed,
            None => Fault::Archive(why.to_string()),
        })?;
        if files.insert(path.clone(), octets).is_some() {
            return Err(Fault::Archive(format!("it has `{path}` twice")));
        }
    }
    Ok(files)
}

fn of(why: &ZipError) -> Fault {
    let sealed = matches!(
        why,
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword
    );
    if sealed { Fault::Sealed } else { Fault::Archive(why.to_string()) }
}

/// A package has a dozen files, and three for each entry.
const FILES_COUNT_MAX: usize = 10_000;
