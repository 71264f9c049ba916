//! Settings of the wire: TCP and TLS, carriers, and with what calls are signed.

use std::{
    collections::BTreeSet,
    fmt, fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use line::{
    Attest, Encryption, IdentityConfig, Network, NumberForm, NumberFormat, TlsFiles, TlsListen,
    TlsPeer, Transport, TrunkAccount, TrunkConfig, TrunkName,
};
use model::{Private, TrunkId};
use serde::Deserialize;

use super::Config;

/// TLS for stations, and what they are shown.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// Address and port.
    pub(crate) listen: SocketAddr,
    /// File with the certificate chain.
    certificate: PathBuf,
    /// File with its private key.
    key: PathBuf,
}

/// With what calls are signed.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    /// File with the private key.
    key: PathBuf,
    /// File with the certificate and those above it.
    certificate: PathBuf,
    /// Where others fetch the certificate.
    certificate_url: String,
}

/// A carrier.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trunk {
    id: u16,
    address: Reached,
    /// The address is a domain whose service records say where its servers are.
    #[serde(default)]
    srv: bool,
    #[serde(default)]
    transport: Travels,
    authority: Option<PathBuf>,
    certificate_name: Option<String>,
    domain: Option<String>,
    public_address: Option<IpAddr>,
    #[serde(default)]
    order: u16,
    #[serde(default = "one")]
    weight: u16,
    channels_max: Option<u32>,
    calls_per_second_max: Option<u32>,
    #[serde(default)]
    numbers: Numbers,
    #[serde(default)]
    assert_identity: bool,
    attest: Option<Attested>,
    account: Option<Account>,
    probe_seconds: Option<u64>,
    #[serde(default)]
    encryption: Encrypted,
}

/// Where a carrier is.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
enum Reached {
    At(SocketAddr),
    /// A name, with a port where one is said.
    Named(String, Option<u16>),
}

impl TryFrom<String> for Reached {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Self::At(address));
        }
        let unread = || {
            format!(
                "`{text}` is neither an address with its port nor a name, such as sip.carrier.example:5060"
            )
        };
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, Some(port.parse().map_err(|_| unread())?)),
            None => (text.as_str(), None),
        };
        let label = |label: &str| {
            let plain = label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
            (1..=LABEL_OCTETS_MAX).contains(&label.len()) && plain && !label.starts_with('-')
        };
        // Digits and dots alone are an address without its port, or half of one.
        let named = name.bytes().any(|octet| octet.is_ascii_alphabetic());
        if !named || name.len() > NAME_OCTETS_MAX || !name.split('.').all(label) || port == Some(0)
        {
            return Err(unread());
        }
        Ok(Self::Named(name.to_owned(), port))
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            Self::Named(name, None) => f.write_str(name),
            Self::Named(name, Some(port)) => write!(f, "{name}:{port}"),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Travels {
    #[default]
    Udp,
    Tcp,
    Tls,
}

/// Whether audio is encrypted.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encrypted {
    #[default]
    Off,
    Optional,
    Required,
}

impl Encrypted {
    pub(crate) const fn policy(self) -> Encryption {
        match self {
            Self::Off => Encryption::Off,
            Self::Optional => Encryption::Optional,
            Self::Required => Encryption::Required,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
enum Attested {
    A,
    B,
    C,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
struct Numbers {
    form: Form,
    /// Code of the own country, for `national`.
    country: Option<String>,
    /// What is dialled before numbers abroad, for `national`.
    abroad: Option<String>,
    strip: u8,
    prefix: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Form {
    #[default]
    Plus,
    Digits,
    National,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Account {
    user: String,
    /// The password's own file, so that no message about these settings can show it.
    password_file: PathBuf,
    #[serde(default)]
    register: bool,
    #[serde(default = "ten_minutes")]
    expires_seconds: u64,
}

impl Config {
    /// What the line speaks besides UDP, and to whom. Files are looked for from `folder` on.
    ///
    /// # Errors
    /// When something does not fit; the message names the trunk and the key.
    pub(crate) fn network(&self, folder: &Path) -> Result<Network> {
        let tls = self.sip.tls.as_ref().map(|tls| TlsListen {
            address: tls.listen,
            files: TlsFiles {
                certificate: folder.join(&tls.certificate),
                key: folder.join(&tls.key),
            },
        });
        let identity = self.sip.identity.as_ref().map(|identity| IdentityConfig {
            key: folder.join(&identity.key),
            certificate: folder.join(&identity.certificate),
            certificate_url: identity.certificate_url.clone(),
        });
        let mut ids = BTreeSet::new();
        let mut trunks = Vec::with_capacity(self.trunks.len());
        for trunk in &self.trunks {
            let id = trunk.id;
            ensure!(id > 0, "a trunk has `id` = 0: give each its own number from 1");
            ensure!(ids.insert(id), "two trunks have `id` = {id}: give each its own, and keep it");
            let config = trunk.config(folder, identity.is_some());
            trunks.push(config.with_context(|| format!("trunk {id} does not fit"))?);
        }
        let encrypted = self.sip.encryption;
        ensure!(
            encrypted == Encrypted::Off || tls.is_some(),
            "`sip.encryption` needs `[sip.tls]`: keys in clear protect nothing"
        );
        let stations = encrypted.policy();
        let name_server = self.sip.name_server;
        Ok(Network { tcp: self.sip.tcp, tls, trunks, name_server, identity, stations })
    }
}

impl Trunk {
    fn config(&self, folder: &Path, signs: bool) -> Result<TrunkConfig> {
        let transport = match self.transport {
            Travels::Udp => Transport::Udp,
            Travels::Tcp => Transport::Tcp,
            Travels::Tls => Transport::Tls,
        };
        let (address, name) = self.place()?;
        ensure!(
            self.encryption == Encrypted::Off || transport == Transport::Tls,
            "`encryption` needs `transport` = \"tls\": keys in clear protect nothing"
        );
        ensure!(
            self.attest.is_none() || signs,
            "`attest` needs `[sip.identity]` with a key and a certificate"
        );
        let domain = self.domain.as_deref().map(plain).transpose().context("`domain`")?;
        Ok(TrunkConfig {
            transport,
            tls: self.peer(folder)?,
            domain: domain.map(str::to_owned),
            public: self.public_address,
            order: self.order,
            weight: self.weight,
            channels_max: self.channels_max.unwrap_or(u32::MAX),
            calls_per_second_max: self.calls_per_second_max.unwrap_or(u32::MAX),
            numbers: self.numbers.format().context("`numbers`")?,
            asserted: self.assert_identity,
            attest: self.attest.map(|attest| match attest {
                Attested::A => Attest::A,
                Attested::B => Attest::B,
                Attested::C => Attest::C,
            }),
            account: self.account(folder)?,
            probe_every: self.probe_seconds.map(Duration::from_secs),
            encryption: self.encryption.policy(),
            name,
            ..TrunkConfig::plain(TrunkId(self.id), address)
        })
    }

    /// Its address, or the name by which that is found.
    fn place(&self) -> Result<(SocketAddr, Option<TrunkName>)> {
        let usual = match self.transport {
            Travels::Udp | Travels::Tcp => SIP_PORT,
            Travels::Tls => SIPS_PORT,
        };
        match (&self.address, self.srv) {
            (Reached::At(address), false) => {
                ensure!(!address.ip().is_unspecified(), "`address` must be the carrier's own");
                Ok((*address, None))
            }
            (Reached::Named(name, port), false) => {
                let name = TrunkName::Host { host: name.clone(), port: port.unwrap_or(usual) };
                Ok((NOWHERE, Some(name)))
            }
            (Reached::Named(name, None), true) => {
                Ok((NOWHERE, Some(TrunkName::Services { domain: name.clone() })))
            }
            (Reached::At(_) | Reached::Named(_, Some(_)), true) => {
                bail!("`srv` is for a domain without a port: its records say the ports")
            }
        }
    }

    fn peer(&self, folder: &Path) -> Result<Option<TlsPeer>> {
        if self.transport != Travels::Tls {
            ensure!(
                self.authority.is_none() && self.certificate_name.is_none(),
                "`authority` and `certificate_name` are for `transport` = \"tls\""
            );
            return Ok(None);
        }
        let Some(authority) = &self.authority else {
            bail!("`authority` is missing: the file with whom to believe about the carrier");
        };
        let name = self.certificate_name.as_ref().or(self.domain.as_ref()).cloned();
        // With a name, what was asked for: not what somebody answered (RFC 5922 section 4).
        let name = name.unwrap_or_else(|| match &self.address {
            Reached::At(address) => address.ip().to_string(),
            Reached::Named(name, _) => name.clone(),
        });
        Ok(Some(TlsPeer { authority: folder.join(authority), name }))
    }

    fn account(&self, folder: &Path) -> Result<Option<TrunkAccount>> {
        let Some(account) = &self.account else { return Ok(None) };
        plain(&account.user).context("`account.user`")?;
        let path = folder.join(&account.password_file);
        let text = fs::read_to_string(&path).with_context(|| {
            format!("cannot read `account.password_file` = `{}`", path.display())
        })?;
        let password = text.lines().next().unwrap_or("").trim();
        ensure!(!password.is_empty(), "`{}` holds no password in its first line", path.display());
        ensure!(
            account.expires_seconds >= EXPIRES_SECONDS_MIN,
            "`account.expires_seconds` is at least {EXPIRES_SECONDS_MIN}"
        );
        Ok(Some(TrunkAccount {
            user: account.user.clone(),
            password: Private::new(password.to_owned()),
            register: account.register,
            expires: Duration::from_secs(account.expires_seconds),
        }))
    }

    /// Whether nobody on the way to it can listen.
    pub(crate) const fn is_private(&self) -> bool {
        matches!(self.encryption, Encrypted::Required)
    }

    /// What the doctor says of it.
    pub(crate) fn says(&self) -> String {
        let Self { id, address, .. } = self;
        let transport = match self.transport {
            Travels::Udp => "udp",
            Travels::Tcp => "tcp",
            Travels::Tls => "tls",
        };
        let audio = match self.encryption {
            Encrypted::Off => "audio in clear",
            Encrypted::Optional => "audio encrypted where the carrier can",
            Encrypted::Required => "audio encrypted",
        };
        let signs = if self.attest.is_some() { "calls signed" } else { "calls not signed" };
        format!("{id} goes out to {transport} {address}: {audio}, {signs}")
    }
}

impl Numbers {
    fn format(&self) -> Result<NumberFormat> {
        let form = match (self.form, &self.country, &self.abroad) {
            (Form::Plus, None, None) => NumberForm::Plus,
            (Form::Digits, None, None) => NumberForm::Digits,
            (Form::National, Some(country), Some(abroad)) => {
                let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
                ensure!(!country.is_empty() && digits(country), "`country` is a code such as 1");
                ensure!(digits(abroad), "`abroad` is a prefix such as 011");
                NumberForm::National { country: country.clone(), abroad: abroad.clone() }
            }
            (Form::National, _, _) => bail!("`national` needs `country` and `abroad`"),
            (Form::Plus | Form::Digits, _, _) => {
                bail!("`country` and `abroad` are for `form` = \"national\"")
            }
        };
        plain(&self.prefix).context("`prefix`")?;
        Ok(NumberFormat { form, strip: self.strip, prefix: self.prefix.clone() })
    }
}

/// What may stand in a URI as it is.
fn plain(text: &str) -> Result<&str> {
    let good = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._+*#:".contains(&b));
    ensure!(good, "`{text}` has characters that are none of a name, an address or a number");
    Ok(text)
}

fn one() -> u16 {
    1
}

fn ten_minutes() -> u64 {
    600
}

const EXPIRES_SECONDS_MIN: u64 = 60;

/// The usual ports (RFC 3261 section 19.1.2).
const SIP_PORT: u16 = 5060;
const SIPS_PORT: u16 = 5061;

/// The address of a trunk that has a name.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Longest name, and longest part of it (RFC 1035 section 2.3.4).
const NAME_OCTETS_MAX: usize = 253;
const LABEL_OCTETS_MAX: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "[sip]\nlisten = \"127.0.0.1:5060\"\n\
        [media]\naddress = \"127.0.0.1\"\nports = [40000, 49999]\n";

    fn network(text: &str) -> Result<Network> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("password"), "secret\n").unwrap();
        let path = folder.path().join("parlatory.toml");
        fs::write(&path, format!("{REST}{text}")).unwrap();
        Config::read(&path)?.network(folder.path())
    }

    #[track_caller]
    fn refused(text: &str, says: &str) {
        let error = format!("{:#}", network(text).unwrap_err());
        assert!(error.contains(says), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }

    const TRUNK: &str = "[[trunks]]\nid = 3\naddress = \"192.0.2.5:5060\"\n";

    #[test]
    fn a_trunk_needs_a_number_and_an_address_and_no_more() {
        assert!(network("").unwrap().trunks.is_empty());
        let network = network(TRUNK).unwrap();
        let [trunk] = &network.trunks[..] else { panic!() };
        assert_eq!((trunk.id, trunk.transport), (TrunkId(3), Transport::Udp));
        assert_eq!((trunk.weight, trunk.channels_max), (1, u32::MAX));
        assert_eq!(trunk.encryption, Encryption::Off);
    }

    #[test]
    fn everything_that_can_be_said_of_a_trunk_is_understood() {
        let all = format!(
            "{TRUNK}transport = \"tls\"\nauthority = \"ca.pem\"\ndomain = \"sip.carrier.example\"\n\
             public_address = \"203.0.113.7\"\norder = 2\nweight = 5\nchannels_max = 30\n\
             calls_per_second_max = 4\nassert_identity = true\nattest = \"B\"\nprobe_seconds = 30\n\
             encryption = \"required\"\n\
             numbers = {{ form = \"national\", country = \"1\", abroad = \"011\", prefix = \"9\" }}\n\
             account = {{ user = \"county\", password_file = \"password\", register = true }}\n\
             [sip.identity]\nkey = \"sign.pem\"\ncertificate = \"chain.pem\"\n\
             certificate_url = \"https://a.example/c.pem\"\n"
        );
        let network = network(&all).unwrap();
        let trunk = &network.trunks[0];
        let tls = trunk.tls.as_ref().unwrap();
        assert_eq!(tls.name, "sip.carrier.example");
        assert!(tls.authority.is_absolute(), "from the settings' own folder");
        let account = trunk.account.as_ref().unwrap();
        assert_eq!(account.password.expose(), "secret");
        assert!(!format!("{network:?}").contains("secret"));
        assert_eq!((trunk.attest, trunk.encryption), (Some(Attest::B), Encryption::Required));
        assert_eq!(trunk.probe_every, Some(Duration::from_secs(30)));
    }

    #[test]
    fn a_trunk_can_be_known_by_a_name() {
        let name = |address: &str, more: &str| {
            let text = format!("[[trunks]]\nid = 3\naddress = \"{address}\"\n{more}");
            network(&text).unwrap().trunks[0].name.clone()
        };
        let host = |host: &str, port| Some(TrunkName::Host { host: host.to_owned(), port });
        assert_eq!(name("192.0.2.5:5060", ""), None);
        assert_eq!(name("[2001:db8::1]:5060", ""), None);
        assert_eq!(name("sip.carrier.example", ""), host("sip.carrier.example", 5060));
        assert_eq!(name("sip.carrier.example:5080", ""), host("sip.carrier.example", 5080));
        let tls = "transport = \"tls\"\nauthority = \"ca.pem\"\n";
        assert_eq!(name("carrier.example", tls), host("carrier.example", 5061));
        let services = TrunkName::Services { domain: "carrier.example".to_owned() };
        assert_eq!(name("carrier.example", "srv = true\n"), Some(services));
        let text = format!("[[trunks]]\nid = 3\naddress = \"carrier.example\"\n{tls}");
        let peer = network(&text).unwrap().trunks[0].tls.clone().unwrap();
        assert_eq!(peer.name, "carrier.example", "as it was asked for");
        for wrong in
            ["192.0.2.5", "192.0.2", "", "a..b", "-a.b", "a:0", "a:b", "a b", "a_b", ":5060"]
        {
            let text = format!("[[trunks]]\nid = 3\naddress = \"{wrong}\"\n");
            refused(&text, "neither an address with its port nor a name");
        }
        for address in ["192.0.2.5:5060", "carrier.example:5060"] {
            let text = format!("[[trunks]]\nid = 3\naddress = \"{address}\"\nsrv = true\n");
            refused(&text, "`srv` is for a domain without a port");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        refused(&format!("{TRUNK}{TRUNK}"), "two trunks have `id` = 3");
        refused(&TRUNK.replace('3', "0"), "number from 1");
        for (line, says) in [
            ("colour = 1", "colour"),
            ("transport = \"tls\"", "`authority` is missing"),
            ("authority = \"ca.pem\"", "`authority` and `certificate_name` are for"),
            ("encryption = \"optional\"", "`encryption` needs `transport`"),
            ("attest = \"A\"", "`attest` needs `[sip.identity]`"),
            ("domain = \"a;b\"", "`domain`"),
            ("numbers = { form = \"national\" }", "needs `country` and `abroad`"),
            ("numbers = { country = \"1\" }", "are for `form`"),
            ("account = { user = \"a\", password_file = \"none\" }", "password_file"),
            ("account = { user = \"a@b\", password_file = \"password\" }", "`account.user`"),
        ] {
            refused(&format!("{TRUNK}{line}\n"), says);
        }
    }
}
