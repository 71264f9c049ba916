//! Settings of the console, and of what a disclosure needs: witnesses and keyholders.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use access::Gate;
use anyhow::{Context, Result, bail, ensure};
use console::{ConsoleConfig, TlsFiles};
use disclosure::HolderAt;
use keyholder::{Program, Remote, client_tls};
use model::Private;
use serde::Deserialize;
use tlog::{Policy, Verifier};
use witness::Peer;

/// Where staff, commands and programs ask.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsoleAt {
    /// Address and port.
    pub(crate) listen: SocketAddr,
    /// File with the certificate chain, where it is reached from elsewhere.
    certificate: Option<PathBuf>,
    /// File with its private key.
    key: Option<PathBuf>,
    /// Whether programs on this machine may read how the node does, at `/metrics`.
    #[serde(default)]
    metrics: bool,
}

impl ConsoleAt {
    /// What the console needs. Files are looked for from `folder` on.
    ///
    /// # Errors
    /// When a certificate has no key, or one is missing where it must be.
    pub(crate) fn config(&self, folder: &Path) -> Result<ConsoleConfig> {
        let tls = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                Some(TlsFiles { certificate: folder.join(certificate), key: folder.join(key) })
            }
            (None, None) => None,
            _ => bail!("`console.certificate` and `console.key` go together"),
        };
        ensure!(
            tls.is_some() || self.listen.ip().is_loopback(),
            "`console.listen` = `{}` can be reached from elsewhere: add `certificate` and `key`, or \
             listen on 127.0.0.1",
            self.listen
        );
        Ok(ConsoleConfig { listen: self.listen, tls, metrics: self.metrics })
    }
}

/// Who must have seen the log, and who holds the keys of recordings.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Disclosure {
    /// How many witnesses must have seen the log before anything is disclosed.
    quorum: usize,
    witnesses: Vec<WitnessAt>,
    keyholders: Vec<KeyholderAt>,
    /// Who stamps packages with a time.
    pub(crate) tsa: Option<TsaAt>,
    /// How those on call are told that something waits.
    hook: Option<HookAt>,
    /// Who is on call to approve: names of log-ins, by the agency's key.
    pub(crate) on_call: BTreeMap<String, Vec<Private<String>>>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct WitnessAt {
    /// Its verifier key.
    key: String,
    /// Where it is asked.
    url: String,
}

/// Where an authority for time stamps (RFC 3161) is asked.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct TsaAt {
    /// Where it is asked.
    pub(crate) url: String,
    /// File with the certificates of the authority that its stamps must lead up to.
    pub(crate) authority: PathBuf,
}

/// How those on call are told: a command, or an address.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct HookAt {
    command: Option<Vec<String>>,
    url: Option<String>,
}

/// What is run or asked, with the number of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    /// A program with its first arguments; the number is one more.
    Command(String, Vec<String>),
    /// An address that takes `{"act": 42}` by POST.
    Address(String),
}

impl HookAt {
    /// # Errors
    /// When it is neither or both, or the address could be read on the way.
    pub(crate) fn hook(&self) -> Result<Hook> {
        match (&self.command, &self.url) {
            (Some(command), None) => {
                let (program, arguments) =
                    command.split_first().context("`disclosure.hook.command` names no program")?;
                ensure!(
                    Path::new(program).is_absolute(),
                    "`disclosure.hook.command` = `{program}` is looked for nowhere: give its path \
                     from the root on"
                );
                Ok(Hook::Command(program.clone(), arguments.to_vec()))
            }
            (None, Some(url)) => {
                let here = ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"];
                let sealed = url.starts_with("https://");
                ensure!(
                    sealed || here.iter().any(|begin| url.starts_with(begin)),
                    "`disclosure.hook.url` = `{url}` could be read on the way: it begins with \
                     https://, or is on this machine"
                );
                Ok(Hook::Address(url.clone()))
            }
            (None, None) | (Some(_), Some(_)) => {
                bail!("`disclosure.hook` has either `command` or `url`")
            }
        }
    }
}

/// Where a keyholder is: its folder here, or its address.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct KeyholderAt {
    folder: Option<PathBuf>,
    /// A program that is run for each request, with `{do}` where what is to be done belongs.
    command: Option<Vec<String>>,
    address: Option<SocketAddr>,
    /// The name in its certificate.
    name: Option<String>,
    /// Our certificate, its key, and the authority of the keyholder's.
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    authority: Option<PathBuf>,
}

impl Disclosure {
    /// Which log, and how many of which witnesses are believed.
    ///
    /// # Errors
    /// When a key is none, or the quorum cannot be met.
    pub(crate) fn gate(&self, log: Verifier) -> Result<Gate> {
        let keys = self.peers()?.into_iter().map(|peer| peer.key).collect::<Vec<_>>();
        let policy = match (self.quorum, keys.is_empty()) {
            (0, true) => Policy::LOG_ALONE,
            // Witnesses that nobody waits for are a mistake, not a wish.
            (quorum, _) => Policy::quorum(quorum, keys).context("`disclosure.quorum`")?,
        };
        Ok(Gate::new(log, policy))
    }

    /// The witnesses, and where they are asked.
    ///
    /// # Errors
    /// When a key is none.
    pub(crate) fn peers(&self) -> Result<Vec<Peer>> {
        let peers = self.witnesses.iter().map(|WitnessAt { key, url }| {
            let key = Verifier::parse(key.trim())
                .with_context(|| format!("the witness at `{url}` has no such key"))?;
            Ok(Peer { url: url.trim_end_matches('/').to_owned(), key })
        });
        peers.collect()
    }

    /// How many witnesses must have seen the log.
    pub(crate) const fn quorum(&self) -> usize {
        self.quorum
    }

    /// How those on call are told, where the settings say so.
    ///
    /// # Errors
    /// As [`HookAt::hook`].
    pub(crate) fn hook(&self) -> Result<Option<Hook>> {
        self.hook.as_ref().map(HookAt::hook).transpose()
    }

    /// The keyholders that the settings name.
    ///
    /// # Errors
    /// When one is neither here nor elsewhere, or a certificate does not read.
    pub(crate) fn keyholders(&self, folder: &Path) -> Result<Vec<HolderAt>> {
        let asked = self.keyholders.iter().enumerate().map(|(place, at)| {
            at.asked(folder).with_context(|| format!("keyholder {} does not fit", place + 1))
        });
        asked.collect()
    }
}

impl KeyholderAt {
    fn asked(&self, folder: &Path) -> Result<HolderAt> {
        let Self { folder: here, command, address, name, certificate, key, authority } = self;
        if let (None, Some(command), None, None, None, None, None) =
            (here, command, address, name, certificate, key, authority)
        {
            return Ok(HolderAt::Behind(Program::of(command)?));
        }
        ensure!(command.is_none(), "give either `command` or where else it is");
        match (here, address, name, certificate, key, authority) {
            (Some(here), None, None, None, None, None) => Ok(HolderAt::Here(folder.join(here))),
            (None, Some(address), Some(name), Some(certificate), Some(key), Some(authority)) => {
                let file = |path: &PathBuf| folder.join(path);
                let tls = client_tls(&file(certificate), &file(key), &file(authority))?;
                Ok(HolderAt::There(Remote::at(*address, name, Arc::clone(&tls))?))
            }
            _ => bail!(
                "give either `folder`, or `command`, or `address`, `name`, `certificate`, `key` and `authority`"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use tlog::{KeyKind, Signer};

    fn verifier(kind: KeyKind) -> String {
        let signer = Signer::from_seed("witness.example/w", kind, &[7; 32]).unwrap();
        signer.verifier().to_string()
    }

    fn console(text: &str) -> Result<ConsoleConfig> {
        toml::from_str::<ConsoleAt>(text)?.config(Path::new("/data"))
    }

    fn disclosure(text: &str) -> Disclosure {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn in_clear_the_console_is_for_this_machine() {
        let here = console("listen = \"127.0.0.1:8480\"").unwrap();
        assert_eq!(here.listen, SocketAddr::from((Ipv4Addr::LOCALHOST, 8_480)));
        assert_eq!(here.tls, None);
        let says = |text: &str| format!("{:#}", console(text).unwrap_err());
        assert!(says("listen = \"192.0.2.1:8480\"").contains("`certificate` and `key`"));
        let half = "listen = \"192.0.2.1:8480\"\ncertificate = \"a.pem\"";
        assert!(says(half).contains("go together"));
        let tls = console(&format!("{half}\nkey = \"a.key\"")).unwrap().tls.unwrap();
        assert_eq!(tls.key, Path::new("/data/a.key"));
    }

    #[test]
    fn a_keyholder_is_here_or_elsewhere_and_never_in_between() {
        let asked = |text: &str| disclosure(text).keyholders(Path::new("/data"));
        assert!(asked("").unwrap().is_empty());
        let here = asked("[[keyholders]]\nfolder = \"safe\"\n").unwrap();
        assert!(matches!(&here[..], [HolderAt::Here(path)] if path == Path::new("/data/safe")));
        let behind = asked("[[keyholders]]\ncommand = [\"ssh\", \"court\", \"{do}\"]\n").unwrap();
        assert!(matches!(&behind[..], [HolderAt::Behind(_)]));
        for half in ["", "address = \"192.0.2.7:8443\"\n", "folder = \"safe\"\nname = \"a\"\n"] {
            let error = format!("{:#}", asked(&format!("[[keyholders]]\n{half}")).unwrap_err());
            assert!(error.contains("keyholder 1") && error.contains("either"), "{error}");
        }
    }

    #[test]
    fn a_hook_is_a_program_or_an_address_that_nobody_listens_to() {
        let hook = |text: &str| disclosure(&format!("[hook]\n{text}\n")).hook();
        let program = hook("command = [\"/bin/page\", \"--now\"]").unwrap().unwrap();
        assert_eq!(program, Hook::Command("/bin/page".to_owned(), vec!["--now".to_owned()]));
        for url in ["https://pager.example/hook", "http://127.0.0.1:9/a", "http://[::1]:9/"] {
            let found = hook(&format!("url = \"{url}\"")).unwrap().unwrap();
            assert_eq!(found, Hook::Address(url.to_owned()));
        }
        for bad in [
            "",
            "command = []",
            "command = [\"page\"]",
            "url = \"http://192.0.2.1/\"",
            "url = \"http://127.0.0.1.example/\"",
            "url = \"https://a.example/\"\ncommand = [\"/bin/page\"]",
        ] {
            assert!(hook(bad).is_err(), "{bad}");
        }
        assert_eq!(disclosure("").hook().unwrap(), None);
    }

    #[test]
    fn a_quorum_needs_witnesses_and_witnesses_a_quorum() {
        let log = Verifier::parse(&verifier(KeyKind::Log)).unwrap();
        let gate = |text: &str| disclosure(text).gate(log.clone());
        assert!(gate("").is_ok());
        assert!(gate("quorum = 1").is_err());
        let key = verifier(KeyKind::Witness);
        let witness = format!("[[witnesses]]\nkey = \"{key}\"\nurl = \"http://127.0.0.1:7380/\"\n");
        assert!(gate(&witness).is_err());
        assert!(gate(&format!("quorum = 1\n{witness}")).is_ok());
        assert!(gate(&format!("quorum = 2\n{witness}")).is_err());
        assert_eq!(disclosure(&witness).peers().unwrap()[0].url, "http://127.0.0.1:7380");
        let nonsense = witness.replace("witness.example", "another.example");
        assert!(gate(&format!("quorum = 1\n{nonsense}")).is_err());
    }
}
