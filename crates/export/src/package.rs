//! Puts a package together: the same contents give the same octets, to the last.

use crate::{
    limits::{PACKAGE_OCTETS_MAX, RECORDINGS_COUNT_MAX},
    manifest::{Beside, Clock, Copy, Custody, EntryOf, Manifest, Software, TimeStamp, hex},
    record::{self, Record},
    text, vcon, wav,
};
use access::{Audience, Object, Receipt};
use model::{RecordingId, Second, Timestamp, fact::RecordingState};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, io::Write as _};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// An entry of the log that lies in the package, with what opens and proves it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is, for a reader: `this disclosure`, `end of recording 00000001`.
    pub what: String,
    /// Its place in the log, from 0.
    pub index: u64,
    /// The entry itself, 256 octets.
    pub leaf: Vec<u8>,
    /// Salt and detail, which the entry commits to; empty where the recipient may not have it.
    pub opening: Vec<u8>,
    /// The proof file (C2SP tlog-proof).
    pub proof: tlog::ProofFile,
}

/// One recording, opened.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Which.
    pub recording: RecordingId,
    /// When it was begun.
    pub begun: Timestamp,
    /// Whether it ended in order.
    pub state: RecordingState,
    /// SHA-256 of the sealed file, which the entry of its end commits to.
    pub sealed_sha256: [u8; 32],
    /// Everything that was said.
    pub seconds: Vec<Second>,
}

/// What goes into a package.
#[derive(Debug)]
pub struct Contents<'p> {
    /// Call records.
    pub records: &'p [Record],
    /// Recordings.
    pub recordings: &'p [Recording],
    /// The entry of this disclosure, and those of the recordings.
    pub entries: &'p [Entry],
    /// Who else got a copy.
    pub copies: &'p [Copy],
    /// Whether an outside authority is asked to stamp the manifest with a time.
    pub time_stamp: &'p TimeStamp,
    /// Who can open what is recorded there.
    pub custody: Custody,
    /// Whose clock the times are.
    pub clock: &'p Clock,
    /// Which program made it.
    pub software: &'p Software,
    /// The log's verifier key (C2SP signed-note), as published.
    pub verifier_key: &'p str,
}

/// A package that is ready to be sealed to its recipient.
#[derive(Debug)]
pub struct Package {
    octets: Vec<u8>,
    sha256: [u8; 32],
    manifest_sha256: [u8; 32],
}

impl Package {
    /// Packs what was released against `receipt`: a ZIP archive without compression, every file in
    /// the order of its name and with the same date.
    ///
    /// # Errors
    /// When the receipt is for something else, or it is too large for one package.
    pub fn pack(receipt: &Receipt, contents: &Contents<'_>) -> Result<Self, NotPacked> {
        let demand = receipt.intent().demand.as_ref().ok_or(NotPacked::ForNobody)?;
        named(receipt, demand.audience, contents)?;
        let zone = contents.clock.zone()?;
        let mut files = BTreeMap::new();
        let table = record::csv(contents.records, &zone).ok_or(NotPacked::Records)?;
        let list = record::json(contents.records, &zone).ok_or(NotPacked::Records)?;
        files.insert("records/records.csv".to_owned(), table);
        files.insert("records/records.json".to_owned(), list);
        for recording in contents.recordings {
            audio(&mut files, recording)?;
        }
        let checkpoint = receipt.checkpoint().note().to_string();
        files.insert("proofs/checkpoint".to_owned(), checkpoint.into_bytes());
        let entries = contents.entries.iter().map(|entry| proof(&mut files, entry)).collect();
        files.insert("vcon.json".to_owned(), vcon::encode(receipt, contents)?);
        files.insert("README.txt".to_owned(), text::readme(receipt, demand, contents).into_bytes());
        files.insert("LEAME.txt".to_owned(), text::leame(receipt, demand, contents).into_bytes());
        let certificate = text::certificate(receipt, demand, contents);
        files.insert("certificate-902-draft.txt".to_owned(), certificate.into_bytes());
        let form = text::receipt_form(receipt, demand, contents);
        files.insert("receipt-form.txt".to_owned(), form.into_bytes());
        files.insert("verify.html".to_owned(), VERIFIER.as_bytes().to_vec());
        let beside = Beside {
            demand,
            custody: contents.custody,
            clock: contents.clock,
            time_stamp: contents.time_stamp,
            software: contents.software,
            verifier_key: contents.verifier_key,
            entries,
            copies: contents.copies,
            notices: text::notices(demand, contents),
        };
        let manifest = Manifest::new(receipt, beside, &files).encode()?;
        let manifest_sha256 = Sha256::digest(&manifest).into();
        files.insert(MANIFEST.to_owned(), manifest);
        let octets = archive(&files)?;
        let sha256 = Sha256::digest(&octets).into();
        Ok(Self { octets, sha256, manifest_sha256 })
    }

    /// The archive.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// SHA-256 of the archive: what the recipient signs for.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// SHA-256 of the manifest, which names everything else: what an outside authority stamps.
    #[must_use]
    pub const fn manifest_sha256(&self) -> &[u8; 32] {
        &self.manifest_sha256
    }
}

/// # Errors
/// When the contents are not what the entry in the log names.
fn named(receipt: &Receipt, audience: Audience, contents: &Contents<'_>) -> Result<(), NotPacked> {
    let recordings = contents.recordings;
    if recordings.len() > RECORDINGS_COUNT_MAX {
        return Err(NotPacked::TooLarge);
    }
    let fits = match &receipt.intent().object {
        Object::Recording { recording, .. } => {
            recordings.iter().all(|part| part.recording == *recording)
                && contents.records.iter().all(|record| record.call.0 == recording.0)
        }
        Object::Records { records, .. } => {
            let named = |record: &Record| records.binary_search(&record.call).is_ok();
            recordings.is_empty() && contents.records.iter().all(named)
        }
        Object::Counts { .. } | Object::Ledger { .. } | Object::Held { .. } => false,
    };
    // A voice is a name.
    let masked = audience != Audience::PublicRecords
        || (recordings.is_empty() && contents.records.iter().all(Record::is_masked));
    if !masked {
        return Err(NotPacked::NotMasked);
    }
    if fits { Ok(()) } else { Err(NotPacked::OtherObject) }
}

fn audio(files: &mut BTreeMap<String, Vec<u8>>, recording: &Recording) -> Result<(), NotPacked> {
    let name = format!("audio/{:016x}", recording.recording.0);
    let sound = wav::wav(&recording.seconds).ok_or(NotPacked::TooLarge)?;
    files.insert(format!("{name}.wav"), sound);
    for (side, pick) in SIDES {
        let octets = recording.seconds.iter().flat_map(|second| pick(second).octets.iter());
        files.insert(format!("{name}.{side}.g711"), octets.copied().collect());
    }
    let seconds: Vec<_> = recording.seconds.iter().map(second).collect();
    let about = serde_json::json!({
        "recording": recording.recording.0,
        "begun_utc": record::utc(recording.begun),
        "state": recording.state,
        "sealed_sha256": hex(&recording.sealed_sha256),
        "seconds": seconds,
    });
    let mut about = serde_json::to_vec_pretty(&about).map_err(|_| NotPacked::Manifest)?;
    about.push(b'\n');
    files.insert(format!("{name}.json"), about);
    Ok(())
}

/// Where the octets of a second lie in the two files of original audio.
fn second(second: &Second) -> serde_json::Value {
    let track = |track: &model::Track| {
        serde_json::json!({
            "payload_type": track.codec.payload_type(),
            "rtp_time": track.rtp_time,
            "octets": track.octets.len(),
        })
    };
    serde_json::json!({
        "second": second.index,
        "began_utc": record::utc(second.started),
        "station": track(&second.station),
        "called": track(&second.called),
    })
}

fn proof(files: &mut BTreeMap<String, Vec<u8>>, entry: &Entry) -> EntryOf {
    let name = format!("proofs/{:012}", entry.index);
    let of = EntryOf {
        what: entry.what.clone(),
        index: entry.index,
        leaf: format!("{name}.leaf"),
        opening: format!("{name}.opening"),
        proof: format!("{name}.tlog-proof"),
    };
    files.insert(of.leaf.clone(), entry.leaf.clone());
    files.insert(of.opening.clone(), entry.opening.clone());
    files.insert(of.proof.clone(), entry.proof.to_string().into_bytes());
    of
}

fn archive(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, NotPacked> {
    let octets: u64 = files.values().map(|file| file.len() as u64).sum();
    if octets > PACKAGE_OCTETS_MAX {
        return Err(NotPacked::TooLarge);
    }
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o644);
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, octets) in files {
        writer.start_file(path.as_str(), options)?;
        writer.write_all(octets).map_err(zip::result::ZipError::from)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// Why there is no package.
#[derive(Debug, thiserror::Error)]
pub enum NotPacked {
    /// The entry in the log is about something else.
    #[error("the receipt is not for what was to be packed")]
    OtherObject,
    /// The entry in the log does not say for whom it is.
    #[error("the entry in the log does not say for whom this is")]
    ForNobody,
    /// The public gets no names, numbers and voices.
    #[error("a package for the public has neither names nor numbers nor voices in it")]
    NotMasked,
    /// It is too much for one package.
    #[error("this is too much for one package: ask for less at a time")]
    TooLarge,
    /// A record cannot be written.
    #[error("the records cannot be written as a table")]
    Records,
    /// The manifest cannot be written.
    #[error("the manifest cannot be written")]
    Manifest,
    /// The agency's zone is unknown.
    #[error("`{0}` is no zone of the IANA data base, such as `America/Denver`")]
    Zone(String),
    /// The archive cannot be written.
    #[error("the archive cannot be written: {0}")]
    Archive(#[from] zip::result::ZipError),
}

type Side = (&'static str, fn(&Second) -> &model::Track);

const SIDES: [Side; 2] =
    [("station", |second| &second.station), ("called", |second| &second.called)];
const MANIFEST: &str = "manifest.json";
/// A page that checks the package without a network, in any present browser.
const VERIFIER: &str = include_str!("../assets/verify.html");
