//! `parlatory init`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, bail};
use keyholder::{KeyRing, write_settings};
use serde_json::json;

use crate::{
    cli::InitArgs,
    config::{Config, DRAIN_SECONDS, PUBLISH_SECONDS},
    custody::HOLDERS,
    data::{Data, create_folder, write_new},
    logbook,
    print::line,
};

/// Where a new node listens unless told otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) sip: SocketAddr,
    pub(crate) audio: IpAddr,
    pub(crate) ports: [u16; 2],
    pub(crate) drain_seconds: u64,
    pub(crate) publish_seconds: u64,
    pub(crate) console: SocketAddr,
}

impl Default for Addresses {
    fn default() -> Self {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self {
            sip: SocketAddr::new(loopback, SIP_PORT),
            audio: loopback,
            ports: AUDIO_PORTS,
            drain_seconds: DRAIN_SECONDS,
            publish_seconds: PUBLISH_SECONDS,
            console: SocketAddr::new(loopback, CONSOLE_PORT),
        }
    }
}

/// Makes a data folder.
pub(crate) fn run(args: &InitArgs) -> Result<()> {
    let data = Data::at(&args.data.data);
    create(&data, Addresses::default())?;
    if args.plain.json {
        let settings = data.config();
        line(&json!({ "data": data.root(), "settings": settings, "custody": "solo" }).to_string());
        return Ok(());
    }
    let root = data.root().display();
    line(&format!("Made the data folder `{root}`."));
    line(&format!("  settings            {}", data.config().display()));
    line("  custody             solo: both keyholders' private keys were made in this folder, so");
    line("                      whoever operates it can read recordings. `docs/operating.md` says");
    line("                      how two keyholders bring keys of their own.");
    line("Next:");
    line("  1. set the addresses in the settings");
    line(&format!("  2. parlatory provision FILE --data {root}"));
    line(&format!("  3. parlatory doctor --data {root}"));
    line(&format!("  4. parlatory serve --data {root}"));
    Ok(())
}

/// Makes folders, keys and settings. Nothing that exists is touched.
pub(crate) fn create(data: &Data, addresses: Addresses) -> Result<()> {
    if data.config().exists() {
        bail!("`{}` is a data folder already; nothing was changed", data.root().display());
    }
    data.create_folders()?;
    let mut pin_key = [0_u8; desk::PIN_KEY_OCTETS];
    getrandom::fill(&mut pin_key).context("the operating system gives no randomness")?;
    write_key(&data.pin_key(), &pin_key)?;
    let mut store_key = [0_u8; store::COLUMN_KEY_OCTETS];
    getrandom::fill(&mut store_key).context("the operating system gives no randomness")?;
    write_key(&data.store_key(), &store_key)?;
    for name in EVIDENCE_KEYS.into_iter().chain([NAMES_KEY]) {
        let mut key = [0_u8; desk::EVIDENCE_KEY_OCTETS];
        getrandom::fill(&mut key).context("the operating system gives no randomness")?;
        write_key(&data.evidence_key(name), &key)?;
    }
    let signer = logbook::make_signer()?;
    write_key(&data.evidence_key("log"), signer.secret_text().as_bytes())?;
    write_key(&data.log_verifier(), format!("{}\n", signer.verifier()).as_bytes())?;
    for holder in HOLDERS {
        let ring =
            KeyRing::create(&data.keyholder_keys(holder)).context("cannot make a key pair")?;
        let current = ring.current().context("cannot make a key pair")?;
        let verifier = signer.verifier().to_string();
        write_settings(&data.keyholder(holder), &verifier)
            .context("cannot write the settings of a keyholder")?;
        let public = format!("{}\n{MADE_HERE}\n", current.public());
        write_key(&data.keyholder_public(holder), public.as_bytes())?;
    }
    create_folder(&data.console()).context("cannot make the folder of the console")?;
    write_key(&data.setup_token(), format!("{}\n", make_token()?).as_bytes())?;
    data.open_store().context("cannot make the store")?;
    let Addresses { sip, audio, ports, drain_seconds, publish_seconds, console } = addresses;
    let settings = Config::template(sip, audio, ports, drain_seconds, publish_seconds, console);
    // Last: a folder with settings is whole.
    write_key(&data.config(), settings.as_bytes())
}

/// What lets the first of the staff in, once, while there is nobody.
fn make_token() -> Result<String> {
    let mut octets = [0_u8; 32];
    getrandom::fill(&mut octets).context("the operating system gives no randomness")?;
    Ok(octets.iter().map(|octet| format!("{octet:02x}")).collect())
}

/// What stands behind the public key of a pair that was made on this machine. Nobody can prove that
/// no copy of its private key is left here, so custody stays solo until keyholders bring their own.
pub(crate) const MADE_HERE: &str = "# this pair was made on this machine by `parlatory init`";

/// The keys of the entries for the log.
pub(crate) const EVIDENCE_KEYS: [&str; 3] = ["audit", "label", "counsel"];

/// The key that recorded names are sealed under.
const NAMES_KEY: &str = "names";

/// Registered port of SIP (RFC 3261 section 18).
const SIP_PORT: u16 = 5060;

/// Where staff, commands and programs ask.
const CONSOLE_PORT: u16 = 8480;

/// Ports of audio: room for more than two thousand calls.
const AUDIO_PORTS: [u16; 2] = [40_000, 49_999];

fn write_key(path: &std::path::Path, content: &[u8]) -> Result<()> {
    write_new(path, content).with_context(|| {
        format!(
            "cannot write `{}`; if an `init` before this one failed half-way, remove the folder",
            path.display()
        )
    })
}
