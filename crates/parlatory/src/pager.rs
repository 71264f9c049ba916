//! Tells those who are on call that an act waits for a second person: runs a command, or asks an
//! address. It is told the number of the act, and nothing about anybody.
//!
//! Nothing waits for it. What fails is counted, and `doctor` says so.

use std::{
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, SyncSender, channel, sync_channel},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use model::Clock;
use store::Store;
use ureq::Agent;

use crate::config::Hook;

/// The way to the thread that tells. When the last one is dropped, the thread ends.
#[derive(Clone, Debug)]
pub(crate) struct Pager(SyncSender<u64>);

impl Pager {
    /// Tells by `hook`, and counts in `store` what it could not tell.
    pub(crate) fn begin(hook: Hook, store: Store, clock: Clock) -> Result<Self> {
        let (sender, inbox) = sync_channel(WAITING_COUNT_MAX);
        let telling = Telling { hook, store, clock, rest: PACE };
        thread::Builder::new()
            .name("page".to_owned())
            .spawn(move || telling.run(&inbox))
            .context("no thread to tell those on call")?;
        Ok(Self(sender))
    }

    /// An act waits. Returns at once; where too many wait to be told, this one is not.
    pub(crate) fn tell(&self, act: u64) {
        if self.0.try_send(act).is_err() {
            tracing::warn!(act, "too much waits at once: those on call are not told of this act");
        }
    }
}

struct Telling {
    hook: Hook,
    store: Store,
    clock: Clock,
    /// How long there is rest after one was told.
    rest: Duration,
}

impl Telling {
    fn run(&self, inbox: &Receiver<u64>) {
        while let Ok(act) = inbox.recv() {
            // What came meanwhile is told with the newest: whoever looks sees all that waits.
            let act = inbox.try_iter().last().unwrap_or(act);
            if let Err(error) = self.hook.tell(act) {
                tracing::error!(act, "those on call were not told: {error:#}");
                if let Err(error) = self.store.add_hook_failure(act, self.clock.now()) {
                    tracing::error!(%error, "and that cannot be kept");
                }
            }
            pause(self.rest);
        }
    }
}

impl Hook {
    /// Tells of one act.
    ///
    /// # Errors
    /// When that did not work, or took too long.
    fn tell(&self, act: u64) -> Result<()> {
        match self {
            Self::Command(program, arguments) => {
                let child = Command::new(program)
                    .args(arguments)
                    .arg(act.to_string())
                    .env_clear()
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .with_context(|| format!("cannot run `{program}`"))?;
                ended(child, program)
            }
            Self::Address(url) => {
                let agent: Agent = Agent::config_builder()
                    .timeout_global(Some(PATIENCE))
                    .http_status_as_error(false)
                    .max_redirects(0)
                    .proxy(None)
                    .build()
                    .into();
                let body = format!("{{\"act\":{act}}}");
                let answer = agent.post(url).content_type("application/json").send(body);
                let status = answer.context("it cannot be reached")?.status();
                ensure!(status.is_success(), "it answered with status {}", status.as_u16());
                Ok(())
            }
        }
    }
}

/// Waits for a program, not for ever.
fn ended(mut child: Child, program: &str) -> Result<()> {
    let mut waited = Duration::ZERO;
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => bail!("`{program}` ended with {status}"),
            None if waited >= PATIENCE => {
                let _ = child.kill();
                let _ = child.wait();
                bail!("`{program}` did not end within {} s", PATIENCE.as_secs());
            }
            None => {
                pause(LOOK_EVERY);
                waited += LOOK_EVERY;
            }
        }
    }
}

/// Waits that long and no shorter: a thread that is parked may be woken by what was meant for an
/// earlier wait, and a program would then be ended before its time.
fn pause(length: Duration) {
    let (_open, nothing) = channel::<()>();
    let _ = nothing.recv_timeout(length);
}

/// How long there is rest after one was told, so that nobody's telephone rings without end.
const PACE: Duration = Duration::from_secs(10);
/// How long a command or an address is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Acts that wait to be told of.
const WAITING_COUNT_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;
    use std::{
        fs,
        io::{BufRead as _, BufReader, Write as _},
        net::TcpListener,
    };

    fn shell(script: String) -> Hook {
        Hook::Command("/bin/sh".to_owned(), vec!["-c".to_owned(), script])
    }

    #[test]
    fn a_program_is_told_the_number_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("told");
        let script = format!("echo \"$0 $#\" > {0}; env >> {0}", told.display());
        shell(script).tell(42).unwrap();
        let told = fs::read_to_string(told).unwrap();
        assert!(told.starts_with("42 0\n"), "{told}");
        // What a shell sets for itself.
        let own = |line: &&str| {
            !["PWD=", "SHLVL=", "_=", "OLDPWD="].iter().any(|it| line.starts_with(it))
        };
        assert_eq!(told.lines().skip(1).find(own), None, "{told}");
        let failed = shell("exit 3".to_owned()).tell(42).unwrap_err();
        assert!(failed.to_string().contains("ended with"), "{failed}");
        let absent = Hook::Command("/no/such/program".to_owned(), vec![]).tell(42).unwrap_err();
        assert!(absent.to_string().contains("cannot run"), "{absent}");
    }

    #[test]
    fn an_address_is_sent_the_number_and_nothing_else() {
        for (status, good) in [("204 No Content", true), ("500 Internal Server Error", false)] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}/hook", listener.local_addr().unwrap());
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut heads = Vec::new();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if line.trim().is_empty() {
                        break;
                    }
                    heads.push(line.trim().to_ascii_lowercase());
                }
                let mut body = [0; 10];
                std::io::Read::read_exact(&mut reader, &mut body).unwrap();
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).unwrap();
                (heads, String::from_utf8(body.to_vec()).unwrap())
            });
            assert_eq!(Hook::Address(url).tell(42).is_ok(), good);
            let (heads, body) = server.join().unwrap();
            assert_eq!(body, "{\"act\":42}");
            assert!(heads.contains(&"post /hook http/1.1".to_owned()), "{heads:?}");
            assert!(heads.contains(&"content-length: 10".to_owned()), "{heads:?}");
        }
    }

    #[test]
    fn what_came_meanwhile_is_told_with_the_newest_and_a_failure_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("told");
        let store =
            Store::open(&folder.path().join("cell.db"), &store::ColumnKeys::new([1; 32])).unwrap();
        let script = format!("echo \"$0\" >> {}; test $0 != 4", told.display());
        let now = Timestamp::from_micros(7);
        let telling = Telling {
            hook: shell(script),
            store: store.clone(),
            clock: Clock::new(move || now),
            rest: Duration::ZERO,
        };
        for acts in [&[1, 2, 3][..], &[4]] {
            let (sender, inbox) = sync_channel(WAITING_COUNT_MAX);
            acts.iter().for_each(|act| sender.send(*act).unwrap());
            drop(sender);
            telling.run(&inbox);
        }
        assert_eq!(fs::read_to_string(told).unwrap(), "3\n4\n");
        assert_eq!(store.hook_failures(now).unwrap(), 1);
        assert_eq!(store.hook_failures(Timestamp::from_micros(8)).unwrap(), 0);
    }

    #[test]
    fn what_does_not_fit_is_not_waited_for() {
        let (sender, inbox) = sync_channel(1);
        let pager = Pager(sender);
        pager.tell(1);
        pager.tell(2);
        assert_eq!(inbox.try_iter().collect::<Vec<_>>(), [1]);
    }
}
