//! One world: its server, its processes, what is sent and what happens to them.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bus::{Bus, Consumer, ConsumerConfig, Entry, Handler, LeaseConfig, Names, Producer, Role, Shards};
use gateway::egress::Egress;
use tests::{Sabotage, SimProcess, SimServer};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    chance::{Chance, Met, Wire},
    check::{self, Run},
    handlers::{PLATFORM, Platform, Turns},
    pair::{self, Pair},
};

pub(crate) const LEASE: LeaseConfig =
    LeaseConfig { ttl: Duration::from_millis(600), renew: Duration::from_millis(150) };
/// Things that happen in one world before it is left in peace.
const EVENTS: usize = 120;
/// How long it may take, by the world's clock, until everything is done when nothing goes wrong any more.
pub(crate) const PEACE_MAX: Duration = Duration::from_secs(180);

/// Runs one world, and compares; with a safeguard taken out where one is named.
pub(crate) fn run(seed: u64, sabotage: Option<Sabotage>) -> Run {
    in_time_of_its_own(async {
        let mut world = World::new(seed, sabotage);
        world.live().await;
        world.rest().await
    })
}

/// The same with the worker's turns and the gateway's egress.
pub(crate) fn run_pair(seed: u64, sabotage: Option<Sabotage>) -> Run {
    in_time_of_its_own(async {
        let mut world = World::new(seed, sabotage);
        world.pair = Some(Pair::new(seed, world.chance.platform.clone()));
        world.live().await;
        world.rest().await
    })
}

pub(crate) fn in_time_of_its_own<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(work)
}

/// A process.
pub(crate) struct Process {
    pub(crate) task: JoinHandle<()>,
    pub(crate) stop: CancellationToken,
    pub(crate) link: SimProcess,
}

pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) server: SimServer,
    pub(crate) bus: Bus,
    pub(crate) platform: Arc<Platform>,
    /// What was sent, in the order of its lane; a copy does not count.
    pub(crate) sent: Vec<String>,
    /// How often each was appended at most.
    pub(crate) appended: BTreeMap<String, usize>,
    pub(crate) chance: Chance,
    met: Arc<Met>,
    pub(crate) workers: Vec<Process>,
    pub(crate) gateways: Vec<Process>,
    names: u32,
    pub(crate) drain: Duration,
    /// Where the daemons' own code runs.
    pub(crate) pair: Option<Pair>,
    sabotage: Option<Sabotage>,
    run: Run,
}

impl World {
    pub(crate) fn new(seed: u64, sabotage: Option<Sabotage>) -> Self {
        let (chance, met, server) = (Chance::new(seed), Arc::new(Met::default()), SimServer::new());
        let shards = Shards::new([1, 2, 4][(seed % 3) as usize]).unwrap();
        let bus = Bus::simulated(Arc::new(server.clone()), Names { shards, ..Names::default() });
        server.set_faults(Some(Box::new(Wire::new(chance.wire.clone(), chance.pushes.clone(), Arc::clone(&met)))));
        if let Some(sabotage) = sabotage {
            server.sabotage(sabotage);
        }
        let platform = Arc::default();
        let run = Run::default();
        Self {
            seed,
            server,
            bus,
            platform,
            sent: Vec::new(),
            appended: BTreeMap::new(),
            chance,
            met,
            workers: Vec::new(),
            gateways: Vec::new(),
            names: 0,
            drain: Duration::from_secs(1),
            pair: None,
            sabotage,
            run,
        }
    }

    async fn live(&mut self) {
        for _ in 0..2 {
            self.start_worker();
        }
        self.start_gateway();
        for _ in 0..EVENTS {
            tokio::time::sleep(Duration::from_millis(self.chance.traffic.u64(..120))).await;
            match self.chance.lives.u8(..100) {
                0..70 => self.send().await,
                70..74 => self.send_a_copy().await,
                74..80 => self.kill(),
                80..83 => self.stop(),
                83..87 => self.freeze(),
                87..94 => self.start(),
                94..97 => self.interrupt_the_server().await,
                _ => {}
            }
        }
    }

    /// Everything is well again; when all is done, it is compared with what was sent.
    pub(crate) async fn rest(mut self) -> Run {
        self.server.set_faults(None);
        if self.workers.is_empty() {
            self.start_worker();
        }
        if self.gateways.is_empty() {
            self.start_gateway();
        }
        if let Some(pair) = &self.pair {
            pair.platform.calm();
        }
        let expected = check::expected(&self.sent);
        let is_seen = |world: &Self| match &world.pair {
            Some(pair) => pair::is_done(world, pair),
            None => world.platform.seen().len() >= expected.len(),
        };
        let deadline = Instant::now() + PEACE_MAX;
        // Copies at the end of a lane bring nothing more to see, and are still to be acknowledged.
        while (!is_seen(&self) || check::has_unfinished(&self)) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let processes: Vec<_> = self.workers.drain(..).chain(self.gateways.drain(..)).collect();
        for process in &processes {
            process.stop.cancel();
        }
        for process in processes {
            process.task.await.unwrap();
        }
        match &self.pair {
            Some(pair) => {
                check::at_rest(&self);
                pair::check(&self, pair);
                let met = pair.platform.met();
                (self.run.answers_lost, self.run.sent_again) = (met.lost_answers, met.repeats);
                (self.run.previews, self.run.preview_edits) = (met.previews, met.preview_edits);
                (self.run.retracted, self.run.further_parts) = (met.retracted, met.further);
                self.run.typings = met.typings;
            }
            None => {
                check::world(&self, &expected);
                self.run.sent_again = self.platform.again();
            }
        }
        self.run.sabotaged = self.server.sabotaged_scripts();
        let count = |of: &std::sync::atomic::AtomicU64| of.load(Ordering::Relaxed);
        Run {
            sent: self.sent.len() as u64,
            late: count(&self.met.late),
            pushes_lost: count(&self.met.pushes_lost),
            broken: count(&self.met.not_done) + count(&self.met.not_answered) + count(&self.met.stranded),
            ..self.run
        }
    }

    async fn send(&mut self) {
        let batch: Vec<String> = (0..self.chance.traffic.usize(1..6))
            .map(|_| {
                let (number, lane) = (self.sent.len(), format!("lane{}", self.chance.traffic.u8(..6)));
                let kind = match self.chance.traffic.u8(..40) {
                    0 => ":poison".into(),
                    1 => ":fail".into(),
                    2 | 3 => ":slow".into(),
                    4..12 => ":quiet".into(),
                    12..15 => self.a_change_in(&lane, "edit"),
                    15 | 16 if self.pair.is_some() => self.a_change_in(&lane, "delete"),
                    _ => String::new(),
                };
                let payload = format!("{lane}:{number}{kind}");
                self.sent.push(payload.clone());
                payload
            })
            .collect();
        self.append(&batch).await;
    }

    /// Of one of the lane's last messages that are answered.
    fn a_change_in(&mut self, lane: &str, kind: &str) -> String {
        let prefix = format!("{lane}:");
        let is_meant = |payload: &&String| {
            payload.starts_with(&prefix) && !["quiet", "edit", "delete"].iter().any(|kind| payload.contains(kind))
        };
        let last: Vec<_> = self.sent.iter().rev().filter(is_meant).take(3).collect();
        if last.is_empty() {
            return String::new();
        }
        format!(":{kind}:{}", &last[self.chance.traffic.usize(..last.len())][prefix.len()..])
    }

    pub(crate) async fn send_all(&mut self, payloads: &[&str]) {
        let payloads: Vec<String> = payloads.iter().map(|payload| (*payload).to_owned()).collect();
        self.sent.extend(payloads.iter().cloned());
        self.append(&payloads).await;
    }

    /// Waits until the platform has as many.
    pub(crate) async fn seen(&self, count: usize) {
        self.until(|world| world.platform.seen().len() >= count).await;
    }

    pub(crate) async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The passes of all shards of the workers.
    pub(crate) fn passes(&self) -> Vec<bus::reply::Value> {
        let names = self.bus.names();
        let of = |shard| self.server.command(&[b"HGETALL", names.guests(&Role::Inbound, shard).as_bytes()]);
        names.shards.all().filter_map(|shard| of(shard).ok()).collect()
    }

    /// Whether a shard of the workers holds something under such a key.
    pub(crate) fn holds(&self, what: &str) -> bool {
        let names = self.bus.names();
        names.shards.all().any(|shard| {
            let key = if what == "guests" {
                names.guests(&Role::Inbound, shard)
            } else {
                names.attempts(&Role::Inbound, shard)
            };
            self.server.command(&[b"EXISTS", key.as_bytes()]) == Ok(bus::reply::Value::Int(1))
        })
    }

    /// The same event once more, as a platform or a second gateway sends it.
    async fn send_a_copy(&mut self) {
        if !self.sent.is_empty() {
            let copy = self.sent[self.chance.traffic.usize(..self.sent.len())].clone();
            self.run.copies += 1;
            self.append(&[copy]).await;
        }
    }

    /// Appends until it is answered, as a gateway does: what was appended without an answer is there twice.
    async fn append(&mut self, payloads: &[String]) {
        let names = self.bus.names();
        let entry = |payload: &String| {
            let lane = payload.split(':').next().unwrap();
            let (lane, data) = match &self.pair {
                Some(_) => (format!("{PLATFORM}:{lane}"), Pair::envelope(payload)),
                None => (lane.to_owned(), payload.clone().into()),
            };
            let stream = names.stream(&Role::Inbound, names.shards.of(&lane));
            Entry { stream, data, trace_id: "t".into() }
        };
        let entries: Vec<_> = payloads.iter().map(entry).collect();
        loop {
            payloads.iter().for_each(|payload| *self.appended.entry(payload.clone()).or_default() += 1);
            if Producer::new(self.bus.clone()).append(&entries).await.is_ok() {
                return;
            }
            self.run.copies += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn kill(&mut self) {
        let of_workers = self.chance.lives.bool();
        let processes = if of_workers { &mut self.workers } else { &mut self.gateways };
        if let Some(process) = processes.pop() {
            process.task.abort();
            self.run.kills += 1;
        }
    }

    fn freeze(&mut self) {
        let processes = if self.chance.lives.bool() { &self.workers } else { &self.gateways };
        if !processes.is_empty() {
            let process = &processes[self.chance.lives.usize(..processes.len())];
            process.link.freeze(LEASE.ttl.mul_f64(0.5 + 2.0 * self.chance.lives.f64()));
            self.run.freezes += 1;
        }
    }

    fn stop(&mut self) {
        let processes = if self.chance.lives.bool() { &mut self.workers } else { &mut self.gateways };
        if !processes.is_empty() {
            let process = processes.remove(0);
            process.stop.cancel();
            self.run.stops += 1;
        }
    }

    fn start(&mut self) {
        if self.workers.len() < 3 {
            self.start_worker();
        }
        if self.gateways.len() < 2 {
            self.start_gateway();
        }
    }

    async fn interrupt_the_server(&mut self) {
        self.server.stop();
        tokio::time::sleep(Duration::from_millis(self.chance.lives.u64(1..1500))).await;
        self.server.start();
        self.run.outages += 1;
    }

    pub(crate) fn start_worker(&mut self) {
        let (bus, link, stop) = self.link();
        let process = match self.pair.clone() {
            Some(pair) => {
                let (turns, beside) = pair.turns(&bus, &stop);
                self.process((bus, link, stop), Role::Inbound, Arc::new(turns), |_, _| beside)
            }
            None => self.process((bus, link, stop), Role::Inbound, Arc::new(Turns), |_, _| std::future::ready(())),
        };
        self.workers.push(process);
    }

    pub(crate) fn start_gateway(&mut self) {
        let (link, role) = (self.link(), Role::Outbound(PLATFORM.into()));
        let process = match self.pair.clone() {
            Some(pair) => {
                let bus = link.0.clone();
                let egress = || Arc::new(Egress::new(Arc::clone(&pair.platform) as _, &bus).with_previews());
                let carrying_out = egress();
                // Of another egress, which the final texts do not reach.
                let is_apart = self.sabotage == Some(Sabotage::Gate);
                let shows = if is_apart { egress() } else { Arc::clone(&carrying_out) };
                let beside = move |consumer: &Consumer<Egress>, stop| {
                    let showing = shows.showing(bus.clone(), consumer.holdings(), stop);
                    async move {
                        if let Some(showing) = showing {
                            showing.await;
                        }
                    }
                };
                self.process(link, role, carrying_out, beside)
            }
            None => self.process(link, role, Arc::clone(&self.platform), |_, _| std::future::ready(())),
        };
        self.gateways.push(process);
    }

    /// The connections of a new process.
    fn link(&self) -> (Bus, SimProcess, CancellationToken) {
        let link = self.server.process();
        let bus = Bus::simulated(Arc::new(link.clone()), (**self.bus.names()).clone());
        (bus, link, CancellationToken::new())
    }

    fn process<H: Handler, B: Future<Output = ()> + Send + 'static>(
        &mut self,
        (bus, link, stop): (Bus, SimProcess, CancellationToken),
        role: Role,
        handler: Arc<H>,
        beside: impl FnOnce(&Consumer<H>, CancellationToken) -> B,
    ) -> Process {
        self.names += 1;
        let config = ConsumerConfig {
            instance: format!("process-{}", self.names),
            role,
            lease: LEASE,
            turns_max: 8,
            window_entries: 32,
            window_bytes: 1 << 20,
            failures_max: 3,
            // Kills here are the world's doing.
            deaths_max: 1_000_000,
            drain: self.drain,
            stuck_after: Duration::from_secs(600),
        };
        let consumer = Consumer::new(bus, config, handler);
        let beside = beside(&consumer, stop.clone());
        let work = consumer.run(stop.clone());
        let task = spawn(async move {
            tokio::join!(work, beside);
        });
        Process { task, stop, link }
    }
}

#[expect(clippy::disallowed_methods, reason = "the world owns its processes")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(work)
}
