//! `parlatory.toml`: what a node is told about its machine. What it is told about people, places
//! and prices comes from `parlatory provision`.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

mod disclosure;
mod retention;
mod waits;
mod wire;

pub(crate) use disclosure::{ConsoleAt, Disclosure, Hook, TsaAt};
pub(crate) use retention::Retention;
pub(crate) use waits::Waits;
pub(crate) use wire::{Encrypted, Identity, Tls, Trunk};

/// A node's settings.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) sip: Sip,
    pub(crate) media: Audio,
    /// Ways out to carriers; where there is none, the provisioned trunk is used.
    #[serde(default)]
    pub(crate) trunks: Vec<Trunk>,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) calls: Waits,
    #[serde(default)]
    pub(crate) log: Publishing,
    /// Where staff, commands and programs ask; without it nobody does.
    pub(crate) console: Option<ConsoleAt>,
    #[serde(default)]
    pub(crate) disclosure: Disclosure,
    #[serde(default)]
    pub(crate) retention: Retention,
}

/// How the log is published.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Publishing {
    /// Seconds between two publications.
    pub(crate) publish_seconds: u64,
}

impl Default for Publishing {
    fn default() -> Self {
        Self { publish_seconds: PUBLISH_SECONDS }
    }
}

impl Publishing {
    pub(crate) fn every(&self) -> Duration {
        Duration::from_secs(self.publish_seconds.max(1))
    }
}

/// Where SIP is spoken.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sip {
    /// UDP address and port.
    pub(crate) listen: SocketAddr,
    /// TCP address and port, where TCP is spoken.
    pub(crate) tcp: Option<SocketAddr>,
    /// Where TLS is spoken, and as whom.
    pub(crate) tls: Option<Tls>,
    /// Whether audio of stations that speak TLS is encrypted.
    #[serde(default)]
    pub(crate) encryption: Encrypted,
    /// With what calls are signed on trunks that want it.
    pub(crate) identity: Option<Identity>,
    /// The name server that is asked about trunks with a name, where it is not the system's.
    pub(crate) name_server: Option<SocketAddr>,
}

/// Where audio flows.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audio {
    /// Address that phones and trunk send RTP to.
    pub(crate) address: IpAddr,
    /// First and last UDP port; each leg takes two.
    pub(crate) ports: [u16; 2],
    /// Threads that move audio.
    #[serde(default = "default_threads")]
    pub(crate) threads: usize,
}

/// Limits of a node.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Most calls at once.
    pub(crate) calls_max: usize,
    /// Seconds that running calls get when the node is asked to stop.
    pub(crate) drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { calls_max: 1_000, drain_seconds: DRAIN_SECONDS }
    }
}

impl Limits {
    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

impl Config {
    /// Reads and checks a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the settings `{}`", path.display()))?;
        let config: Self = toml::from_str(&text)
            .with_context(|| format!("the settings `{}` do not read", path.display()))?;
        let [first, last] = config.media.ports;
        ensure!(
            first < last && config.media.threads > 0,
            "the settings `{}` do not fit: `media.ports` is first and last port, `media.threads` at least 1",
            path.display()
        );
        config
            .retention
            .check()
            .and_then(|()| config.calls.check())
            .with_context(|| format!("the settings `{}` do not fit", path.display()))?;
        let addresses =
            [Some(config.sip.listen), config.sip.tcp, config.sip.tls.as_ref().map(|t| t.listen)];
        let mut addresses = addresses.into_iter().flatten().map(|address| address.ip());
        ensure!(
            !addresses.any(|ip| ip.is_unspecified()) && !config.media.address.is_unspecified(),
            "the settings `{}` do not fit: phones are told to answer to `sip.listen` and \
             `media.address`, so name this machine's own address there, not 0.0.0.0",
            path.display()
        );
        Ok(config)
    }

    /// The commented file that `init` writes.
    pub(crate) fn template(
        sip: SocketAddr,
        audio: IpAddr,
        ports: [u16; 2],
        drain_seconds: u64,
        publish_seconds: u64,
        console: SocketAddr,
    ) -> String {
        TEMPLATE
            .replace("{console}", &console.to_string())
            .replace("{publish}", &publish_seconds.to_string())
            .replace("{drain}", &drain_seconds.to_string())
            .replace("{sip}", &sip.to_string())
            .replace("{audio}", &audio.to_string())
            .replace("{first}", &ports[0].to_string())
            .replace("{last}", &ports[1].to_string())
    }
}

/// As long as the longest call that most facilities allow.
pub(crate) const DRAIN_SECONDS: u64 = 30 * 60;

/// Long enough that the log does not show when a call was made.
pub(crate) const PUBLISH_SECONDS: u64 = 10 * 60;

fn default_threads() -> usize {
    1
}

const TEMPLATE: &str = r#"# Settings of this node. What it knows of agencies, people, numbers and prices
# comes from `parlatory provision`, not from here. Restart the node after a change.

[sip]
# UDP address and port on which stations and the trunk reach this node. Use the
# address of the facility network, not 0.0.0.0: phones are told to answer to it.
listen = "{sip}"
# SIP over TCP and over TLS (docs/operating.md). The certificate is read again when it changes.
# tcp = "{sip}"
# tls = { listen = "192.0.2.1:5061", certificate = "tls/node.pem", key = "tls/node.key" }

# Carriers, instead of the one in the provision file. `id` is kept with each call.
# [[trunks]]
# id = 1
# address = "198.51.100.5:5060"

[media]
# Address to which phones and the trunk send audio (RTP).
address = "{audio}"
# First and last UDP port of audio. A call takes four ports.
ports = [{first}, {last}]
# Threads that move audio. One carries hundreds of calls.
threads = 1

[limits]
# Most calls at once; more are refused with 503 until there is room again.
calls_max = 1000
# Seconds that running calls get to finish after SIGTERM.
drain_seconds = {drain}

[calls]
# Seconds for which the called party's phone rings: 30 to 120.
ring_seconds = 45
# Seconds without a key until what was typed counts as complete: 2 to 10.
key_seconds = 4
# Seconds that the called party has to press a key after the notice: 5 to 30.
accept_seconds = 10
# Seconds without audio from either phone until the call is over, charged up to the last of it:
# 10 to 60.
lost_seconds = 20

[log]
# Seconds between two publications of the log. The longer, the less it shows.
publish_seconds = {publish}

[console]
# Where staff, commands and programs ask this node, over HTTP. With a certificate and its key
# (paths from this folder on) it speaks HTTPS, and may listen on another address than 127.0.0.1.
listen = "{console}"
# certificate = "tls/console.pem"
# key = "tls/console.key"
# Whether programs on this machine may read how the node does, at /metrics (Prometheus). It names
# nobody. Where a proxy stands before the console, it must not pass that path on.
# metrics = true

[retention]
# When everything that is due is erased, each day, in UTC; and at every start.
erase_at = "09:00"
# Within how many hours a recording is gone whose number was protected afterwards; at most 72.
quarantine_hours = 72

[disclosure]
# Who is on call to approve what waits for a second person: names of log-ins, by agency.
# on_call = { county = ["lee", "sam"] }
# How many of the witnesses below must have seen the log before anything is disclosed. Without
# witnesses the log's word alone is believed.
# quorum = 2
# [[disclosure.witnesses]]
# key = "defender.example/witness+0a1b2c3d+..."
# url = "http://192.0.2.20:7380"

# An authority that stamps packages with a time (RFC 3161), and the certificate that its stamps must
# lead up to. Where it cannot be had, packages go without and say so.
# [disclosure.tsa]
# url = "http://stamps.example/tsr"
# authority = "tls/tsa-ca.pem"

# Tells those on call that an act waits for a second person, or that a glass was broken: a command,
# or an address that takes POST. Both are told the number of the act and nothing else.
# [disclosure.hook]
# command = ["/usr/local/bin/page-on-call"]

# The keyholders, instead of the two folders that `init` made: `parlatory-keyholder serve` on
# machines of their own (docs/operating.md).
# [[disclosure.keyholders]]
# address = "192.0.2.30:8443"
# name = "keyholder.court.example"
# certificate = "tls/node.pem"
# key = "tls/node.key"
# authority = "tls/court-ca.pem"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parlatory.toml");
        fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    fn template() -> String {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let sip = SocketAddr::new(loopback, 5060);
        let console = SocketAddr::new(loopback, 8480);
        Config::template(sip, loopback, [40_000, 49_999], DRAIN_SECONDS, PUBLISH_SECONDS, console)
    }

    #[test]
    fn the_template_reads_and_means_the_defaults() {
        let config = read(&template()).unwrap();
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.calls, Waits::default());
        assert_eq!(config.log, Publishing::default());
        assert_eq!(config.sip.listen.port(), 5060);
        assert_eq!(config.media.ports, [40_000, 49_999]);
        assert_eq!(config.console.unwrap().listen.port(), 8480);
        assert_eq!(config.disclosure, Disclosure::default());
        assert_eq!(config.retention, Retention::default());
    }

    #[test]
    fn what_the_template_only_shows_would_be_understood() {
        let template = template();
        let (before, shown) = template.split_at(template.find("[console]").unwrap());
        // Whatever looks like a key or a section is one.
        let line = |line: &str| match line.strip_prefix("# ") {
            Some(text) if text.starts_with('[') || text.contains(" = ") => format!("{text}\n"),
            _ => format!("{line}\n"),
        };
        let shown = format!("{before}{}", shown.lines().map(line).collect::<String>());
        assert!(shown.contains("\nquorum") && shown.contains("\n[[disclosure.keyholders]]"));
        assert!(shown.contains("\n[disclosure.tsa]") && shown.contains("\n[disclosure.hook]"));
        assert!(read(&shown).is_ok(), "{:#}", read(&shown).unwrap_err());
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let error = read(&template().replace("threads", "treads")).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("treads") && text.contains("line"), "{text}");
        let swapped = template().replace("[40000, 49999]", "[49999, 40000]");
        assert!(format!("{:#}", read(&swapped).unwrap_err()).contains("media.ports"));
        let silent = template().replace("lost_seconds = 20", "lost_seconds = 5");
        let text = format!("{:#}", read(&silent).unwrap_err());
        assert!(text.contains("`calls.lost_seconds` = 5 is not from 10 to 60"), "{text}");
        let everywhere = template().replace("\"127.0.0.1:5060\"", "\"0.0.0.0:5060\"");
        assert!(format!("{:#}", read(&everywhere).unwrap_err()).contains("sip.listen"));
    }
}
