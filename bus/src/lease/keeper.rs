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
use crate::{Bus, EntryId, Error, LaneKey, Names, Next, Push, Records, Role, Shard, clock::millis};

static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("acquire.lua")));
static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("renew.lua")));
static HAND_OVER: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("hand_over.lua")));
static RENEW_GUESTS: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("renew_guests.lua")));
static MEMBERS: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("members.lua")));

/// A lease that expires is tried this much later, so that the first try meets it expired.
const EXPIRY_MARGIN: Duration = Duration::from_millis(2);

/// What the keeper tells the consumer.
#[derive(Debug)]
pub(crate) enum Event {
    /// These shards are ours: claim what is pending, then read.
    Acquired(Vec<Arc<Tenure>>),
    /// The shard should be another member's: start nothing more of it, and ask for its [`HandOver`].
    Leave(Arc<Tenure>),
    /// Entries came for the turn of a lane that was left to it.
    Told(Arc<Tenure>, LaneKey, Vec<EntryId>),
}

/// The consumer's wish to give a shard up; answered when it is done or was not ours any more.
#[derive(Debug)]
pub(crate) struct HandOver {
    pub(crate) tenure: Arc<Tenure>,
    /// The turns that still run, by lane and entry.
    pub(crate) running: Vec<(LaneKey, EntryId)>,
    pub(crate) done: oneshot::Sender<()>,
}

pub(crate) struct Keeper {
    bus: Bus,
    role: Role,
    instance: String,
    config: LeaseConfig,
    events: mpsc::Sender<Event>,
    hand_overs: mpsc::Receiver<HandOver>,
    /// Those that Redis did not answer to, one of a shard at most; tried again at each tick.
    unfinished: Vec<HandOver>,
    /// Cancelled when this process stops: from then on it acquires nothing and is no member, but renews what it still holds.
    draining: CancellationToken,
    held: BTreeMap<Shard, Held>,
    /// Tenures that were handed over while turns of them ran.
    guests: Vec<Arc<Tenure>>,
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
        hand_overs: mpsc::Receiver<HandOver>,
        draining: CancellationToken,
    ) -> Self {
        Self {
            bus,
            role,
            instance,
            config,
            events,
            hand_overs,
            unfinished: Vec::new(),
            draining,
            held: BTreeMap::new(),
            guests: Vec::new(),
            try_at: BTreeMap::new(),
            members: Vec::new(),
            member_expires: None,
            is_failing: false,
        }
    }

    /// Runs until the consumer drops its end of the hand-overs. What was not handed over by then expires.
    pub(crate) async fn run(mut self) {
        let stop = CancellationToken::new();
        let (notices, listening) = self.bus.listen(Names::SHARD_NOTICES, stop.clone());
        let _stop = stop.drop_guard();
        // In one task: whoever drops the keeper ends both.
        tokio::select! {
            biased;
            () = self.keep(notices) => {}
            () = listening => {}
        }
    }

    async fn keep(&mut self, mut notices: mpsc::Receiver<Push>) {
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
                hand_over = self.hand_overs.recv() => match hand_over {
                    Some(first) => {
                        let others = std::iter::from_fn(|| self.hand_overs.try_recv().ok());
                        let all = std::iter::once(first).chain(others).collect();
                        self.hand_over(all).await;
                    }
                    None => break,
                },
                Some(notice) = notices.recv() => {
                    let others = std::iter::from_fn(|| notices.try_recv().ok());
                    let is_heard = std::iter::once(notice).chain(others).filter(|notice| self.hear(notice)).count() > 0;
                    // Who gave it up may have left the members as well.
                    if is_heard {
                        next_tick = Instant::now();
                    }
                }
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

    /// A shard of our role was given up by somebody: it may be tried at once.
    fn hear(&mut self, notice: &Push) -> bool {
        let Push::Message { payload, .. } = notice else { return false };
        let Some((role, shard)) = std::str::from_utf8(payload).ok().and_then(|text| text.rsplit_once(' ')) else {
            return false;
        };
        let Some(shard) = shard.parse().ok().and_then(|number| self.bus.names().shards.get(number)) else {
            return false;
        };
        let is_ours_to_hear =
            !self.draining.is_cancelled() && role == self.role.to_string() && !self.held.contains_key(&shard);
        if is_ours_to_hear {
            self.try_at.remove(&shard);
        }
        is_ours_to_hear
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
        self.guests.retain(|tenure| !tenure.is_lost() && !tenure.guests().is_empty());
        let (members, renewed, told) = tokio::join!(self.refresh_members(), self.renew_all(), self.renew_guests());
        for event in told {
            let _ = self.events.send(event).await;
        }
        let unfinished = std::mem::take(&mut self.unfinished);
        self.hand_over(unfinished).await;
        for (shard, answer) in renewed {
            let Some(held) = self.held.get(&shard) else { continue };
            match answer {
                Ok(true) => held.tenure.extend(sent + self.config.ttl),
                // It may have been handed over, and only the answer to that be missing.
                Ok(false) if held.tenure.is_handed_over() => {}
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

    /// A pass that could not be renewed ends at its deadline, and then the new owner runs the lane. Gives what guests are to be
    /// told of.
    async fn renew_guests(&self) -> Vec<Event> {
        let renewed = join_all(self.guests.iter().map(|tenure| async {
            let lanes = tenure.guests();
            let mut script = RENEW_GUESTS.key(self.bus.names().guests(&self.role, tenure.shard()));
            script.arg(tenure.token()).arg(millis(self.config.ttl));
            lanes.iter().for_each(|lane| _ = script.arg(&**lane));
            let sent = Instant::now();
            match script.invoke_async::<Vec<String>>(&mut self.bus.shared()).await {
                Ok(controls) => {
                    tenure.extend(sent + self.config.ttl);
                    lanes.into_iter().zip(controls).filter_map(|(lane, answer)| told(tenure, lane, &answer)).collect()
                }
                Err(error) => {
                    tracing::debug!(role = %self.role, shard = %tenure.shard(), %error, "passes not renewed");
                    Vec::new()
                }
            }
        }));
        renewed.await.into_iter().flatten().collect()
    }

    fn is_ours(&self, shard: Shard) -> bool {
        rendezvous::owner(shard, &self.members).is_some_and(|owner| *owner == self.instance)
    }

    /// Tells the consumer which shards should be left.
    async fn wish(&mut self) {
        let mut leaving = Vec::new();
        for (shard, held) in &mut self.held {
            let should_leave = rendezvous::owner(*shard, &self.members).is_some_and(|owner| *owner != self.instance);
            if should_leave && !std::mem::replace(&mut held.leaving, true) {
                leaving.push(Arc::clone(&held.tenure));
            }
        }
        for tenure in leaving {
            let _ = self.events.send(Event::Leave(tenure)).await;
        }
    }

    /// Tries every shard that should be ours, is not, and may be tried by now.
    async fn acquire(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        let wanted: Vec<_> = (self.bus.names().shards_of(&self.role))
            .filter(|shard| !self.held.contains_key(shard) && self.is_ours(*shard))
            .collect();
        self.try_at.retain(|shard, _| wanted.contains(shard));
        let due = wanted.into_iter().filter(|shard| self.try_at.get(shard).is_none_or(|at| *at <= now));
        let tries = join_all(due.map(|shard| self.try_one(shard).map(move |tried| (shard, tried)))).await;
        let mut acquired = Vec::new();
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
                    self.held.insert(shard, Held { tenure: Arc::clone(&tenure), leaving: false });
                    acquired.push(tenure);
                }
                Err(remaining) => {
                    // The owner may also release it early, so look at least at every tick.
                    self.try_at.insert(shard, now + (remaining + EXPIRY_MARGIN).min(self.config.renew));
                }
            }
        }
        if !acquired.is_empty() {
            tracing::info!(role = %self.role, acquired = acquired.len(), held = self.held.len(), "shards acquired");
            let _ = self.events.send(Event::Acquired(acquired)).await;
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

    /// Gives shards up, or keeps one until Redis answers: left to its lease's end, its running turns would count as dead.
    async fn hand_over(&mut self, hand_overs: Vec<HandOver>) {
        let is_held =
            |tenure: &Arc<Tenure>| self.held.get(&tenure.shard()).is_some_and(|held| Arc::ptr_eq(&held.tenure, tenure));
        let (held, over): (Vec<_>, Vec<_>) = hand_overs.into_iter().partition(|hand_over| is_held(&hand_over.tenure));
        for HandOver { tenure, done, .. } in over {
            tenure.lose();
            let _ = done.send(());
        }
        let sent = Instant::now();
        let answers = join_all(held.iter().map(|hand_over| self.give_up(hand_over))).await;
        let mut given_up = Vec::new();
        for (hand_over, answer) in held.into_iter().zip(answers) {
            let (tenure, shard) = (&hand_over.tenure, hand_over.tenure.shard());
            match answer {
                Ok(-1) => tenure.lose(),
                Ok(guests) => {
                    tenure.extend(sent + self.config.ttl);
                    tracing::debug!(role = %self.role, %shard, guests, "shard handed over");
                    metrics::counter!("stargazer_hand_overs_total", "role" => self.role.to_string()).increment(1);
                    given_up.push(shard);
                }
                Err(error) => {
                    if error.next() == Next::Report {
                        tracing::warn!(role = %self.role, %shard, %error, "a hand-over was refused, trying on");
                    } else {
                        tracing::debug!(role = %self.role, %shard, %error, "not handed over yet");
                    }
                    self.unfinished.push(hand_over);
                    continue;
                }
            }
            self.held.remove(&shard);
            self.try_at.insert(shard, Instant::now() + self.config.renew);
            self.guests.push(hand_over.tenure);
            let _ = hand_over.done.send(());
        }
        join_all(given_up.into_iter().map(|shard| self.announce(shard))).await;
    }

    async fn give_up(&self, HandOver { tenure, running, .. }: &HandOver) -> Result<i64, Error> {
        let (names, shard) = (self.bus.names(), tenure.shard());
        let mut script = HAND_OVER.key(names.lock(&self.role, shard));
        script.key(names.fence(&self.role, shard));
        script.key(names.guests(&self.role, shard)).key(names.attempts(&self.role, shard));
        script.arg(tenure.token()).arg(millis(self.config.ttl));
        for (lane, entry) in running {
            script.arg(&**lane).arg(entry.to_string());
        }
        Ok(script.invoke_async(&mut self.bus.shared()).await?)
    }

    /// Those who wait for the shard need not sleep until they would look.
    async fn announce(&self, shard: Shard) {
        let notice = format!("{} {shard}", self.role);
        if let Err(error) = Records::new(self.bus.clone()).notify(Names::SHARD_NOTICES, notice.as_bytes()).await {
            tracing::debug!(role = %self.role, %error, "not announced; others look at their next tick");
        }
    }
}

/// What is new to the guest of a lane, by the answer to its renewal.
fn told(tenure: &Arc<Tenure>, lane: LaneKey, answer: &str) -> Option<Event> {
    if answer == "-" {
        tenure.guest_ended(&lane);
        return None;
    }
    let news = tenure.news_for_guest(&lane, answer.split(',').filter_map(|id| id.parse().ok()));
    (!news.is_empty()).then(|| Event::Told(Arc::clone(tenure), lane, news))
}
