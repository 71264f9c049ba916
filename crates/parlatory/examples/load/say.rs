//! What the load says, one JSON object a line.

use std::{collections::BTreeMap, net::SocketAddr};

use serde::Serialize;

/// One line.
#[derive(Debug, Serialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub(crate) enum Said {
    /// Both SIP ports are open.
    Bound {
        /// Where the gateway calls from.
        gateway: SocketAddr,
        /// Where the called parties are.
        trunk: SocketAddr,
    },
    /// How far it is.
    Progress {
        /// Calls in which two talk.
        talking: usize,
        /// Calls that are over, failed ones among them.
        over: usize,
    },
    /// Every call is talking or has failed.
    Held {
        /// Calls in which two talk.
        talking: usize,
        /// Failed calls by the stage in which they failed.
        failed: BTreeMap<&'static str, usize>,
    },
    /// What was heard since `window`.
    Window(WindowReport),
    /// Every call is over.
    Over {
        /// Seconds for which two talked, summed over all calls.
        talked_seconds: f64,
        /// Failed calls by the stage in which they failed.
        failed: BTreeMap<&'static str, usize>,
    },
    /// The load cannot go on.
    Broken {
        /// Why.
        why: String,
    },
}

/// What all legs heard in a stretch of time.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct WindowReport {
    /// Packets sent by all legs.
    pub(crate) sent: u64,
    /// Packets received by all legs.
    pub(crate) received: u64,
    /// Packets of the partner that never came.
    pub(crate) lost: u64,
    /// Packets that the partner did not send: put in by the node.
    pub(crate) made_up: u64,
    /// Packets of somebody who is not the partner. There must be none, ever.
    pub(crate) crossed: u64,
    /// Longest time between two packets on one leg, as far as the node is sure to have caused it:
    /// neither the time in which the load did not look counts, nor that by which it sent late.
    pub(crate) gap_ms_max: f64,
    /// Gaps of more than 40 ms.
    pub(crate) gaps_over_40_ms: u64,
    /// The longest time between two looks of the load.
    pub(crate) look_ms_max: f64,
}
