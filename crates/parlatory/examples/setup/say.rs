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
        /// Calls whose two legs are up.
        talking: usize,
        /// Calls that are over, failed ones among them.
        over: usize,
    },
    /// A step is over: every call of it has ended or failed.
    Step(StepReport),
    /// As many calls as were ordered are up, or have failed.
    Held {
        /// Calls whose two legs are up.
        talking: usize,
        /// Failed calls by the stage in which they failed.
        failed: BTreeMap<&'static str, usize>,
    },
    /// All held calls are over.
    Ended {
        /// Calls whose legs were both ended by the node in time.
        clean: usize,
        /// Failed calls by the stage in which they failed.
        failed: BTreeMap<&'static str, usize>,
    },
    /// The load cannot go on.
    Broken {
        /// Why.
        why: String,
    },
}

/// What a step came to.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct StepReport {
    /// Calls that were started.
    pub(crate) started: usize,
    /// Calls of which both legs came up in time, were held, and were both ended in time.
    pub(crate) clean: usize,
    /// Failed calls by the stage in which they failed.
    pub(crate) failed: BTreeMap<&'static str, usize>,
    /// From the station's INVITE until both legs were answered, in milliseconds: the median, the
    /// 99th of a hundred, and the longest.
    pub(crate) set_up_ms: [f64; 3],
    /// Seconds from the first call to the end of the last.
    pub(crate) seconds: f64,
    /// The longest time by which a call was started later than it was due, in milliseconds.
    pub(crate) late_ms_max: f64,
}
