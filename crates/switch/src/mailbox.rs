//! What comes into the loop, each with the time it came at.

use std::sync::mpsc::{Receiver, Sender};

use call::{Answer, NameClip};
use line::LineEvent;
use media::MediaEvent;
use model::{CallId, Clock, Timestamp, fact::EndReason};
use std::time::Duration;

use crate::counts::Stages;

/// Where line and media put what happened. It exists before them, since they need it to start.
///
/// Everything is stamped where it happens, on the thread that tells it: while it waits for the
/// loop, nobody's conversation grows longer and no key is pressed later.
pub struct Mailbox {
    pub(crate) sender: Sender<Letter>,
    pub(crate) receiver: Receiver<Letter>,
}

impl Mailbox {
    /// An empty mailbox.
    pub fn new() -> Self {
        let (sender, receiver) = std::sync::mpsc::channel();
        Self { sender, receiver }
    }

    /// What [`line::Line::start`] reports to. `clock` is the one the node runs on.
    pub fn line_events(&self, clock: Clock) -> impl Fn(LineEvent) + Send + Sync + 'static {
        let sender = self.sender.clone();
        move |event| post(&sender, &clock, Content::Line(event))
    }

    /// What [`media::Media::start`] reports to. `clock` is the one the node runs on.
    pub fn media_events(&self, clock: Clock) -> impl Fn(MediaEvent) + Send + Sync + 'static {
        let sender = self.sender.clone();
        move |event| post(&sender, &clock, Content::Media(event))
    }
}

impl Default for Mailbox {
    fn default() -> Self {
        Self::new()
    }
}

/// Something for the loop.
pub(crate) struct Letter {
    /// When it happened.
    pub(crate) at: Timestamp,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    Line(LineEvent),
    Media(MediaEvent),
    Answer(CallId, Answer),
    Name(CallId, Option<NameClip>),
    Stop(Duration),
    /// These calls end, and whoever waits is told which of them there were.
    End(Vec<CallId>, EndReason, Sender<Vec<CallId>>),
    /// Somebody wants to know how far calls have come.
    Look(Sender<Stages>),
}

/// Puts something into the mailbox now. Whoever tells a node that has ended is not heard.
pub(crate) fn post(sender: &Sender<Letter>, clock: &Clock, content: Content) {
    let _ = sender.send(Letter { at: clock.now(), content });
}
