//! From a platform's event to an envelope on the stream of its lane's shard.
//!
//! A platform that cannot be asked for an event again gives it to [`Ingress::accept`]: it is kept here until it is in its
//! stream, also while Redis is away, and a bounded number of them. What cannot be kept is refused at once, for the platform
//! to show. WebChat's pages keep what they sent until it is confirmed, so their requests go to Redis straight away.

mod appender;
mod backlog;
mod refused;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bus::{Bus, Entry, Queue, Recent, Role, Shard, unix_ms};
use codec::Inbound;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use appender::Appender;
pub use backlog::Bounds;
use backlog::{Backlog, NoRoom, Waiting};
pub use refused::Refused;

/// See the module. Clones share one buffer.
#[derive(Debug, Clone)]
pub struct Ingress {
    bus: Bus,
    /// Unfinished entries that one shard's stream may hold.
    stream_bound: u64,
    recent: Recent,
    shared: Arc<Shared>,
}

/// What the platforms and the appender share.
#[derive(Debug)]
struct Shared {
    backlog: Mutex<Backlog>,
    /// Something came, or the end.
    came: Notify,
    /// The last try met no Redis.
    is_away: AtomicBool,
    has_stopped: AtomicBool,
    gauges: Gauges,
}

#[derive(Debug)]
struct Gauges {
    entries: metrics::Gauge,
    bytes: metrics::Gauge,
    full: metrics::Gauge,
}

/// Tells when an event that was accepted is in its stream. Nobody has to ask.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<()>);

impl Receipt {
    /// Waits for it. False: the process stopped before it knew.
    pub async fn appended(mut self) -> bool {
        self.settled().await
    }

    /// The same, and may be dropped at any time. Not to be asked again once it has answered.
    pub(crate) async fn settled(&mut self) -> bool {
        (&mut self.0).await.is_ok()
    }

    /// One that a test settles.
    #[cfg(test)]
    pub(crate) fn pair() -> (oneshot::Sender<()>, Self) {
        let (appended, receipt) = oneshot::channel();
        (appended, Self(receipt))
    }
}

impl Ingress {
    /// An ingress whose buffer has these bounds. Nothing that it accepts goes on before [`Ingress::run`] does.
    #[must_use]
    pub fn new(bus: Bus, stream_bound: u64, bounds: Bounds) -> Self {
        let gauges = Gauges {
            entries: metrics::gauge!("stargazer_ingress_buffered_entries"),
            bytes: metrics::gauge!("stargazer_ingress_buffered_bytes"),
            full: metrics::gauge!("stargazer_ingress_full_streams"),
        };
        let shared = Shared {
            backlog: Mutex::new(Backlog::new(bounds)),
            came: Notify::new(),
            is_away: AtomicBool::new(false),
            has_stopped: AtomicBool::new(false),
            gauges,
        };
        Self { recent: Recent::new(bus.clone()), bus, stream_bound, shared: Arc::new(shared) }
    }

    /// Takes an event over: from here on it is kept until it is in its stream. Events of one lane get there in this order.
    ///
    /// # Errors
    /// What the platform has to show to who caused the event: it is not kept.
    pub fn accept(&self, inbound: Inbound) -> Result<Receipt, Refused> {
        let platform = inbound.platform.clone();
        if self.shared.has_stopped.load(Ordering::Relaxed) {
            return Err(refuse(&platform, Refused::Stopping));
        }
        let (shard, queue) = self.envelope(inbound)?;
        let Queue { stream, data, trace_id, .. } = queue;
        let (appended, receipt) = oneshot::channel();
        let waiting = Waiting { entry: Entry { stream, data, trace_id }, appended };
        let pushed = {
            let mut backlog = self.shared.backlog();
            let pushed = backlog.push(shard, waiting);
            self.shared.measure(&backlog);
            pushed
        };
        match pushed {
            Ok(()) => {
                self.shared.came.notify_one();
                Ok(Receipt(receipt))
            }
            Err(NoRoom::Buffer) => Err(refuse(&platform, Refused::BufferFull)),
            Err(NoRoom::Stream) => Err(refuse(&platform, Refused::StreamFull { shard: shard.number() })),
        }
    }

    /// What was appended lately: for those who append to inbound streams themselves, so that it is done again where Redis
    /// forgot it.
    pub(crate) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Checks an event, gives it a trace, and makes the entry that carries it.
    ///
    /// # Errors
    /// Which field of the event cannot be sent.
    pub(crate) fn entry(&self, inbound: Inbound) -> Result<Queue, codec::Error> {
        self.envelope(inbound).map(|(_, queue)| queue)
    }

    fn envelope(&self, mut inbound: Inbound) -> Result<(Shard, Queue), codec::Error> {
        let trace_id = Uuid::now_v7().to_string();
        inbound.trace_id.clone_from(&trace_id);
        inbound.enqueued_at = unix_ms() as f64 / 1000.0;
        if let Err(error) = inbound.validate() {
            count(&inbound.platform, error.rule.code());
            return Err(error);
        }
        let names = self.bus.names();
        let shard = names.shards.of(&inbound.channel_key);
        let stream = names.stream(&Role::Inbound, shard);
        metrics::counter!("stargazer_ingress_events_total", "platform" => inbound.platform.clone(), "kind" => inbound.kind.as_str())
            .increment(1);
        Ok((shard, Queue { stream, bound: self.stream_bound, data: inbound.to_bytes(), trace_id }))
    }

    /// Writes what is accepted to the streams until `stop` is cancelled; then takes nothing more, and writes what is left for
    /// `drain` at most.
    pub async fn run(self, stop: CancellationToken, drain: Duration) {
        Appender::new(self.bus, self.recent, self.stream_bound, self.shared).run(stop, drain).await;
    }

    /// Whether more than four fifths of the buffer are used: who can wait does.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.shared.backlog().is_nearly_full()
    }

    /// What keeps events from their streams, if anything does.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let is_away = self.shared.is_away.load(Ordering::Relaxed);
        let backlog = self.shared.backlog();
        let (waiting, full) = (backlog.entries(), backlog.full());
        if is_away && waiting > 0 {
            Some(format!("redis does not take {waiting} events; they are kept"))
        } else if full > 0 {
            Some(format!("{full} inbound streams are full; {waiting} events are kept"))
        } else if backlog.is_nearly_full() {
            Some(format!("{waiting} events wait, more than four fifths of what can be kept"))
        } else {
            None
        }
    }
}

impl Shared {
    fn backlog(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn measure(&self, backlog: &Backlog) {
        self.gauges.entries.set(backlog.entries() as f64);
        self.gauges.bytes.set(backlog.bytes() as f64);
        self.gauges.full.set(backlog.full() as f64);
    }
}

fn refuse(platform: &str, refused: Refused) -> Refused {
    count(platform, refused.reason());
    refused
}

fn count(platform: &str, reason: &'static str) {
    metrics::counter!("stargazer_ingress_refused_total", "platform" => platform.to_owned(), "reason" => reason)
        .increment(1);
}
