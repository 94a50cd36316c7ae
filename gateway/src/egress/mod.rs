//! From the outbound streams to a platform: each action once, in the order of its lane.

mod parts;
mod preview;
mod record;
mod request;
mod send;
pub mod split;
mod take_up;
mod target;

use std::{sync::Arc, time::Duration};

use bus::{Action, Bus, Commit, Failure, Handler, Holdings, Outcome, Route, RouteError, Turn, Way, unix_ms};
use bytes::Bytes;
use codec::{ActionType, OutboundRoute, OutboundView, names};
use tokio_util::sync::CancellationToken;

use crate::platform::{Platform, SendError};
use preview::Gates;
pub use record::text_hash;

/// The handler of one platform's actions.
#[derive(Debug)]
pub struct Egress {
    platform: Arc<dyn Platform>,
    /// Where it shows what is being written.
    gates: Option<Arc<Gates>>,
    accepted: metrics::Histogram,
    sent: metrics::Counter,
}

/// Pause before an action is tried again that the platform could not take through no fault of the action's.
const AGAIN: Duration = Duration::from_millis(250);

/// Why an action is not done.
#[derive(Debug)]
enum Undone {
    /// It may be done later; nothing counts against it.
    Later(String),
    /// It is given up.
    Never(Failure),
}

impl Egress {
    /// Gives actions to this platform.
    #[must_use]
    pub fn new(platform: Arc<dyn Platform>) -> Self {
        let role = format!("outbound:{}", platform.name());
        let accepted = metrics::histogram!("stargazer_stage_seconds", "stage" => "platform_accepted", "role" => role);
        let sent = metrics::counter!("stargazer_egress_actions_total", "platform" => platform.name().to_string());
        Self { platform, gates: None, accepted, sent }
    }

    /// The same, which shows what is being written where the platform edits messages and can be asked what it has. For the
    /// streams of turns: what is on a plain stream has no previews.
    #[must_use]
    pub fn with_previews(mut self) -> Self {
        let is_shown = self.platform.preview_every().is_some() && self.platform.settling().can_be_asked;
        self.gates = is_shown.then(Arc::default);
        self
    }

    /// The showing of what is being written on the shards that are held, until `stop`, if it is shown.
    pub fn showing(
        &self,
        bus: Bus,
        holdings: Holdings,
        stop: CancellationToken,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        let (gates, every) = (Arc::clone(self.gates.as_ref()?), self.platform.preview_every()?);
        Some(preview::run(Arc::clone(&self.platform), gates, every, bus, holdings, stop))
    }

    async fn carry_out(&self, turn: &Turn, action: &OutboundView<'_>) -> Result<Commit, Undone> {
        match action.action {
            ActionType::Message | ActionType::File | ActionType::Buttons => {
                let is_in_doubt = self.shut(&turn.facts().cause).await?;
                if let Some(cause) = names::cause_of_dead(&turn.facts().cause) {
                    // The turn was given up; what it had begun to say goes away.
                    self.end_preview(turn, action, &names::message_key(cause, 0)).await?;
                }
                self.send(turn, action, is_in_doubt).await
            }
            ActionType::Delete | ActionType::Edit => self.change(turn, action).await,
            _ => {
                self.apply_if_current(turn, action).await?;
                Ok(Commit::default())
            }
        }
    }

    /// From here on no preview of an action is sent, and none is under way. True when its message may yet be given another text
    /// by an edit that nobody heard of.
    async fn shut(&self, key: &str) -> Result<bool, Undone> {
        let Some(gates) = &self.gates else { return Ok(false) };
        gates.shut_and_wait(key).await.ok_or_else(|| Undone::Later("a preview of it is still under way".into()))
    }
}

impl Handler for Egress {
    fn route(&self, payload: &Bytes) -> Result<Route, RouteError> {
        let route = OutboundRoute::decode(payload).map_err(|error| RouteError(error.to_string()))?;
        if let (Some(gates), Some(key)) = (&self.gates, route.message_key) {
            // It is read: from now on nothing of its preview is begun.
            gates.shut(key);
        }
        let cause = route.message_key.unwrap_or(route.trace_id).into();
        Ok(Route { lane: route.lane().into(), cause, way: Way::Turn })
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let facts = turn.facts();
        let action = match OutboundView::decode(&facts.payload) {
            Ok(action) => action,
            Err(error) => return Outcome::Dead(Failure { code: "undecodable", error: error.to_string() }),
        };
        let mut done = self.carry_out(turn, &action).await;
        if let Err(Undone::Never(_)) = done
            && let Err(error) = self.end_own_preview(turn, &action).await
        {
            done = Err(error);
        }
        match done {
            Ok(commit) => {
                self.sent.increment(1);
                self.accepted.record(Duration::from_millis(unix_ms().saturating_sub(facts.appended_ms)));
                tracing::debug!(trace_id = %facts.trace_id, key = %facts.cause, action = %action.action, "delivered");
                Outcome::Commit(commit)
            }
            Err(Undone::Later(error)) => {
                tracing::warn!(trace_id = %facts.trace_id, key = %facts.cause, %error, "not delivered yet");
                Outcome::Wait(AGAIN)
            }
            Err(Undone::Never(failure)) => {
                tracing::warn!(trace_id = %facts.trace_id, key = %facts.cause, error = %failure.error, "not delivered");
                Outcome::Dead(failure)
            }
        }
    }

    /// Nobody is told of an action that could not be carried out: the place to tell it is the one that did not work.
    fn notice(&self, _payload: &Bytes, _failure: &Failure) -> Option<Action> {
        None
    }
}

impl From<SendError> for Undone {
    fn from(error: SendError) -> Self {
        match error {
            // What is unknown is settled by the next try, from the record.
            SendError::Away(_) | SendError::Unknown(_) => Self::Later(error.to_string()),
            SendError::Gone(_) => Self::Never(Failure { code: "gone", error: error.to_string() }),
            SendError::Unsupported(_) => Self::Never(Failure { code: "unsupported", error: error.to_string() }),
        }
    }
}

impl From<bus::Error> for Undone {
    fn from(error: bus::Error) -> Self {
        Self::Later(error.to_string())
    }
}
