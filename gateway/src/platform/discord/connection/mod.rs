//! The connections to Discord's gateway: one for each of Discord's shards, which the gateways of a bot share evenly.
//!
//! Each gateway keeps those connected that are its own in the division that Redis has (`bus::Spread`). A shard that should be
//! another's, or was taken by it, loses its socket at once; one whose gateway fell silent is taken over when its lease is over.
//! A gateway that finds no way to Discord leaves its shards to the others, where there are any, and comes back when it finds one.
//! While Redis does not answer, everybody goes on with what they have: an event that comes over two sockets is known by its id.
//!
//! Not by serenity's own runner: it identifies by itself, waits for nobody in doing so, and spins on the codes by which Discord
//! asks for another number of shards (`docs/decisions/0014-the-socket-is-ours.md`).

mod gate;
mod refusal;
mod session;
mod shard;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bus::LeaseConfig;
use serde_json::Value;
use service::is_local;
use tokio::{
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    gap::{self, Gaps, Job, Writing},
    start::{Gateway, NotStarted},
};
use crate::platform::{RunError, Started};
use gate::Gate;
pub(super) use gate::StartLimit;
use session::Socket;
use shard::Ended;

/// How long a shard may be without a connection before it is said. Resuming takes a second, and a start for each shard five.
const AWAY_MAX: Duration = Duration::from_secs(60);
/// How often a gateway that has left its shards to others looks whether there is a way to Discord again.
const ASIDE: Duration = Duration::from_secs(30);
/// At the end, how long the marks of channels are waited for, and how long Redis may take to hear that the shards are free.
const MARKS_WITHIN: Duration = Duration::from_secs(1);
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// How the connections ended.
#[derive(Debug)]
pub(super) enum Done {
    /// By the stop.
    Stopped,
    /// Discord wants another number of shards.
    Resharded(u16),
    /// Another gateway was told so.
    Follows(u32),
}

/// What all shards share.
pub(super) struct Shards {
    shared: Arc<Shared>,
    gate: Gate,
    url: String,
    of: u32,
    connected: watch::Sender<BTreeSet<u32>>,
}

impl Shards {
    fn take(&self, gaps: &Arc<Gaps>, kind: String, data: Value) {
        self.shared.take(gaps, kind, data);
    }

    fn set_connected(&self, shard: u32, is: bool) {
        self.connected
            .send_if_modified(|connected| if is { connected.insert(shard) } else { connected.remove(&shard) });
    }

    /// Where a session is resumed: where Discord says, unless the settings name another place, or it leads away from this machine.
    fn resume_url(&self, told: Option<&str>) -> String {
        let told = told.filter(|url| url.starts_with("ws") && (!is_local(&self.url) || is_local(url)));
        told.filter(|_| self.shared.settings.gateway_url.is_none()).unwrap_or(&self.url).to_owned()
    }
}

/// Keeps the shards connected that are ours, until `stop`, or until that is of no use any more. With `insists`, the number of
/// shards that Discord recommended to us rules.
pub(super) async fn run(
    shared: &Arc<Shared>,
    gateway: Gateway,
    insists: bool,
    writing: &mut Writing,
    started: &Started,
    stop: CancellationToken,
) -> Result<Done, NotStarted> {
    let Gateway { url, shards: of, limit } = gateway;
    let (jobs, waiting) = gap::channel();
    let lease = shared.lease;
    let gate = Gate::new(shared.bus.clone(), shared.name.as_str(), lease, limit);
    let (connected, changes) = watch::channel(BTreeSet::new());
    let shards = Arc::new(Shards { shared: Arc::clone(shared), gate, url, of, connected });
    // Dropping a set ends its tasks: nothing outlives this function.
    let mut beside = JoinSet::new();
    beside.spawn(gap::run(Arc::clone(shared), waiting));
    let mut keeping = Keeping {
        shards,
        jobs,
        insists,
        tasks: JoinSet::new(),
        held: BTreeMap::new(),
        changes,
        known_since: None,
        is_good: false,
        away_since: Instant::now(),
        is_failing: false,
        others: 0,
        is_aside: false,
    };
    let (written, marking) = (CancellationToken::new(), CancellationToken::new());
    let done = tokio::join!(
        async {
            let done = keeping.run(lease, started, &stop).await;
            keeping.close().await;
            marking.cancel();
            // What others read when they take the shards over.
            let _ = timeout(MARKS_WITHIN + LEAVE_WITHIN, written.cancelled()).await;
            if timeout(LEAVE_WITHIN, shared.spread.leave()).await.is_err() {
                tracing::debug!(platform = %shared.name, "the shards are left to their leases' end");
            }
            done
        },
        async {
            writing.run(marking.clone(), MARKS_WITHIN).await;
            written.cancel();
        },
    );
    done.0
}

/// The shards that are ours.
struct Keeping {
    shards: Arc<Shards>,
    jobs: mpsc::Sender<Job>,
    insists: bool,
    tasks: JoinSet<Ended>,
    held: BTreeMap<u32, AbortHandle>,
    changes: watch::Receiver<BTreeSet<u32>>,
    /// When it was first known which are ours.
    known_since: Option<Instant>,
    is_good: bool,
    away_since: Instant,
    is_failing: bool,
    /// The other gateways that live.
    others: u32,
    /// There is no way to Discord, and the shards are left to the others.
    is_aside: bool,
}

impl Keeping {
    async fn run(
        &mut self,
        lease: LeaseConfig,
        started: &Started,
        stop: &CancellationToken,
    ) -> Result<Done, NotStarted> {
        let mut next_tick = Instant::now();
        loop {
            self.tell(started);
            let connected = self.changes.borrow().clone();
            // Those that start one after the other are given the time; where there is none yet, something is wrong sooner.
            let starting = if connected.is_empty() { 1 } else { self.held.len().max(1) };
            let patience = AWAY_MAX * u32::try_from(starting).unwrap_or(u32::MAX);
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Done::Stopped),
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(Ended::Resharded(code)) => return Ok(Done::Resharded(code)),
                    Ok(Ended::Refused(code)) => {
                        let message = refusal::refused(code, &self.shards.shared.place());
                        return Err(NotStarted::ForGood(RunError(message)));
                    }
                    Err(error) if error.is_cancelled() => {}
                    Err(error) => return Err(super::start::for_now(format!("a shard's task broke down: {error}"))),
                },
                () = sleep_until(next_tick) => {
                    let way = async { !self.is_aside || self.has_way().await };
                    let Some(is_there) = stop.run_until_cancelled(way).await else { return Ok(Done::Stopped) };
                    if !is_there {
                        next_tick = Instant::now() + ASIDE;
                        continue;
                    }
                    self.is_aside = false;
                    let Some(ticked) = stop.run_until_cancelled(self.tick()).await else { return Ok(Done::Stopped) };
                    match ticked {
                        Ticked::Follows(of) => return Ok(Done::Follows(of)),
                        // What was given up is free when it is said.
                        Ticked::GaveUp => next_tick = Instant::now(),
                        Ticked::Done => next_tick = Instant::now() + lease.renew,
                    }
                }
                _ = self.changes.changed() => {}
                () = sleep_until(self.away_since + patience), if !self.is_good => {
                    started.away(&format!(
                        "no connection to Discord's gateway for {patience:?}; is the network there, and does status.discord.com say \
                         anything?"
                    ));
                    self.away_since = Instant::now();
                    if self.others > 0 && connected.is_empty() && !self.is_aside && !self.has_way().await {
                        self.step_aside().await;
                        next_tick = Instant::now() + ASIDE;
                    }
                }
            }
        }
    }

    /// Whether Discord's gateway greets who comes.
    async fn has_way(&self) -> bool {
        Box::pin(Socket::open(&self.shards.url)).await.is_ok()
    }

    /// Leaves all shards to the other gateways.
    async fn step_aside(&mut self) {
        let shared = Arc::clone(&self.shards.shared);
        tracing::warn!(platform = %shared.name, "Discord's shards are left to the other gateways until there is a way to Discord from here");
        self.is_aside = true;
        self.close().await;
        // Else they have them when the lease is over.
        let _ = timeout(LEAVE_WITHIN, shared.spread.leave()).await;
    }

    /// Says whether all that is ours is connected. Who holds nothing stands by, and is as good: once it is known that those who
    /// hold everything live.
    fn tell(&mut self, started: &Started) {
        let connected = self.changes.borrow_and_update().clone();
        let lease = self.shards.shared.lease.ttl;
        let stands_by = self.known_since.is_some_and(|since| since.elapsed() > lease);
        let is_good = match self.held.is_empty() {
            true => stands_by && !self.is_aside,
            false => self.held.keys().all(|shard| connected.contains(shard)),
        };
        let name = self.shards.shared.name.to_string();
        metrics::gauge!("stargazer_discord_shards_held", "platform" => name.clone()).set(self.held.len() as f64);
        metrics::gauge!("stargazer_discord_shards_connected", "platform" => name).set(connected.len() as f64);
        if is_good && !self.is_good {
            started.good();
        } else if !is_good && self.is_good {
            self.away_since = Instant::now();
        }
        self.is_good = is_good;
    }

    /// Renews what is held, takes what has become ours, and closes what is not ours any more.
    async fn tick(&mut self) -> Ticked {
        let shared = Arc::clone(&self.shards.shared);
        let connected = self.changes.borrow().clone();
        // Those that are connected are kept first.
        let mut held: Vec<u32> = self.held.keys().copied().collect();
        held.sort_by_key(|shard| !connected.contains(shard));
        // No longer than until the next: a lease must not end for a request that was lost on its way.
        let asked = shared.spread.tick(self.shards.of, self.insists, &held);
        let late = |_| Err(bus::Error::Unreachable(format!("no answer within {:?}", shared.lease.renew)));
        let division = match timeout(shared.lease.renew, asked).await.unwrap_or_else(late) {
            Ok(division) => division,
            Err(error) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(platform = %shared.name, %error, "Discord's shards cannot be shared out; each gateway keeps its own");
                }
                return Ticked::Done;
            }
        };
        (self.is_failing, self.insists) = (false, false);
        self.known_since.get_or_insert_with(Instant::now);
        self.others = division.members.saturating_sub(1);
        if division.of != self.shards.of {
            return Ticked::Follows(division.of);
        }
        if let Some(presence) = division.note.as_deref().and_then(|note| serde_json::from_str(note).ok()) {
            shared.presence.show(presence);
        }
        let lost: Vec<u32> = held.into_iter().filter(|shard| !division.held.contains(shard)).collect();
        let new: Vec<u32> = division.held.iter().filter(|shard| !self.held.contains_key(shard)).copied().collect();
        for shard in lost.iter().chain(&division.leave) {
            if let Some(task) = self.held.remove(shard) {
                task.abort();
            }
        }
        for shard in new.iter().copied().filter(|shard| !division.leave.contains(shard)) {
            let (shards, jobs) = (Arc::clone(&self.shards), self.jobs.clone());
            let task = self.tasks.spawn(async move { shard::keep(&shards, shard, jobs).await });
            self.held.insert(shard, task);
        }
        if !(new.is_empty() && lost.is_empty() && division.leave.is_empty()) {
            metrics::counter!("stargazer_discord_shards_lost_total", "platform" => shared.name.to_string())
                .increment(lost.len() as u64);
            tracing::info!(
                platform = %shared.name, taken = ?new, given_up = ?division.leave, ?lost, held = self.held.len(), of = division.of,
                gateways = division.members, "Discord's shards are shared out"
            );
        }
        if division.leave.is_empty() { Ticked::Done } else { Ticked::GaveUp }
    }

    /// Ends all sockets.
    async fn close(&mut self) {
        self.held.clear();
        self.tasks.shutdown().await;
    }
}

enum Ticked {
    Done,
    GaveUp,
    Follows(u32),
}
