use super::*;
use crate::{
    frame,
    header::Header,
    seal::{Seal, SealKey},
    segment::Disk,
};
use model::{CallId, Timestamp};
use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};

/// What the disk of these tests does next, and what was done to it.
#[derive(Default)]
struct Script {
    write_fails: Option<io::ErrorKind>,
    sync_fails: bool,
    cut_fails: bool,
    create_fails: bool,
    begun: u64,
    octets: Vec<u8>,
    syncs: usize,
}

#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<Script>>);

impl Disk for Scripted {
    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        let mut script = self.0.lock().unwrap();
        match script.write_fails {
            Some(kind) => {
                script.octets.extend_from_slice(&octets[..octets.len() / 2]);
                Err(kind.into())
            }
            None => {
                script.octets.extend_from_slice(octets);
                Ok(())
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut script = self.0.lock().unwrap();
        script.syncs += 1;
        if script.sync_fails { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }

    fn cut(&mut self, octets: u64) -> io::Result<()> {
        let mut script = self.0.lock().unwrap();
        if script.cut_fails {
            return Err(io::ErrorKind::Other.into());
        }
        script.octets.truncate(usize::try_from(octets).unwrap());
        Ok(())
    }

    fn first(&self) -> Seq {
        Seq(self.0.lock().unwrap().begun)
    }

    fn path(&self) -> &Path {
        Path::new("scripted")
    }
}

impl Shelf for Scripted {
    fn create(&mut self, first: Seq, entry: EntrySeq) -> Result<Segment, JournalError> {
        let mut script = self.0.lock().unwrap();
        if script.create_fails {
            return Err(JournalError::DiskFull { file: PathBuf::from("scripted") });
        }
        script.begun = first.0;
        drop(script);
        Ok(Segment { disk: Box::new(self.clone()), seal: begin(first, entry).1 })
    }
}

/// A writer on a scripted disk, and what its sink was told.
struct Bench {
    header: Header,
    script: Arc<Mutex<Script>>,
    writer: Writer,
    requests: crate::Sender<Request>,
    told: Arc<Mutex<Vec<u64>>>,
    sent: Arc<Mutex<Vec<Entry>>>,
}

impl Bench {
    fn new(segment_octets_max: u64) -> Self {
        let disk = Scripted::default();
        let script = Arc::clone(&disk.0);
        let (header, seal) = begin(Seq(1), EntrySeq(1));
        script.lock().unwrap().octets = header.encode();
        script.lock().unwrap().begun = 1;
        let (requests, inbox) = crate::inbox(crate::SOON, 1);
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let outbox = Arc::clone(&sent);
        let writer = Writer {
            inbox,
            waiting: Arc::new(AtomicUsize::new(0)),
            sink: Box::new(move |seq, _| sink.lock().unwrap().push(seq.0)),
            outbox: Box::new(move |entry| outbox.lock().unwrap().push(entry)),
            node: 1,
            shelf: Box::new(disk.clone()),
            segment: Segment { disk: Box::new(disk), seal },
            end: HEADER_OCTETS as u64,
            next: Seq(1),
            next_entry: EntrySeq(1),
            segment_octets_max,
            stopped: None,
        };
        Self { header, script, writer, requests, told, sent }
    }

    /// Appends these lists of facts in one group and gives what each was answered.
    fn group(&mut self, appends: Vec<Vec<Fact>>) -> Vec<Result<Seq, JournalError>> {
        let appends = appends.into_iter().map(|facts| (facts, Vec::new())).collect();
        let answers = self.group_with_entries(appends);
        answers.into_iter().map(|answer| answer.map(|it| it.last)).collect()
    }

    fn group_with_entries(
        &mut self,
        appends: Vec<(Vec<Fact>, Vec<Draft>)>,
    ) -> Vec<Result<Appended, JournalError>> {
        let answers = Arc::new(Mutex::new(Vec::new()));
        for (facts, drafts) in appends {
            let answers = Arc::clone(&answers);
            self.writer.waiting.fetch_add(1, Ordering::AcqRel);
            let reply = Reply::new(move |result| answers.lock().unwrap().push(result));
            let request = Request::Append { facts, drafts, reply };
            assert!(self.requests.send(request, crate::Haste::AtOnce).is_ok());
        }
        let first = self.writer.inbox.recv().unwrap();
        assert!(self.writer.serve(first, &mut GroupBuffer::default()).is_continue());
        assert_eq!(self.writer.waiting.load(Ordering::Acquire), 0);
        Arc::try_unwrap(answers).unwrap().into_inner().unwrap()
    }

    fn one(&mut self) -> Result<Seq, JournalError> {
        self.group(vec![vec![fact(7)]]).remove(0)
    }

    fn facts_on_disk(&self) -> u64 {
        let script = self.script.lock().unwrap();
        let scan = frame::scan(&script.octets, self.header, |_, _| ControlFlow::Continue(()));
        assert_eq!(scan.tail, frame::Tail::Whole);
        scan.next.0 - 1
    }
}

fn begin(first: Seq, entry: EntrySeq) -> (Header, Seal) {
    Header::begin(1, first, entry, &SealKey::derive(&[1; 32])).unwrap()
}

fn draft(detail: usize) -> Draft {
    let mut leaf = [0; crate::LEAF_OCTETS];
    (leaf[0], leaf[7]) = (1, 1);
    Draft { leaf, detail: vec![7; detail] }
}

fn fact(call: u64) -> Fact {
    Fact::Answered { call: CallId(call), at: Timestamp::from_micros(1) }
}

#[test]
fn a_group_shares_one_sync_and_each_append_gets_its_last_number() {
    let mut bench = Bench::new(1 << 20);
    let answers = bench.group(vec![vec![fact(1)], vec![fact(2), fact(3)], vec![fact(4)]]);
    let numbers: Vec<u64> = answers.into_iter().map(|answer| answer.unwrap().0).collect();
    assert_eq!(numbers, [1, 3, 4]);
    assert_eq!(bench.script.lock().unwrap().syncs, 1);
    assert_eq!(*bench.told.lock().unwrap(), [1, 2, 3, 4]);
    assert_eq!(bench.facts_on_disk(), 4);
}

#[test]
fn a_refused_append_does_not_touch_the_others_of_its_group() {
    let mut bench = Bench::new(1 << 20);
    let version = "x".repeat(crate::APPEND_OCTETS_MAX);
    let large = Fact::Boot { boot: 1, at: Timestamp::default(), version };
    let answers = bench.group(vec![vec![fact(1)], vec![], vec![large], vec![fact(2)]]);
    assert!(matches!(answers[0], Err(JournalError::Empty)));
    assert!(matches!(answers[1], Err(JournalError::TooLarge { .. })));
    assert_eq!(answers[2].as_ref().unwrap().0, 1);
    assert_eq!(answers[3].as_ref().unwrap().0, 2);
    assert_eq!(bench.facts_on_disk(), 2);
}

#[test]
fn a_full_disk_leaves_nothing_behind_and_works_again_with_space() {
    let mut bench = Bench::new(1 << 20);
    bench.one().unwrap();
    bench.script.lock().unwrap().write_fails = Some(io::ErrorKind::StorageFull);
    for answer in bench.group(vec![vec![fact(1)], vec![fact(2), fact(3)]]) {
        assert!(matches!(answer, Err(JournalError::DiskFull { .. })), "{answer:?}");
    }
    assert_eq!(bench.facts_on_disk(), 1);
    bench.script.lock().unwrap().write_fails = None;
    assert_eq!(bench.one().unwrap(), Seq(2));
    assert_eq!(*bench.told.lock().unwrap(), [1, 2]);
}

#[test]
fn a_full_disk_at_the_next_segment_leaves_the_old_one_usable() {
    let mut bench = Bench::new(HEADER_OCTETS as u64 + 1);
    bench.one().unwrap();
    bench.script.lock().unwrap().create_fails = true;
    assert!(matches!(bench.one(), Err(JournalError::DiskFull { .. })));
    assert_eq!(bench.facts_on_disk(), 1);
    bench.script.lock().unwrap().create_fails = false;
    assert_eq!(bench.one().unwrap(), Seq(2));
}

#[test]
fn after_a_fault_of_unknown_outcome_nothing_more_is_appended() {
    let faults: [fn(&mut Script); 3] = [
        |script| script.sync_fails = true,
        |script| script.write_fails = Some(io::ErrorKind::Other),
        |script| {
            script.write_fails = Some(io::ErrorKind::StorageFull);
            script.cut_fails = true;
        },
    ];
    for fault in faults {
        let mut bench = Bench::new(1 << 20);
        bench.one().unwrap();
        fault(&mut bench.script.lock().unwrap());
        assert!(matches!(bench.one(), Err(JournalError::Stopped { .. })));
        let octets = bench.script.lock().unwrap().octets.len();
        {
            let mut script = bench.script.lock().unwrap();
            (script.sync_fails, script.write_fails, script.cut_fails) = (false, None, false);
        }
        assert!(matches!(bench.one(), Err(JournalError::Stopped { .. })));
        assert_eq!(bench.script.lock().unwrap().octets.len(), octets);
        assert_eq!(*bench.told.lock().unwrap(), [1]);
    }
}

#[test]
fn a_failing_caller_does_not_stop_the_journal() {
    let mut bench = Bench::new(1 << 20);
    let reply = Reply::new(|_| panic!("a fault in a caller's code"));
    bench.writer.waiting.fetch_add(1, Ordering::AcqRel);
    let request = Request::Append { facts: vec![fact(1)], drafts: vec![], reply };
    assert!(bench.writer.serve(request, &mut GroupBuffer::default()).is_continue());
    assert_eq!(bench.one().unwrap(), Seq(2));
}

#[test]
fn a_failing_reader_stops_the_journal_because_it_would_miss_facts() {
    let mut bench = Bench::new(1 << 20);
    bench.writer.sink = Box::new(|_, _| panic!("a fault in the reader's code"));
    assert_eq!(bench.one().unwrap(), Seq(1));
    assert!(matches!(bench.one(), Err(JournalError::Stopped { .. })));
}

#[test]
fn an_append_that_is_never_served_is_told_so() {
    let (sender, receiver) = std::sync::mpsc::channel();
    drop(Reply::new(move |result| sender.send(result).unwrap()));
    assert!(matches!(receiver.recv().unwrap(), Err(JournalError::Closed)));
}

#[test]
fn entries_are_numbered_by_the_thread_and_a_refused_append_uses_no_number() {
    let mut bench = Bench::new(1 << 20);
    let mut foreign = draft(1);
    foreign.leaf[7] = 2;
    let answers = bench.group_with_entries(vec![
        (vec![fact(1)], vec![draft(0), draft(3)]),
        (vec![fact(9)], vec![draft(1), foreign]),
        (vec![fact(9)], vec![draft(crate::DETAIL_OCTETS_MAX + 1)]),
        (vec![fact(9)], (0..5).map(|_| draft(crate::DETAIL_OCTETS_MAX)).collect()),
        (vec![], vec![draft(1)]),
        (vec![fact(2)], vec![]),
    ]);
    let appended =
        |last, entry, entries| Appended { last: Seq(last), entry: EntrySeq(entry), entries };
    let done: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(done, [&appended(1, 1, 2), &appended(1, 3, 1), &appended(2, 4, 0)]);
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(matches!(
        refused[..],
        [
            JournalError::NotADraft,
            JournalError::DetailTooLarge { .. },
            JournalError::TooLarge { .. }
        ]
    ));
    let sent = bench.sent.lock().unwrap();
    assert_eq!(sent.iter().map(|entry| entry.seq.0).collect::<Vec<_>>(), [1, 2, 3]);
    for entry in sent.iter() {
        assert_eq!(crate::leaf_head(&entry.draft.leaf), Some((1, entry.seq)));
    }
    assert_eq!(bench.facts_on_disk(), 2);
}

#[test]
fn a_group_that_does_not_reach_the_disk_uses_no_number() {
    let mut bench = Bench::new(1 << 20);
    bench.script.lock().unwrap().write_fails = Some(io::ErrorKind::StorageFull);
    let answers = bench.group_with_entries(vec![(vec![fact(1)], vec![draft(5)])]);
    assert!(matches!(answers[0], Err(JournalError::DiskFull { .. })));
    bench.script.lock().unwrap().write_fails = None;
    let answers = bench.group_with_entries(vec![(vec![fact(1)], vec![draft(5)])]);
    let expected = Appended { last: Seq(1), entry: EntrySeq(1), entries: 1 };
    assert_eq!(answers[0].clone().unwrap(), expected);
    assert_eq!(bench.sent.lock().unwrap().len(), 1);
}

/// What was written before is still known to whoever reads the disk's copies.
#[test]
fn a_number_that_is_written_again_has_another_nonce() {
    let mut bench = Bench::new(1 << 20);
    let sealed = |bench: &Bench| bench.script.lock().unwrap().octets[HEADER_OCTETS..].to_vec();
    bench.one().unwrap();
    let first = sealed(&bench);
    {
        let mut script = bench.script.lock().unwrap();
        script.octets.truncate(HEADER_OCTETS);
    }
    (bench.writer.next, bench.writer.end) = (Seq(1), HEADER_OCTETS as u64);
    bench.one().unwrap();
    let second = sealed(&bench);
    let (head, nonce, fact) = (0..32, 36..48, 48..first.len() - 16);
    assert_eq!(first[head.clone()], second[head]);
    assert_ne!(first[nonce.clone()], second[nonce]);
    // The same fact, and nothing of it is the same.
    assert_ne!(first[fact.clone()], second[fact]);
}

#[test]
fn a_segment_without_a_fact_is_not_followed_by_one_of_the_same_name() {
    let mut bench = Bench::new(HEADER_OCTETS as u64 + 1);
    for entry in 1..=3 {
        let answers = bench.group_with_entries(vec![(vec![], vec![draft(5)])]);
        let expected = Appended { last: Seq(0), entry: EntrySeq(entry), entries: 1 };
        assert_eq!(answers[0].clone().unwrap(), expected);
        assert_eq!(bench.script.lock().unwrap().begun, 1);
    }
    bench.one().unwrap();
    assert_eq!(bench.script.lock().unwrap().begun, 1);
    bench.one().unwrap();
    assert_eq!(bench.script.lock().unwrap().begun, 2);
}
