//! Facts and folders that the journal's tests share.
#![allow(dead_code, reason = "each test file uses a part")]

use journal::{JournalError, Seq, replay};
use model::{AgencyId, CallId, E164, Language, Private, StationId, Timestamp, fact::Fact};
use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// A fact that is different for each `n`, of a kind and a length that vary with it.
pub(crate) fn fact(n: u64) -> Fact {
    let at = Timestamp::from_micros(i64::try_from(n % 100_000).unwrap() * 1_000);
    let call = CallId(n);
    match n % 4 {
        0 => Fact::Boot { boot: u32::try_from(n % 1_000).unwrap(), at, version: "1".repeat(20) },
        1 => Fact::Answered { call, at },
        2 => Fact::LanguageChosen {
            agency: AgencyId(1),
            number: Private::new(E164::new(12_025_550_100 + n % 100).unwrap()),
            language: Language::Es,
            at,
        },
        _ => Fact::PinRefused { station: StationId(u32::try_from(n % 1_000).unwrap()), at },
    }
}

/// Everything `replay` gives.
pub(crate) fn replayed(dir: &Path, after: u64) -> Result<Vec<(u64, Fact)>, JournalError> {
    let mut found = Vec::new();
    replay(dir, Seq(after), |seq, fact| {
        found.push((seq.0, fact));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The segments of a journal, in order.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "journal"))
        .collect();
    files.sort();
    files
}
