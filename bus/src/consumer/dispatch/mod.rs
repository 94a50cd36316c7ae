//! The consumer's loop: one task that owns the lanes, and the turns that it started.

mod arrive;
mod ends;
mod gauges;
mod shards;

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Consumer, ConsumerStatus, Handler,
    batch::{BATCH_MAX, BatchEnded},
    depth::{DEPTH_EVERY, Depth},
    holdings::Held,
    owned::Owned,
    run::{Ended, Runner, Stages},
    turn::Delivery,
    unpark::Unparked,
};
use crate::{
    Shard,
    lane::{Lanes, Verdict},
    lease::{Event, HandOver, Keeper, Tenure},
    reader::{Arrivals, Reader, ReaderHandle},
    window::{Bounds, Window},
};

/// Batches on their way from the reader; the window bounds what is in them.
const ARRIVALS_MAX: usize = 16;
/// Lease events on their way.
const EVENTS_MAX: usize = 64;
/// How long shards may take to be released at the end, and the reader and keeper to end after that.
const RELEASE_MAX: Duration = Duration::from_secs(2);
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
    batches: JoinSet<BatchEnded>,
    unparking: JoinSet<Unparked>,
    /// Steps beside the turns: undecodable entries, trims, releases.
    chores: JoinSet<()>,
    depth: Depth,
    /// The last look at how much waits.
    measuring: Option<AbortHandle>,
    shards: BTreeMap<Shard, Owned>,
    /// The same tenures, for who works beside the turns.
    held: watch::Sender<Held>,
    reader: ReaderHandle,
    hand_overs: mpsc::Sender<HandOver>,
    arrivals: mpsc::Receiver<Arrivals>,
    events: mpsc::Receiver<Event>,
    /// The reader and the keeper, which end when their handles here are dropped.
    companions: JoinSet<()>,
    draining: CancellationToken,
    /// A part that is needed is gone: the consumer ends, and with it the process, which is started again.
    is_broken: bool,
}

impl<H: Handler> Dispatch<H> {
    pub(super) fn new(consumer: Consumer<H>) -> Self {
        let Consumer { bus, config, handler, status, held } = consumer;
        let window = Arc::new(Window::new(Bounds { entries: config.window_entries, bytes: config.window_bytes }));
        let (arrivals_tx, arrivals) = mpsc::channel(ARRIVALS_MAX);
        let (events_tx, events) = mpsc::channel(EVENTS_MAX);
        let (hand_overs, hand_overs_rx) = mpsc::channel(EVENTS_MAX);
        let draining = CancellationToken::new();
        let (reader_loop, reader) = Reader::new(&bus, &config, Arc::clone(&window), Arc::clone(&status), arrivals_tx);
        let keeper = Keeper::new(
            bus.clone(),
            config.role.clone(),
            config.instance.clone(),
            config.lease,
            events_tx,
            hand_overs_rx,
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
            batches: JoinSet::new(),
            unparking: JoinSet::new(),
            chores: JoinSet::new(),
            depth,
            measuring: None,
            shards: BTreeMap::new(),
            held,
            reader,
            hand_overs,
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
                Some(ended) = self.batches.join_next() => self.end_batch(ended),
                Some(unparked) = self.unparking.join_next() => self.unpark(unparked),
                Some(()) = next_chore(&mut self.chores) => {}
                Some(arrivals) = self.arrivals.recv() => self.arrive(arrivals),
                () = tokio::time::sleep_until(wake) => {}
                Some(ended) = self.companions.join_next() => {
                    // Neither ends before it is told to. Without them nothing is read or nothing is ours.
                    tracing::error!(role = %self.runner.config.role, ?ended, "the reader or the keeper of leases broke");
                    self.is_broken = true;
                }
                _ = gauges.tick() => self.set_gauges(),
                _ = depths.tick() => self.measure_depth(),
            }
            if self.is_broken {
                break;
            }
            self.forget_lost();
        }
        self.drain().await;
    }

    /// Starts nothing new and hands every shard over at once; the turns that run end as guests of their lanes.
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
        while !(self.turns.is_empty() && self.batches.is_empty() && self.chores.is_empty()) {
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
                Some(ended) = self.batches.join_next() => self.end_batch(ended),
                Some(unparked) = self.unparking.join_next() => self.unpark(unparked),
                Some(()) = next_chore(&mut self.chores) => {}
                Some(arrivals) = self.arrivals.recv() => self.arrive(arrivals),
                _ = report.tick() => tracing::info!(role = %self.runner.config.role, turns = self.turns.len(),
                    left = ?deadline.duration_since(Instant::now()), "waiting for running turns"),
            }
            self.forget_lost();
        }
        // The reader may be waiting to hand over a batch, and the keeper an event: what they hold stays pending.
        let Self { hand_overs, reader, mut companions, arrivals, events, .. } = self;
        drop((arrivals, events, hand_overs));
        let _ = tokio::time::timeout(RELEASE_MAX, reader.stop()).await;
        drop(reader);
        let ending = async { while companions.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(RELEASE_MAX, ending).await;
    }

    fn start_turns(&mut self) {
        while let Some((delivery, mailbox)) = self.lanes.next(Instant::now()) {
            if let Some(owned) = self.owned(&delivery.tenure) {
                owned.running.insert(Arc::clone(&delivery.route.lane), delivery.entry.id);
            }
            self.turns.spawn(Arc::clone(&self.runner).run(delivery, mailbox));
        }
        while let Some(run) = self.lanes.next_records(Instant::now(), BATCH_MAX) {
            match self.owned(&run[0].tenure) {
                Some(owned) => owned.recordable.push(run),
                // It was left since; the next owner has them.
                None => self.lanes.finish(&run[0].route.lane, Verdict::Done, Vec::new()),
            }
        }
        while let Some((lane, parked)) = self.lanes.next_hungry() {
            // Of a tenure that is over nothing is left in a lane, so all are of one.
            match parked.first().map(|first| Arc::clone(&first.tenure)) {
                Some(tenure) => _ = self.unparking.spawn(Arc::clone(&self.runner).unpark(lane, false, tenure, parked)),
                None => self.lanes.unpark(&lane, Vec::new()),
            }
        }
        for owned in self.shards.values_mut() {
            if let Some(batch) = owned.next_batch(BATCH_MAX) {
                self.batches.spawn(Arc::clone(&self.runner).record(Arc::clone(&owned.tenure), batch));
            }
        }
        self.status.running.store(self.lanes.running() as u64, Ordering::Relaxed);
    }

    /// The shard of a tenure, while that is the current one.
    fn owned(&mut self, tenure: &Arc<Tenure>) -> Option<&mut Owned> {
        self.shards.get_mut(&tenure.shard()).filter(|owned| Arc::ptr_eq(&owned.tenure, tenure))
    }
}

async fn next_chore(chores: &mut JoinSet<()>) -> Option<()> {
    chores.join_next().await.map(drop)
}
