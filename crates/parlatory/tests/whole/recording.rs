//! The recordings of a data folder, opened with both keyholders' private keys.

use std::{
    fs,
    path::{Path, PathBuf},
};

use model::{Codec, Second, Track};

use crate::{
    open::{Keyholder, Opened, open},
    sound::decode,
};

/// A file of the vault and what is in it.
pub(crate) struct Recording {
    pub(crate) path: PathBuf,
    pub(crate) opened: Opened,
}

/// Opens every recording; fails when a file in the vault is none, or is left unfinished.
pub(crate) fn recordings(data: &Path) -> Vec<Recording> {
    let key = |holder: &str| {
        let keys = data.join("keyholders").join(holder).join("keys");
        let current = fs::read_to_string(keys.join("current")).unwrap();
        Keyholder::from_text(&fs::read_to_string(keys.join(format!("{current}.key"))).unwrap())
    };
    let (agency, independent) = (key("agency"), key("independent"));
    let vault = data.join("recordings");
    assert!(files(&vault.join("open")).is_empty(), "nothing is left unfinished");
    let opened = files(&vault.join("closed")).into_iter().map(|path| {
        let octets = fs::read(&path).unwrap();
        let opened = open(&octets, &agency, &independent);
        let opened = opened.unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
        Recording { path, opened }
    });
    opened.collect()
}

impl Recording {
    /// `rec` when it was closed in order, `cut` when not.
    pub(crate) fn extension(&self) -> &str {
        self.path.extension().and_then(|extension| extension.to_str()).unwrap()
    }

    /// What the person said, second by second.
    pub(crate) fn station(&self) -> Vec<Vec<i16>> {
        self.opened.seconds.iter().map(|second| samples(&second.station)).collect()
    }

    /// What the called party said, second by second.
    pub(crate) fn called(&self) -> Vec<Vec<i16>> {
        self.opened.seconds.iter().map(|second| samples(&second.called)).collect()
    }

    /// The codecs of both, in every second.
    pub(crate) fn codecs(&self) -> Vec<(Codec, Codec)> {
        let codecs = |second: &Second| (second.station.codec, second.called.codec);
        self.opened.seconds.iter().map(codecs).collect()
    }

    /// Runs of the audio as it came in, none of which could be anything else.
    pub(crate) fn runs(&self) -> Vec<Vec<u8>> {
        let tracks =
            self.opened.seconds.iter().flat_map(|second| [&second.station, &second.called]);
        let runs = tracks.flat_map(|track| track.octets.chunks_exact(RUN_OCTETS));
        let varied =
            |run: &&[u8]| run.windows(2).filter(|pair| pair[0] != pair[1]).count() > RUN_OCTETS / 2;
        runs.filter(varied).map(<[u8]>::to_vec).collect()
    }
}

/// Every file under a folder, with those in its folders, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Fails when a file under `folder` holds audio of one of the recordings in clear.
#[track_caller]
pub(crate) fn assert_no_audio_in_clear(folder: &Path, recordings: &[Recording]) {
    use std::collections::HashSet;
    let runs: HashSet<_> = recordings.iter().flat_map(Recording::runs).collect();
    assert!(runs.len() > 20, "too little audio to look for: {} runs", runs.len());
    for path in files(folder) {
        let octets = fs::read(&path).unwrap();
        let found = octets.windows(RUN_OCTETS).any(|window| runs.contains(window));
        assert!(!found, "{} holds audio in clear", path.display());
    }
}

fn samples(track: &Track) -> Vec<i16> {
    decode(track.codec, &track.octets)
}

/// Octets of a piece of audio that is looked for.
const RUN_OCTETS: usize = 32;
