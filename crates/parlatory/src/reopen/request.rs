//! The request that waits for keyholders, in a file of the data folder: its entries, and the
//! private key that shares are sealed to. It goes when the database is filled, or the request given
//! up.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write as _},
};

use access::{LEAF_OCTETS, Opening};
use anyhow::{Context, Result, anyhow};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use disclosure::Requested;
use rustix::fs::fsync;
use serde::{Deserialize, Serialize};
use vault::RecipientSecret;
use zeroize::{Zeroize as _, Zeroizing};

use crate::data::{Data, write_new};

/// A request as it is kept.
pub(super) struct Kept {
    /// Who alone opens what keyholders seal again.
    pub(super) secret: RecipientSecret,
    /// What stands in the log, in the order of the segments.
    pub(super) requests: Vec<Requested>,
}

/// The file's form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    secret: String,
    entries: Vec<FormEntry>,
}

/// An entry with what opens it; octets are in base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormEntry {
    index: u64,
    leaf: String,
    salt: String,
    detail: String,
}

impl Kept {
    /// The request of a data folder; `None` when none waits.
    pub(super) fn read(data: &Data) -> Result<Option<Self>> {
        let path = data.segment_request();
        let text = match fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).context(format!("cannot read `{}`", path.display()));
            }
        };
        let unfit = || {
            anyhow!(
                "`{}` cannot be read: remove it, and ask anew; nothing is lost by it",
                path.display()
            )
        };
        let mut form: Form = serde_json::from_str(&text).map_err(|_| unfit())?;
        let secret = RecipientSecret::parse(&form.secret);
        form.secret.zeroize();
        let secret = secret.map_err(|_| unfit())?;
        let requests = form.entries.iter().map(FormEntry::requested);
        let requests = requests.collect::<Option<Vec<_>>>().ok_or_else(unfit)?;
        Ok(Some(Self { secret, requests }))
    }

    /// Keeps it; durable when it returns.
    pub(super) fn write(&self, data: &Data) -> Result<()> {
        let entries = self.requests.iter().map(FormEntry::of).collect();
        let mut form = Form { secret: self.secret.text().to_string(), entries };
        let text = serde_json::to_string(&form).map(Zeroizing::new);
        form.secret.zeroize();
        let text = text?;
        let path = data.segment_request();
        write_new(&path, text.as_bytes())
            .and_then(|()| sync(data))
            .with_context(|| format!("cannot write `{}`", path.display()))
    }

    /// Destroys the private key, and forgets the request.
    pub(super) fn destroy(&self, data: &Data) -> Result<()> {
        let path = data.segment_request();
        let wiped = || {
            let length = usize::try_from(fs::metadata(&path)?.len()).unwrap_or_default();
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.write_all(&vec![0; length])?;
            file.sync_all()?;
            fs::remove_file(&path)?;
            sync(data)
        };
        wiped().with_context(|| format!("cannot destroy `{}`: remove it yourself", path.display()))
    }
}

impl FormEntry {
    fn of(requested: &Requested) -> Self {
        Self {
            index: requested.index(),
            leaf: STANDARD.encode(requested.leaf()),
            salt: STANDARD.encode(requested.opening().salt),
            detail: STANDARD.encode(&requested.opening().detail),
        }
    }

    fn requested(&self) -> Option<Requested> {
        let octets = |text: &str| STANDARD.decode(text).ok();
        let leaf: [u8; LEAF_OCTETS] = octets(&self.leaf)?.try_into().ok()?;
        let salt = octets(&self.salt)?.try_into().ok()?;
        let opening = Opening { salt, detail: octets(&self.detail)? };
        Requested::kept(self.index, leaf, opening).ok()
    }
}

fn sync(data: &Data) -> std::io::Result<()> {
    Ok(fsync(File::open(data.root())?)?)
}
