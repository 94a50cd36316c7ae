//! The one task that writes events to their streams.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bus::{Batch, Bus, Entry, Error, Next, Producer, Recent, Role, Shard};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{Shared, backlog::ASK_AGAIN};

/// Pauses between two tries while Redis is away: the first, and the longest.
const PAUSE: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Between two looks whether Redis is the server that it was.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Events that were not written and are named one by one.
const NAMED_MAX: usize = 20;

/// One batch is under way at a time, and its events stay in the backlog until Redis has answered: a batch whose fate is
/// unknown is written again, and the copies are recognised by their causes.
#[derive(Debug)]
pub(super) struct Appender {
    producer: Producer,
    stream_bound: u64,
    shared: Arc<Shared>,
    failures: u32,
    recent: Recent,
    breaks: watch::Receiver<u64>,
    look_at: Instant,
    /// Redis does not tell which server it is.
    is_blind: bool,
}

/// What a round came to.
enum Round {
    /// There may be more to do.
    Went,
    /// Nothing can be done before something comes, or so long.
    Rest(Option<Duration>),
}

impl Appender {
    pub(super) fn new(bus: Bus, recent: Recent, stream_bound: u64, shared: Arc<Shared>) -> Self {
        Self {
            breaks: bus.breaks(),
            producer: Producer::new(bus).with_recent(recent.clone()),
            stream_bound,
            shared,
            failures: 0,
            recent,
            look_at: Instant::now(),
            is_blind: false,
        }
    }

    pub(super) async fn run(mut self, stop: CancellationToken, drain: Duration) {
        let shared = Arc::clone(&self.shared);
        // A round is never dropped half-way here: what it wrote would be written once more.
        while !stop.is_cancelled() {
            let Round::Rest(pause) = self.round().await else { continue };
            // After a failure only the pause counts; without one there is something to wait for in any case.
            let is_well = pause.is_none() || self.failures == 0;
            tokio::select! {
                () = shared.came.notified(), if is_well => {}
                Ok(()) = self.breaks.changed(), if is_well && !self.is_blind => self.look_at = Instant::now(),
                () = sleep_until(self.look_at), if is_well => {}
                () = sleep(pause.unwrap_or_default()), if pause.is_some() => {}
                () = stop.cancelled() => {}
            }
        }
        shared.has_stopped.store(true, Ordering::Relaxed);
        let _ = timeout_at(Instant::now() + drain, self.empty()).await;
        self.report();
    }

    async fn empty(&mut self) {
        while self.shared.backlog().entries() > 0 {
            if let Round::Rest(pause) = self.round().await {
                sleep(pause.unwrap_or(PAUSE)).await;
            }
        }
    }

    async fn round(&mut self) -> Round {
        if (self.breaks.has_changed().unwrap_or(false) || self.look_at <= Instant::now())
            && let Err(error) = self.look().await
        {
            return self.failed(&error);
        }
        let doubtful = self.shared.backlog().doubtful();
        for shard in doubtful {
            if let Err(error) = self.ask(shard).await {
                return self.failed(&error);
            }
        }
        let (shards, entries): (Vec<Shard>, Vec<Entry>) =
            self.shared.backlog().batch(Producer::BATCH_MAX).into_iter().unzip();
        if entries.is_empty() {
            let waits_for_room = self.shared.backlog().entries() > 0;
            return Round::Rest(waits_for_room.then_some(ASK_AGAIN));
        }
        match self.producer.append_each(&entries).await {
            Ok(batch) => self.settle(&shards, &entries, batch),
            Err(error) => self.failed(&error),
        }
    }

    /// Before anything new: what Redis forgot comes first in its lane.
    async fn look(&mut self) -> Result<(), Error> {
        self.breaks.borrow_and_update();
        self.look_at = Instant::now() + LOOK_EVERY;
        match self.recent.look().await {
            Ok(_) => {
                self.is_blind = false;
                if self.shared.backlog().entries() == 0 {
                    self.recovered();
                }
                Ok(())
            }
            Err(error) if error.next() == Next::Retry => {
                self.look_at = Instant::now();
                Err(error)
            }
            Err(error) => {
                // Nothing else depends on it, so nothing else waits for it. And Redis has answered.
                if self.shared.backlog().entries() == 0 {
                    self.recovered();
                }
                if !std::mem::replace(&mut self.is_blind, true) {
                    tracing::warn!(%error, "redis does not let us see which server it is (INFO), or to append again what it forgot; after a fail-over its last writes may be lost");
                }
                Ok(())
            }
        }
    }

    fn recovered(&mut self) {
        if self.failures > 0 {
            self.failures = 0;
            self.shared.is_away.store(false, Ordering::Relaxed);
            tracing::info!("redis takes events again");
        }
    }

    /// Asks how much a stream that seems full may still take.
    async fn ask(&self, shard: Shard) -> Result<(), Error> {
        let unfinished = self.producer.unfinished(&Role::Inbound, shard, self.stream_bound).await?;
        let room = self.stream_bound.saturating_sub(unfinished);
        let mut backlog = self.shared.backlog();
        let has_changed = backlog.set_room(shard, room, room == 0);
        self.shared.measure(&backlog);
        drop(backlog);
        if has_changed && room == 0 {
            let bound = self.stream_bound;
            tracing::warn!(%shard, bound, "an inbound stream is full: its events wait here; are enough workers running?");
        } else if has_changed {
            tracing::info!(%shard, "an inbound stream has room again");
        }
        Ok(())
    }

    fn settle(&mut self, shards: &[Shard], entries: &[Entry], batch: Batch) -> Round {
        let mut refused: Vec<Shard> = Vec::new();
        let mut why = None;
        let mut backlog = self.shared.backlog();
        for ((shard, entry), id) in shards.iter().zip(entries).zip(batch.ids) {
            match id {
                // What came after one that was refused is written again behind it, for the order.
                Ok(_) if refused.contains(shard) => {}
                Ok(_) => backlog.settle(*shard),
                Err(error) => {
                    if !refused.contains(shard) {
                        refused.push(*shard);
                    }
                    why.get_or_insert(error);
                }
            }
            if let Some(length) = batch.lengths.get(&entry.stream) {
                backlog.set_room_left(*shard, self.stream_bound.saturating_sub(*length));
            }
        }
        self.shared.measure(&backlog);
        drop(backlog);
        match why {
            Some(error) => self.failed(&error),
            None => {
                self.recovered();
                Round::Went
            }
        }
    }

    /// Nothing is given up, whatever Redis has against it: it may be full, or about to become a master again.
    fn failed(&mut self, error: &Error) -> Round {
        if self.failures == 0 {
            let waiting = self.shared.backlog().entries();
            tracing::warn!(%error, waiting, "redis does not take events; they are kept, as many as gateway.buffer_entries and gateway.buffer_bytes allow");
        }
        self.shared.is_away.store(true, Ordering::Relaxed);
        let pause = PAUSE.saturating_mul(1 << self.failures.min(10)).min(PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        Round::Rest(Some(pause))
    }

    /// Says what is lost with this process.
    fn report(&self) {
        let backlog = self.shared.backlog();
        let left = backlog.entries();
        if left == 0 {
            return;
        }
        for (shard, entry) in backlog.waiting().take(NAMED_MAX) {
            tracing::error!(trace_id = %entry.trace_id, %shard, "an event was not written");
        }
        metrics::counter!("stargazer_ingress_lost_total").increment(left as u64);
        tracing::error!(
            events = left,
            "stopped before redis took them; a last try may have come through all the same. A longer shutdown.drain waits longer"
        );
    }
}
