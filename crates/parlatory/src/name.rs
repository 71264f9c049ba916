//! `parlatory name`: staff and the names that people recorded.
//!
//! The running node does what is wanted, because it alone writes the log: a wish stands in the
//! store until the node has entered and done it.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail};
use model::{AgencyId, PersonId, audio::OCTETS_PER_SECOND, speech::OwnVoice};
use serde_json::json;
use store::{NameRow, NameWant, NameWish, Store};

use crate::{
    audit::show,
    cli::{NameArgs, NameCommand, NameListArgs, NameListenArgs},
    data::{Data, write_new},
    node::read_names,
    print::line,
};

/// Runs one of them.
pub(crate) fn run(command: &NameCommand) -> Result<()> {
    match command {
        NameCommand::List(args) => list(args),
        NameCommand::Listen(args) => listen(args),
        NameCommand::Approve(args) => approve(args),
        NameCommand::Remove(args) => remove(args),
    }
}

/// Lists what is stored, without whose it is.
fn list(args: &NameListArgs) -> Result<()> {
    let data = Data::existing(&args.data.data)?;
    let store = data.open_store()?;
    let agencies: BTreeMap<AgencyId, String> =
        store.agencies()?.into_iter().map(|row| (row.id, row.key)).collect();
    let names: Vec<NameRow> =
        store.names()?.into_iter().filter(|row| row.removed.is_none()).collect();
    let id = |row: &NameRow| {
        let agency = agencies.get(&row.agency).map_or("?", String::as_str);
        format!("{agency}/{}", row.person.0)
    };
    if args.json {
        let rows = names.iter().map(|row| {
            json!({
                "name": id(row),
                "state": state(row),
                "recorded": show(row.recorded),
                "heard": row.heard.map(show),
                "approved": row.approved.map(show),
                "octets": row.octets,
            })
        });
        line(&serde_json::to_string_pretty(&json!({ "names": rows.collect::<Vec<_>>() }))?);
        return Ok(());
    }
    for row in &names {
        let tenths = u64::from(row.octets).saturating_mul(10) / OCTETS_PER_SECOND as u64;
        line(&format!(
            "{}  {}, {}.{} s, recorded {}",
            id(row),
            state(row),
            tenths / 10,
            tenths % 10,
            show(row.recorded)
        ));
    }
    if names.is_empty() {
        line("Nobody has recorded a name.");
    }
    Ok(())
}

/// Enters the look, then writes what was said and says whose name it should be.
fn listen(args: &NameListenArgs) -> Result<()> {
    let (data, store, name) = find(&args.name)?;
    if args.to.exists() {
        bail!("`{}` exists: give another file", args.to.display());
    }
    let shelf = read_names(&data)?;
    carried_out(&store, &name, NameWant::Listen)?;
    let voice = shelf
        .read((name.agency, name.person), name.sha256)
        .context("the file of this name is missing or damaged: remove it with `name remove`")?;
    write_new(&args.to, &wav(&voice))
        .with_context(|| format!("cannot write `{}`", args.to.display()))?;
    let people = store.configuration()?.people;
    match people.iter().find(|person| person.id == name.person) {
        Some(person) => line(&format!(
            "Wrote `{}`. It should be the name of {} ({}).",
            args.to.display(),
            person.name.expose(),
            person.key.expose()
        )),
        None => line(&format!("Wrote `{}`. This person is not here any more.", args.to.display())),
    }
    line("The look is entered in the log. Delete the file when you have heard it.");
    Ok(())
}

fn approve(args: &NameArgs) -> Result<()> {
    let (_, store, name) = find(args)?;
    if name.heard.is_none() {
        bail!("nobody has listened to it: `parlatory name listen {}` first", args.name);
    }
    let done = carried_out(&store, &name, NameWant::Approve)?;
    if done.is_none_or(|row| row.approved.is_none()) {
        bail!("it was removed in the meantime");
    }
    line("Approved: notices are spoken with it from now on.");
    Ok(())
}

fn remove(args: &NameArgs) -> Result<()> {
    let (_, store, name) = find(args)?;
    carried_out(&store, &name, NameWant::Remove)?;
    line("Removed, and its file destroyed. Copies in backups end with those.");
    Ok(())
}

/// The name that was meant.
fn find(args: &NameArgs) -> Result<(Data, Store, NameRow)> {
    let data = Data::existing(&args.data.data)?;
    let store = data.open_store()?;
    let meant = args.name.rsplit_once('/').and_then(|(agency, person)| {
        let agencies = store.agencies().ok()?;
        let agency = agencies.into_iter().find(|row| row.key == agency)?.id;
        Some((agency, PersonId(person.parse().ok()?)))
    });
    let named = |row: &NameRow| row.removed.is_none() && Some((row.agency, row.person)) == meant;
    let name = store.names()?.into_iter().find(named);
    let name = name.with_context(|| {
        format!("there is no recorded name `{}`: see `parlatory name list`", args.name)
    })?;
    Ok((data, store, name))
}

/// Waits until the running node has entered and done what is wanted; gives what the store says of
/// the name then.
fn carried_out(store: &Store, name: &NameRow, want: NameWant) -> Result<Option<NameRow>> {
    let (agency, person, sha256) = (name.agency, name.person, name.sha256);
    let wish = NameWish { agency, person, sha256, want };
    store.wish_name(&wish)?;
    for _ in 0..LOOKS_MAX {
        if !store.name_wishes()?.contains(&wish) {
            let same = |row: &NameRow| row.person == person && row.sha256 == sha256;
            return Ok(store.names()?.into_iter().find(same));
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
    store.name_wish_done(&wish)?;
    bail!("no running node does it, and without one nothing is entered: start `parlatory serve`")
}

fn state(row: &NameRow) -> &'static str {
    match (row.approved, row.heard) {
        (Some(_), _) => "approved",
        (None, Some(_)) => "listened to, not approved",
        (None, None) => "waits",
    }
}

/// A WAV file of G.711 µ-law (RIFF, format 7), 8,000 a second.
fn wav(voice: &OwnVoice) -> Vec<u8> {
    let octets = voice.expose();
    let length = u32::try_from(octets.len()).unwrap_or(u32::MAX);
    let mut file = b"RIFF".to_vec();
    file.extend(length.saturating_add(WAV_HEAD_OCTETS).to_le_bytes());
    file.extend(b"WAVEfmt \x12\0\0\0\x07\0\x01\0");
    file.extend(8_000_u32.to_le_bytes());
    file.extend(8_000_u32.to_le_bytes());
    file.extend(b"\x01\0\x08\0\0\0data");
    file.extend(length.to_le_bytes());
    file.extend(octets.iter());
    file
}

/// Octets of a WAV file's head, without its first eight.
const WAV_HEAD_OCTETS: u32 = 38;

/// How often is looked whether a wish is done, and how many times: 15 seconds.
const LOOK_EVERY: Duration = Duration::from_millis(150);
const LOOKS_MAX: u32 = 100;
