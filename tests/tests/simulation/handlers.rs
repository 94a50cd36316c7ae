//! What runs on the bus: turns that take their time and fail as their payload says, and a platform that notes what it is sent.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
    time::Duration,
};

use bus::{Action, Commit, Failure, Handler, HistoryWrite, Outcome, Route, RouteError, Turn};
use bytes::Bytes;

/// The platform's name.
pub(crate) const PLATFORM: &str = "sim";

/// A payload is `lane:number:kind`, and is its own cause.
fn parts(payload: &Bytes) -> Result<(&str, &str), RouteError> {
    let text = std::str::from_utf8(payload).map_err(|_| RouteError("no text".into()))?;
    let (lane, rest) = text.split_once(':').ok_or_else(|| RouteError("no lane".into()))?;
    Ok((lane, rest.split_once(':').map_or("", |(_, kind)| kind)))
}

fn route(payload: &Bytes) -> Result<Route, RouteError> {
    Ok(Route { lane: parts(payload)?.0.into(), control: None })
}

fn cause(payload: &Bytes) -> Arc<str> {
    String::from_utf8_lossy(payload).into()
}

/// A time that depends on what it is for and on nothing else.
fn time(of: &impl Hash, most: u64) -> Duration {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    Duration::from_millis(hasher.finish() % most)
}

/// Answers each message by one action that names it.
#[derive(Debug)]
pub(crate) struct Turns;

impl Handler for Turns {
    fn route(&self, payload: &Bytes) -> Result<Route, RouteError> {
        route(payload)
    }

    fn cause(&self, payload: &Bytes) -> Result<Arc<str>, RouteError> {
        Ok(cause(payload))
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let facts = turn.facts().clone();
        let (_, kind) = parts(&facts.payload).unwrap();
        let most = if kind == "slow" { 900 } else { 60 };
        tokio::time::sleep(time(&(&facts.cause, facts.attempt.failures), most)).await;
        let fails = match kind {
            "poison" => true,
            "fail" => facts.attempt.failures < 2,
            _ => false,
        };
        if fails {
            return Outcome::Retry(Failure { code: "scripted", error: "as told".into() });
        }
        let action = Action { platform: PLATFORM.into(), data: facts.payload.clone(), trace_id: facts.trace_id };
        let push = vec![facts.payload];
        let history = HistoryWrite { clear: false, drop_newest: 0, push, keep: 1000, ttl: Duration::from_secs(86_400) };
        Outcome::Commit(Commit { actions: vec![action], history: Some(history) })
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
        route(payload)
    }

    fn cause(&self, payload: &Bytes) -> Result<Arc<str>, RouteError> {
        Ok(cause(payload))
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let facts = turn.facts();
        tokio::time::sleep(time(&facts.cause, 10)).await;
        let text = cause(&facts.payload).to_string();
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
