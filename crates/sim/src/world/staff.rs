//! What staff do, and how full the disk is.

use super::{Office, World};
use crate::{
    agenda::Event,
    desk::{Lift, Want},
    real,
    seen::Seen,
    tape::What,
};
use desk::Space;
use model::{AgencyId, fact::Fact, plan::Lifted};
use store::NameWant;

impl World<'_> {
    /// So many thousandths of the disk are free from now on.
    pub(super) fn has_room(&mut self, permille: u64) {
        self.permille = permille;
        self.around.set_room(permille);
        self.tape.add(self.now, What::Room { permille });
    }

    pub(super) fn is_out_of_room(&self) -> bool {
        real::space(self.permille) == Space::Full
    }

    /// Tells the tape what the desk found when it looked how much room there is.
    pub(super) fn looked(&mut self) {
        let space = match self.node.as_ref().map(|node| &node.office) {
            Some(Office::Real(real)) => real.space(),
            // The model knows no more than whether only the reserve is left.
            Some(Office::Model(desk)) if desk.full => Space::Full,
            Some(Office::Model(_)) if self.is_out_of_room() => Space::Ample,
            Some(Office::Model(_)) => real::space(self.permille),
            None => return,
        };
        let step = match space {
            Space::Ample => 0,
            Space::Below20 => 1,
            Space::Below10 => 2,
            Space::Below5 => 3,
            Space::Full => 4,
        };
        self.tape.add(self.now, What::Looked { step });
    }

    /// Staff take back what a called party chose: preferably something that somebody did choose.
    pub(super) fn relent(&mut self) {
        let journal = self.journal.lock();
        let mut chosen = Vec::new();
        for (_, fact) in journal.kept() {
            if let Fact::CallsBlocked { facility, number, .. } = fact {
                chosen.push((Lifted::Block, *facility, *number.expose()));
            } else if let Fact::PrivateClaimed { number, .. } = fact {
                chosen.push((Lifted::Claims, None, *number.expose()));
            }
        }
        drop(journal);
        let place = self.dice.index(chosen.len().max(1));
        let Some((what, facility, number)) = chosen.get(place).copied() else { return };
        // For the whole agency, now and then, though it was said to one facility.
        let facility = facility.filter(|_| self.dice.percent(80));
        let lift = Lift { what, facility, number, at: self.now };
        self.lifts.push(lift);
        self.coverage.note(match what {
            Lifted::Block => Seen::BlockLifted,
            Lifted::Claims => Seen::ClaimsLifted,
        });
        self.tape.add(self.now, What::Lifted { what, facility, number });
        if let Some(site) = &mut self.site {
            let lifted = site.lift(&self.county, &lift);
            self.fault = self.fault.take().or(lifted.err());
        }
        self.look_again();
        if what == Lifted::Block {
            // Whoever was told that they may be called again is called again, by several.
            let line = self.county.lines.iter().position(|line| line.number == number);
            self.relented = line.or(self.relented);
            for _ in 0..3 {
                let station = self.dice.index(self.county.stations.len());
                let at = self.now.after(self.dice.ms(1_000, 200_000));
                self.agenda.add(at, Event::Lift { station });
            }
        }
    }

    /// Staff look at a recorded name: they listen to it, approve it, or have it removed.
    pub(super) fn look(&mut self) {
        if self.site.is_some() {
            return self.look_for_real();
        }
        let now = self.now;
        let roll = self.dice.below(100);
        let place = self.dice.index(8);
        let Some(Office::Model(desk)) = self.node.as_mut().map(|node| &mut node.office) else {
            return;
        };
        let names = &desk.names.kept;
        let place = place % names.len().max(1);
        let Some((person, kept)) = names.iter().nth(place) else { return };
        let (person, want) = (*person, want(kept.heard, kept.approved, roll));
        let fact = desk.staff(want, AgencyId(1), person, now);
        self.note_want(want);
        if let Some((fact, done)) = fact {
            self.journal.lock().append(fact, done);
        }
        self.look_on();
    }

    fn look_for_real(&mut self) {
        let roll = self.dice.below(100);
        let place = self.dice.index(8);
        let Some(site) = &self.site else { return };
        let names = match site.kept_names() {
            Ok(names) => names,
            Err(fault) => {
                self.fault = Some(fault);
                return;
            }
        };
        let Some(row) = names.get(place % names.len().max(1)) else { return };
        let want = want(row.heard.is_some(), row.approved.is_some(), roll);
        let wished = site.wish(
            row,
            match want {
                Want::Listen => NameWant::Listen,
                Want::Approve => NameWant::Approve,
                Want::Remove => NameWant::Remove,
            },
        );
        self.fault = self.fault.take().or(wished.err());
        self.note_want(want);
        if let Some(boot) = self.node.as_ref().map(|node| node.boot) {
            let at = self.now.after(self.dice.ms(0, 500));
            self.agenda.add(at, Event::Names { boot });
        }
        self.look_on();
    }

    /// Who has listened to a name has something to say about it.
    fn look_on(&mut self) {
        if self.dice.percent(60) {
            let again = self.now.after(self.dice.ms(1_000, 60_000));
            self.agenda.add(again, Event::Look);
        }
    }

    fn note_want(&mut self, want: Want) {
        self.coverage.note(match want {
            Want::Listen => Seen::NameListened,
            Want::Approve => Seen::NameApproved,
            Want::Remove => Seen::NameRemovedByStaff,
        });
    }

    /// Whose name somebody keeps is on record somewhere.
    pub(super) fn names_due(&mut self, boot: u32) {
        let Some(node) = self.node.as_ref().filter(|node| node.boot == boot) else { return };
        if let Office::Real(real) = &node.office {
            real.turn(desk::Turn::Names);
        }
        self.follow_desk();
    }
}

/// Mostly the next step; sometimes staff approve what they have not heard, or remove it at once.
fn want(heard: bool, approved: bool, roll: u64) -> Want {
    match (heard, approved) {
        (_, true) if roll < 30 => Want::Remove,
        (_, true) => Want::Listen,
        (false, _) if roll < 20 => Want::Approve,
        (false, _) => Want::Listen,
        (true, _) if roll < 20 => Want::Remove,
        (true, _) => Want::Approve,
    }
}
