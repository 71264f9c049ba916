//! `parlatory journal open`: segments whose keys were given away are opened by their keyholders,
//! and the database is filled from them.
//!
//! Nobody of the staff is asked: their log-ins are in the database that is lost. So no policy
//! decides; what is asked for is entered in the log, and the owner of each keyholder says yes or
//! no. The command can be run again at any time: until the last keyholder has answered nothing is
//! changed, and from then on the database grows by whole batches.

mod database;
mod fill;
mod request;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
};

use access::{
    Reopening, Segment,
    limits::{REOPENING_VALID_MAX, SEGMENTS_COUNT_MAX},
};
use anyhow::{Context, Result, bail, ensure};
use disclosure::{Holders, NotHeard, Register, RegisterConfig, Requested};
use evidence::{AuditKey, leaf};
use journal::{GivenKeys, GivenSegment, SealedAway, Seq, log::Log, sealed_away};
use model::{Clock, Private, Timestamp};
use request::Kept;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::Store;
use vault::{DetailSealer, KeyId, RecipientSecret, ResealedSegment, open_segment};

use crate::{
    audit::read_verifier,
    cli::{JournalCommand, SegmentsArgs},
    clock::clock,
    config::Config,
    custody,
    data::Data,
    logbook::{NODE, open_log},
    node::{read_evidence_keys, read_keyholders, witnesses},
    print::line,
    segments,
};

/// Does what is asked of the journal.
pub(crate) fn run(command: &JournalCommand) -> Result<()> {
    let JournalCommand::Open(args) = command;
    let data = Data::existing(&args.data.data)?;
    if args.withdraw {
        return withdraw(&data, args);
    }
    let (config, clock) = (Config::read(&data.config())?, clock());
    // Whoever holds the log is the only one who enters anything, and no node records meanwhile.
    let log = open_log(&data, &config, &clock)?;
    let done = open(&data, &config, &log, args, &clock);
    log.close();
    done
}

fn open(data: &Data, config: &Config, log: &Log, args: &SegmentsArgs, clock: &Clock) -> Result<()> {
    let store = database::open(data, args.from.as_deref())?;
    let needed = needed(data, &store)?;
    if needed.is_empty() {
        // What the journal's own key opens a node would take over as well, but not the numbers of
        // people whom the database does not know.
        let filled = fill::fill(data, &store, &GivenKeys::default(), clock)?;
        return say_nothing(data, args, &filled);
    }
    let register = register(data, config, log, &store, clock)?;
    let kept = request(data, &register, &needed, args, clock)?;
    let asked = ask(data, config, &register, &kept, &needed, clock)?;
    if !asked.missing.is_empty() {
        return refuse(data, args, &kept, &needed, &asked);
    }
    let keys = keys(&register, &kept, &needed, &asked, clock)?;
    let filled = fill::fill(data, &store, &keys, clock)?;
    drop(keys);
    kept.destroy(data)?;
    say(args, &kept, &needed, &filled)
}

/// The segments that the database lacks, in order.
fn needed(data: &Data, store: &Store) -> Result<Vec<GivenSegment>> {
    let (journal, projected) = (data.journal(), store.projected()?);
    let SealedAway { forgotten, mut given } = sealed_away(&journal, &data.journal_key()?)?;
    ensure!(
        projected >= forgotten.last.0,
        "the database ends with fact {projected}, and the journal has forgotten all up to fact {}: take the \
         database of a newer backup",
        forgotten.last.0
    );
    let last = journal::extent(&journal)?.last.0;
    ensure!(
        projected <= last,
        "the database knows fact {projected}, and the journal ends with fact {last}: it is of another node, or \
         the journal is an old one"
    );
    given.retain(|segment| segment.last.0 > projected);
    let lost: Vec<_> = given.iter().filter(|segment| !segment.whole).map(name_of).collect();
    ensure!(
        lost.is_empty(),
        "the shares of the keys of {} are missing or changed, so that nobody opens them: put the files \
         `*.shares` back from a backup",
        lost.join(", ")
    );
    Ok(given)
}

fn name_of(segment: &GivenSegment) -> String {
    format!("`{}`", segment.file.file_name().unwrap_or_default().display())
}

/// What enters it, and proves it to keyholders.
fn register(
    data: &Data,
    config: &Config,
    log: &Log,
    store: &Store,
    clock: &Clock,
) -> Result<Register> {
    let settings = &config.disclosure;
    let keys = read_evidence_keys(data)?;
    let details = DetailSealer::new(read_keyholders(data)?);
    let sealed_at = clock.clone();
    let audit = AuditKey::new(keys.audit);
    Ok(Register::new(
        log.clone(),
        RegisterConfig {
            boot: last_boot(data, &audit)?.max(store.boots()?),
            audit,
            gate: settings.gate(read_verifier(&data.log_verifier())?)?,
            witnesses: settings.peers()?,
            seal: Box::new(move |agency, detail| {
                details.seal(Some(agency), sealed_at.now(), detail.to_vec()).ok()
            }),
            interval: config.log.every(),
            reach: witnesses(config)?,
        },
    ))
}

/// Number of the newest start of the node that an entry was made in: the database may be older.
fn last_boot(data: &Data, audit: &AuditKey) -> Result<u32> {
    let mut last = 0;
    journal::log::replay_log(&data.log_private(), 0, |entry| {
        if let Ok(read) = leaf::read(&entry.leaf, audit) {
            last = last.max(read.said.boot);
        }
        ControlFlow::Continue(())
    })
    .context("the log cannot be read")?;
    Ok(last)
}

/// The request that waits, or a new one that is entered.
fn request(
    data: &Data,
    register: &Register,
    needed: &[GivenSegment],
    args: &SegmentsArgs,
    clock: &Clock,
) -> Result<Kept> {
    let wanted: Vec<Segment> = needed.iter().map(segment).collect::<Result<_>>()?;
    let now = clock.now();
    if let Some(kept) = Kept::read(data)? {
        if kept.expires() > now {
            ensure!(
                wanted.iter().all(|segment| kept.names(segment)),
                "another request waits, which does not name all that the database lacks: give that one up with \
                 `parlatory journal open --withdraw`, and ask anew"
            );
            return Ok(kept);
        }
        kept.destroy(data)?;
        tracing::warn!("the request that waited is over: not every keyholder answered in time");
    }
    let Some(reason) = &args.reason else {
        bail!(
            "the database lacks facts {} to {}, which stand in {} segments that the keyholders alone \
             open: say with --reason why they are to be opened; it is entered in the log, and the \
             owner of each keyholder decides",
            needed.first().map_or(0, |it| it.first.0),
            needed.last().map_or(0, |it| it.last.0),
            needed.len()
        )
    };
    let secret = RecipientSecret::generate()?;
    let mut requests = Vec::new();
    for part in wanted.chunks(SEGMENTS_COUNT_MAX) {
        let reopening = Reopening {
            node: NODE,
            segments: part.to_vec(),
            who: Private::new(who()),
            reason: Private::new(reason.clone()),
            recipient: secret.public(),
            asked: now,
            expires: now.after(REOPENING_VALID_MAX),
        };
        requests.push(register.request_segments(&reopening, now)?);
    }
    let kept = Kept { secret, requests };
    kept.write(data)?;
    Ok(kept)
}

/// A segment as its entry names it.
fn segment(given: &GivenSegment) -> Result<Segment> {
    let shares = Sha256::digest(shares_of(given)?).into();
    Ok(Segment { first: given.first.0, last: given.last.0, shares })
}

fn shares_of(given: &GivenSegment) -> Result<Vec<u8>> {
    fs::read(&given.shares).with_context(|| format!("cannot read `{}`", given.shares.display()))
}

/// Who runs this, as the operating system knows them.
fn who() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|it| std::env::var(it).ok());
    let name = name.filter(|name| !name.is_empty() && name.len() <= NAME_OCTETS_MAX);
    let uid = rustix::process::getuid().as_raw();
    match name.filter(|name| !name.chars().any(char::is_control)) {
        Some(name) => format!("user {uid} ({name}) of the node's machine"),
        None => format!("user {uid} of the node's machine"),
    }
}

/// What keyholders answered.
#[derive(Default)]
struct Asked {
    /// Shares by the first fact of their segment.
    shares: BTreeMap<Seq, Vec<ResealedSegment>>,
    /// Who gave none, and why.
    missing: BTreeMap<KeyId, NotHeard>,
}

/// Asks every keyholder for everything, but none again who said no.
fn ask(
    data: &Data,
    config: &Config,
    register: &Register,
    kept: &Kept,
    needed: &[GivenSegment],
    clock: &Clock,
) -> Result<Asked> {
    let log = read_verifier(&data.log_verifier())?;
    let gate = config.disclosure.gate(log.clone())?;
    let holders = Holders::open(custody::holders(data, config)?, &gate, &log, clock.clone())?;
    let mut asked = Asked::default();
    let bar = fill::bar("segments asked for", needed.len() as u64);
    for given in needed {
        let requested = request_of(kept, given)?;
        let but: BTreeSet<KeyId> = asked.missing.keys().copied().collect();
        let (shares, now) = (shares_of(given)?, clock.now());
        let found = register.ask_for_segment(requested, &shares, &holders, &but, now)?;
        asked.shares.insert(given.first, found.shares);
        asked.missing.extend(found.missing);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(asked)
}

fn request_of<'k>(kept: &'k Kept, given: &GivenSegment) -> Result<&'k Requested> {
    let wanted = segment(given)?;
    let mut requests = kept.requests.iter();
    let found = requests.find(|it| it.reopening().segments.contains(&wanted));
    found.with_context(|| format!("no entry names {}", name_of(given)))
}

/// The keys of all segments, in memory alone.
fn keys(
    register: &Register,
    kept: &Kept,
    needed: &[GivenSegment],
    asked: &Asked,
    clock: &Clock,
) -> Result<GivenKeys> {
    let mut keys = GivenKeys::default();
    for given in needed {
        let receipt = register.segments_receipt(request_of(kept, given)?, clock.now())?;
        let resealed = asked.shares.get(&given.first).map_or(&[][..], Vec::as_slice);
        let key = open_segment(&shares_of(given)?, resealed, &kept.secret, &receipt);
        let key = key.with_context(|| format!("{} does not open", name_of(given)))?;
        keys.add(given.first, key);
    }
    Ok(keys)
}

/// Says who gave nothing; nothing was changed.
fn refuse(
    data: &Data,
    args: &SegmentsArgs,
    kept: &Kept,
    needed: &[GivenSegment],
    asked: &Asked,
) -> Result<()> {
    let each: Vec<(String, String)> =
        asked.missing.iter().map(|(id, why)| (segments::holder(data, *id), missing(why))).collect();
    if args.json {
        let missing: Vec<Value> =
            each.iter().map(|(who, why)| json!({ "keyholder": who, "says": why })).collect();
        line(&serde_json::to_string_pretty(&json!({
            "opened": false,
            "entries": kept.entries(),
            "segments": needed.len(),
            "missing": missing,
        }))?);
    } else {
        line(&format!(
            "{} segments are to be opened, as entry {} of the log says.",
            needed.len(),
            kept.entries_said()
        ));
        for (who, why) in &each {
            line(&format!("  {who}: {why}"));
        }
    }
    bail!(
        "{} keyholders gave no share, so nothing was opened and nothing was changed: settle it with their \
         owners, then run `parlatory journal open --data {}` again, before {}",
        each.len(),
        data.root().display(),
        crate::audit::show(kept.expires())
    )
}

fn missing(why: &NotHeard) -> String {
    match why {
        NotHeard::NoHolder => "nobody of the settings has this key: name its holder in \
                               `[[disclosure.keyholders]]`"
            .to_owned(),
        NotHeard::Refused(_)
        | NotHeard::NotAnswered(_)
        | NotHeard::Answer(_)
        | NotHeard::Log(_)
        | NotHeard::Unproven(_)
        | NotHeard::NoReceipt(_)
        | NotHeard::NotOpened(_) => why.to_string(),
    }
}

fn say(
    args: &SegmentsArgs,
    kept: &Kept,
    needed: &[GivenSegment],
    filled: &fill::Filled,
) -> Result<()> {
    let fill::Filled { facts, strangers } = filled;
    if args.json {
        line(&serde_json::to_string_pretty(&json!({
            "opened": true,
            "entries": kept.entries(),
            "segments": needed.len(),
            "facts": facts,
            "people_unknown": strangers,
        }))?);
        return Ok(());
    }
    line(&format!(
        "Opened {} segments, as entry {} of the log says. They stay given away, and no key is left.",
        needed.len(),
        kept.entries_said()
    ));
    say_filled(filled);
    Ok(())
}

/// What was filled in, and what is to be done before calls are taken.
fn say_filled(filled: &fill::Filled) {
    let fill::Filled { facts, strangers } = filled;
    line(&format!("Filled the database with {facts} facts of the journal."));
    if *strangers > 0 {
        line(&format!(
            "  people      {strangers} whom the database did not know keep their calls without a name;"
        ));
        line("              they are provisioned anew under other numbers");
    }
    line(
        "Registered numbers, people, places, log-ins, grants and rules are those of the backup. So",
    );
    line(
        "first `parlatory provision` with the files of today, then `parlatory serve`, and then take",
    );
    line("back what was taken back since: log-ins, grants, holds.");
}

fn say_nothing(data: &Data, args: &SegmentsArgs, filled: &fill::Filled) -> Result<()> {
    if let Some(kept) = Kept::read(data)? {
        kept.destroy(data)?;
    }
    let fill::Filled { facts, strangers } = filled;
    if args.json {
        line(&serde_json::to_string_pretty(&json!({
            "opened": false,
            "segments": 0,
            "missing": [],
            "facts": facts,
            "people_unknown": strangers,
        }))?);
        return Ok(());
    }
    line(
        "The database lacks nothing that stands in a segment that was given away: no keyholder is",
    );
    line("asked for anything.");
    if *facts > 0 {
        say_filled(filled);
    }
    Ok(())
}

fn withdraw(data: &Data, args: &SegmentsArgs) -> Result<()> {
    let kept = Kept::read(data)?.context("no request waits")?;
    kept.destroy(data)?;
    if args.json {
        line(&json!({ "withdrawn": kept.entries() }).to_string());
    } else {
        line(&format!(
            "Entry {} is given up: the key that shares would be sealed to is destroyed.",
            kept.entries_said()
        ));
    }
    Ok(())
}

impl Kept {
    /// Whether an entry of it names a segment.
    fn names(&self, segment: &Segment) -> bool {
        self.requests.iter().any(|it| it.reopening().segments.contains(segment))
    }

    /// From when on no keyholder answers it.
    fn expires(&self) -> Timestamp {
        let times = self.requests.iter().map(|it| it.reopening().expires);
        times.min().unwrap_or_default()
    }

    /// Places of its entries in the log.
    fn entries(&self) -> Vec<u64> {
        self.requests.iter().map(Requested::index).collect()
    }

    fn entries_said(&self) -> String {
        let each: Vec<_> = self.entries().iter().map(u64::to_string).collect();
        each.join(", ")
    }
}

/// Octets of the name of an account that are told.
const NAME_OCTETS_MAX: usize = 64;
