//! `parlatory login` and `parlatory logout`.

use std::{
    fs,
    io::{BufRead, IsTerminal, Write},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use model::Private;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    cli::{LoginArgs, PlainArgs},
    client::{Client, Saved, forget, session_file},
    print::line,
};

/// Opens a session and keeps it for later commands.
pub(crate) fn log_in(args: &LoginArgs) -> Result<()> {
    let client = Client::at(&args.at.url, args.at.authority.as_deref())?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => ask("name", true, "--name")?.to_string(),
    };
    let password = match &args.password_file {
        Some(file) => password_in(file)?,
        None => ask("password", false, "--password-file")?,
    };
    let code = match &args.code {
        Some(code) => Zeroizing::new(code.clone()),
        None => ask("code of the authenticator", true, "--code")?,
    };
    let asked = LogIn { name: &name, password: &password, code: &code };
    let session: Session = client.done("/api/v1/login", &asked)?;
    let Session { token, until, staff } = session;
    // From wherever the next command is typed.
    let authority = args.at.authority.as_deref().map(fs::canonicalize).transpose()?;
    Saved { url: args.at.url.clone(), authority, token }.write(&session_file()?)?;
    if args.json {
        line(&serde_json::to_string(&Shown { until, staff })?);
    } else {
        line(&format!("Logged in as {}, until {until} at the latest.", staff.role));
    }
    Ok(())
}

/// Ends the session.
pub(crate) fn log_out(plain: PlainArgs) -> Result<()> {
    let file = session_file()?;
    let ended = Client::of_session()
        .and_then(|client| client.done::<serde_json::Value>("/api/v1/logout", &()));
    // Here it is over in any case.
    forget(&file)?;
    ended.context("the session is forgotten here, but the node could not be told")?;
    line(if plain.json { "{\"done\":true}" } else { "Logged out." });
    Ok(())
}

#[derive(Serialize)]
struct LogIn<'a> {
    name: &'a str,
    password: &'a str,
    code: &'a str,
}

#[derive(Deserialize)]
struct Session {
    token: Private<String>,
    until: String,
    staff: Staff,
}

#[derive(Serialize, Deserialize)]
struct Staff {
    id: u32,
    role: String,
    agency: u32,
}

#[derive(Serialize)]
struct Shown {
    until: String,
    staff: Staff,
}

/// The first line of a file with a password, or, for `-`, the next one of standard input.
pub(crate) fn password_in(path: &Path) -> Result<Zeroizing<String>> {
    if path == Path::new("-") {
        let mut typed = Zeroizing::new(String::new());
        let read = std::io::stdin().lock().read_line(&mut typed);
        let octets = read.context("cannot read standard input")?;
        ensure!(octets > 0, "standard input ends before there is a line with the password");
        return Ok(Zeroizing::new(typed.trim_end_matches(['\r', '\n']).to_owned()));
    }
    let unread = || format!("cannot read the password in `{}`", path.display());
    let text = Zeroizing::new(fs::read_to_string(path).with_context(unread)?);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// Asks a person at a terminal. What is not `shown` is typed without being seen. Where there is no
/// terminal, whoever asked is told by which argument it is given `instead`.
pub(crate) fn ask(what: &str, shown: bool, instead: &str) -> Result<Zeroizing<String>> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        // What is secret stands in no argument.
        let how = match instead.ends_with("-file") {
            true => format!("`{instead} FILE`, or `{instead} -` and a line on standard input"),
            false => format!("`{instead}`"),
        };
        bail!("there is no terminal to ask for the {what}: give it with {how}");
    }
    let mut err = std::io::stderr();
    write!(err, "{what}: ").and_then(|()| err.flush()).context("cannot ask")?;
    let hidden = if shown { None } else { Some(Hidden::begin()?) };
    let mut typed = Zeroizing::new(String::new());
    let read = stdin.lock().read_line(&mut typed);
    if hidden.is_some() {
        // The line break was not seen either.
        let _ = writeln!(err);
    }
    drop(hidden);
    read.context("cannot read what was typed")?;
    Ok(Zeroizing::new(typed.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Nothing typed is seen while this lives.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> Result<Self> {
        let stdin = std::io::stdin();
        let before = tcgetattr(&stdin).context("the terminal cannot be asked for its settings")?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Flush, &hidden)
            .context("the terminal cannot hide what is typed")?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}
