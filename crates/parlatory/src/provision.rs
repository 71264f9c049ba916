//! `parlatory provision`.

use std::{ops::ControlFlow, path::Path};

use anyhow::{Context, Result, anyhow, bail};
use model::{Timestamp, fact::Fact};
use store::{Applied, Plan, plan::Count};

use crate::{
    cli::ProvisionArgs,
    clock::clock,
    data::Data,
    node::read_pin_key,
    print::{error, line},
};

/// Checks a file, and applies it.
pub(crate) fn run(args: &ProvisionArgs) -> Result<()> {
    let data = Data::existing(&args.data.data)?;
    let now = clock().now();
    if args.check {
        read(&data, &args.file, now)?;
        if args.json {
            line(&serde_json::json!({ "in_order": true, "applied": null }).to_string());
        } else {
            line("The file is in order. Nothing was applied.");
        }
        return Ok(());
    }
    let applied = apply(&data, &args.file, now)?;
    if args.json {
        line(&serde_json::to_string_pretty(&to_json(&applied))?);
    } else {
        print(&applied);
    }
    Ok(())
}

/// Reads a file and applies it; all of it or nothing.
pub(crate) fn apply(data: &Data, file: &Path, now: Timestamp) -> Result<Applied> {
    let plan = read(data, file, now)?;
    let store = data.open_store()?;
    if store.version()? == 0 && knows_calls(data, store.projected()?)? {
        bail!(
            "the database in `{}` was made anew, but the journal knows calls: people provisioned \
             now would get other numbers, and the calls of one would be another's. Restore the \
             database from a backup",
            data.root().display()
        );
    }
    let away = journal::sealed_away(&data.journal(), &data.journal_key()?)?.last().0;
    if away > store.projected()? {
        bail!(
            "the database in `{}` is older than calls that the journal gave to the keyholders: \
             people provisioned now could get the numbers of others. Fill it first with \
             `parlatory journal open`",
            data.root().display()
        );
    }
    store.apply(&plan, now).with_context(|| format!("`{}` was not applied", file.display()))
}

/// Whether the journal holds more than starts of the node after fact `projected`: a database in
/// which nothing was provisioned takes starts alone.
fn knows_calls(data: &Data, projected: u64) -> Result<bool> {
    let (journal, key) = (data.journal(), data.journal_key()?);
    if journal::sealed_away(&journal, &key)?.last().0 > projected {
        return Ok(true);
    }
    let mut found = false;
    journal::replay(&journal, &key, journal::Seq(projected), |_, fact| {
        found = !matches!(fact, Fact::Boot { .. });
        if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(found)
}

/// Reads a file; every problem is printed, not only the first.
fn read(data: &Data, file: &Path, now: Timestamp) -> Result<Plan> {
    let key = read_pin_key(data)?;
    let hash = |facility: &str, pin: &str| key.hash(facility, pin);
    desk::provision::read(file, &hash, &data.caps()?, now).map_err(|problems| {
        for problem in &problems {
            error(&problem.to_string());
        }
        anyhow!("`{}`: {} to mend; nothing was applied", file.display(), problems.len())
    })
}

fn print(applied: &Applied) {
    for (kind, count) in applied.counts() {
        let Count { added, changed, removed, unchanged } = count;
        if added + changed + removed + unchanged > 0 {
            line(&format!(
                "  {kind:<18} {added:>6} added {changed:>6} changed {removed:>6} removed \
                 {unchanged:>6} unchanged"
            ));
        }
    }
    line(&format!(
        "Configuration version {}, registry epoch {}. A running node takes it over within a second.",
        applied.version, applied.epoch
    ));
}

fn to_json(applied: &Applied) -> serde_json::Value {
    let counts: serde_json::Map<_, _> = applied
        .counts()
        .into_iter()
        .map(|(kind, count)| {
            let Count { added, changed, removed, unchanged } = count;
            let value = serde_json::json!({
                "added": added, "changed": changed, "removed": removed, "unchanged": unchanged
            });
            (kind.replace(' ', "_"), value)
        })
        .collect();
    serde_json::json!({
        "version": applied.version,
        "registry_epoch": applied.epoch,
        "applied": counts,
    })
}
