//! Who could open recordings: the custody grade, in the one place that `doctor`, the start of a
//! node and every package take it from.

use std::{fs, path::Path};

use anyhow::Result;
use disclosure::{HolderAt, custody};
use export::Custody;

use crate::{config::Config, data::Data, init::MADE_HERE};

/// The grade, and what it rests on.
pub(crate) struct Grade {
    pub(crate) custody: Custody,
    /// In a sentence for people.
    pub(crate) why: &'static str,
}

/// The keyholders that are asked: those of the settings, or what `init` made and nobody took away.
pub(crate) fn holders(data: &Data, config: &Config) -> Result<Vec<HolderAt>> {
    let named = config.disclosure.keyholders(data.root())?;
    Ok(if named.is_empty() { made(data).collect() } else { named })
}

/// The grade of a data folder with these settings.
pub(crate) fn grade(data: &Data, config: &Config) -> Result<Grade> {
    let mut holders = config.disclosure.keyholders(data.root())?;
    // Keys that lie here count, whoever else is asked.
    let asked_here = |folder: &Path| {
        holders.iter().any(|at| matches!(at, HolderAt::Here(named) if named == folder))
    };
    let beside: Vec<_> = made(data)
        .filter(|at| matches!(at, HolderAt::Here(folder) if !asked_here(folder)))
        .collect();
    holders.extend(beside);
    let made_here = HOLDERS.iter().any(|holder| is_made_here(&data.keyholder_public(holder)));
    let custody = custody(&holders, config.disclosure.quorum() > 0);
    Ok(match custody {
        Custody::Solo => Grade {
            custody,
            why: "solo: private keys of both keyholders lie on this machine, so its operator could read \
                  recordings and the details of log entries",
        },
        Custody::Split | Custody::SplitWithWitnesses if made_here => Grade {
            custody: Custody::Solo,
            why: "solo: the private keys do not both lie here, but a pair was made on this machine and \
                  nobody can prove that no copy is left; use public keys that the keyholders bring",
        },
        Custody::Split => Grade {
            custody,
            why: "split: two keys that were not made here, and never both private keys",
        },
        Custody::SplitWithWitnesses => Grade {
            custody,
            why: "split with witnesses: two keys that were not made here, and the log is seen by \
                  others before anything is opened",
        },
    })
}

/// The keyholders' folders that `init` made and that still hold keys.
fn made(data: &Data) -> impl Iterator<Item = HolderAt> {
    let folders = HOLDERS.map(|holder| data.keyholder(holder));
    folders.into_iter().filter(|folder| folder.join("keys").is_dir()).map(HolderAt::Here)
}

/// Whether `init` made the pair of this public key here.
fn is_made_here(public: &Path) -> bool {
    fs::read_to_string(public).is_ok_and(|text| text.contains(MADE_HERE))
}

/// The names of the two keyholders in a data folder.
pub(crate) const HOLDERS: [&str; 2] = ["agency", "independent"];
