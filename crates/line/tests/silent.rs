//! The SIP library logs whole messages, with numbers and all. Nothing of that is ever heard.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use line::{Directory, Inbound, Line, LineConfig, LineEvent, Target};
use model::audio::Direction;
use model::{Clock, Codec, MediaDescription, Private, StationId, Timestamp};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Wants everything, and notes who speaks.
struct Everything {
    heard: Arc<Mutex<Vec<String>>>,
    spans: AtomicUsize,
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        let number = self.spans.fetch_add(1, Ordering::Relaxed) + 1;
        Id::from_u64(u64::try_from(number).unwrap())
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        self.heard.lock().unwrap().push(event.metadata().target().to_owned());
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Nobody;

impl Directory for Nobody {
    fn station(&self, _: SocketAddr, _: &str) -> Option<StationId> {
        None
    }
    fn digest(&self, _: &str) -> Option<(StationId, Private<[u8; 16]>)> {
        None
    }
    fn trunk(&self) -> Option<SocketAddr> {
        None
    }
}

fn start(events: impl Fn(LineEvent) + Send + Sync + 'static) -> Line {
    let config = LineConfig {
        bind: "127.0.0.1:0".parse().unwrap(),
        realm: "jail".into(),
        user_agent: "line-test".into(),
        inbound: Inbound::Anyone,
        calls_max: 8,
        network: line::Network::default(),
    };
    let clock = Clock::new(|| Timestamp::from_micros(0));
    Line::start(config, Arc::new(Nobody), clock, events).unwrap()
}

#[test]
fn only_the_owner_is_heard() {
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let everything = Everything { heard: Arc::clone(&heard), spans: AtomicUsize::new(0) };
    tracing::subscriber::set_global_default(everything).unwrap();
    tracing::info!(target: "rsipstack::transport::udp", "the ear works");

    let (sender, events) = channel();
    let callee = start(move |event| {
        tracing::info!(target: "owner", "an event");
        drop(sender.send(event));
    });
    let (sender, answers) = channel();
    let caller = start(move |event| drop(sender.send(event)));
    let media = MediaDescription {
        address: SocketAddr::from(([127, 0, 0, 1], 4_000)),
        codecs: vec![Codec::Pcmu],
        telephone_event: None,
        packet_ms: 20,
        direction: Direction::SendRecv,
        rtcp_port: 4_001,
        rtcp_mux: false,
        signals_from: None,
    };
    let user = Private::new("12025550142".to_owned());
    let target = Target::Address { address: callee.local_address(), user };
    caller.dial(target, "12025550100".into(), media.clone());
    let patience = Duration::from_secs(20);
    let LineEvent::Incoming { wire, .. } = events.recv_timeout(patience).unwrap() else { panic!() };
    callee.answer(wire, media);
    assert!(matches!(answers.recv_timeout(patience).unwrap(), LineEvent::Answered { .. }));
    callee.stop();
    caller.stop();

    let heard = heard.lock().unwrap();
    let library: Vec<_> = heard.iter().filter(|who| who.starts_with("rsipstack")).collect();
    assert_eq!(library.len(), 1, "{library:?}");
    assert!(heard.iter().any(|who| who == "owner"));
}
