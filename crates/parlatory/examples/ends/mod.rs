//! What both loads are made of: two SIP ports before a node, orders that come in by lines, and what
//! is said, one JSON object a line.

use std::{
    collections::BTreeSet,
    io::{BufRead, Write},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::{Context, Result};
use line::{Directory, Inbound, Line, LineConfig, LineEvent};
use model::{Clock, Private, Side, StationId, Timestamp};
use serde::Serialize;

/// The SIP port of the gateway, and that of the called parties behind the node's trunk.
pub(crate) struct Ends {
    pub(crate) gateway: Line,
    pub(crate) trunk: Line,
}

impl Ends {
    /// Opens both for so many calls at once. `tell` is called on their threads.
    pub(crate) fn start(
        calls: usize,
        clock: &Clock,
        tell: impl Fn(Side, LineEvent) + Send + Sync + Clone + 'static,
    ) -> Result<Self> {
        let line = |side: Side| {
            let config = LineConfig {
                bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                realm: "load".to_owned(),
                user_agent: "Parlatory-load".to_owned(),
                inbound: Inbound::Anyone,
                calls_max: calls.saturating_mul(2),
                network: line::Network::default(),
            };
            let tell = tell.clone();
            Line::start(config, Arc::new(Nobody), clock.clone(), move |event| tell(side, event))
                .context("no SIP port")
        };
        Ok(Self { gateway: line(Side::Station)?, trunk: line(Side::Called)? })
    }

    /// Where the gateway and the trunk are.
    pub(crate) fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.gateway.local_address(), self.trunk.local_address())
    }

    /// Closes both.
    pub(crate) fn stop(&self) {
        self.gateway.stop();
        self.trunk.stop();
    }
}

/// Nobody registers, and nothing goes out through a trunk.
struct Nobody;

impl Directory for Nobody {
    fn station(&self, _source: SocketAddr, _user: &str) -> Option<StationId> {
        None
    }

    fn digest(&self, _user: &str) -> Option<(StationId, Private<[u8; 16]>)> {
        None
    }

    fn trunk(&self) -> Option<SocketAddr> {
        None
    }
}

/// When each of so many calls has something to do.
pub(crate) struct Wakes {
    /// The time of each call, by its place.
    of: Vec<Option<Timestamp>>,
    /// The same, earliest first.
    due: BTreeSet<(Timestamp, usize)>,
}

impl Wakes {
    /// Nothing to do for any of `calls`.
    pub(crate) fn none(calls: usize) -> Self {
        Self { of: vec![None; calls], due: BTreeSet::new() }
    }

    /// The call of this place has something to do then, or nothing, whatever was said before.
    pub(crate) fn set(&mut self, call: usize, at: Option<Timestamp>) {
        let Some(wake) = self.of.get_mut(call) else { return };
        if let Some(old) = wake.take() {
            self.due.remove(&(old, call));
        }
        *wake = at;
        if let Some(at) = at {
            self.due.insert((at, call));
        }
    }

    /// When the next call has something to do.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// A call that has something to do by `now`; it is told once.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<usize> {
        let (at, call) = self.due.first().copied()?;
        if at > now {
            return None;
        }
        self.set(call, None);
        Some(call)
    }
}

/// Passes on every line of standard input, and [`QUIT`] at its end, until `tell` says `false`.
pub(crate) fn hear_orders(tell: impl Fn(String) -> bool + Send + 'static) -> Result<()> {
    std::thread::Builder::new()
        .name("orders".to_owned())
        .spawn(move || {
            if std::io::stdin().lock().lines().map_while(Result::ok).all(&tell) {
                // Whoever started us is gone: nothing is left running.
                tell(QUIT.to_owned());
            }
        })
        .context("no thread for the orders")?;
    Ok(())
}

/// Says something. A listener that went away is no reason to fail.
pub(crate) fn say(said: &impl Serialize) {
    if let Ok(text) = serde_json::to_string(said) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }
}

/// The order to leave everything as it is; also what the end of standard input means.
pub(crate) const QUIT: &str = "quit";
/// The called party is not one of ours.
pub(crate) const STATUS_NOT_FOUND: u16 = 404;
/// It is on a call already.
pub(crate) const STATUS_BUSY: u16 = 486;
