//! A consumer of the bus whose handler does nothing.

use std::{sync::Arc, time::Duration};

use bus::{
    Action, Bus, Commit, Consumer, ConsumerConfig, Failure, Handler, HistoryWrite, LeaseConfig, Outcome, Role, Route,
    RouteError, Turn, Way,
};
use bytes::Bytes;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    Result,
    message::{Kind, Message, parse},
    sink::Sink,
};

/// Where answers go.
pub(crate) const PLATFORM: &str = "load";

/// Does as it is told by a message, and hands it to the sink.
pub(crate) struct NoOp {
    pub(crate) sink: Arc<Sink>,
    /// Each entry has a turn, which commits one action; else they are settled in batches.
    pub(crate) turns: bool,
}

fn read(payload: &Bytes) -> std::result::Result<Message<'_>, RouteError> {
    parse(payload).ok_or_else(|| RouteError("not a message of this load".into()))
}

/// Lane and cause, for a turn or for a batch.
pub(crate) fn route(payload: &Bytes, turns: bool) -> std::result::Result<Route, RouteError> {
    let message = read(payload)?;
    let way = if turns { Way::Turn } else { Way::Record };
    Ok(Route { lane: message.lane.into(), cause: message.cause.into(), way })
}

/// One action that says again what the turn was about.
pub(crate) fn answer(turn: &Turn) -> Outcome {
    let facts = turn.facts();
    let action = Action { platform: PLATFORM.into(), data: facts.payload.clone(), trace_id: facts.trace_id.clone() };
    Outcome::Commit(Commit { actions: vec![action], ..Commit::default() })
}

impl Handler for NoOp {
    fn route(&self, payload: &Bytes) -> std::result::Result<Route, RouteError> {
        route(payload, self.turns)
    }

    fn record(&self, payload: &Bytes) -> std::result::Result<Option<HistoryWrite>, RouteError> {
        self.sink.take(payload);
        Ok(None)
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let payload = &turn.facts().payload;
        match read(payload).map(|message| message.kind) {
            Ok(Kind::Plain) => {
                self.sink.take(payload);
                answer(turn)
            }
            Ok(Kind::Hang) => std::future::pending().await,
            Ok(Kind::Poison) => Outcome::Retry(Failure { code: "poison", error: "as told".into() }),
            Err(error) => Outcome::Dead(Failure { code: "undecodable", error: error.0 }),
        }
    }

    fn notice(&self, _: &Bytes, _: &Failure) -> Option<Action> {
        None
    }
}

/// As the daemons are set by default.
pub(crate) fn config(instance: &str) -> ConsumerConfig {
    ConsumerConfig {
        role: Role::Inbound,
        instance: instance.into(),
        lease: LeaseConfig::default(),
        turns_max: 256,
        window_entries: 1024,
        window_bytes: 64 << 20,
        failures_max: 3,
        deaths_max: 10,
        drain: Duration::from_millis(100),
        stuck_after: Duration::from_secs(300),
    }
}

/// A consumer at work in this process.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl Running {
    pub(crate) fn start(bus: Bus, handler: NoOp) -> Self {
        let (stop, mut task) = (CancellationToken::new(), JoinSet::new());
        task.spawn(Consumer::new(bus, config("load-1"), Arc::new(handler)).run(stop.clone()));
        Self { stop, task }
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.task.join_next().await {
            ended?;
        }
        Ok(())
    }
}
