//! From the outbound streams to a platform: each action once, in the order of its lane.

use std::{sync::Arc, time::Duration};

use bus::{Action, Commit, Failure, Handler, Outcome, Route, RouteError, Turn, Way, unix_ms};
use bytes::Bytes;
use codec::{OutboundRoute, OutboundView};

use crate::platform::{Platform, SendError};

/// The handler of one platform's actions.
#[derive(Debug)]
pub(crate) struct Egress {
    platform: Arc<dyn Platform>,
    accepted: metrics::Histogram,
    sent: metrics::Counter,
}

/// Pause before an action is tried again that the platform could not take through no fault of the action's.
const AGAIN: Duration = Duration::from_millis(250);

impl Egress {
    pub(crate) fn new(platform: Arc<dyn Platform>) -> Self {
        let role = format!("outbound:{}", platform.name());
        let accepted = metrics::histogram!("stargazer_stage_seconds", "stage" => "platform_accepted", "role" => role);
        let sent = metrics::counter!("stargazer_egress_actions_total", "platform" => platform.name().to_string());
        Self { platform, accepted, sent }
    }
}

impl Handler for Egress {
    fn route(&self, payload: &Bytes) -> Result<Route, RouteError> {
        let route = OutboundRoute::decode(payload).map_err(|error| RouteError(error.to_string()))?;
        let cause = route.message_key.unwrap_or(route.trace_id).into();
        Ok(Route { lane: route.lane().into(), cause, way: Way::Turn })
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let facts = turn.facts();
        let action = match OutboundView::decode(&facts.payload) {
            Ok(action) => action,
            Err(error) => return Outcome::Dead(Failure { code: "undecodable", error: error.to_string() }),
        };
        match self.platform.deliver(&action).await {
            Ok(()) => {
                self.sent.increment(1);
                self.accepted.record(Duration::from_millis(unix_ms().saturating_sub(facts.appended_ms)));
                tracing::debug!(trace_id = %facts.trace_id, key = %facts.cause, action = %action.action, "delivered");
                Outcome::Commit(Commit::default())
            }
            Err(error) => {
                tracing::warn!(trace_id = %facts.trace_id, key = %facts.cause, %error, "not delivered");
                match error {
                    SendError::Away(_) => Outcome::Wait(AGAIN),
                    SendError::Unsupported(_) => {
                        Outcome::Dead(Failure { code: "unsupported", error: error.to_string() })
                    }
                }
            }
        }
    }

    /// Nobody is told of an action that could not be carried out: the place to tell it is the one that did not work.
    fn notice(&self, _payload: &Bytes, _failure: &Failure) -> Option<Action> {
        None
    }
}
