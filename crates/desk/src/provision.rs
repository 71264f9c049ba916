//! Reads a provision file: what a sheriff's office writes down becomes a [`Plan`] for the store, or
//! a list of everything that is wrong with it. It changes nothing itself.
//!
//! # The file
//! `provision.toml` names places and telephones; tables of people and numbers are CSV files beside
//! it, named under `[files]`. Applying it again changes nothing. It adds and changes; nothing
//! disappears because it is not there. What is to go is marked `removed`. Keys are short names of
//! your own (letters, digits, `-`, `_`, `.`), unique within what contains them; a path such as
//! `cedar/jail/a/1` names agency, facility, unit and station. Keys never change.
//!
//! Tables of the TOML file, `?` where something may be left out:
//!
//! - `[[agency]]`: `key`; `name`; `keyholder`?, the public key of who can open its recordings.
//! - `[[facility]]`: `agency`; `key`; `name`, which is spoken; `kind`, `jail` or `prison`; `adp`,
//!   the average daily population; `adp_year`?; `state`; `timezone`; `recording`, `on` or `off`;
//!   `registry_down`?, `place_unrecorded` (which it is without) or `refuse`; `talk_minutes_max`?,
//!   20 without; `relay_minutes_max`?, three times as many without; `disk_full`?, `refuse` (which
//!   it is without) or `place_unrecorded`; `allowed_only`?, `false` without; `caller_id`; `rate`,
//!   with `base` and `additive`? in dollars per minute, as text. For called parties:
//!   `private_claims_max`?, how often a number may say that a call is private before staff look at
//!   it, 3 without, 0 for never; `block_scope`?, `facility` (which it is without) or `agency`, how
//!   far a wish for no more calls reaches; `accept_key`?, `"1"` (which it is without) or `"drawn"`,
//!   another one in each call; `reminder_minutes`?, how often both are reminded where the call
//!   comes from, 0 for never, which it is without; `recorded_names`?, whether people may record
//!   their names for staff to approve, `false` without.
//! - `[[unit]]`: `facility`; `key`; `name`?.
//! - `[[station]]`: `unit`; `key`; `removed`?; either `address`, with or without port, or `digest`,
//!   with `user` and `password`; who calls: `pin`?, `ask` (which it is without) or `none`, or
//!   `person`, an id, where the station is somebody's own; and what is dialled: `dialling`?, `menu`
//!   (which it is without) or `en_bloc`, or `hotline`, with `number`, `free`? and `recording`?,
//!   `standard` or `off`.
//! - `[[gateway]]`: `unit`; `address`; `removed`?; `pin`?, `person`?, `dialling`? and `hotline`? as
//!   above; and either `lines`, their names, or `line_count`
//!   for `line-1`, `line-2` and so on. Each line is a station, recognised by the user part of its
//!   From address.
//! - `[files]`: `people`?; `contacts`?; `numbers`?; `services`?; `protected`?; `deposits`?;
//!   `lifted`?.
//! - `[trunk]`: `address`.
//! - At the top, above all tables: `replace_protected`?; `protected_count`?.
//!
//! Columns of the CSV files, which their first row names in any order:
//!
//! - `people`: `facility`, a path; `id`; `name`; `pin`; `language`?, `en` or `es`;
//!   `opening_balance`?; `removed`?, `yes` or `no`.
//! - `contacts`: `person`, an id; `number`; `agency`?; `removed`?.
//! - `numbers`: `scope`, an agency or the path of a facility; `number`; `rule`, `allowed`,
//!   `blocked` or `free`; `removed`?.
//! - `services`: `scope`, as in `numbers`; `number`; `kind`, `relay`, `help` or `speed`; `keys`?,
//!   what is pressed for it: `211` to `811`, `988`, or one or two digits; `removed`?.
//! - `protected`: `number`; `holder`?, a note; `agency`?.
//! - `lifted`: `scope`, an agency or the path of a facility; `number`; `what`, `block` (they may be
//!   called again) or `claims` (their private claims were looked at; `scope` is an agency);
//!   `reference`, the letter, form or case. Booked once by its reference: what a called party
//!   chooses after it stands.
//! - `deposits`: `person`, an id; `amount`; `reference`; `agency`?.
//!
//! `agency` may be left out where the file has one agency only. Lines that begin with `#` are
//! comments. Numbers may be written in any usual way. Where `people` is given, `contacts` and
//! `deposits` name people of that file; where it is not, people applied before.
//!
//! A `protected` file adds numbers. Only with `replace_protected = true` are numbers of the
//! agencies in the file that are not listed removed; and when the registry shrinks much by that,
//! nodes do not trust it, and record nothing, until `protected_count` says how many numbers there
//! are.
//!
//! A rate that is above a cap in force (47 CFR 64.6030) is a problem like any other.

mod document;
mod fields;
mod limits;
mod places;
mod problem;
mod relay;
mod rows;
mod sheet;
mod source;
mod word;

pub use problem::Problem;

use charging::CapTable;
use model::{Private, Timestamp};
use problem::Problems;
use source::Source;
use std::{io, path::Path};
use store::Plan;

/// Computes the keyed hash of a PIN (second) at a facility (first, `agency/facility`):
/// [`PinKey::hash`](crate::PinKey::hash) with the node's key.
pub type PinHash<'a> = dyn Fn(&str, &str) -> Private<[u8; 32]> + 'a;

/// Gives the octets of a file. It may stop reading behind the 64 MiB that a file may have.
pub type Open<'a> = dyn Fn(&Path) -> io::Result<Vec<u8>> + 'a;

/// Reads the provision file at `path` and the CSV files it names, and checks everything that can be
/// checked without the store. Rates are proved lawful for calls at `now`, against `caps`.
///
/// # Errors
/// Every problem of every file, in their order; at most a thousand, then how many more there are.
/// No problem quotes a PIN, a password, a name or a telephone number.
pub fn read(
    path: &Path,
    pins: &PinHash<'_>,
    caps: &CapTable,
    now: Timestamp,
) -> Result<Plan, Vec<Problem>> {
    read_with(&source::from_disk, path, pins, caps, now)
}

/// [`read`] of files that are not on this machine's disk: `open` is asked for each.
///
/// # Errors
/// Those of [`read`].
pub fn read_with(
    open: &Open<'_>,
    path: &Path,
    pins: &PinHash<'_>,
    caps: &CapTable,
    now: Timestamp,
) -> Result<Plan, Vec<Problem>> {
    let mut problems = Problems::default();
    let plan = Source::read(path, open, &mut problems)
        .map(|source| document::read(&source, open, pins, (caps, now), &mut problems));
    problems.finish().map(|()| plan.unwrap_or_default())
}

#[cfg(test)]
mod tests;
