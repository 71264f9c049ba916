//! A keyholder that is asked by running a program: under another account of this machine, or on
//! one that is reached by `ssh`. It needs no port and no certificates.

use crate::{
    Answer, Ask, NotAnswered, SegmentAnswer, SegmentAsk, State,
    limits::{BODY_OCTETS_MAX, EXCHANGE_MAX, REFUSAL_OCTETS_MAX},
};
use serde::de::DeserializeOwned;
use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

/// How a keyholder's program is run. It does what `parlatory-keyholder` does with the words
/// `state`, `open` and `open-segment`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    program: String,
    arguments: Vec<String>,
}

impl Program {
    /// The word of a command in whose place stands what is to be done.
    pub const PLACE: &str = "{do}";

    /// The keyholder that is asked by this command.
    ///
    /// # Errors
    /// [`NotAnswered::Command`] when it names no program, or not exactly once what is to be done.
    pub fn of(command: &[String]) -> Result<Self, NotAnswered> {
        let (program, arguments) = command.split_first().ok_or(NotAnswered::Command)?;
        if arguments.iter().filter(|word| *word == Self::PLACE).count() != 1 {
            return Err(NotAnswered::Command);
        }
        Ok(Self { program: program.clone(), arguments: arguments.to_vec() })
    }

    /// What must be known before asking.
    ///
    /// # Errors
    /// When it cannot be run, or says no.
    pub fn state(&self) -> Result<State, NotAnswered> {
        self.run("state", &[])
    }

    /// Asks for a share.
    ///
    /// # Errors
    /// When it cannot be run, or says no. Asking again is safe.
    pub fn open(&self, ask: &Ask) -> Result<Answer, NotAnswered> {
        self.run("open", &serde_json::to_vec(ask).map_err(|_| NotAnswered::Answer)?)
    }

    /// Asks for the shares of a segment's key.
    ///
    /// # Errors
    /// As [`Program::open`].
    pub fn open_segment(&self, ask: &SegmentAsk) -> Result<SegmentAnswer, NotAnswered> {
        let ask = serde_json::to_vec(ask).map_err(|_| NotAnswered::Answer)?;
        self.run("open-segment", &ask)
    }

    fn run<T: DeserializeOwned>(&self, what: &str, ask: &[u8]) -> Result<T, NotAnswered> {
        let words = self.arguments.iter().map(|word| match word.as_str() {
            Self::PLACE => what,
            word => word,
        });
        let mut child = Command::new(&self.program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let answered = exchange(&mut child, ask);
        if answered.is_err() {
            let _ = child.kill();
        }
        let status = child.wait()?;
        let (said, why) = answered?;
        if status.success() {
            return serde_json::from_slice(&said).map_err(|_| NotAnswered::Answer);
        }
        let why = String::from_utf8_lossy(&why);
        Err(NotAnswered::Refused(why.trim().trim_start_matches("error: ").to_owned()))
    }
}

/// Hands the program what is asked, and takes what it says and what it complains of.
fn exchange(child: &mut Child, ask: &[u8]) -> Result<(Vec<u8>, Vec<u8>), NotAnswered> {
    let said = reading(child.stdout.take(), BODY_OCTETS_MAX)?;
    let why = reading(child.stderr.take(), REFUSAL_OCTETS_MAX)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that says no at once reads nothing.
        let _ = stdin.write_all(ask);
    }
    let late = |_| NotAnswered::Unreached("its program takes too long".to_owned());
    Ok((
        said.recv_timeout(EXCHANGE_MAX).map_err(late)?,
        why.recv_timeout(EXCHANGE_MAX).map_err(late)?,
    ))
}

/// Reads in a thread of its own: a program that never ends must not hold up who asks.
fn reading(
    from: Option<impl Read + Send + 'static>,
    octets_max: usize,
) -> Result<Receiver<Vec<u8>>, NotAnswered> {
    let (sender, receiver) = channel();
    let octets_max = u64::try_from(octets_max).unwrap_or(u64::MAX);
    thread::Builder::new().name("keyholder".to_owned()).spawn(move || {
        let mut octets = Vec::new();
        // What is cut short cannot be read as an answer.
        let _ = from.map(|from| from.take(octets_max).read_to_end(&mut octets));
        let _ = sender.send(octets);
    })?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(script: &str) -> Program {
        let words = ["sh", "-c", script, "keyholder", Program::PLACE];
        Program::of(&words.map(str::to_owned)).unwrap()
    }

    #[test]
    fn what_is_to_be_done_stands_in_its_place_and_the_answer_is_read() {
        let asked = program("test $1 = state && echo '{\"seen\":7,\"keys\":[]}'");
        assert_eq!(asked.state(), Ok(State { seen: 7, keys: Vec::new() }));
    }

    #[test]
    fn who_says_no_is_quoted() {
        let asked = program("cat > /dev/null; echo 'error: not in the log' >&2; exit 1");
        assert_eq!(asked.state(), Err(NotAnswered::Refused("not in the log".to_owned())));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        assert_eq!(program("echo hello").state(), Err(NotAnswered::Answer));
        let none = Program::of(&["no-such-program-here", Program::PLACE].map(str::to_owned));
        assert!(matches!(none.unwrap().state(), Err(NotAnswered::Unreached(_))));
    }

    #[test]
    fn a_command_says_once_what_is_to_be_done() {
        for words in [&[][..], &["ssh"], &["ssh", "{do}", "{do}"], &["{do}"]] {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(Program::of(&words), Err(NotAnswered::Command), "{words:?}");
        }
    }
}
