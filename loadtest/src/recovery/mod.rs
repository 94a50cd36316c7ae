//! `recovery`: an owner that dies, one that stops or joins, and what a dead one left.

mod hand_over;
mod kill;
mod take_over;
pub(crate) mod worker;

use std::{
    collections::HashSet,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bus::{Bus, Producer, Role, Shard};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Result, Scale, drive::entries, report::Report, target::Target};
use worker::{Began, Told, Worker};

/// Entries that the traffic appends each millisecond: far from what a worker can do, or its backlog would be measured too. Every
/// shard has some of its 256 lanes.
const EACH_MS: u64 = 1;
/// The longest that something may take that takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// Shards are taken to stand still when nothing has moved for so long; a member looks every half second.
const STILL: Duration = Duration::from_millis(1200);

pub(crate) async fn run(target: &Target, scale: Scale, report: &mut Report) -> Result<()> {
    kill::run(target, scale, report).await?;
    hand_over::run(target, scale, report).await?;
    take_over::run(target, scale, report).await
}

/// Workers of their own processes, and traffic for them.
struct Scene<'a> {
    target: &'a Target,
    bus: Bus,
    told: Told,
    started: u32,
    sent: Arc<AtomicU64>,
    stop: CancellationToken,
    traffic: JoinSet<Result<()>>,
}

impl<'a> Scene<'a> {
    async fn open(target: &'a Target) -> Result<Self> {
        target.empty().await?;
        let bus = target.bus(16).await?;
        let (told, sent, stop) = (Told::default(), Arc::new(AtomicU64::new(0)), CancellationToken::new());
        Ok(Self { target, bus, told, started: 0, sent, stop, traffic: JoinSet::new() })
    }

    fn worker(&mut self) -> Result<Worker> {
        self.started += 1;
        Worker::start(self.target, &format!("load-{}", self.started), &self.told)
    }

    /// From here on entries come for every shard, until [`Scene::rest`].
    fn begin_traffic(&mut self) {
        let (bus, sent, stop) = (self.bus.clone(), Arc::clone(&self.sent), self.stop.clone());
        self.traffic.spawn(async move {
            let producer = Producer::new(bus.clone());
            let mut ticks = tokio::time::interval(Duration::from_millis(1));
            while !stop.is_cancelled() {
                ticks.tick().await;
                let number = sent.load(Ordering::Relaxed);
                producer.append(&entries(bus.names(), number..number + EACH_MS)).await?;
                sent.store(number + EACH_MS, Ordering::Relaxed);
            }
            Ok(())
        });
    }

    /// Ends the traffic, and waits until everything that was sent has had its turn. Gives how many were sent.
    async fn rest(&mut self) -> Result<u64> {
        self.stop.cancel();
        while let Some(ended) = self.traffic.join_next().await {
            ended??;
        }
        let sent = self.sent.load(Ordering::Relaxed);
        self.wait("every entry to have its turn", || Ok(self.distinct() == sent)).await?;
        Ok(sent)
    }

    fn distinct(&self) -> u64 {
        self.told().iter().map(|began| &*began.cause).collect::<HashSet<_>>().len() as u64
    }

    fn told(&self) -> Vec<Began> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn shard(&self, began: &Began) -> Shard {
        self.bus.names().shards.of(&began.lane)
    }

    async fn wait(&self, what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
        let began = Instant::now();
        while !is_so()? {
            if began.elapsed() > PATIENCE {
                return Err(format!("waited {PATIENCE:?} for {what}, in vain").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Who owns each shard, by its fence.
    async fn owners(&self) -> Result<Vec<(Shard, String)>> {
        let names = self.bus.names();
        let shards: Vec<Shard> = names.shards.all().collect();
        let fences: Vec<String> = shards.iter().map(|shard| names.fence(&Role::Inbound, *shard)).collect();
        let tokens: Vec<Option<String>> =
            redis::cmd("MGET").arg(fences).query_async(&mut self.target.connection().await?).await?;
        let owner = |token: Option<String>| token.and_then(|token| Some(token.split_once(':')?.0.to_owned()));
        Ok(shards.into_iter().zip(tokens).map(|(shard, token)| (shard, owner(token).unwrap_or_default())).collect())
    }

    /// Waits until these workers, and nobody else, own the shards, and nothing moves any more.
    async fn spread_over(&self, workers: &[&Worker]) -> Result<Vec<(Shard, String)>> {
        let began = Instant::now();
        let (mut seen, mut since) = (Vec::new(), Instant::now());
        loop {
            let owners = self.owners().await?;
            let has_some = |worker: &&Worker| owners.iter().any(|(_, owner)| *owner == worker.instance);
            let is_theirs = owners.iter().all(|(_, owner)| workers.iter().any(|worker| worker.instance == *owner));
            if owners != seen {
                (seen, since) = (owners, Instant::now());
            } else if is_theirs && workers.iter().all(has_some) && since.elapsed() >= STILL {
                return Ok(seen);
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("waited {PATIENCE:?} for shards to be spread; their owners are {seen:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
