//! How long things are kept, for anybody to read: in a file beside the published log, and without a
//! log-in. It names agencies and facilities, and nobody.

use super::{Keeping, NotKept, usual};
use model::AgencyId;
use serde::Serialize;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};
use store::{Class, RuleRow};

/// How long things are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Published {
    /// Where an agency has set nothing.
    pub usual: Vec<Term>,
    /// What agencies have set.
    pub agencies: Vec<AgencyTerms>,
}

/// What an agency has set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgencyTerms {
    /// Its key.
    pub agency: String,
    /// Its name.
    pub name: String,
    /// For what it has set something.
    pub terms: Vec<Term>,
}

/// How long something is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Term {
    /// What: `audio` are recordings, `records` are names and numbers, `acts` is what the log says
    /// of who was shown what, and why.
    pub class: &'static str,
    /// For which facility, by its key; for all that have nothing of their own, where it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facility: Option<String>,
    /// How many days, from the end of the call or the act on.
    pub days: u64,
    /// Whether that is longer than usual.
    pub longer: bool,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The place of its entry in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
}

impl Keeping {
    /// What anybody may read.
    ///
    /// # Errors
    /// When the store fails.
    pub fn published(&self) -> Result<Published, NotKept> {
        self.publication(&self.0.config.store.retention_rules()?)
    }

    /// What is usual, and what an agency has set, in the order of [`Keeping::rules`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn terms_of(&self, agency: AgencyId) -> Result<(Vec<Term>, Vec<Term>), NotKept> {
        let rules = self.rules(agency)?;
        let published = self.publication(&rules)?;
        let own = published.agencies.into_iter().flat_map(|of| of.terms);
        Ok((published.usual, own.collect()))
    }

    fn publication(&self, rules: &[RuleRow]) -> Result<Published, NotKept> {
        let store = &self.0.config.store;
        let mut agencies = Vec::new();
        for row in store.agencies()? {
            let own: Vec<_> = rules.iter().filter(|rule| rule.agency == row.id).collect();
            if own.is_empty() {
                continue;
            }
            let keys = store.facilities_of(row.id)?;
            let term = |rule: &&RuleRow| Term {
                class: rule.class.word(),
                facility: rule.facility.map(|it| keys.get(&it).cloned().unwrap_or_default()),
                days: rule.keep.as_secs() / DAY_SECONDS,
                longer: rule.keep > usual(rule.class),
                reason: rule.reason.clone(),
                entry: Some(rule.entry),
            };
            let terms = own.iter().map(term).collect();
            agencies.push(AgencyTerms { agency: row.key, name: row.name, terms });
        }
        let usual = Class::ALL.map(|class| Term {
            class: class.word(),
            facility: None,
            days: usual(class).as_secs() / DAY_SECONDS,
            longer: false,
            reason: String::new(),
            entry: None,
        });
        Ok(Published { usual: usual.into(), agencies })
    }

    /// Writes what anybody may read, where the file says something else.
    pub(super) fn publish(&self, rules: &[RuleRow]) -> Result<(), NotKept> {
        let mut text =
            serde_json::to_vec_pretty(&self.publication(rules)?).map_err(|_| NotKept::Detail)?;
        text.push(b'\n');
        let path = &self.0.config.published;
        if fs::read(path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        put(path, &text).map_err(|fault| NotKept::Unpublished(path.clone(), fault))
    }
}

/// Puts a file in the place of another: always one of the two is there, and whole.
fn put(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    let new = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}

const DAY_SECONDS: u64 = 24 * 3_600;

/// Anybody may read it, as far as the folder above lets them.
const FILE_MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o755;
