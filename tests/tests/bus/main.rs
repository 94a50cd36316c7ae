//! The bus on a real redis-server: order, take-over, retries, dead letters, logs and previews.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so at once, and one panic is a case"
)]

mod failures;
mod order;
mod server;
mod take_over;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bus::{
    Action, Bus, Commit, Consumer, ConsumerConfig, Effect, Entry, Failure, Handler, HistoryWrite, Outcome, Producer,
    Role, Route, RouteError, Turn, Way,
};
use bytes::Bytes;
use tests::{consumer_config, eventually};
use tokio_util::sync::CancellationToken;

/// What a scripted handler does with a payload `lane:number[:command]`.
#[derive(Default)]
pub(crate) struct Script {
    /// Payloads in the order in which their turns ended well, by lane.
    pub(crate) done: Mutex<HashMap<String, Vec<u32>>>,
    /// Payloads in the order in which turns began.
    pub(crate) began: Mutex<Vec<String>>,
    pub(crate) release: tokio::sync::Notify,
}

fn parts(payload: &Bytes) -> Option<(String, u32, String)> {
    let text = std::str::from_utf8(payload).ok()?;
    let mut parts = text.splitn(3, ':');
    Some((parts.next()?.to_owned(), parts.next()?.parse().ok()?, parts.next().unwrap_or_default().to_owned()))
}

impl Handler for Script {
    fn route(&self, payload: &Bytes) -> Result<Route, RouteError> {
        let (lane, _, command) = parts(payload).ok_or_else(|| RouteError("not lane:number".into()))?;
        let way = match command.as_str() {
            "control" => Way::Control,
            "quiet" => Way::Record,
            _ => command.strip_prefix("edit-").map_or(Way::Turn, |of| Way::Change(format!("{lane}:{of}").into())),
        };
        Ok(Route { lane: lane.into(), cause: String::from_utf8_lossy(payload).into(), way })
    }

    fn record(&self, payload: &Bytes) -> Result<Option<HistoryWrite>, RouteError> {
        let push = vec![payload.clone()];
        Ok(Some(HistoryWrite { clear: false, drop_newest: 0, push, keep: 100, ttl: Duration::from_secs(60) }))
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let payload = turn.facts().payload.clone();
        let (lane, number, command) = parts(&payload).unwrap();
        self.began.lock().unwrap().push(String::from_utf8_lossy(&payload).into_owned());
        match command.as_str() {
            "hang" => std::future::pending().await,
            "wait" => self.release.notified().await,
            "effects" => {
                // One that was made before, one that was begun, one that is new: in the run after the owner's death.
                let known = [turn.begin_effect(1).await.unwrap(), turn.begin_effect(2).await.unwrap()];
                if known == [Effect::New, Effect::New] {
                    turn.end_effect(1, b"result").await.unwrap();
                    self.done.lock().unwrap().insert("the effect".into(), vec![]);
                    std::future::pending::<()>().await;
                }
                assert_eq!(known, [Effect::Done("result".into()), Effect::Begun]);
                assert_eq!(turn.begin_effect(3).await.unwrap(), Effect::New);
            }
            "until-control" => drop(turn.control().await),
            "fail" => return Outcome::Retry(Failure { code: "scripted", error: "as told".into() }),
            "panic" if turn.facts().attempt.failures == 0 => panic!("as told"),
            _ => {}
        }
        let mut done = vec![number];
        while let Some(control) = turn.waiting_control() {
            done.extend(parts(&control.payload).map(|(_, number, _)| number));
        }
        self.done.lock().unwrap().entry(lane).or_default().extend(done);
        let action = Action { platform: "test".into(), data: payload, trace_id: turn.facts().trace_id.clone() };
        Outcome::Commit(Commit { actions: vec![action], ..Commit::default() })
    }

    fn notice(&self, payload: &Bytes, _: &Failure) -> Option<Action> {
        Some(Action { platform: "test".into(), data: payload.clone(), trace_id: "notice".into() })
    }
}

pub(crate) struct Running {
    pub(crate) script: Arc<Script>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: tokio::task::JoinHandle<()>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

pub(crate) fn start(bus: &Bus, instance: &str) -> Running {
    start_with(bus, instance, |_| {})
}

pub(crate) fn start_with(bus: &Bus, instance: &str, change: impl FnOnce(&mut ConsumerConfig)) -> Running {
    let (script, stop) = (Arc::new(Script::default()), CancellationToken::new());
    let mut config = consumer_config(Role::Inbound, instance);
    change(&mut config);
    let consumer = Consumer::new(bus.clone(), config, Arc::clone(&script));
    let stopped = stop.clone();
    let task = spawn(consumer.run(stopped));
    Running { script, stop, task }
}

#[expect(clippy::disallowed_methods, reason = "the test owns the task and awaits it")]
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    tokio::spawn(work)
}

pub(crate) async fn send(bus: &Bus, payloads: &[String]) {
    let entry = |payload: &String| {
        let lane = payload.split(':').next().unwrap();
        let stream = bus.names().stream(&Role::Inbound, bus.names().shards.of(lane));
        Entry { stream, data: payload.clone().into(), trace_id: "t".into() }
    };
    let entries: Vec<_> = payloads.iter().map(entry).collect();
    Producer::new(bus.clone()).append(&entries).await.unwrap();
}

pub(crate) async fn wait_done(script: &Script, lane: &str, numbers: &[u32]) {
    eventually(&format!("lane {lane} is done"), || async {
        (script.done.lock().unwrap().get(lane).map(Vec::as_slice) == Some(numbers)).then_some(())
    })
    .await;
}
