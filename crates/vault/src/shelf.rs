//! The vault's folder as somebody sees it who only reads: while a node writes there, or after.

use crate::{
    RecipientSecret, folder,
    format::HEADER_OCTETS,
    open::{self, Next, NotOpened, Reading, Resealed},
};
use access::{Receipt, Verb};
use model::{AgencyId, RecordingId, Second, Timestamp};
use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

/// Finds recordings in a vault's folder. It holds no lock, changes nothing, and has no key.
#[derive(Clone, Debug)]
pub struct Shelf {
    root: PathBuf,
}

impl Shelf {
    /// The vault in folder `root`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The header of a recording: what keyholders need to open their shares.
    ///
    /// # Errors
    /// When there is no such recording, it has no whole header, or the disk reports a fault.
    pub fn header(&self, agency: AgencyId, recording: RecordingId) -> Result<Vec<u8>, NotOpened> {
        let (mut file, _) = self.file(agency, recording)?;
        let mut header = Vec::with_capacity(HEADER_OCTETS);
        file.by_ref().take(HEADER_OCTETS as u64).read_to_end(&mut header)?;
        (header.len() == HEADER_OCTETS).then_some(header).ok_or(NotOpened::NoRecording)
    }

    /// Opens a recording to be heard or exported: see [`open::open`].
    ///
    /// # Errors
    /// The same, and when there is no such recording, or the entry is of following one.
    pub fn open(
        &self,
        (agency, recording): (AgencyId, RecordingId),
        shares: &[Resealed; 2],
        secret: &RecipientSecret,
        receipt: Receipt,
    ) -> Result<Reading<BufReader<File>>, NotOpened> {
        if receipt.intent().verb == Verb::Follow {
            return Err(NotOpened::HearsNothing);
        }
        let (file, _) = self.file(agency, recording)?;
        open::open(BufReader::new(file), shares, secret, receipt)
    }

    /// Opens a recording to be heard as it grows, a second or two after it was spoken.
    ///
    /// # Errors
    /// As [`Shelf::open`], and when the entry is not of following one.
    pub fn follow(
        &self,
        (agency, recording): (AgencyId, RecordingId),
        shares: &[Resealed; 2],
        secret: &RecipientSecret,
        receipt: Receipt,
    ) -> Result<Follow, NotOpened> {
        if receipt.intent().verb != Verb::Follow {
            return Err(NotOpened::HearsNothing);
        }
        let expires = receipt.intent().expires;
        let (file, part) = self.file(agency, recording)?;
        let reading = open::open(BufReader::new(file), shares, secret, receipt)?;
        Ok(Follow { reading, part, expires })
    }

    /// The file of a recording, and where it is while it grows, if it may.
    fn file(
        &self,
        agency: AgencyId,
        recording: RecordingId,
    ) -> Result<(File, Option<PathBuf>), NotOpened> {
        // Between the two a recording that ends is moved: then it is found at its last place.
        for _ in 0..2 {
            let found = folder::find(&self.root, agency, recording);
            let (path, growing) = found.ok_or(NotOpened::NoRecording)?;
            match File::open(&path) {
                Ok(file) => return Ok((file, growing.then_some(path))),
                Err(_) if !path.exists() => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Err(NotOpened::NoRecording)
    }
}

/// A recording that is heard as it grows.
#[derive(Debug)]
pub struct Follow {
    reading: Reading<BufReader<File>>,
    /// Where it is while it grows; `None` once it does not.
    part: Option<PathBuf>,
    expires: Timestamp,
}

/// What following a recording comes to next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// A second of the conversation.
    Second(Box<Second>),
    /// The next second is not there yet: ask again when it may be.
    Waiting,
    /// The recording ended in order.
    Ended {
        /// When.
        at: Timestamp,
    },
    /// The recording was cut. So many octets after the last whole second are no frame.
    Cut {
        /// How many.
        left_over: u64,
    },
}

impl Follow {
    /// What the header says.
    pub const fn about(&self) -> &open::About {
        self.reading.about()
    }

    /// Reads on. After [`Followed::Ended`] there is nothing more.
    ///
    /// # Errors
    /// As [`Reading::read`], and [`NotOpened::Expired`] when the disclosure's time is over.
    pub fn poll(&mut self, now: Timestamp) -> Result<Followed, NotOpened> {
        if now >= self.expires {
            return Err(NotOpened::Expired);
        }
        // Looked at before reading: what was written before the move is read after it.
        let grows = self.part.as_deref().is_some_and(Path::exists);
        if !grows {
            self.part = None;
        }
        Ok(match self.reading.read()? {
            Next::Second(second) => Followed::Second(second),
            Next::Ended { at } => Followed::Ended { at },
            Next::Pause { .. } if grows => Followed::Waiting,
            Next::Pause { left_over } => Followed::Cut { left_over },
        })
    }
}
