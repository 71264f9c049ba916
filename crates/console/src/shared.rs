//! What all requests share: the services, and the way to them off the network's thread.

use crate::{answer::Problem, limits::LOGINS_AT_ONCE_MAX, status::Pulse, throttle::Throttle};
use disclosure::{Closing, Keeping, Naming, Records, Roster, Stopping};
use model::{Clock, Timestamp};
use std::{fmt, sync::Arc};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// What the console opens the door to. All of it blocks.
#[derive(Clone)]
pub struct Services {
    /// Who may do anything.
    pub roster: Roster,
    /// What staff see of calls.
    pub records: Records,
    /// How staff end calls.
    pub stopping: Stopping,
    /// How staff close calls and open them.
    pub closing: Closing,
    /// How long things are kept, and what must be.
    pub keeping: Keeping,
    /// How staff look after recorded names.
    pub naming: Naming,
    /// How the node does.
    pub pulse: Arc<dyn Pulse>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Services")
    }
}

/// What all requests share.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Parts>);

struct Parts {
    /// Or why there are none.
    services: Result<Services, String>,
    clock: Clock,
    metrics: bool,
    throttle: Throttle,
    log_ins: Semaphore,
}

impl Shared {
    /// `metrics` is whether programs on this machine may ask how the node does.
    pub(crate) fn new(services: Result<Services, String>, clock: Clock, metrics: bool) -> Self {
        let log_ins = Semaphore::new(LOGINS_AT_ONCE_MAX);
        let throttle = Throttle::default();
        Self(Arc::new(Parts { services, clock, metrics, throttle, log_ins }))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Whether programs on this machine may ask how the node does.
    pub(crate) fn has_metrics(&self) -> bool {
        self.0.metrics
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    /// Turns of those who log in.
    pub(crate) fn log_ins(&self) -> &Semaphore {
        &self.0.log_ins
    }

    /// Why nothing can be done, if so.
    pub(crate) fn closed(&self) -> Option<&str> {
        self.0.services.as_ref().err().map(String::as_str)
    }

    /// Has something carried out on a thread where it may block. It is carried out whole, also
    /// when whoever asked goes away.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Services) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let services = match &self.0.services {
            Ok(services) => services.clone(),
            Err(why) => return Err(Problem::unavailable("closed", why.clone())),
        };
        let done = spawn_blocking(move || act(&services)).await;
        done.unwrap_or_else(|_| Err(Problem::broken(&"a request met a fault of ours")))
    }
}
