//! The consumer's loop: one task that owns the lanes, and the turns that it started.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
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
    turn::{Delivery, Failure, Parked},
    unpark::Unparked,
};
use crate::{
    EntryId, LaneKey, Shard, Way,
    lane::{Lanes, Verdict},
    lease::{Event, HandOver, Keeper, Pass, Tenure},
    ledger::Ledger,
    reader::{Arrivals, Reader, ReaderHandle, note_gone},
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
    shards: HashMap<Shard, Owned>,
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
            shards: HashMap::new(),
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

    async fn note(&mut self, event: Event) {
        match event {
            Event::Acquired(tenures) => {
                // The tenures before may have been lost without our having looked since.
                self.forget_lost();
                for tenure in &tenures {
                    self.shards.insert(tenure.shard(), Owned::new(Arc::clone(tenure)));
                }
                self.held.send_modify(|held| held.extend(tenures.iter().map(|one| (one.shard(), Arc::clone(one)))));
                if self.draining.is_cancelled() {
                    tenures.iter().for_each(|tenure| self.leave(tenure.shard()));
                } else {
                    let reader = self.reader.clone();
                    self.while_arriving(async move { reader.add(tenures).await }).await;
                }
            }
            Event::Leave(tenure) => {
                if self.owned(&tenure).is_some() {
                    self.leave(tenure.shard());
                }
            }
            Event::Told(tenure, lane, entries) => {
                let parked = entries.into_iter().map(|id| Parked { tenure: Arc::clone(&tenure), id }).collect();
                self.unparking.spawn(Arc::clone(&self.runner).unpark(lane, true, tenure, parked));
            }
        }
    }

    /// Gives a shard up at once. What is queued stays pending for the next owner, and turns that run become guests.
    fn leave(&mut self, shard: Shard) {
        let Some(Owned { tenure, running, recordable, .. }) = self.shards.remove(&shard) else { return };
        self.held.send_modify(|held| _ = held.remove(&shard));
        for run in recordable {
            self.lanes.finish(&run[0].route.lane, Verdict::Done, Vec::new());
        }
        self.lanes
            .forget(|delivery| Arc::ptr_eq(&delivery.tenure, &tenure), |parked| Arc::ptr_eq(&parked.tenure, &tenure));
        let running: Vec<(LaneKey, EntryId)> = running.into_iter().collect();
        tenure.hand_over(running.iter().map(|(lane, _)| Arc::clone(lane)));
        let (reader, window, hand_overs) = (self.reader.clone(), Arc::clone(&self.window), self.hand_overs.clone());
        self.chores.spawn(async move {
            // First, or the reader would take the moved fence for a loss.
            reader.remove(Arc::clone(&tenure)).await;
            window.leave(tenure.id());
            tenure.outside_ended().await;
            let (done, handed_over) = oneshot::channel();
            if hand_overs.send(HandOver { tenure, running, done }).await.is_ok() {
                let _ = handed_over.await;
            }
        });
    }

    /// Whether something of this tenure may still be queued and started.
    fn is_ours(&self, tenure: &Arc<Tenure>) -> bool {
        let is_current = |owned: &Owned| Arc::ptr_eq(&owned.tenure, tenure);
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
            // They stay pending for whoever owns the shard now.
            entries.into_iter().for_each(|entry| self.window.settle(tenure.id(), entry.id));
            return;
        }
        let now_ms = unix_ms();
        for entry in entries {
            let waited = now_ms.saturating_sub(entry.ts_ms);
            if entry.ts_ms > 0 {
                self.runner.stages.read.record(Duration::from_millis(waited));
            }
            let id = entry.id;
            if let Some(delivery) = self.deliverable(&tenure, entry)
                && !self.lanes.push(delivery)
            {
                self.window.park(tenure.id(), id);
            }
        }
    }

    /// An entry with its place; none when it has no place here, and is given up.
    fn deliverable(&mut self, tenure: &Arc<Tenure>, entry: RawEntry) -> Option<Delivery> {
        match self.runner.handler.route(&entry.data) {
            Ok(route) => {
                let home = self.runner.bus.names().shards.of(&route.lane);
                // A plain stream has no shard that a lane could be in.
                if self.runner.config.role.is_plain() || home == tenure.shard() {
                    return Some(Delivery { tenure: Arc::clone(tenure), entry, route, read_at: Instant::now() });
                }
                // In its lane's shard it could be overtaken, and would have a history of its own here.
                let error = format!(
                    "lane {} belongs to shard {home}, and the entry was written to shard {}",
                    route.lane,
                    tenure.shard()
                );
                self.bury_unread(tenure, entry, Failure { code: "misrouted", error });
            }
            Err(error) => self.bury_unread(tenure, entry, Failure { code: "undecodable", error: error.0 }),
        }
        None
    }

    /// Bodies of parked entries came.
    fn unpark(&mut self, unparked: Result<Unparked, tokio::task::JoinError>) {
        let Ok(Unparked { lane, is_for_guest, tenure, entries, gone }) = unparked else {
            tracing::error!(role = %self.runner.config.role, "the reading of parked entries broke");
            self.is_broken = true;
            return;
        };
        if is_for_guest {
            // Who reads the shard now told us of them; they go with the commit of the turn that takes them.
            for entry in entries {
                if let Some(delivery) = self.deliverable(&tenure, entry) {
                    self.lanes.offer(delivery);
                }
            }
            return;
        }
        let mut deliveries = Vec::new();
        if self.is_ours(&tenure) {
            note_gone(&self.runner.config.role, tenure.shard(), gone.len());
            gone.iter().for_each(|id| self.window.settle(tenure.id(), *id));
            for entry in entries {
                self.window.unpark(tenure.id(), entry.id, entry.data.len());
                deliveries.extend(self.deliverable(&tenure, entry));
            }
        }
        self.lanes.unpark(&lane, deliveries);
    }

    /// An entry that belongs to no lane here blocks none: it goes to the dead letters at once.
    fn bury_unread(&mut self, tenure: &Arc<Tenure>, entry: RawEntry, failure: Failure) {
        let (runner, tenure, window) = (Arc::clone(&self.runner), Arc::clone(tenure), Arc::clone(&self.window));
        let route = super::Route { lane: "".into(), cause: "".into(), way: Way::Turn };
        let pass = Pass::new(Arc::clone(&tenure), Arc::clone(&route.lane));
        let delivery = Delivery { tenure: Arc::clone(&tenure), entry, route, read_at: Instant::now() };
        self.chores.spawn(async move {
            let ledger = Ledger::new(runner.bus.clone(), runner.config.role.clone(), pass);
            runner.bury_unread(&ledger, &delivery, &failure).await;
            window.settle(tenure.id(), delivery.entry.id);
        });
    }

    fn end(&mut self, ended: Result<Ended, tokio::task::JoinError>) {
        let Ok(Ended { verdict, is_lost, absorbed, mut unheard, delivery }) = ended else {
            // A turn catches its handler's panics, so this is a fault of ours, and its lane would stay closed.
            tracing::error!(role = %self.runner.config.role, "a turn's task broke");
            self.is_broken = true;
            return;
        };
        let tenure = Arc::clone(&delivery.tenure);
        let lane = Arc::clone(&delivery.route.lane);
        tenure.guest_ended(&lane);
        let (mut verdict, mut settled) = (verdict, 0);
        if is_lost {
            // Controls of the next tenure may have reached this turn; they are still to be run.
            unheard.splice(0..0, absorbed);
        } else if matches!(verdict, Verdict::Done) {
            for delivery in std::iter::once(delivery).chain(absorbed) {
                self.window.settle(delivery.tenure.id(), delivery.entry.id);
                settled += 1;
            }
        }
        unheard.retain(|control| self.is_ours(&control.tenure));
        if !self.is_ours(&tenure) {
            verdict = Verdict::Done;
        }
        self.lanes.finish(&lane, verdict, unheard);
        if let Some(owned) = self.owned(&tenure) {
            owned.running.remove(&lane);
        }
        self.settled(&tenure, settled);
    }

    fn end_batch(&mut self, ended: Result<BatchEnded, tokio::task::JoinError>) {
        let Ok(BatchEnded { tenure, lanes }) = ended else {
            tracing::error!(role = %self.runner.config.role, "a batch broke");
            self.is_broken = true;
            return;
        };
        let (is_ours, mut settled) = (self.is_ours(&tenure), 0);
        for (run, verdict) in lanes {
            let lane = Arc::clone(&run[0].route.lane);
            match verdict {
                Some(again) if is_ours => self.lanes.finish(&lane, again, Vec::new()),
                _ => {
                    settled += run.len() as u32;
                    run.iter().for_each(|delivery| self.window.settle(tenure.id(), delivery.entry.id));
                    self.lanes.finish(&lane, Verdict::Done, Vec::new());
                }
            }
        }
        if let Some(owned) = self.owned(&tenure) {
            owned.is_recording = false;
        }
        self.settled(&tenure, settled);
    }

    /// So many more entries of a shard are settled; every so often what is finished is trimmed.
    fn settled(&mut self, tenure: &Arc<Tenure>, count: u32) {
        let runner = Arc::clone(&self.runner);
        let Some(owned) = self.owned(tenure) else { return };
        owned.settled += count;
        if owned.settled < TRIM_EVERY {
            return;
        }
        let settled = std::mem::take(&mut owned.settled);
        let low_water = Arc::clone(&owned.low_water);
        let tenure = Arc::clone(tenure);
        self.chores.spawn(async move {
            match trim(&runner.bus, &runner.config.role, &tenure).await {
                Ok(pending) => tenure.set_deletes(low_water.is_stuck(pending, settled)),
                Err(error) => tracing::debug!(%error, "not trimmed this time"),
            }
        });
    }

    /// Drops what belonged to shards that were lost. Their turns stop by themselves.
    fn forget_lost(&mut self) {
        let lost = self.shards.extract_if(|_, owned| owned.tenure.is_lost());
        let (mut lost, mut runs) = (lost.map(|(_, owned)| owned).collect::<Vec<_>>(), Vec::new());
        if !lost.is_empty() {
            let count = metrics::counter!("stargazer_leases_lost_total", "role" => self.runner.config.role.to_string());
            count.increment(lost.len() as u64);
            for owned in &mut lost {
                self.window.leave(owned.tenure.id());
                self.held.send_modify(|held| _ = held.remove(&owned.tenure.shard()));
                runs.append(&mut owned.recordable);
            }
            for run in runs {
                self.lanes.finish(&run[0].route.lane, Verdict::Done, Vec::new());
            }
            self.lanes.forget(|delivery| delivery.tenure.is_lost(), |parked| parked.tenure.is_lost());
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
        let now = Instant::now();
        // Early in a process's life there is no time before which something could have been started.
        let (stuck, oldest) =
            now.checked_sub(self.runner.config.stuck_after).map_or((0, None), |then| self.lanes.stuck(then));
        self.status.stuck.store(stuck as u64, Ordering::Relaxed);
        let oldest = oldest.map_or(Duration::ZERO, |since| now.duration_since(since));
        metrics::gauge!("stargazer_lanes_stuck", "role" => role.clone()).set(stuck as f64);
        metrics::gauge!("stargazer_lane_oldest_seconds", "role" => role.clone()).set(oldest);
        metrics::gauge!("stargazer_window_parked", "role" => role.clone()).set(self.window.parked() as f64);
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
