//! The journal's thread: when the disk answers, and who is told what.

use super::{Office, World};
use crate::{
    agenda::Event,
    journal::{Done, Written},
    seen::Seen,
    tape::What,
};

impl World<'_> {
    /// Lets the journal's thread take what waits.
    pub(super) fn write_on(&mut self) {
        let Some(boot) = self.node.as_ref().map(|node| node.boot) else { return };
        let mut journal = self.journal.lock();
        if !journal.begin_group() {
            return;
        }
        // A disk that is nearly full is often slow as well.
        let near_full = if journal.full { 20 } else { 0 };
        drop(journal);
        let slow = self.dice.percent(self.plan.slow_percent.max(near_full));
        if slow {
            self.coverage.note(Seen::JournalSlow);
        }
        let latency = if slow { self.dice.ms(1_000, 9_000) } else { self.dice.ms(1, 25) };
        self.agenda.add(self.now.after(latency), Event::Group { boot });
    }

    pub(super) fn group_written(&mut self, boot: u32) {
        let mut journal = self.journal.lock();
        if self.node.as_ref().is_none_or(|node| node.boot != boot) || !journal.is_writing() {
            return;
        }
        let silent = journal.stopped;
        let written = journal.outcome();
        let answered = journal.end_group(written);
        drop(journal);
        match written {
            Written::Full => {
                self.coverage.note(Seen::JournalFull);
                if self.dice.percent(10) {
                    let freed = self.now.after(self.dice.ms(0, 20));
                    self.agenda.add(freed, Event::DiskFull(false));
                }
            }
            Written::Unknown { kept } if !silent => {
                self.coverage.note(if kept { Seen::JournalKept } else { Seen::JournalLost });
            }
            Written::Unknown { .. } | Written::Well => {}
        }
        self.follow_journal();
        for one in answered {
            if let Some((done, written)) = one.tell() {
                self.appended(done, written);
            }
        }
        self.follow_desk();
    }

    fn appended(&mut self, done: Done, written: Written) {
        let unsure = written == Written::Unknown { kept: true };
        let durable = written == Written::Well;
        match &done {
            Done::Admitted { .. } if unsure => self.coverage.note(Seen::AdmissionKeptUntold),
            Done::Committed { .. } if !durable => self.coverage.note(Seen::CommitFailed),
            Done::Nobody
            | Done::Admitted { .. }
            | Done::Committed { .. }
            | Done::Blocked { .. }
            | Done::Named(_)
            | Done::Again(_)
            | Done::Desk(_)
            | Done::Insisted(_) => {}
        }
        let now = self.now;
        let Some(node) = self.node.as_mut() else { return };
        let Office::Model(desk) = &mut node.office else { return };
        if let Some((slot, answer)) = desk.appended(done, written, now) {
            self.answer(slot, answer);
        }
    }

    /// Tells the tape of what is on disk, and what failed, since it was last told.
    pub(super) fn follow_journal(&mut self) {
        let journal = self.journal.lock();
        let (noted, failures) = self.noted;
        for (index, (at, fact)) in journal.kept().iter().enumerate().skip(noted) {
            let (kind, call) = crate::audit::facts::kind(fact);
            self.tape.add(*at, What::Kept { index, kind, call });
        }
        self.noted = (journal.kept().len(), journal.failures_count);
        let stopped = journal.stopped;
        drop(journal);
        if self.noted.1 > failures {
            self.tape.add(self.now, What::AppendFailed);
        }
        if stopped && !self.ending && !self.finale && self.node.is_some() {
            // Nothing is appended any more; sooner or later somebody starts the node again.
            self.ending = true;
            let restart = self.now.after(self.dice.ms(1_000, 200_000));
            self.agenda.add(restart, Event::Kill);
        }
    }
}
