//! What is sent to a witness: an old size, a proof, and a checkpoint (c2sp.org/tlog-witness).

use crate::limits::{BODY_OCTETS_MAX, PROOF_LINES_MAX};
use std::fmt;
use tlog::{Consistency, Hash, NotANote, Note};

/// A checkpoint that a witness is asked to vouch for. Printed, it is the body of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Entries of the checkpoint that the witness saw last, 0 when it saw none.
    pub old: u64,
    /// That the log grew from there.
    pub proof: Consistency,
    /// The checkpoint, with all its signatures.
    pub checkpoint: Note,
}

impl Submission {
    /// Reads the body of a request. Whether anything in it is true is not looked at.
    ///
    /// # Errors
    /// Says which part is wrong.
    pub fn parse(body: &[u8]) -> Result<Self, NotASubmission> {
        if body.len() > BODY_OCTETS_MAX {
            return Err(NotASubmission::TooLong);
        }
        let text = str::from_utf8(body).map_err(|_| NotASubmission::Shape)?;
        let (head, note) = text.split_once("\n\n").ok_or(NotASubmission::Shape)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(size);
        let old = old.ok_or(NotASubmission::Old)?;
        let mut path = Vec::new();
        for line in lines {
            if path.len() == PROOF_LINES_MAX {
                return Err(NotASubmission::Proof);
            }
            path.push(Hash::parse(line).ok_or(NotASubmission::Proof)?);
        }
        let checkpoint = Note::parse(note.as_bytes())?;
        Ok(Self { old, proof: Consistency::new(path), checkpoint })
    }
}

impl fmt::Display for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.path().iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Why something is no submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASubmission {
    /// It is longer than one is read.
    #[error("a submission has at most {BODY_OCTETS_MAX} octets")]
    TooLong,
    /// It is not lines, an empty line, and a checkpoint.
    #[error("a submission is an old size, a proof, an empty line and a checkpoint")]
    Shape,
    /// The first line is wrong.
    #[error("the first line of a submission is `old` and a size without leading zeroes")]
    Old,
    /// A line of the proof is wrong, or there are too many.
    #[error("a proof has at most {PROOF_LINES_MAX} lines, each a hash in base64")]
    Proof,
    /// The checkpoint is no signed note.
    #[error(transparent)]
    Note(#[from] NotANote),
}

/// Reads a size in its one spelling.
pub(crate) fn size(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tlog::{KeyKind, Signer};

    fn note() -> Note {
        let key = Signer::from_seed("county.example/log", KeyKind::Log, &[1; 32]).unwrap();
        Note::sign("county.example/log\n1\nAAAA\n", &key).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        for hashes in [0, 1, 63] {
            let proof = Consistency::new(vec![Hash([7; 32]); hashes]);
            let submission = Submission { old: 20_852_014, proof, checkpoint: note() };
            let text = submission.to_string();
            assert!(text.starts_with("old 20852014\n"));
            assert_eq!(Submission::parse(text.as_bytes()), Ok(submission));
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let proof = Consistency::new(vec![Hash([7; 32]); 64]);
        let long = Submission { old: 1, proof, checkpoint: note() }.to_string();
        let good = Submission { old: 1, proof: Consistency::new(vec![]), checkpoint: note() };
        let good = good.to_string();
        for (text, error) in [
            (String::new(), NotASubmission::Shape),
            (long, NotASubmission::Proof),
            (good.replace("old 1\n", "old 1\nx\n"), NotASubmission::Proof),
            (good.replace("old 1", "old 01"), NotASubmission::Old),
            (good.replace("old 1", "old -1"), NotASubmission::Old),
            (good.replace("old 1", "old +1"), NotASubmission::Old),
            (good.replace("old 1", "old "), NotASubmission::Old),
            (good.replace("old 1", "old 18446744073709551616"), NotASubmission::Old),
            (good.replace("old 1", "size 1"), NotASubmission::Old),
            ("x".repeat(BODY_OCTETS_MAX + 1), NotASubmission::TooLong),
        ] {
            assert_eq!(Submission::parse(text.as_bytes()), Err(error), "{text}");
        }
        let cut = Submission::parse(&good.as_bytes()[..good.len() - 1]);
        assert!(matches!(cut, Err(NotASubmission::Note(_))), "{cut:?}");
    }
}
