//! What runs on the bus: turns that take their time and fail as their payload says, and a platform that notes what it is sent.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Mutex,
    time::Duration,
};

use bus::{Action, Commit, Failure, Handler, HistoryWrite, Outcome, Route, RouteError, Turn, Way};
use bytes::Bytes;

/// How long the turn of a message takes that fails in every run but the first.
pub(crate) const FRAGILE: Duration = Duration::from_millis(300);
/// The platform's name.
pub(crate) const PLATFORM: &str = "sim";

/// A payload is `lane:number[:kind[:of]]`, and is its own cause.
fn parts(payload: &Bytes) -> Result<(&str, &str), RouteError> {
    let text = std::str::from_utf8(payload).map_err(|_| RouteError("no text".into()))?;
    let (lane, rest) = text.split_once(':').ok_or_else(|| RouteError("no lane".into()))?;
    Ok((lane, rest.split_once(':').map_or("", |(_, kind)| kind)))
}

fn route(payload: &Bytes) -> Result<Route, RouteError> {
    let (lane, kind) = parts(payload)?;
    let way = match kind.strip_prefix("edit:") {
        Some(of) => Way::Change(format!("{lane}:{of}").into()),
        None if kind == "quiet" => Way::Record,
        None => Way::Turn,
    };
    Ok(Route { lane: lane.into(), cause: String::from_utf8_lossy(payload).into(), way })
}

fn history(push: Vec<Bytes>) -> HistoryWrite {
    HistoryWrite { clear: false, drop_newest: 0, push, keep: 1000, ttl: Duration::from_secs(86_400) }
}

/// A time that depends on what it is for and on nothing else.
fn time(of: &impl Hash, most: u64) -> Duration {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    Duration::from_millis(hasher.finish() % most)
}

/// Answers each message by one action that names it, and each edit by one more, in the turn that it joins or in one of its own.
#[derive(Debug)]
pub(crate) struct Turns;

impl Handler for Turns {
    fn route(&self, payload: &Bytes) -> Result<Route, RouteError> {
        route(payload)
    }

    fn record(&self, payload: &Bytes) -> Result<Option<HistoryWrite>, RouteError> {
        Ok(Some(history(vec![payload.clone()])))
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let facts = turn.facts().clone();
        let (_, kind) = parts(&facts.payload).unwrap();
        let most = if kind == "slow" { 900 } else { 60 };
        let time = if matches!(kind, "fragile" | "once") {
            FRAGILE
        } else {
            time(&(&facts.cause, facts.attempt.failures), most)
        };
        tokio::time::sleep(time).await;
        let fails = match kind {
            "poison" => true,
            "fail" => facts.attempt.failures < 2,
            "once" => facts.attempt.deaths > 0,
            "fragile" => facts.attempt.failures + facts.attempt.deaths > 0,
            _ => false,
        };
        if fails {
            return Outcome::Retry(Failure { code: "scripted", error: "as told".into() });
        }
        let action = |data| Action { platform: PLATFORM.into(), data, trace_id: facts.trace_id.clone() };
        let mut actions = vec![action(facts.payload.clone())];
        while let Some(control) = turn.waiting_control() {
            actions.push(action(control.payload));
        }
        let history = (!kind.starts_with("edit:")).then(|| history(vec![facts.payload]));
        Outcome::Commit(Commit { actions, history, notes: None })
    }

    fn notice(&self, payload: &Bytes, _: &Failure) -> Option<Action> {
        let data = [payload, &b":dead"[..]].concat().into();
        Some(Action { platform: PLATFORM.into(), data, trace_id: "notice".into() })
    }
}

/// A platform that dedupes: what it was sent, each once, in the order in which it came.
#[derive(Debug, Default)]
pub(crate) struct Platform {
    seen: Mutex<Vec<String>>,
    again: Mutex<u64>,
}

impl Platform {
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// How often it was sent what it had.
    pub(crate) fn again(&self) -> u64 {
        *self.again.lock().unwrap()
    }
}

impl Handler for Platform {
    fn route(&self, payload: &Bytes) -> Result<Route, RouteError> {
        Ok(Route { way: Way::Turn, ..route(payload)? })
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let facts = turn.facts();
        tokio::time::sleep(time(&facts.cause, 10)).await;
        let text = facts.cause.to_string();
        let mut seen = self.seen.lock().unwrap();
        if seen.contains(&text) {
            *self.again.lock().unwrap() += 1;
        } else {
            seen.push(text);
        }
        Outcome::Commit(Commit::default())
    }

    fn notice(&self, _: &Bytes, _: &Failure) -> Option<Action> {
        None
    }
}
