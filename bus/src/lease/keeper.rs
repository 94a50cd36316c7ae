//! The watchdog of a role's leases: renews, acquires what should be ours, and asks to leave what should be another's.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use redis::Script;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{LeaseConfig, Tenure, rendezvous};
use crate::{Bus, Error, Role, Shard, clock::millis};

static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("acquire.lua")));
static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("renew.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("release.lua")));
static MEMBERS: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("members.lua")));

/// A lease that expires is tried this much later, so that the first try meets it expired.
const EXPIRY_MARGIN: Duration = Duration::from_millis(2);

/// What the keeper tells the consumer.
#[derive(Debug)]
pub(crate) enum Event {
    /// A shard is ours: claim what is pending, then read.
    Acquired(Arc<Tenure>),
    /// The shard should be another member's: finish what runs, then ask for its [`Release`].
    Leave(Arc<Tenure>),
    /// It should be ours after all.
    Stay(Arc<Tenure>),
}

/// The consumer's wish to give a shard up; answered when it is done or was not ours any more.
#[derive(Debug)]
pub(crate) struct Release {
    pub(crate) tenure: Arc<Tenure>,
    pub(crate) done: oneshot::Sender<()>,
}

pub(crate) struct Keeper {
    bus: Bus,
    role: Role,
    instance: String,
    config: LeaseConfig,
    events: mpsc::Sender<Event>,
    releases: mpsc::Receiver<Release>,
    /// Cancelled when this process stops: from then on it acquires nothing and is no member, but renews what it still holds.
    draining: CancellationToken,
    held: BTreeMap<Shard, Held>,
    /// When a shard that we should own may be tried again.
    try_at: BTreeMap<Shard, Instant>,
    /// The live members at the last tick, and when the first of the others falls silent.
    members: Vec<String>,
    member_expires: Option<Instant>,
    is_failing: bool,
}

struct Held {
    tenure: Arc<Tenure>,
    /// The consumer was told that it should be left.
    leaving: bool,
}

impl Keeper {
    pub(crate) fn new(
        bus: Bus,
        role: Role,
        instance: String,
        config: LeaseConfig,
        events: mpsc::Sender<Event>,
        releases: mpsc::Receiver<Release>,
        draining: CancellationToken,
    ) -> Self {
        Self {
            bus,
            role,
            instance,
            config,
            events,
            releases,
            draining,
            held: BTreeMap::new(),
            try_at: BTreeMap::new(),
            members: Vec::new(),
            member_expires: None,
            is_failing: false,
        }
    }

    /// Runs until the consumer drops its end of the releases. What was not released by then expires.
    pub(crate) async fn run(mut self) {
        let mut next_tick = Instant::now();
        let mut is_member = true;
        loop {
            let wake_at = self.wake_at(next_tick);
            tokio::select! {
                biased;
                () = self.draining.cancelled(), if is_member => {
                    is_member = false;
                    self.leave_members().await;
                }
                release = self.releases.recv() => match release {
                    Some(release) => self.release(release).await,
                    None => break,
                },
                () = tokio::time::sleep_until(wake_at) => {
                    let due = Instant::now() >= next_tick || self.member_expires.is_some_and(|at| Instant::now() >= at);
                    if due {
                        let ticked = self.tick().await;
                        self.report(ticked.err());
                        next_tick = Instant::now() + self.config.renew;
                    }
                    if let Err(error) = self.acquire().await {
                        tracing::debug!(role = %self.role, %error, "shards were not acquired, trying again");
                    }
                }
            }
        }
    }

    /// One line when an outage begins and one when it ends.
    fn report(&mut self, error: Option<Error>) {
        match error {
            Some(error) => {
                // Who is a member and until when is not known any more.
                self.member_expires = None;
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(role = %self.role, %error, "leases cannot be renewed; trying on");
                }
            }
            None => {
                if std::mem::replace(&mut self.is_failing, false) {
                    tracing::info!(role = %self.role, held = self.held.len(), "leases are renewed again");
                }
            }
        }
    }

    async fn leave_members(&mut self) {
        self.members.clear();
        self.member_expires = None;
        self.try_at.clear();
        let mut leave = redis::cmd("ZREM");
        leave.arg(self.bus.names().members(&self.role)).arg(&self.instance);
        if let Err(error) = leave.query_async::<()>(&mut self.bus.shared()).await {
            tracing::debug!(role = %self.role, %error, "membership left to expire");
        }
    }

    fn wake_at(&self, next_tick: Instant) -> Instant {
        self.try_at.values().copied().chain(self.member_expires).fold(next_tick, Instant::min)
    }

    /// One round: membership and every lease, in one flush.
    async fn tick(&mut self) -> Result<(), Error> {
        self.held.retain(|_, held| !held.tenure.is_lost());
        let sent = Instant::now();
        let (members, renewed) = tokio::join!(self.refresh_members(), self.renew_all());
        for (shard, answer) in renewed {
            let Some(held) = self.held.get(&shard) else { continue };
            match answer {
                Ok(true) => held.tenure.extend(sent + self.config.ttl),
                Ok(false) => {
                    tracing::warn!(role = %self.role, %shard, "the shard has another owner now");
                    held.tenure.lose();
                    self.held.remove(&shard);
                }
                Err(error) => tracing::debug!(role = %self.role, %shard, %error, "lease not renewed"),
            }
        }
        metrics::gauge!("stargazer_leases_held", "role" => self.role.to_string()).set(self.held.len() as f64);
        let Some((now, deadlines)) = members? else { return Ok(()) };
        self.member_expires = deadlines
            .iter()
            .filter(|(member, _)| *member != self.instance)
            .map(|(_, deadline)| sent + Duration::from_millis(deadline.saturating_sub(now)) + EXPIRY_MARGIN)
            .min();
        self.members = deadlines.into_iter().map(|(member, _)| member).collect();
        self.wish().await;
        Ok(())
    }

    /// The server's time and each member's deadline, in ms; nothing while draining.
    async fn refresh_members(&self) -> Result<Option<(u64, Vec<(String, u64)>)>, Error> {
        if self.draining.is_cancelled() {
            return Ok(None);
        }
        let key = self.bus.names().members(&self.role);
        let mut script = MEMBERS.key(key);
        script.arg(&self.instance).arg(millis(self.config.ttl));
        let answer: Vec<String> = script.invoke_async(&mut self.bus.shared()).await?;
        let number = |text: &String| text.parse::<f64>().map_or(0, |n| n as u64);
        let now = answer.first().map(number).ok_or(Error::Reply { step: "the members" })?;
        let members = answer[1..].chunks_exact(2).map(|pair| (pair[0].clone(), number(&pair[1]))).collect();
        Ok(Some((now, members)))
    }

    async fn renew_all(&self) -> Vec<(Shard, Result<bool, Error>)> {
        join_all(self.held.values().map(|held| async {
            let (tenure, names) = (&held.tenure, self.bus.names());
            let mut script = RENEW.key(names.lock(&self.role, tenure.shard()));
            script.key(names.fence(&self.role, tenure.shard())).arg(tenure.token()).arg(millis(self.config.ttl));
            let answer = script.invoke_async::<bool>(&mut self.bus.shared()).await.map_err(Error::from);
            (tenure.shard(), answer)
        }))
        .await
    }

    fn is_ours(&self, shard: Shard) -> bool {
        rendezvous::owner(shard, &self.members).is_some_and(|owner| *owner == self.instance)
    }

    /// Tells the consumer which shards should be left, and which should not any more.
    async fn wish(&mut self) {
        let mut events = Vec::new();
        for (shard, held) in &mut self.held {
            let owner = rendezvous::owner(*shard, &self.members);
            let should_leave = owner.is_some_and(|owner| *owner != self.instance);
            if std::mem::replace(&mut held.leaving, should_leave) != should_leave {
                let tenure = Arc::clone(&held.tenure);
                events.push(if should_leave { Event::Leave(tenure) } else { Event::Stay(tenure) });
            }
        }
        for event in events {
            let _ = self.events.send(event).await;
        }
    }

    /// Tries every shard that should be ours, is not, and may be tried by now.
    async fn acquire(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        let wanted: Vec<_> = (self.bus.names().shards.all())
            .filter(|shard| !self.held.contains_key(shard) && self.is_ours(*shard))
            .collect();
        self.try_at.retain(|shard, _| wanted.contains(shard));
        let due = wanted.into_iter().filter(|shard| self.try_at.get(shard).is_none_or(|at| *at <= now));
        let tries = join_all(due.map(|shard| self.try_one(shard).map(move |tried| (shard, tried)))).await;
        let mut acquired = 0;
        let mut fault = None;
        for (shard, tried) in tries {
            let answer = match tried {
                Ok(answer) => answer,
                Err(error) => {
                    // Not at once: a Redis that is away refuses without delay.
                    self.try_at.insert(shard, now + self.config.renew);
                    fault = Some(error);
                    continue;
                }
            };
            match answer {
                Ok(token) => {
                    self.try_at.remove(&shard);
                    let tenure = Arc::new(Tenure::new(shard, token, now + self.config.ttl));
                    tracing::debug!(role = %self.role, %shard, epoch = tenure.epoch(), "shard acquired");
                    acquired += 1;
                    self.held.insert(shard, Held { tenure: Arc::clone(&tenure), leaving: false });
                    let _ = self.events.send(Event::Acquired(tenure)).await;
                }
                Err(remaining) => {
                    // The owner may also release it early, so look at least at every tick.
                    self.try_at.insert(shard, now + (remaining + EXPIRY_MARGIN).min(self.config.renew));
                }
            }
        }
        if acquired > 0 {
            tracing::info!(role = %self.role, acquired, held = self.held.len(), "shards acquired");
        }
        fault.map_or(Ok(()), Err)
    }

    /// The token, or how long the other's lease still lives.
    async fn try_one(&self, shard: Shard) -> Result<Result<String, Duration>, Error> {
        let names = self.bus.names();
        let random = Uuid::new_v4().simple().to_string();
        let mut script = ACQUIRE.key(names.lock(&self.role, shard));
        script.key(names.fence(&self.role, shard)).arg(&self.instance).arg(millis(self.config.ttl)).arg(random);
        let (acquired, answer): (bool, String) = script.invoke_async(&mut self.bus.shared()).await?;
        let refused = || Duration::from_millis(answer.parse().unwrap_or(0));
        Ok(if acquired { Ok(answer) } else { Err(refused()) })
    }

    async fn release(&mut self, Release { tenure, done }: Release) {
        if self.held.get(&tenure.shard()).is_some_and(|held| Arc::ptr_eq(&held.tenure, &tenure)) {
            self.held.remove(&tenure.shard());
            self.try_at.insert(tenure.shard(), Instant::now() + self.config.renew);
            let names = self.bus.names();
            let mut script = RELEASE.key(names.lock(&self.role, tenure.shard()));
            script.key(names.fence(&self.role, tenure.shard())).arg(tenure.token());
            match script.invoke_async::<bool>(&mut self.bus.shared()).await {
                Ok(_) => tracing::debug!(role = %self.role, shard = %tenure.shard(), "shard released"),
                Err(error) => {
                    tracing::warn!(role = %self.role, shard = %tenure.shard(), %error, "shard left to its lease's end");
                }
            }
        }
        tenure.lose();
        let _ = done.send(());
    }
}
