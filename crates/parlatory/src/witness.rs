//! `parlatory witness`: watch other people's logs, and vouch for what only grew.

use std::{fs, net::TcpListener, path::Path};

use ::witness::{Witness, serve};
use anyhow::{Context, Result, bail};
use tlog::{KeyKind, Signer, Verifier};
use zeroize::Zeroizing;

use crate::{cli::WitnessArgs, clock::clock, data::write_new, print::line};

/// Runs a witness until it is stopped.
pub(crate) fn run(args: &WitnessArgs) -> Result<()> {
    let logs: Vec<Verifier> = args.log.iter().map(|log| read_key(log)).collect::<Result<_>>()?;
    fs::create_dir_all(&args.dir)
        .with_context(|| format!("cannot make `{}`", args.dir.display()))?;
    let signer = key(&args.dir, args.name.as_deref())?;
    let verifier = signer.verifier().to_string();
    let listener = TcpListener::bind(args.listen)
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    let witness = Witness::open(signer, logs, &args.dir.join("seen"))?;
    let clock = clock();
    let now_s = move || u64::try_from(clock.now().micros() / 1_000_000).unwrap_or(0);
    let server = serve(witness, listener, now_s).context("cannot serve")?;
    line(&format!("witness {verifier}"));
    line(&format!("  listens on  http://{}/add-checkpoint", server.address()));
    for log in &args.log {
        line(&format!("  watches     {}", read_key(log)?.name()));
    }
    server.wait();
    Ok(())
}

/// The witness's own key, made when it takes its seat for the first time.
fn key(dir: &Path, name: Option<&str>) -> Result<Signer> {
    let path = dir.join("witness.key");
    if path.exists() {
        let text = fs::read_to_string(&path).map(Zeroizing::new);
        let text = text.with_context(|| format!("cannot read `{}`", path.display()))?;
        let signer = Signer::parse(text.trim())
            .with_context(|| format!("the key in `{}` cannot be used", path.display()))?;
        if let Some(name) = name.filter(|name| *name != signer.verifier().name()) {
            bail!(
                "this witness is `{}` and not `{name}`: a witness keeps its name; leave --name out, \
                 or take another folder",
                signer.verifier().name()
            );
        }
        return Ok(signer);
    }
    let Some(name) = name else {
        bail!("a new witness needs a --name, such as `defender.example/witness`");
    };
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).context("the operating system gives no randomness")?;
    let signer = Signer::from_seed(name, KeyKind::Witness, &seed)
        .with_context(|| format!("`{name}` cannot be the name of a witness"))?;
    let write = |path: &Path, text: &str| {
        write_new(path, text.as_bytes())
            .with_context(|| format!("cannot write `{}`", path.display()))
    };
    write(&path, &signer.secret_text())?;
    write(&dir.join("witness.vkey"), &format!("{}\n", signer.verifier()))?;
    Ok(signer)
}

/// A key given as text, or as a file that it stands in.
fn read_key(given: &str) -> Result<Verifier> {
    let text = if Path::new(given).is_file() {
        fs::read_to_string(given).with_context(|| format!("cannot read `{given}`"))?
    } else {
        given.to_owned()
    };
    Verifier::parse(text.trim())
        .with_context(|| format!("`{given}` is no file with a log's key, and no key"))
}
