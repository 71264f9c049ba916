//! One call as the switch drives it: the machine of `call`, the desk as its office, the vault
//! behind its consent. Audio is what the test says it is.

use call::{
    CallEvent, Finished, Input, Machine, Output, PlayEnd, Question, Recording, Setup, Start, Timing,
};
use model::{
    CallId, Codec, E164, Key, Private, Second, Side, Track,
    fact::{EndReason, KeyPath, OffReason},
    speech::ContentHash,
};
use std::{collections::VecDeque, sync::mpsc, time::Duration};
use switch::{Office, StationPlan};
use vault::{About, NotRecorded, VaultError, Writer};

use crate::county::{Caller, Node, PATIENCE};

/// A call in progress.
pub(crate) struct Conversation<'a> {
    node: &'a Node,
    caller: Caller,
    pub(crate) call: CallId,
    plan: StationPlan,
    machine: Machine,
    inputs: VecDeque<Input>,
    writer: Option<Writer>,
    /// Seconds handed to the writer.
    spoken: u32,
    closed: Option<mpsc::Receiver<()>>,
    pub(crate) dialled: Option<E164>,
    /// Set when the two were joined: whether with a recording, or why not.
    pub(crate) bridged: Option<Result<(), OffReason>>,
    pub(crate) finished: Option<Finished>,
}

impl<'a> Conversation<'a> {
    /// Picks up the telephone, gives the PIN and dials; goes on until the trunk is dialled or the
    /// person is told why not.
    pub(crate) fn dial(node: &'a Node, counter: u32, caller: Caller, number: &str) -> Self {
        let mut conversation = Self::pick_up(node, counter, caller);
        conversation.press(Side::Station, &format!("{}#{number}#", caller.pin));
        conversation
    }

    /// Records a name in a call of its own, as far as `keys` go.
    pub(crate) fn name(node: &'a Node, counter: u32, caller: Caller, keys: &[&str]) {
        let mut conversation = Self::pick_up(node, counter, caller);
        conversation.press(Side::Station, &format!("{}#", caller.pin));
        for keys in keys {
            // Nobody reacts to the end of what they hear at once.
            node.pass(Duration::from_millis(100));
            conversation.press(Side::Station, keys);
        }
        conversation.hang_up(Side::Station);
    }

    fn pick_up(node: &'a Node, counter: u32, caller: Caller) -> Self {
        let call = node.call(counter);
        let plan = Office::station(&node.desk, node.station(caller)).unwrap();
        let setup = Setup {
            call,
            facility: plan.facility_name.clone(),
            pack: plan.pack,
            timing: Timing::default(),
            start: Start { caller: plan.caller.clone(), dialled: None, help: plan.help },
        };
        let mut conversation = Self {
            node,
            caller,
            call,
            plan,
            machine: Machine::new(setup, node.now()),
            inputs: VecDeque::new(),
            writer: None,
            spoken: 0,
            closed: None,
            dialled: None,
            bridged: None,
            finished: None,
        };
        conversation.drain();
        conversation
    }

    /// The called party picks up and hears the notice to its end.
    pub(crate) fn answer(&mut self) {
        assert!(self.dialled.is_some(), "nobody was dialled");
        self.give(Input::CalledAnswered);
    }

    /// The called party accepts.
    pub(crate) fn accept(&mut self) {
        // Nobody reacts to the end of the notice at once.
        self.node.pass(Duration::from_millis(100));
        self.press(Side::Called, "1");
        assert!(self.bridged.is_some(), "they were not joined");
        if self.writer.is_some() {
            self.node.wait_written(self.call, 0);
        }
    }

    pub(crate) fn press(&mut self, side: Side, keys: &str) {
        for label in keys.chars() {
            let key = Key::from_char(label).unwrap();
            let onset = self.node.now();
            self.give(Input::Key { side, key, onset, path: KeyPath::TelephoneEvent });
        }
    }

    /// The two talk for whole seconds.
    pub(crate) fn talk(&mut self, seconds: u32) {
        for _ in 0..seconds {
            if let Some(writer) = &mut self.writer {
                writer.second(second(self.spoken, self.node));
                self.spoken += 1;
                self.node.wait_written(self.call, self.spoken);
            }
            self.node.pass(Duration::from_secs(1));
            self.give(Input::Timeout);
        }
    }

    pub(crate) fn hang_up(&mut self, side: Side) {
        self.give(Input::HungUp(side));
        // The other one hears that it is over, and is hung up on.
        assert!(self.finished.is_some(), "the call goes on");
    }

    pub(crate) fn stop(&mut self, reason: EndReason) {
        self.give(Input::Stop(reason));
    }

    /// What the machine would say if the call were over now.
    pub(crate) fn as_if_over(&self) -> Finished {
        Finished {
            at: self.node.now(),
            reason: Some(EndReason::CalledHungUp),
            talked: Duration::from_secs(u64::from(self.spoken)),
            decision_key: Some('1'),
            off: None,
        }
    }

    /// Waits until the vault has closed the recording and told the desk.
    pub(crate) fn wait_told(&mut self) {
        let closed = self.closed.take().unwrap();
        closed.recv_timeout(PATIENCE).unwrap();
    }

    pub(crate) fn end_recording(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.end();
        }
    }

    fn give(&mut self, input: Input) {
        self.inputs.push_back(input);
        while let Some(input) = self.inputs.pop_front() {
            self.machine.handle(self.node.now(), input);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            self.perform(output);
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Play { side, play, .. } => {
                let content = ContentHash([2; 32]);
                let end = PlayEnd::Complete { content, ended: self.node.now() };
                self.inputs.push_back(Input::Played { side, play, end });
            }
            Output::Ask(question) => self.ask(question),
            Output::RecordName(enrolment) => {
                let clip = enrolment.captured(NAME.to_vec());
                self.inputs.push_back(Input::NameCaptured(clip));
            }
            Output::Dial { number } => self.dialled = Some(*number.expose()),
            Output::Bridge(recording) => self.bridge(recording),
            Output::Unbridge => self.end_recording(),
            Output::Event(event) => self.tell(event),
            Output::Finished(finished) => {
                self.end_recording();
                self.node.desk.finished(self.call, finished.clone());
                self.finished = Some(finished);
            }
            Output::Hush(_) | Output::Tone(_) | Output::HangUp { .. } => {}
        }
    }

    fn ask(&mut self, question: Question) {
        let answer = self.node.ask(self.call, self.caller, question);
        self.inputs.push_back(Input::Answer(answer));
    }

    fn tell(&self, event: CallEvent) {
        self.node.desk.tell(self.call, event);
    }

    fn bridge(&mut self, recording: Recording) {
        let consent = match recording {
            Recording::Consented(consent) => consent,
            Recording::Off(reason) => return self.bridged = Some(Err(reason)),
        };
        let about = About { agency: self.plan.agency, facility: self.plan.facility };
        let (sender, closed) = mpsc::channel();
        let (desk, call) = (self.node.desk.clone(), self.call);
        let told = move |end: Result<_, VaultError>| {
            desk.recording_closed(call, end.ok());
            let _ = sender.send(());
        };
        self.bridged = Some(match self.node.vault.begin(consent, about, told) {
            Ok(writer) => {
                (self.writer, self.closed) = (Some(writer), Some(closed));
                Ok(())
            }
            Err(NotRecorded(reason)) => {
                self.node.desk.not_recorded(self.call, reason);
                Err(reason)
            }
        });
    }
}

fn second(index: u32, node: &Node) -> Second {
    let track = |octet: u8| Track {
        codec: Codec::Pcmu,
        rtp_time: index.wrapping_mul(8_000),
        octets: vec![octet; 8_000],
    };
    Second { index, started: node.now(), station: track(0x55), called: track(0xAA) }
}

/// What everybody says who records their name.
pub(crate) const NAME: [u8; 4_000] = [0x31; 4_000];

/// A number as it is dialled and as it is kept.
pub(crate) fn number(dialled: &str) -> Private<E164> {
    Private::new(E164::new(format!("1{dialled}").parse().unwrap()).unwrap())
}
