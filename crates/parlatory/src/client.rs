//! The commands' way to a running node: its console, asked over HTTP.
//!
//! A session that was opened by `login` is kept in a file of the user's own, and every later
//! command uses it.

use std::{
    env, fs,
    io::{self, ErrorKind, Read, Write},
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use model::Private;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use ureq::{
    Agent, Body, Error,
    http::{Response, StatusCode, Uri},
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

use crate::data::{create_folder, write_new};

/// Where a console is asked, and as whom.
pub(crate) struct Client {
    agent: Agent,
    url: String,
    token: Option<Private<String>>,
}

/// What a console answered.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// It is done.
    Done(T),
    /// It waits for an approval; what it says of that, as it is.
    Waiting(Value),
}

/// What became of an answer that is written while it comes.
#[derive(Debug)]
pub(crate) enum Poured {
    /// It is written.
    Done {
        /// Number of the act.
        act: u64,
        /// Place of its entry in the log.
        entry: u64,
        /// So many octets.
        octets: u64,
    },
    /// It waits for an approval.
    Waiting(Value),
}

impl Client {
    /// A client of the console at `url`, for those who are not logged in yet. `authority` is a file
    /// with the certificates, in PEM, that are believed about it instead of public ones.
    pub(crate) fn at(url: &str, authority: Option<&Path>) -> Result<Self> {
        let url = url.trim_end_matches('/').to_owned();
        check(&url)?;
        let roots = match authority {
            None => RootCerts::WebPki,
            Some(path) => RootCerts::new_with_certs(&certificates(path)?),
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(CONNECT_MAX))
            .timeout_recv_response(Some(ANSWER_MAX))
            .tls_config(TlsConfig::builder().root_certs(roots).build());
        Ok(Self { agent: config.build().into(), url, token: None })
    }

    /// A client with the session that `login` opened.
    pub(crate) fn of_session() -> Result<Self> {
        let saved = Saved::read(&session_file()?)?;
        let client = Self::at(&saved.url, saved.authority.as_deref())?;
        Ok(Self { token: Some(saved.token), ..client })
    }

    /// The same with a session that was opened elsewhere.
    pub(crate) fn with_token(self, token: Private<String>) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Asks for what changes nothing.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let mut ask = self.agent.get(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            ask = ask.header("Authorization", format!("Bearer {}", token.expose()));
        }
        match self.read(ask.call())? {
            Answer::Done(done) => Ok(done),
            Answer::Waiting(_) => bail!("the console answered with something else"),
        }
    }

    /// Has something done.
    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        ask: &impl Serialize,
    ) -> Result<Answer<T>> {
        self.read(self.send(path, ask)?)
    }

    /// Has something done that does not wait for anybody.
    pub(crate) fn done<T: DeserializeOwned>(&self, path: &str, ask: &impl Serialize) -> Result<T> {
        match self.post(path, ask)? {
            Answer::Done(done) => Ok(done),
            Answer::Waiting(_) => bail!("the console answered with something else"),
        }
    }

    /// Has something done whose answer is long, and writes it while it comes. Where it is written
    /// is opened when there is something to write.
    pub(crate) fn pour<'a>(
        &self,
        path: &str,
        ask: &impl Serialize,
        into: impl FnOnce() -> io::Result<Box<dyn Write + 'a>>,
    ) -> Result<Poured> {
        let answered = self.send(path, ask)?;
        let response = match answered {
            Ok(response) if response.status() == StatusCode::OK => response,
            other => {
                let (status, body) = self.whole(other)?;
                if status == StatusCode::ACCEPTED {
                    return Ok(Poured::Waiting(serde_json::from_slice(&body)?));
                }
                return Err(refusal(status, &body));
            }
        };
        let number = |name: &str| {
            let header = response.headers().get(name).and_then(|value| value.to_str().ok());
            header.and_then(|text| text.parse().ok()).unwrap_or_default()
        };
        let (act, entry) = (number("x-parlatory-act"), number("x-parlatory-entry"));
        let mut into = into().context("what is heard cannot be written")?;
        let copied = io::copy(&mut response.into_body().into_reader(), &mut into);
        let octets = copied.context("it broke off, and is not whole")?;
        into.flush().context("what is heard cannot be written")?;
        Ok(Poured::Done { act, entry, octets })
    }

    fn send(&self, path: &str, ask: &impl Serialize) -> Result<Result<Response<Body>, Error>> {
        let body = serde_json::to_vec(ask)?;
        let mut request = self.agent.post(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {}", token.expose()));
        }
        Ok(request.content_type("application/json").send(&body))
    }

    fn read<T: DeserializeOwned>(
        &self,
        answered: Result<Response<Body>, Error>,
    ) -> Result<Answer<T>> {
        let (status, body) = self.whole(answered)?;
        let unread = || anyhow!("the console answered with something else: is it a newer version?");
        match status {
            StatusCode::OK => serde_json::from_slice(&body).map(Answer::Done).map_err(|_| unread()),
            StatusCode::ACCEPTED => {
                serde_json::from_slice(&body).map(Answer::Waiting).map_err(|_| unread())
            }
            status => Err(refusal(status, &body)),
        }
    }

    fn whole(&self, answered: Result<Response<Body>, Error>) -> Result<(StatusCode, Vec<u8>)> {
        let response = answered.map_err(|fault| self.unreached(&fault))?;
        let status = response.status();
        let mut body = Vec::new();
        let reader = response.into_body().into_reader();
        let read = reader.take(ANSWER_OCTETS_MAX).read_to_end(&mut body);
        read.context("the console's answer broke off")?;
        Ok((status, body))
    }

    fn unreached(&self, fault: &Error) -> anyhow::Error {
        let url = &self.url;
        if let Error::Io(fault) = fault
            && fault.kind() == ErrorKind::ConnectionRefused
        {
            return anyhow!(
                "no console answers at `{url}`: is `parlatory serve` running there, with `[console]` in \
                 its settings?"
            );
        }
        anyhow!("the console at `{url}` cannot be asked: {fault}")
    }
}

/// Why the console did not do it, as a person reads it.
fn refusal(status: StatusCode, body: &[u8]) -> anyhow::Error {
    #[derive(Deserialize)]
    struct NotDone {
        error: Wrong,
    }
    #[derive(Deserialize)]
    struct Wrong {
        message: String,
        #[serde(default)]
        reasons: Vec<String>,
    }
    let Ok(NotDone { error: Wrong { message, reasons } }) = serde_json::from_slice(body) else {
        return anyhow!("the console answered with status {status}");
    };
    let mut text = message;
    for reason in reasons {
        text.push_str("\n  - ");
        text.push_str(&reason);
    }
    if status == StatusCode::UNAUTHORIZED {
        text.push_str(" (`parlatory login`)");
    }
    anyhow!(text)
}

/// A session that is kept for later commands.
#[derive(Serialize, Deserialize)]
pub(crate) struct Saved {
    /// Where it was opened.
    pub(crate) url: String,
    /// The file with whom to believe about it, if not public authorities.
    pub(crate) authority: Option<PathBuf>,
    /// What shows it to be ours.
    pub(crate) token: Private<String>,
}

impl Saved {
    fn read(path: &Path) -> Result<Self> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("nobody is logged in here: `parlatory login` first")
            }
            Err(error) => return Err(error).context(format!("cannot read `{}`", path.display())),
        };
        let unread = "does not read: `parlatory login` again";
        serde_json::from_slice(&text).map_err(|_| anyhow!("`{}` {unread}", path.display()))
    }

    /// Keeps it, for its owner alone, in the place of the one before.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let unwritten = || format!("cannot write `{}`", path.display());
        if let Some(folder) = path.parent() {
            create_folder(folder).with_context(unwritten)?;
        }
        forget(path)?;
        write_new(path, &serde_json::to_vec(self)?).with_context(unwritten)
    }
}

/// Removes a session that was kept.
pub(crate) fn forget(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).context(format!("cannot remove `{}`", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Where the session is kept: what `PARLATORY_SESSION` says, or the user's own settings.
pub(crate) fn session_file() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = || set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
    let file =
        set("PARLATORY_SESSION").or_else(|| Some(own()?.join("parlatory").join("session.json")));
    file.context("say in PARLATORY_SESSION in which file the session is kept: there is no HOME")
}

/// HTTP in clear is for this machine alone: a token would go over the wire.
fn check(url: &str) -> Result<()> {
    let uri: Uri = url.parse().map_err(|_| anyhow!("`{url}` is no address of a console"))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") => {
            ensure!(here, "`{url}` is not on this machine: ask it over https://");
            Ok(())
        }
        _ => bail!("`{url}` is no address of a console: it begins with https:// or http://"),
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let text = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let mut found = Vec::new();
    for item in parse_pem(&text) {
        let item = item.with_context(|| format!("`{}` does not read as pem", path.display()))?;
        // Whoever keeps the key beside it may.
        if let PemItem::Certificate(certificate) = item {
            found.push(certificate);
        }
    }
    ensure!(!found.is_empty(), "`{}` holds no certificate", path.display());
    Ok(found)
}

/// How long a console may take to be reached.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// How long it may take to answer; longer than it gives itself.
const ANSWER_MAX: Duration = Duration::from_secs(75);

/// Octets of an answer that is read whole.
const ANSWER_OCTETS_MAX: u64 = 256 * 1_024 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_token_goes_over_no_wire_in_clear() {
        for good in ["https://console.county.example", "http://127.0.0.1:8480", "http://[::1]:8480"]
        {
            assert!(check(good).is_ok(), "{good}");
        }
        for (bad, says) in [
            ("http://192.0.2.1:8480", "https://"),
            ("http://localhost.example", "https://"),
            ("127.0.0.1:8480", "no address"),
            ("ftp://127.0.0.1", "begins with"),
        ] {
            let error = check(bad).unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn a_session_is_kept_for_its_owner_alone_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parlatory").join("session.json");
        let none = Saved::read(&path).err().unwrap().to_string();
        assert!(none.contains("parlatory login"), "{none}");
        for token in ["one", "two"] {
            let token = Private::new(token.to_owned());
            let url = "http://127.0.0.1:8480".to_owned();
            Saved { url, authority: None, token: token.clone() }.write(&path).unwrap();
            assert_eq!(Saved::read(&path).unwrap().token, token);
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(&path, "nonsense").unwrap();
        assert!(Saved::read(&path).err().unwrap().to_string().contains("again"));
        forget(&path).unwrap();
        forget(&path).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn what_the_console_says_is_passed_on() {
        let body = br#"{"error": {"code": "not-allowed", "message": "no", "reasons": ["a", "b"]}}"#;
        assert_eq!(refusal(StatusCode::FORBIDDEN, body).to_string(), "no\n  - a\n  - b");
        let login = br#"{"error": {"code": "log-in", "message": "log in first"}}"#;
        let text = refusal(StatusCode::UNAUTHORIZED, login).to_string();
        assert_eq!(text, "log in first (`parlatory login`)");
        let strange = refusal(StatusCode::BAD_GATEWAY, b"<html>").to_string();
        assert!(strange.contains("502"), "{strange}");
    }
}
