//! What was asked for and shown, in JSON.

use crate::answer::time;
use access::Verb;
use disclosure::records::{Ledger, Listed, Shown, Taken};
use model::Private;
use serde::Serialize;
use store::records::CopyRow;
use utoipa::ToSchema;

/// What was asked for and shown.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::records) struct Acts {
    /// Number of the act.
    act: u64,
    /// Place of its entry in the log.
    entry: u64,
    /// The acts, the newest last.
    acts: Vec<Act>,
    /// What was approved and refused, and glasses that were broken and reviewed, in the order of
    /// the log.
    overseen: Vec<Event>,
    /// For a person and counsel, in the place of these: copies of their own calls that were taken
    /// away.
    #[serde(skip_serializing_if = "Option::is_none")]
    copies: Option<Vec<OwnCopy>>,
    /// The agency's zone; times are in UTC.
    #[schema(example = "America/Denver")]
    zone: String,
}

/// A copy of calls of one's own.
#[derive(Serialize, ToSchema)]
struct OwnCopy {
    /// Place of its entry in the log.
    entry: u64,
    /// `recording` or `records`.
    what: &'static str,
    /// For whom.
    #[schema(example = "prosecution")]
    audience: &'static str,
    /// As what it was handed out.
    role: &'static str,
    /// Why.
    purpose: &'static str,
    /// When.
    #[schema(format = DateTime)]
    at: String,
}

/// An entry that shows nothing itself.
#[derive(Serialize, ToSchema)]
struct Event {
    /// Number of the act that it is about.
    act: u64,
    /// Place in the log.
    entry: u64,
    /// `approval`, `denial`, `break_glass` or `review`.
    kind: &'static str,
    /// Number of whoever did it; left out where a rule refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<u32>,
    /// The name of their log-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    by_name: Option<Private<String>>,
    /// Number of whoever had asked, has the grant, or broke the glass.
    of: u32,
    /// The name of their log-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    of_name: Option<Private<String>>,
    /// What they had asked to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    verb: Option<&'static str>,
    /// When.
    #[schema(format = DateTime)]
    at: String,
}

/// An act.
#[derive(Serialize, ToSchema)]
struct Act {
    /// Its number.
    act: u64,
    /// Number of the staff member.
    staff: u32,
    /// The name of their log-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    name: Option<Private<String>>,
    /// What was done.
    verb: &'static str,
    /// Why.
    purpose: &'static str,
    /// With whose data, seen from who asked.
    scope: &'static str,
    /// How many rows.
    rows: u32,
    /// By whose leave: `grant`, `broken_glass` or `office`.
    leave: &'static str,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// `unsigned` or `received`, where a package was taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<&'static str>,
    /// When its recipient had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    received: Option<String>,
}

impl Acts {
    pub(in crate::routes::records) fn of(shown: Shown<Ledger>) -> Self {
        let Ledger { acts, overseen, names, copies, zone } = shown.what;
        let name = |id| names.get(&id).cloned();
        let events = overseen.iter().map(|row| Event {
            act: row.act,
            entry: row.entry,
            kind: row.kind.word(),
            by: row.by.map(|staff| staff.0),
            by_name: row.by.and_then(name),
            of: row.of.0,
            of_name: name(row.of),
            verb: row.verb.map(Verb::word),
            at: time(row.at),
        });
        let acts = acts.iter().map(|Listed { usage: row, package }| Act {
            name: name(row.staff),
            act: row.act,
            staff: row.staff.0,
            verb: row.verb.word(),
            purpose: row.purpose.word(),
            scope: row.scope.word(),
            rows: row.rows,
            leave: match (row.grant, row.glass) {
                (Some(_), _) => "grant",
                (None, Some(_)) => "broken_glass",
                (None, None) => "office",
            },
            at: time(row.at),
            package: package.map(|package| match package {
                Taken::Unsigned => "unsigned",
                Taken::Received(_) => "received",
            }),
            received: package.and_then(|package| match package {
                Taken::Unsigned => None,
                Taken::Received(at) => Some(time(at)),
            }),
        });
        let own = |copy: &CopyRow| OwnCopy {
            entry: copy.entry,
            what: if copy.recording { "recording" } else { "records" },
            audience: copy.audience.word(),
            role: copy.role.word(),
            purpose: copy.purpose.word(),
            at: time(copy.at),
        };
        let copies = copies.map(|copies| copies.iter().map(own).collect());
        let (acts, overseen) = (acts.collect(), events.collect());
        Self { act: shown.act, entry: shown.entry, acts, overseen, copies, zone }
    }
}
