//! `parlatory package`: what the recipient of a package does with it, without asking a node.

use std::{fs, path::Path};

use ::verify::{
    package::{Found, Package, Stamp, Trust},
    stamp::authorities,
};
use access::Delivery;
use anyhow::{Context, Result, bail, ensure};
use model::Timestamp;
use serde_json::json;
use tlog::{KeyKind, Policy, Signer, Verifier};
use vault::RecipientSecret;
use zeroize::Zeroizing;

use crate::{
    cli::{CheckArgs, KeyArgs, OpenArgs, PackageCommand, ReceiveArgs},
    clock::clock,
    data::{create_folder, write_new},
    letter::LetterFile,
    print::line,
};

/// Carries out one of them.
pub(crate) fn run(command: &PackageCommand) -> Result<()> {
    match command {
        PackageCommand::Check(args) => {
            let (_, found) = checked(args)?;
            if args.json {
                line(&serde_json::to_string(&as_json(&found))?);
            } else {
                sentences(&found).iter().for_each(|sentence| line(sentence));
            }
            Ok(())
        }
        PackageCommand::Key(args) => key(args),
        PackageCommand::Open(args) => open(args),
        PackageCommand::Receive(args) => receive(args),
    }
}

fn key(args: &KeyArgs) -> Result<()> {
    let secret = RecipientSecret::generate()?;
    let text = Zeroizing::new(format!("{}\n", *secret.text()));
    write_new(&args.to, text.as_bytes())
        .with_context(|| format!("cannot write `{}`", args.to.display()))?;
    let public = hex(&secret.public().0);
    if args.json {
        line(&serde_json::to_string(&json!({ "key": public, "file": args.to }))?);
        return Ok(());
    }
    line(&format!("Your public key: {public}"));
    line("Give it to whoever hands you packages: `parlatory disclose export --key`.");
    line(&format!("Keep `{}`: what is sealed to you opens with it alone.", args.to.display()));
    Ok(())
}

/// Nothing is written of what does not fit.
fn open(args: &OpenArgs) -> Result<()> {
    let folder = &args.into;
    ensure!(!folder.exists(), "`{}` is there already: take another name", folder.display());
    let (package, found) = checked(&args.check)?;
    for (path, octets) in package.contents()? {
        let path = folder.join(path);
        let unwritten = || format!("cannot write `{}`", path.display());
        create_folder(path.parent().unwrap_or(folder)).with_context(unwritten)?;
        write_new(&path, octets).with_context(unwritten)?;
    }
    if args.check.json {
        let told = json!({ "into": folder, "package": as_json(&found) });
        line(&serde_json::to_string(&told)?);
        return Ok(());
    }
    sentences(&found).iter().for_each(|sentence| line(sentence));
    line(&format!("It lies in `{}`: begin with README.txt.", folder.display()));
    Ok(())
}

/// Nobody signs for what they did not check.
fn receive(args: &ReceiveArgs) -> Result<()> {
    let (_, found) = checked(&args.check)?;
    let signer = signer(&args.sign_with)?;
    let at = clock().now();
    let delivery = Delivery { log: found.log, entry: found.entry, package: found.sha256, at };
    let note = delivery.sign(&signer).context("the receipt cannot be signed")?;
    write_new(&args.to, note.to_string().as_bytes())
        .with_context(|| format!("cannot write `{}`", args.to.display()))?;
    if args.check.json {
        let told = json!({
            "sha256": hex(&found.sha256),
            "received": time(at),
            "key": signer.verifier().to_string(),
        });
        line(&serde_json::to_string(&told)?);
        return Ok(());
    }
    line(&format!("Signed: `{}`. Send it to whoever handed you the package.", args.to.display()));
    line(&format!("Tell them your key in another way: {}", signer.verifier()));
    line(&format!("Keep `{}`, and the receipt.", args.sign_with.display()));
    Ok(())
}

fn checked(args: &CheckArgs) -> Result<(Package, Found)> {
    let octets = read(&args.file)?;
    let letter = args.letter.as_deref().map(letter).transpose()?;
    let passphrase = match (&letter, &args.letter_key, &args.passphrase_file) {
        (Some(letter), Some(path), _) => {
            let secret = RecipientSecret::parse(&text(path)?);
            Some(letter.open(&secret.with_context(|| format!("`{}`", path.display()))?)?)
        }
        (Some(_), None, _) | (None, _, None) => None,
        (None, _, Some(path)) => Some(text(path)?),
    };
    let mut package = Package::open(&octets, passphrase.as_deref().map(|text| text.trim()))?;
    if let Some(letter) = letter {
        ensure!(*package.sha256() == letter.package, "the letter is of another package");
    }
    if let Some(stamp) = &args.stamp {
        package = package.with_stamp(read(stamp)?);
    }
    let found = package.check(&trust(args)?)?;
    Ok((package, found))
}

fn letter(path: &Path) -> Result<LetterFile> {
    LetterFile::read(&text(path)?).with_context(|| format!("`{}`", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// What lies in a file that may hold a secret.
fn text(path: &Path) -> Result<Zeroizing<String>> {
    let text = fs::read_to_string(path).map(Zeroizing::new);
    text.with_context(|| format!("cannot read `{}`", path.display()))
}

/// What the arguments say is to be believed.
fn trust(args: &CheckArgs) -> Result<Trust> {
    let witnesses = args.witness.iter().map(|key| key_of(key)).collect::<Result<Vec<_>>>()?;
    let wanted = args.quorum.unwrap_or(witnesses.len());
    let witnesses = match (wanted, witnesses.is_empty()) {
        (0, true) => Policy::LOG_ALONE,
        (wanted, _) => Policy::quorum(wanted, witnesses)?,
    };
    let mut believed = Vec::new();
    for path in &args.tsa {
        let found = authorities(path);
        believed.extend(found.with_context(|| format!("`{}`", path.display()))?);
    }
    Ok(Trust { log: key_of(&args.key)?, witnesses, authorities: believed })
}

/// A key given as text, or as a file that it stands in.
fn key_of(given: &str) -> Result<Verifier> {
    let text = match Path::new(given).is_file() {
        true => fs::read_to_string(given).with_context(|| format!("cannot read `{given}`"))?,
        false => given.to_owned(),
    };
    Verifier::parse(text.trim())
        .with_context(|| format!("`{given}` is no file with a key, and no key"))
}

/// The recipient's key, made where there is none.
fn signer(path: &Path) -> Result<Signer> {
    if path.exists() {
        let text = fs::read_to_string(path).map(Zeroizing::new);
        let text = text.with_context(|| format!("cannot read `{}`", path.display()))?;
        return Signer::parse(text.trim())
            .with_context(|| format!("`{}` is no key to sign with", path.display()));
    }
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).context("the operating system gives no randomness")?;
    let Ok(signer) = Signer::from_seed(RECIPIENT, KeyKind::Log, &seed) else {
        bail!("a key cannot be made");
    };
    write_new(path, signer.secret_text().as_bytes())
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(signer)
}

fn sentences(found: &Found) -> Vec<String> {
    let (files, entries) = found.counts;
    let mut said = vec![
        "The package is what was handed out, and its handing out stands in the log.".to_owned(),
        format!("  log         {}, of {} entries then", found.log, found.size),
        format!("  entry       {}, asked for at {}", found.entry, time(found.asked)),
        format!("  read        {files} files and {entries} entries"),
        format!("  SHA-256     {}", hex(&found.sha256)),
    ];
    for witness in &found.witnessed {
        said.push(format!("  witness     {}", witness.name));
    }
    if found.witnessed.is_empty() {
        said.push("  witness     none asked: the log's word alone is believed".to_owned());
    }
    said.push(match &found.stamp {
        Stamp::At(at) => format!("  time stamp  {} by the authority's clock", time(*at)),
        Stamp::Unchecked => "  time stamp  there, and not checked: give the authority's \
                             certificate with --tsa"
            .to_owned(),
        Stamp::None { why } => format!("  time stamp  none: {why}"),
    });
    said
}

fn as_json(found: &Found) -> serde_json::Value {
    let (stamp, at) = match &found.stamp {
        Stamp::At(at) => ("checked", Some(time(*at))),
        Stamp::Unchecked => ("unchecked", None),
        Stamp::None { .. } => ("none", None),
    };
    let witnesses: Vec<_> = found.witnessed.iter().map(|witness| &witness.name).collect();
    json!({
        "log": found.log,
        "entry": found.entry,
        "entries": found.size,
        "asked": time(found.asked),
        "sha256": hex(&found.sha256),
        "witnesses": witnesses,
        "time_stamp": stamp,
        "stamped": at,
    })
}

fn time(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.micros());
    at.map_or_else(|_| String::new(), |at| at.to_string())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The name of a key that is made on the spot: it says whose it is to nobody.
const RECIPIENT: &str = "recipient";
