//! Hearing a recording, whole or as it grows.

use super::{Answer, Begun, NotDisclosed, Reason, Records, Shown};
use crate::roster::is_for_ones_own;
use ::export::{wav_head, wav_second};
use access::{Audience, Demand, Object, Verb, decide::Line, staff::Staff};
use model::{AgencyId, RecordingId};
use std::{fmt, fs::File, io::BufReader, thread, time::Duration};
use store::records::RecordingAt;
use vault::{Follow, Followed, Next, Reading, RecipientSecret};

impl Records {
    /// Opens a recording to be heard.
    ///
    /// # Errors
    /// As [`Records::search`]; [`NotDisclosed::StillRunning`] while it is being recorded.
    pub fn listen(
        &self,
        staff: &Staff,
        reason: &Reason,
        which: (AgencyId, RecordingId),
    ) -> Result<Answer<Heard>, NotDisclosed> {
        self.hear(staff, reason, which, Verb::Listen)
    }

    /// Opens a recording to be heard while the call goes on, a second or two after it was spoken.
    ///
    /// # Errors
    /// As [`Records::search`].
    pub fn follow(
        &self,
        staff: &Staff,
        reason: &Reason,
        which: (AgencyId, RecordingId),
    ) -> Result<Answer<Heard>, NotDisclosed> {
        self.hear(staff, reason, which, Verb::Follow)
    }

    fn hear(
        &self,
        staff: &Staff,
        reason: &Reason,
        (agency, recording): (AgencyId, RecordingId),
        verb: Verb,
    ) -> Result<Answer<Heard>, NotDisclosed> {
        let (line, object, closed) = self.recording(staff, (agency, recording))?;
        // The secret half is nowhere but here, and ends with this request.
        let secret = RecipientSecret::generate()?;
        let demand = Demand::of(Audience::of(staff.role), line);
        let whose = (secret.public(), HEAR_WITHIN);
        let ask = self.ask_for(whose, verb, reason, (line, object), demand);
        let (act, entered, _once) = match self.begin(staff, ask, reason.act)? {
            Begun::Waits { act, why } => return Ok(Answer::Waits { act, why }),
            Begun::Entered { act, entered, once } => (act, entered, once),
        };
        if verb == Verb::Listen && !closed {
            return Err(NotDisclosed::StillRunning);
        }
        let (register, shelf) = (&self.0.register, &self.0.shelf);
        let header = shelf.header(agency, recording)?;
        let mut held = self.0.holders.of(&header)?;
        let [first, second] = &mut held;
        let source = if verb == Verb::Follow {
            let follow = register.follow(&entered, shelf, [first, second], &secret, self.now())?;
            Source::Growing(Box::new(follow))
        } else {
            let reading = register.listen(&entered, shelf, [first, second], &secret, self.now())?;
            Source::Whole(Box::new(reading))
        };
        drop(held);
        self.0.roster.done(act)?;
        let entry = entered.proof().inclusion.index();
        let what = Heard {
            records: self.clone(),
            staff: staff.clone(),
            which: (agency, recording),
            source,
            begun: false,
            since_look: LOOK_EVERY_PIECES,
        };
        Ok(Answer::Shown(Shown { act, entry, what }))
    }

    /// On which line a recording is today, what its entry must name, and whether it is closed. To a
    /// person in custody it is there if it is their own, and to counsel there is none.
    pub(super) fn recording(
        &self,
        staff: &Staff,
        (agency, recording): (AgencyId, RecordingId),
    ) -> Result<(Line, Object, bool), NotDisclosed> {
        let at = self.0.store.recording_at(agency, recording)?.ok_or(NotDisclosed::NotThere)?;
        let line = self.line_of(staff, agency, &at)?.ok_or(NotDisclosed::NotThere)?;
        let header = self.0.shelf.header(agency, recording);
        let header = header.map_err(|_| NotDisclosed::NotThere)?;
        Ok((line, vault::object(&header)?, at.closed))
    }

    /// As what it is decided about whether somebody hears a recording; `None` where it is not there
    /// for them.
    fn line_of(
        &self,
        staff: &Staff,
        agency: AgencyId,
        at: &RecordingAt,
    ) -> Result<Option<Line>, NotDisclosed> {
        if !is_for_ones_own(staff.role) {
            return Ok(Some(at.line));
        }
        let own = self.0.roster.own(staff, agency)?;
        Ok(own.is_some_and(|own| own.has_recording(at)).then_some(Line::Own))
    }

    /// Whether whoever listens may go on: their access stands, it is theirs still where it was, and
    /// the number was not protected meanwhile.
    fn goes_on(&self, staff: &Staff, (agency, recording): (AgencyId, RecordingId)) -> bool {
        let known = self.0.store.staff().ok();
        let row = known.and_then(|rows| rows.into_iter().find(|row| row.staff.id == staff.id));
        let usable = row.is_some_and(|row| row.staff.usable(self.now()).is_ok());
        let at = self.0.store.recording_at(agency, recording).ok().flatten();
        let at = at.filter(|at| usable && at.line == Line::Ordinary);
        at.is_some_and(|at| matches!(self.line_of(staff, agency, &at), Ok(Some(_))))
    }
}

/// A recording that is heard as a WAV file, which comes piece by piece.
pub struct Heard {
    records: Records,
    staff: Staff,
    which: (AgencyId, RecordingId),
    source: Source,
    begun: bool,
    /// Seconds since it was made sure that it may go on.
    since_look: u32,
}

enum Source {
    Whole(Box<Reading<BufReader<File>>>),
    Growing(Box<Follow>),
}

impl Heard {
    /// The next octets of the file; none when nothing was said since, and `None` at its end. It
    /// blocks for a moment where the call goes on and nothing is there yet.
    ///
    /// # Errors
    /// [`NotDisclosed::NotThere`] when who listens may not go on; a fault of the recording.
    pub fn next_piece(&mut self) -> Result<Option<Vec<u8>>, NotDisclosed> {
        if !self.begun {
            self.begun = true;
            return Ok(Some(wav_head()));
        }
        self.since_look += 1;
        if self.since_look >= LOOK_EVERY_PIECES {
            self.since_look = 0;
            if !self.records.goes_on(&self.staff, self.which) {
                return Err(NotDisclosed::NotThere);
            }
        }
        let now = self.records.now();
        match &mut self.source {
            Source::Whole(reading) => match reading.read()? {
                Next::Second(second) => Ok(Some(wav_second(&second))),
                Next::Pause { .. } | Next::Ended { .. } => Ok(None),
            },
            Source::Growing(follow) => match follow.poll(now)? {
                Followed::Second(second) => Ok(Some(wav_second(&second))),
                Followed::Ended { .. } | Followed::Cut { .. } => Ok(None),
                Followed::Waiting => {
                    thread::park_timeout(POLL_EVERY);
                    Ok(Some(Vec::new()))
                }
            },
        }
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Heard")
    }
}

/// How long after its entry a recording can be opened and followed.
const HEAR_WITHIN: Duration = Duration::from_hours(4);
/// How often is looked whether more was spoken.
const POLL_EVERY: Duration = Duration::from_millis(250);
/// After how many pieces is looked whether it may go on; before the first second, too.
const LOOK_EVERY_PIECES: u32 = 16;
