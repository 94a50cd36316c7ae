//! A consumer: leases shards of one role, reads them, and runs a [`Handler`] for every entry in its lane's order.

mod batch;
mod depth;
mod dispatch;
mod effect;
mod holdings;
mod mailbox;
mod owned;
mod run;
mod turn;
mod unpark;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    Bus, LaneKey, LeaseConfig, Role, Way,
    ledger::{Action, HistoryWrite},
};

use holdings::Held;

pub use effect::Effect;
pub use holdings::{Holding, Holdings, Outside};
pub use turn::{Control, Facts, Failure, Outcome, Turn};

/// How a consumer works.
#[derive(Debug, Clone)]
pub struct ConsumerConfig {
    /// Which streams it consumes.
    pub role: Role,
    /// This process's instance id, also its name in the group.
    pub instance: String,
    /// Leases of its shards.
    pub lease: LeaseConfig,
    /// Turns that run at once.
    pub turns_max: usize,
    /// Entries held between read and settlement.
    pub window_entries: usize,
    /// Bytes held between read and settlement.
    pub window_bytes: usize,
    /// Times a turn may fail before its entry becomes a dead letter.
    pub failures_max: u32,
    /// Times its owner may die while a turn runs before its entry becomes a dead letter.
    pub deaths_max: u32,
    /// How long running turns may go on after a stop.
    pub drain: Duration,
    /// A lane that has been at one entry for so long, its waiting between tries among it, is stuck: somebody should look.
    pub stuck_after: Duration,
}

/// What a consumer has to know of a payload to put it in its place.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its unit of order.
    pub lane: LaneKey,
    /// Its identity, the same for every copy of one event.
    pub cause: Arc<str>,
    /// How it is worked on.
    pub way: Way,
}

/// A payload that cannot be read. Its entry becomes a dead letter at once.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RouteError(pub String);

/// The work on one entry.
pub trait Handler: Send + Sync + 'static {
    /// Reads what is needed to put a payload in its place. Called for everything that is read, so it should look at no
    /// more than that takes.
    ///
    /// # Errors
    /// When the payload cannot be read.
    fn route(&self, payload: &Bytes) -> Result<Route, RouteError>;

    /// What is remembered of a payload whose way is [`Way::Record`]: at most one message.
    ///
    /// # Errors
    /// When the payload cannot be read.
    fn record(&self, payload: &Bytes) -> Result<Option<HistoryWrite>, RouteError> {
        let _ = payload;
        Ok(None)
    }

    /// Runs a turn. The future is dropped when the shard is lost or the drain deadline passes.
    fn run(&self, turn: &mut Turn) -> impl Future<Output = Outcome> + Send;

    /// The message to the user when a turn is given up.
    fn notice(&self, payload: &Bytes, failure: &Failure) -> Option<Action>;
}

/// What a consumer is doing, for health and metrics. Updated as it works.
#[derive(Debug, Default)]
pub struct ConsumerStatus {
    running: AtomicU64,
    is_reading: AtomicBool,
    stuck: AtomicU64,
}

impl ConsumerStatus {
    /// What keeps it from its work, if anything does.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        if !self.is_reading.load(Ordering::Relaxed) {
            return Some("the reader has no connection to redis".into());
        }
        match self.stuck.load(Ordering::Relaxed) {
            0 => None,
            stuck => Some(format!("{stuck} lanes are stuck; `stargazer shards` shows at what")),
        }
    }

    pub(crate) fn set_reading(&self, is_reading: bool) {
        self.is_reading.store(is_reading, Ordering::Relaxed);
    }

    /// Turns that run.
    #[must_use]
    pub fn running(&self) -> u64 {
        self.running.load(Ordering::Relaxed)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Consumer<H> {
    bus: Bus,
    config: ConsumerConfig,
    handler: Arc<H>,
    status: Arc<ConsumerStatus>,
    held: watch::Sender<Held>,
}

impl<H: Handler> Consumer<H> {
    /// A consumer that does nothing until it is run.
    #[must_use]
    pub fn new(bus: Bus, config: ConsumerConfig, handler: Arc<H>) -> Self {
        Self { bus, config, handler, status: Arc::default(), held: watch::Sender::default() }
    }

    /// What it is doing.
    #[must_use]
    pub fn status(&self) -> Arc<ConsumerStatus> {
        Arc::clone(&self.status)
    }

    /// What it owns, as that changes.
    #[must_use]
    pub fn holdings(&self) -> Holdings {
        Holdings::new(self.bus.clone(), self.config.role.clone(), self.config.lease.ttl, self.held.subscribe())
    }

    /// Works until `stop` is cancelled; then reads nothing more, lets running turns finish until the drain deadline, and
    /// releases its shards. What did not finish stays pending for the next owner.
    pub async fn run(self, stop: CancellationToken) {
        dispatch::Dispatch::new(self).run(stop).await;
    }
}
