//! The consumer's loop: one task that owns the lanes, and the turns that it started.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    task::{AbortHandle, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Consumer, ConsumerStatus, Handler,
    depth::{DEPTH_EVERY, Depth},
    run::{Ended, Runner, Stages},
    turn::{Delivery, Failure},
};
use crate::{
    Shard,
    lane::{Lanes, Verdict},
    lease::{Event, Keeper, Release, Tenure},
    ledger::Ledger,
    reader::{Arrivals, Reader, ReaderHandle},
    reply::RawEntry,
    trim::{TRIM_EVERY, trim},
    unix_ms,
    window::{Bounds, Window},
};

/// Batches on their way from the reader; the window bounds what is in them.
const ARRIVALS_MAX: usize = 16;
/// Lease events on their way.
const EVENTS_MAX: usize = 64;
/// How long shards may take to be released at the end, and the reader and keeper to end after that.
const RELEASE_MAX: Duration = Duration::from_secs(2);
/// How long a shard that should be another member's may wait for a moment in which nothing of it runs.
const LEAVE_PATIENCE: Duration = Duration::from_secs(30);
/// How often a drain says what it waits for.
const DRAIN_REPORT: Duration = Duration::from_secs(2);
/// How often the gauges of lanes are set.
const GAUGES: Duration = Duration::from_secs(1);

pub(super) struct Dispatch<H> {
    runner: Arc<Runner<H>>,
    status: Arc<ConsumerStatus>,
    window: Arc<Window>,
    lanes: Lanes<Delivery>,
    turns: JoinSet<Ended>,
    /// Steps beside the turns: undecodable entries, trims, releases.
    chores: JoinSet<()>,
    depth: Depth,
    /// The last look at how much waits.
    measuring: Option<AbortHandle>,
    shards: HashMap<Shard, Owned>,
    reader: ReaderHandle,
    releases: mpsc::Sender<Release>,
    arrivals: mpsc::Receiver<Arrivals>,
    events: mpsc::Receiver<Event>,
    /// The reader and the keeper, which end when their handles here are dropped.
    companions: JoinSet<()>,
    draining: CancellationToken,
    /// A part that is needed is gone: the consumer ends, and with it the process, which is started again.
    is_broken: bool,
}

struct Owned {
    tenure: Arc<Tenure>,
    running: usize,
    settled: u32,
    /// It should be another member's. It is left when nothing of it runs, so that none of its lanes waits for another's
    /// turn, or at this time, so that it is left at all.
    leave_by: Option<Instant>,
    /// Nothing new is started; it is released when nothing runs any more.
    leaving: bool,
}

impl<H: Handler> Dispatch<H> {
    pub(super) fn new(consumer: Consumer<H>) -> Self {
        let Consumer { bus, config, handler, status } = consumer;
        let window = Arc::new(Window::new(Bounds { entries: config.window_entries, bytes: config.window_bytes }));
        let (arrivals_tx, arrivals) = mpsc::channel(ARRIVALS_MAX);
        let (events_tx, events) = mpsc::channel(EVENTS_MAX);
        let (releases, releases_rx) = mpsc::channel(EVENTS_MAX);
        let draining = CancellationToken::new();
        let (reader_loop, reader) = Reader::new(&bus, &config, Arc::clone(&window), Arc::clone(&status), arrivals_tx);
        let keeper = Keeper::new(
            bus.clone(),
            config.role.clone(),
            config.instance.clone(),
            config.lease,
            events_tx,
            releases_rx,
            draining.clone(),
        );
        let mut companions = JoinSet::new();
        companions.spawn(reader_loop.run());
        companions.spawn(keeper.run());
        let lanes = Lanes::new(config.turns_max);
        let (stages, depth) = (Stages::new(&config.role.to_string()), Depth::new(&config.role));
        let runner = Arc::new(Runner { bus, config, handler, abort: CancellationToken::new(), stages });
        Self {
            runner,
            status,
            window,
            lanes,
            turns: JoinSet::new(),
            chores: JoinSet::new(),
            depth,
            measuring: None,
            shards: HashMap::new(),
            reader,
            releases,
            arrivals,
            events,
            companions,
            draining,
            is_broken: false,
        }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        let (mut gauges, mut depths) = (tokio::time::interval(GAUGES), tokio::time::interval(DEPTH_EVERY));
        loop {
            self.start_turns();
            let wake = self.lanes.next_wake().unwrap_or_else(|| Instant::now() + GAUGES);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(event) = self.events.recv() => self.note(event).await,
                Some(ended) = self.turns.join_next() => self.end(ended),
                Some(()) = next_chore(&mut self.chores) => {}
                Some(arrivals) = self.arrivals.recv() => self.arrive(arrivals),
                () = tokio::time::sleep_until(wake) => {}
                Some(ended) = self.companions.join_next() => {
                    // Neither ends before it is told to. Without them nothing is read or nothing is ours.
                    tracing::error!(role = %self.runner.config.role, ?ended, "the reader or the keeper of leases broke");
                    self.is_broken = true;
                }
                _ = gauges.tick() => {
                    self.leave_overdue();
                    self.set_gauges();
                }
                _ = depths.tick() => self.measure_depth(),
            }
            if self.is_broken {
                break;
            }
            self.forget_lost();
        }
        self.drain().await;
    }

    /// Starts nothing new, releases every shard as soon as nothing of it runs, and stops reading at the end: until then
    /// controls still reach the turns that run.
    async fn drain(mut self) {
        let deadline = Instant::now() + self.runner.config.drain;
        self.draining.cancel();
        // A look that waits for a Redis that is away is nothing to wait for.
        if let Some(last) = self.measuring.take() {
            last.abort();
        }
        let shards: Vec<Shard> = self.shards.keys().copied().collect();
        shards.into_iter().for_each(|shard| self.leave(shard));
        let mut report = tokio::time::interval_at(Instant::now() + DRAIN_REPORT, DRAIN_REPORT);
        while !(self.turns.is_empty() && self.chores.is_empty()) {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(deadline), if !self.runner.abort.is_cancelled() => {
                    if !self.turns.is_empty() {
                        tracing::warn!(role = %self.runner.config.role, turns = self.turns.len(),
                            "the drain deadline passed; what still runs is put back for the next owner");
                    }
                    self.runner.abort.cancel();
                }
                // Without Redis there is nothing to release; the leases then end by themselves.
                () = tokio::time::sleep_until(deadline + RELEASE_MAX) => break,
                Some(event) = self.events.recv() => self.note(event).await,
                Some(ended) = self.turns.join_next() => self.end(ended),
                Some(()) = next_chore(&mut self.chores) => {}
                Some(arrivals) = self.arrivals.recv() => self.arrive(arrivals),
                _ = report.tick() => tracing::info!(role = %self.runner.config.role, turns = self.turns.len(),
                    left = ?deadline.duration_since(Instant::now()), "waiting for running turns"),
            }
            self.forget_lost();
        }
        // The reader may be waiting to hand over a batch, and the keeper an event: what they hold stays pending.
        let Self { releases, reader, mut companions, arrivals, events, .. } = self;
        drop((arrivals, events, releases));
        let _ = tokio::time::timeout(RELEASE_MAX, reader.stop()).await;
        drop(reader);
        let ending = async { while companions.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(RELEASE_MAX, ending).await;
    }

    fn start_turns(&mut self) {
        while let Some((delivery, mailbox)) = self.lanes.next(Instant::now()) {
            let shard = self.shards.get_mut(&delivery.tenure.shard());
            if let Some(owned) = shard.filter(|owned| Arc::ptr_eq(&owned.tenure, &delivery.tenure)) {
                owned.running += 1;
            }
            self.turns.spawn(Arc::clone(&self.runner).run(delivery, mailbox));
        }
        self.status.running.store(self.lanes.running() as u64, Ordering::Relaxed);
    }

    async fn note(&mut self, event: Event) {
        match event {
            Event::Acquired(tenure) => {
                // The tenure before may have been lost without our having looked since.
                self.forget_lost();
                let shard = tenure.shard();
                let owned =
                    Owned { tenure: Arc::clone(&tenure), running: 0, settled: 0, leave_by: None, leaving: false };
                self.shards.insert(shard, owned);
                if self.draining.is_cancelled() {
                    self.leave(shard);
                } else {
                    let reader = self.reader.clone();
                    self.while_arriving(async move { reader.add(tenure).await }).await;
                }
            }
            Event::Leave(tenure) => self.wish(&tenure, Some(Instant::now() + LEAVE_PATIENCE)),
            Event::Stay(tenure) => self.wish(&tenure, None),
        }
    }

    /// Notes that a shard should be left, or should not after all.
    fn wish(&mut self, tenure: &Arc<Tenure>, leave_by: Option<Instant>) {
        if let Some(owned) = self.shards.get_mut(&tenure.shard()).filter(|owned| Arc::ptr_eq(&owned.tenure, tenure)) {
            owned.leave_by = leave_by;
            if leave_by.is_some() && owned.running == 0 {
                self.leave(tenure.shard());
            }
        }
    }

    /// Leaves the shards whose patience is over.
    fn leave_overdue(&mut self) {
        let now = Instant::now();
        let is_overdue = |owned: &Owned| !owned.leaving && owned.leave_by.is_some_and(|by| by <= now);
        let overdue: Vec<Shard> =
            self.shards.iter().filter(|(_, owned)| is_overdue(owned)).map(|(shard, _)| *shard).collect();
        overdue.into_iter().for_each(|shard| self.leave(shard));
    }

    /// Starts nothing more of a shard; it is released once nothing of it runs. What is queued stays pending for the next
    /// owner. It is read until then, for the controls of what runs.
    fn leave(&mut self, shard: Shard) {
        let Some(owned) = self.shards.get_mut(&shard) else { return };
        owned.leaving = true;
        let tenure = Arc::clone(&owned.tenure);
        self.lanes.forget(|delivery| Arc::ptr_eq(&delivery.tenure, &tenure));
        self.release_if_idle(shard);
    }

    /// Whether something of this tenure may still be queued and started.
    fn is_ours(&self, tenure: &Arc<Tenure>) -> bool {
        let is_current = |owned: &Owned| Arc::ptr_eq(&owned.tenure, tenure) && !owned.leaving;
        !tenure.is_lost() && self.shards.get(&tenure.shard()).is_some_and(is_current)
    }

    /// Talks to the reader while taking what it hands over, since it may be waiting for just that.
    async fn while_arriving(&mut self, talk: impl Future<Output = ()>) {
        let mut talk = std::pin::pin!(talk);
        loop {
            tokio::select! {
                biased;
                () = &mut talk => return,
                Some(arrivals) = self.arrivals.recv() => self.arrive(arrivals),
            }
        }
    }

    fn arrive(&mut self, Arrivals { tenure, entries }: Arrivals) {
        if !self.is_ours(&tenure) {
            self.hear_controls(&tenure, entries);
            return;
        }
        let (now_ms, read_at) = (unix_ms(), Instant::now());
        for entry in entries {
            let waited = now_ms.saturating_sub(entry.ts_ms);
            if entry.ts_ms > 0 {
                self.runner.stages.read.record(Duration::from_millis(waited));
            }
            match self.runner.handler.route(&entry.data) {
                Ok(route) => {
                    let home = self.runner.bus.names().shards.of(&route.lane);
                    if home == tenure.shard() {
                        let tenure = Arc::clone(&tenure);
                        self.lanes.push(Delivery { tenure, entry, route, read_at });
                    } else {
                        // In its lane's shard it could be overtaken, and would have a history of its own here.
                        let error = format!(
                            "lane {} belongs to shard {home}, and the entry was written to shard {}",
                            route.lane,
                            tenure.shard()
                        );
                        self.bury_unread(&tenure, entry, Failure { code: "misrouted", error });
                    }
                }
                Err(error) => self.bury_unread(&tenure, entry, Failure { code: "undecodable", error: error.0 }),
            }
        }
    }

    /// Of a shard that is being left only controls are taken, by turns that still run. The rest stays pending for whoever
    /// owns it next.
    fn hear_controls(&mut self, tenure: &Arc<Tenure>, entries: Vec<RawEntry>) {
        for entry in entries {
            let id = entry.id;
            let is_heard = !tenure.is_lost()
                && self.runner.handler.route(&entry.data).is_ok_and(|route| {
                    let delivery = Delivery { tenure: Arc::clone(tenure), entry, route, read_at: Instant::now() };
                    self.lanes.offer(delivery).is_none()
                });
            if !is_heard {
                self.window.settle(tenure.id(), id);
            }
        }
    }

    /// An entry that belongs to no lane here blocks none: it goes to the dead letters at once.
    fn bury_unread(&mut self, tenure: &Arc<Tenure>, entry: RawEntry, failure: Failure) {
        let (runner, tenure, window) = (Arc::clone(&self.runner), Arc::clone(tenure), Arc::clone(&self.window));
        let route = super::Route { lane: "".into(), control: None };
        let delivery = Delivery { tenure: Arc::clone(&tenure), entry, route, read_at: Instant::now() };
        self.chores.spawn(async move {
            let ledger = Ledger::new(runner.bus.clone(), runner.config.role.clone(), Arc::clone(&tenure));
            runner.bury_unread(&ledger, &delivery, &failure).await;
            window.settle(tenure.id(), delivery.entry.id);
        });
    }

    fn end(&mut self, ended: Result<Ended, tokio::task::JoinError>) {
        let Ok(Ended { verdict, absorbed, mut unheard, delivery }) = ended else {
            // A turn catches its handler's panics, so this is a fault of ours, and its lane would stay closed.
            tracing::error!(role = %self.runner.config.role, "a turn's task broke");
            self.is_broken = true;
            return;
        };
        let tenure = Arc::clone(&delivery.tenure);
        let lane = Arc::clone(&delivery.route.lane);
        let (mut verdict, mut settled) = (verdict, 0);
        if tenure.is_lost() {
            // Nothing was settled. Controls of the next tenure may have reached this turn; they are still to be run.
            unheard.splice(0..0, absorbed);
        } else if matches!(verdict, Verdict::Done) {
            for delivery in std::iter::once(delivery).chain(absorbed) {
                self.window.settle(tenure.id(), delivery.entry.id);
                settled += 1;
            }
        }
        unheard.retain(|control| self.is_ours(&control.tenure));
        if !self.is_ours(&tenure) {
            verdict = Verdict::Done;
        }
        self.lanes.finish(&lane, verdict, unheard);
        let shard = tenure.shard();
        let Some(owned) = self.shards.get_mut(&shard).filter(|owned| Arc::ptr_eq(&owned.tenure, &tenure)) else {
            return;
        };
        owned.running -= 1;
        owned.settled += settled;
        if owned.settled >= TRIM_EVERY {
            owned.settled = 0;
            let (runner, tenure) = (Arc::clone(&self.runner), Arc::clone(&owned.tenure));
            self.chores.spawn(async move {
                if let Err(error) = trim(&runner.bus, &runner.config.role, &tenure).await {
                    tracing::debug!(%error, "not trimmed this time");
                }
            });
        }
        if owned.running == 0 && owned.leave_by.is_some() && !owned.leaving {
            self.leave(shard);
        } else {
            self.release_if_idle(shard);
        }
    }

    fn release_if_idle(&mut self, shard: Shard) {
        let is_idle = self.shards.get(&shard).is_some_and(|owned| owned.leaving && owned.running == 0);
        if is_idle && let Some(owned) = self.shards.remove(&shard) {
            self.window.leave(owned.tenure.id());
            let (reader, releases) = (self.reader.clone(), self.releases.clone());
            self.chores.spawn(async move {
                reader.remove(Arc::clone(&owned.tenure)).await;
                release(releases, owned.tenure).await;
            });
        }
    }

    /// Drops what belonged to shards that were lost. Their turns stop by themselves.
    fn forget_lost(&mut self) {
        let lost = self.shards.extract_if(|_, owned| owned.tenure.is_lost());
        let lost: Vec<_> = lost.map(|(_, owned)| owned.tenure.id()).collect();
        if !lost.is_empty() {
            let count = metrics::counter!("stargazer_leases_lost_total", "role" => self.runner.config.role.to_string());
            count.increment(lost.len() as u64);
            lost.into_iter().for_each(|tenure| self.window.leave(tenure));
            self.lanes.forget(|delivery| delivery.tenure.is_lost());
        }
    }

    /// One look at a time: with Redis away the next one waits for the last.
    fn measure_depth(&mut self) {
        if self.measuring.as_ref().is_some_and(|last| !last.is_finished()) {
            return;
        }
        let (depth, runner) = (self.depth.clone(), Arc::clone(&self.runner));
        let shards: Vec<Shard> = self.shards.keys().copied().collect();
        self.measuring = Some(self.chores.spawn(async move {
            if let Err(error) = depth.measure(&runner.bus, &runner.config.role, &shards).await {
                tracing::debug!(%error, "how much waits is not known this time");
            }
        }));
    }

    fn set_gauges(&self) {
        let role = self.runner.config.role.to_string();
        let (entries, bytes) = self.window.used();
        let (ready, waiting) = self.lanes.idle();
        metrics::gauge!("stargazer_window_entries", "role" => role.clone()).set(entries as f64);
        metrics::gauge!("stargazer_window_bytes", "role" => role.clone()).set(bytes as f64);
        for (state, lanes) in [("running", self.lanes.running()), ("ready", ready), ("waiting", waiting)] {
            metrics::gauge!("stargazer_lanes", "role" => role.clone(), "state" => state).set(lanes as f64);
        }
    }
}

async fn next_chore(chores: &mut JoinSet<()>) -> Option<()> {
    chores.join_next().await.map(drop)
}

async fn release(releases: mpsc::Sender<Release>, tenure: Arc<Tenure>) {
    let (done, released) = oneshot::channel();
    if releases.send(Release { tenure, done }).await.is_ok() {
        let _ = released.await;
    }
}
