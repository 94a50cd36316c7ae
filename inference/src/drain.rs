//! From the plain inbound stream into the shards, so that any other service can publish as if there were one stream.
//!
//! An entry is appended to its lane's shard and then acknowledged; a crash in between appends it twice, and its cause makes the
//! second one a copy. A Redis that forgets its last moment forgets the acknowledgement before the append, so nothing has to be
//! appended again; with both streams on masters of their own that would not be so.

use std::{sync::Arc, time::Duration};

use bus::{Action, Bus, Commit, Entry, Failure, Handler, Names, Outcome, Producer, Role, Route, RouteError, Turn, Way};
use bytes::Bytes;
use codec::{InboundView, peek_inbound};

/// Pause before an entry is tried again whose shard did not take it.
const AGAIN: Duration = Duration::from_millis(250);

/// See the module.
#[derive(Debug)]
pub struct Drain {
    names: Arc<Names>,
    producer: Producer,
    stream_bound: u64,
}

impl Drain {
    /// `stream_bound`: unfinished entries that a shard's stream may hold; at that, what comes for it waits in the plain one.
    #[must_use]
    pub fn new(bus: Bus, stream_bound: u64) -> Self {
        Self { names: Arc::clone(bus.names()), producer: Producer::new(bus), stream_bound }
    }

    /// False when the shard of a lane is at its bound.
    async fn move_on(&self, lane: &str, data: Bytes, trace_id: String) -> Result<bool, bus::Error> {
        let shard = self.names.shards.of(lane);
        if self.producer.unfinished(&Role::Inbound, shard, self.stream_bound).await? >= self.stream_bound {
            return Ok(false);
        }
        let stream = self.names.stream(&Role::Inbound, shard);
        self.producer.append(&[Entry { stream, data, trace_id }]).await?;
        Ok(true)
    }
}

impl Handler for Drain {
    fn route(&self, payload: &Bytes) -> Result<Route, RouteError> {
        // What is broken behind the lane is found where it is run.
        let peek = peek_inbound(payload).map_err(|error| RouteError(error.to_string()))?;
        Ok(Route { lane: peek.channel_key.into(), cause: "".into(), way: Way::Turn })
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let facts = turn.facts();
        let data = match with_identity(&facts.payload, facts) {
            Ok(data) => data,
            Err(error) => return Outcome::Dead(Failure { code: "undecodable", error: error.to_string() }),
        };
        match self.move_on(&facts.lane, data, facts.trace_id.clone()).await {
            Ok(true) => Outcome::Commit(Commit::default()),
            Ok(false) => {
                tracing::debug!(trace_id = %facts.trace_id, lane = %facts.lane, "its shard is full, so it waits");
                Outcome::Wait(AGAIN)
            }
            Err(error) => {
                tracing::warn!(trace_id = %facts.trace_id, lane = %facts.lane, %error, "not moved into its shard yet");
                Outcome::Wait(AGAIN)
            }
        }
    }

    /// Nobody is told: the sender is another service, and finds it among the dead letters.
    fn notice(&self, _payload: &Bytes, _failure: &Failure) -> Option<Action> {
        None
    }
}

/// An envelope that does not say which event it is gets an identity from its entry, which a second append repeats.
fn with_identity(payload: &Bytes, facts: &bus::Facts) -> Result<Bytes, codec::Error> {
    let inbound = InboundView::decode(payload)?;
    if inbound.event_id.is_some_and(|id| !id.is_empty()) {
        return Ok(payload.clone());
    }
    let mut inbound = inbound.into_owned();
    inbound.event_id = Some(format!("plain:{}", facts.entry));
    if inbound.trace_id.is_empty() {
        inbound.trace_id.clone_from(&facts.trace_id);
    }
    Ok(inbound.to_bytes())
}
