//! Programs as child processes: what they say as they say it, waits that end, and no survivor.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::place;

/// Long enough for anything that does not wait for a person, on a machine with much else to do.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Long enough for a whole call.
pub(crate) const CALL: Duration = Duration::from_secs(150);

/// A running program. Dropping it kills it, by its id, and waits for its end.
pub(crate) struct Process {
    name: String,
    child: Child,
    said: Arc<Said>,
    readers: Vec<JoinHandle<()>>,
}

/// A program that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Process {
    /// Starts a program; `name` is for messages.
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = place::starting(|| command.spawn()).unwrap_or_else(|error| {
            panic!("cannot start {name} (`{}`): {error}", command.get_program().display())
        });
        let said = Arc::new(Said::default());
        let out = child.stdout.take().unwrap();
        let err = child.stderr.take().unwrap();
        let readers = vec![
            read(Box::new(out), Arc::clone(&said), |words| &mut words.out),
            read(Box::new(err), Arc::clone(&said), |words| &mut words.err),
        ];
        Self { name: name.to_owned(), child, said, readers }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until a line of standard output is found; gives the line.
    pub(crate) fn wait_line(&self, text: &str, within: Duration) -> String {
        self.wait_lines(text, 1, within)
    }

    /// Waits until standard output has `count` lines that contain `text`; gives the last of them.
    pub(crate) fn wait_lines(&self, text: &str, count: usize, within: Duration) -> String {
        let found = |words: &Words| {
            words.out.iter().filter(|line| line.contains(text)).nth(count - 1).cloned()
        };
        let words = self.wait(within, |words| words.ended < STREAMS && found(words).is_none());
        let Some(line) = found(&words) else {
            let (name, words) = (&self.name, words.tail());
            panic!("{name} did not say `{text}` {count} times within {within:?}; it said:\n{words}")
        };
        line
    }

    /// Waits until standard error holds `text`.
    pub(crate) fn wait_log(&self, text: &str, within: Duration) {
        let found = |words: &Words| words.err.iter().any(|line| line.contains(text));
        let words = self.wait(within, |words| words.ended < STREAMS && !found(words));
        assert!(found(&words), "{} did not log `{text}`; it said:\n{}", self.name, words.tail());
    }

    /// Lets time pass as people let it pass who talk; fails when the program ends meanwhile.
    pub(crate) fn lives_on_for(&self, time: Duration) {
        let words = self.wait(time, |words| words.ended < STREAMS);
        assert!(words.ended < STREAMS, "{} ended early; it said:\n{}", self.name, words.tail());
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Closes its standard input.
    pub(crate) fn close_input(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits until it has ended.
    pub(crate) fn wait_end(mut self, within: Duration) -> Finished {
        let words = self.wait(within, |words| words.ended < STREAMS);
        let (ended, tail) = (words.ended, words.tail());
        drop(words);
        assert_eq!(ended, STREAMS, "{} did not end within {within:?}; it said:\n{tail}", self.name);
        let status = self.child.wait().unwrap();
        let words = self.said.lock();
        Finished { status, out: words.out.join("\n"), err: words.err.join("\n") }
    }

    fn wait(
        &self,
        within: Duration,
        mut not_yet: impl FnMut(&Words) -> bool,
    ) -> MutexGuard<'_, Words> {
        let words = self.said.lock();
        let waited = self.said.changed.wait_timeout_while(words, within, |words| not_yet(words));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Does nothing to one that was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}

impl Finished {
    /// Fails unless the program ended well.
    #[track_caller]
    pub(crate) fn well(self) -> Self {
        assert!(self.status.success(), "{}\n{}\n{}", self.status, self.out, self.err);
        self
    }

    /// Fails unless the program failed.
    #[track_caller]
    pub(crate) fn badly(self) -> Self {
        assert_eq!(self.status.code(), Some(1), "{}\n{}\n{}", self.status, self.out, self.err);
        self
    }
}

/// Runs our own program to its end.
pub(crate) fn parlatory(arguments: &[&str]) -> Finished {
    Process::start("parlatory", program().args(arguments)).wait_end(SOON)
}

/// Runs OpenSSL in a folder; it must succeed.
pub(crate) fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(arguments.split_whitespace());
    Process::start("OpenSSL", &mut command).wait_end(SOON).well();
}

/// Our own program, without what the shell of whoever runs the tests says to it.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlatory"));
    command.env_remove("RUST_LOG").env_remove("PARLATORY_DATA");
    command
}

/// What a program said so far.
#[derive(Default)]
struct Said {
    words: Mutex<Words>,
    changed: Condvar,
}

#[derive(Default)]
struct Words {
    out: Vec<String>,
    err: Vec<String>,
    /// Streams that were closed.
    ended: usize,
}

impl Said {
    fn lock(&self) -> MutexGuard<'_, Words> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Words {
    fn tail(&self) -> String {
        let end = |lines: &[String]| lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        format!("{}\n{}", end(&self.out), end(&self.err))
    }
}

fn read(
    stream: Box<dyn Read + Send>,
    said: Arc<Said>,
    place: fn(&mut Words) -> &mut Vec<String>,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        // Foreign programs say what is no UTF-8, too.
        while stream.read_until(b'\n', &mut line).is_ok_and(|octets| octets > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            place(&mut said.lock()).push(text);
            said.changed.notify_all();
            line.clear();
        }
        said.lock().ended += 1;
        said.changed.notify_all();
    })
}

/// Standard output and standard error.
const STREAMS: usize = 2;
const TAIL_LINES: usize = 60;
