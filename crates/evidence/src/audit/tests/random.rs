//! Thousands of logs as nodes write them, with nodes that die: nothing is found in them; and with
//! one entry or one file taken away or put in, something is.

use super::*;
use NumberClass::{Free, Ordinary, Protected};

/// A deterministic source (splitmix64): the seed names the log.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Stage {
    Admitted,
    Recording,
    Talking,
}

/// One or two nodes and their registry.
struct World {
    dice: Dice,
    lines: Vec<Line>,
    objects: Vec<Object>,
    at: i64,
    epoch: u64,
    count: u64,
    node: u32,
    boots: [u32; 3],
    calls: Vec<(u32, u64, Stage)>,
    next: u64,
    recorded: Vec<u64>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            dice: Dice(seed),
            lines: vec![],
            objects: vec![],
            at: 0,
            epoch: 1,
            count: 5,
            node: 1,
            boots: [0, 1, 1],
            calls: vec![],
            next: 1,
            recorded: vec![],
        };
        for node in [1, 2] {
            world.node = node;
            world.start();
        }
        world
    }

    fn say(&mut self, what: Statement) {
        let boot = self.boots[usize::try_from(self.node).unwrap()];
        self.lines.push(Line { node: self.node, boot, at: self.at, what });
    }

    fn start(&mut self) {
        self.say(Statement::Boot { build: [1; 32] });
        self.say(epoch(self.epoch, self.count));
    }

    fn step(&mut self) {
        self.at += i64::try_from(self.dice.below(30)).unwrap();
        self.node = 1 + u32::try_from(self.dice.below(2)).unwrap();
        match self.dice.below(12) {
            0..=4 => self.admit(),
            5..=8 => self.advance(),
            9 => {
                self.lines.push(Line { node: LOG, boot: 0, at: self.at, what: Statement::Padding });
            }
            10 => self.provision(),
            _ => self.die(),
        }
    }

    fn admit(&mut self) {
        let class = [Ordinary, Free, Protected][usize::try_from(self.dice.below(3)).unwrap()];
        let call = self.next;
        self.next += 1;
        self.say(admission(call, self.epoch, class));
        self.calls.push((self.node, call, Stage::Admitted));
    }

    fn advance(&mut self) {
        if self.calls.is_empty() {
            return;
        }
        let place = usize::try_from(self.dice.next()).unwrap_or(usize::MAX) % self.calls.len();
        let (node, call, stage) = self.calls[place];
        self.node = node;
        let may_record = self.lines.iter().any(|line| {
            matches!(line.what, Statement::Admission { call: it, standing, .. }
                if it.0 == call && standing.may_record.is_ok())
        });
        match stage {
            Stage::Admitted if self.dice.below(3) == 0 => {
                self.say(not_recorded(call, Unrecorded::NobodyTalked));
                self.calls.remove(place);
            }
            Stage::Admitted => {
                self.say(consent(call));
                let recording = may_record && self.dice.below(4) > 0;
                if recording {
                    self.say(started(call, self.epoch));
                }
                self.calls[place].2 = if recording { Stage::Recording } else { Stage::Talking };
            }
            Stage::Recording => {
                // Now and then the file could not be begun.
                if self.dice.below(6) == 0 {
                    self.say(not_recorded(call, Unrecorded::Off(OffReason::Disk)));
                } else {
                    self.close(call);
                }
                self.calls.remove(place);
            }
            Stage::Talking => {
                self.say(not_recorded(call, Unrecorded::Off(OffReason::FacilityOff)));
                self.calls.remove(place);
            }
        }
    }

    fn close(&mut self, call: u64) {
        self.say(ended(call));
        self.objects.push(object(call));
        self.recorded.push(call);
    }

    /// Another epoch, with or without a number less, and with quarantines.
    fn provision(&mut self) {
        self.epoch += 1;
        let removed = u32::try_from(self.dice.below(2).min(self.count)).unwrap();
        for _ in 0..removed {
            self.say(Statement::Removal { epoch: Epoch(self.epoch) });
        }
        self.count = self.count - u64::from(removed) + self.dice.below(3);
        let mine: Vec<u64> = self
            .recorded
            .iter()
            .copied()
            .filter(|call| {
                self.lines.iter().any(|line| {
                    line.node == self.node
                        && matches!(line.what,
                            Statement::RecordingEnded { call: it, .. } if it.0 == *call)
                })
            })
            .take(2)
            .collect();
        let root = [u8::try_from(self.epoch).unwrap(); 32];
        let (epoch, late) = (Epoch(self.epoch), mine.len() as u64);
        self.say(Statement::RegistryEpoch { epoch, count: self.count, removed, late, root });
        for call in mine {
            self.say(Statement::Quarantine { recording: RecordingId(call), epoch });
        }
    }

    /// The node is killed, stays down for a while, settles everything, and starts again.
    fn die(&mut self) {
        self.at += i64::try_from(self.dice.below(5_000)).unwrap();
        self.boots[usize::try_from(self.node).unwrap()] += 1;
        let mine: Vec<_> = self.calls.iter().copied().filter(|it| it.0 == self.node).collect();
        self.calls.retain(|it| it.0 != self.node);
        for (_, call, stage) in mine {
            match stage {
                Stage::Recording if self.dice.below(3) > 0 => self.close(call),
                Stage::Recording => self.say(not_recorded(call, Unrecorded::NeverBegun)),
                Stage::Admitted => self.say(not_recorded(call, Unrecorded::NobodyTalked)),
                Stage::Talking => {
                    self.say(not_recorded(call, Unrecorded::Off(OffReason::FacilityOff)));
                }
            }
        }
        self.start();
    }

    /// Ends what another node's long death would leave open too long.
    fn run(mut self, steps: u64) -> Self {
        for _ in 0..steps {
            self.step();
            let old = self.calls.iter().find(|(node, call, _)| {
                let admitted = self.lines.iter().find(|line| {
                    line.node == *node
                        && matches!(line.what,
                            Statement::Admission { call: it, .. } if it.0 == *call)
                });
                admitted.is_some_and(|line| line.at + 500 < self.at)
            });
            if old.is_some() {
                for node in [1, 2] {
                    self.node = node;
                    let now = self.at;
                    self.die();
                    self.at = now.max(self.at);
                }
            }
        }
        self
    }
}

#[test]
fn nothing_is_found_in_thousands_of_clean_logs() {
    let mut entries = 0;
    for seed in 0..2_000 {
        let world = World::new(seed).run(20);
        let report = audit(&world.lines, &world.objects);
        assert_eq!(report.violations, [], "seed {seed}: {:#?}", world.lines);
        assert_eq!(report.open, world.calls.len() as u64, "seed {seed}");
        entries += report.entries;
    }
    assert!(entries > 60_000, "{entries}");
}

/// A log that ends at any entry is the log of a node that was killed there.
#[test]
fn nothing_is_found_in_a_log_that_ends_anywhere() {
    for seed in 0..40 {
        let world = World::new(seed).run(20);
        let leaves = write(&world.lines);
        for end in 0..leaves.len() {
            let closed = |call: u64| {
                world.lines[..end].iter().any(|line| {
                    matches!(line.what, Statement::RecordingEnded { call: it, .. } if it.0 == call)
                })
            };
            let objects: Vec<_> =
                world.objects.iter().copied().filter(|it| closed(it.recording.0)).collect();
            let removals = matches!(
                end.checked_sub(1).map(|last| world.lines[last].what),
                Some(Statement::Removal { .. })
            );
            // A node appends removals and their epoch together.
            if !removals {
                let report = audit_leaves(&leaves[..end], &objects);
                assert_eq!(report.violations, [], "seed {seed}, {end} entries");
            }
        }
    }
}

#[test]
fn every_entry_that_is_taken_away_and_every_file_that_is_put_in_is_found() {
    for seed in 0..40 {
        let world = World::new(seed).run(20);
        let leaves = write(&world.lines);
        for (place, line) in world.lines.iter().enumerate() {
            let last = world.lines[place + 1..].iter().all(|later| later.node != line.node);
            let mut fewer = leaves.clone();
            fewer.remove(place);
            let found = audit_leaves(&fewer, &world.objects).violations_count > 0;
            assert!(found || last, "seed {seed}: entry {place} is gone, and nobody noticed");
        }
        let mut more = world.objects.clone();
        more.push(object(1_000_000 + seed));
        assert_eq!(audit_leaves(&leaves, &more).violations_count, 1, "seed {seed}");
        if let Some((_, fewer)) = world.objects.split_first() {
            assert_eq!(audit_leaves(&leaves, fewer).violations_count, 1, "seed {seed}");
        }
    }
}
