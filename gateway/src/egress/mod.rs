//! From the outbound streams to a platform: each action once, in the order of its lane.

mod file;
mod fit;
mod hope;
mod parts;
mod preview;
mod record;
mod request;
mod rpc;
mod send;
pub mod split;
mod take_up;
mod target;

use std::{sync::Arc, time::Duration};

use bus::{Action, Answers, Bus, Commit, Failure, Handler, Holdings, Outcome, Route, RouteError, Turn, unix_ms};
use bytes::Bytes;
use codec::{OutboundRoute, OutboundView, names};
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    media::Media,
    platform::{Platform, SendError},
};
use fit::{Way, way};
use hope::Hope;
use preview::Gates;
pub use record::text_hash;

/// The handler of one platform's actions.
#[derive(Debug)]
pub struct Egress {
    platform: Arc<dyn Platform>,
    answers: Answers,
    /// Where files are that are not in their envelopes.
    media: Option<Media>,
    /// Where it shows what is being written.
    gates: Option<Arc<Gates>>,
    accepted: metrics::Histogram,
    sent: metrics::Counter,
    hope: Hope,
}

/// Pause before an action is tried again that the platform could not take through no fault of the action's: doubled by each try
/// up to the longest.
const AGAIN_MIN: Duration = Duration::from_millis(250);
const AGAIN_MAX: Duration = Duration::from_secs(15);
/// A platform that asks for a longer pause is asked again after this one.
const LIMITED_MAX: Duration = Duration::from_secs(60 * 60);

/// Why an action is not done.
#[derive(Debug)]
enum Undone {
    /// It may be done later; nothing counts against it.
    Later(String),
    /// The platform failed over it. Done later as well, unless it is this action alone that it fails over.
    Failed(String),
    /// It may be done once this time is over.
    After(Duration),
    /// It is given up.
    Never(Failure),
}

impl Egress {
    /// Gives actions to this platform.
    #[must_use]
    pub fn new(platform: Arc<dyn Platform>, bus: &Bus) -> Self {
        let role = format!("outbound:{}", platform.name());
        let accepted = metrics::histogram!("stargazer_stage_seconds", "stage" => "platform_accepted", "role" => role);
        let sent = metrics::counter!("stargazer_egress_actions_total", "platform" => platform.name().to_string());
        let answers = Answers::new(bus.clone());
        Self { platform, answers, media: None, gates: None, accepted, sent, hope: Hope::default() }
    }

    /// The same, which gives an action up that the platform has failed over so often with something else done in between.
    #[must_use]
    pub fn with_tries(self, tries: u32) -> Self {
        Self { hope: Hope::of(tries), ..self }
    }

    /// The same, which has files that travel beside the streams.
    #[must_use]
    pub fn with_media(self, media: Media) -> Self {
        Self { media: Some(media), ..self }
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
        match way(action.action, self.platform.capabilities()) {
            Way::Send => {
                let is_in_doubt = self.shut(&turn.facts().cause).await?;
                if let Some(cause) = names::cause_of_dead(&turn.facts().cause) {
                    // The turn was given up; what it had begun to say goes away.
                    self.end_preview(turn, action, &names::message_key(cause, 0)).await?;
                }
                self.send(turn, action, is_in_doubt).await
            }
            Way::Change => self.change(turn, action).await,
            Way::Apply => {
                self.apply_if_current(turn, action).await?;
                Ok(Commit::default())
            }
            Way::Call => self.answer(turn, action).await,
            Way::Drop(reason) => {
                metrics::counter!("stargazer_egress_dropped_total", "reason" => reason).increment(1);
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
        Ok(Route { lane: route.lane().into(), cause, way: bus::Way::Turn })
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
                self.hope.forget(&facts.cause);
                self.sent.increment(1);
                self.accepted.record(Duration::from_millis(unix_ms().saturating_sub(facts.appended_ms)));
                tracing::debug!(trace_id = %facts.trace_id, key = %facts.cause, action = %action.action, "delivered");
                Outcome::Commit(commit)
            }
            Err(Undone::Failed(error)) if self.hope.fails(&facts.cause, unix_ms()) => {
                self.hope.forget(&facts.cause);
                let error = format!(
                    "{} failed over it again and again, and did what else was asked in between: {error}; part of it may be there: \
                     look, and replay this letter if it is missing",
                    self.platform.name()
                );
                tracing::warn!(trace_id = %facts.trace_id, key = %facts.cause, error, "not delivered");
                Outcome::Dead(Failure { code: "failing", error })
            }
            Err(Undone::Later(error) | Undone::Failed(error)) => {
                tracing::warn!(trace_id = %facts.trace_id, key = %facts.cause, %error, "not delivered yet");
                Outcome::Wait(pause(facts.waits, &facts.cause))
            }
            Err(Undone::After(pause)) => {
                tracing::debug!(trace_id = %facts.trace_id, key = %facts.cause, ?pause, "the platform takes no more for now");
                Outcome::Wait(pause.min(LIMITED_MAX))
            }
            Err(Undone::Never(failure)) => {
                self.hope.forget(&facts.cause);
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

/// Half of it is another one for each action, so that what became due together does not come back together.
fn pause(waits: u32, cause: &str) -> Duration {
    let whole = AGAIN_MAX.min(AGAIN_MIN * 2u32.saturating_pow(waits.min(10)));
    let spread = xxh3_64(cause.as_bytes()) % 1000;
    whole.mul_f64((spread as f64 / 1000.0).mul_add(0.5, 0.5))
}

impl From<SendError> for Undone {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Away(_) => Self::Later(error.to_string()),
            // What is unknown is settled by the next try, from the record.
            SendError::Unknown(_) => Self::Failed(error.to_string()),
            SendError::Gone(_) => Self::Never(Failure { code: "gone", error: error.to_string() }),
            SendError::Limited(pause) => Self::After(pause),
            SendError::Unsupported(_) => Self::Never(Failure { code: "unsupported", error: error.to_string() }),
            SendError::Refused(why, _) => Self::Never(Failure { code: why.code(), error: error.to_string() }),
        }
    }
}

impl From<bus::Error> for Undone {
    fn from(error: bus::Error) -> Self {
        Self::Later(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_not_the_same_for_all() {
        for waits in [0, 1, 5, 6, 60, u32::MAX] {
            let longest = AGAIN_MAX.min(AGAIN_MIN * 2u32.saturating_pow(waits.min(10)));
            let pauses: Vec<_> = (0..20).map(|n| pause(waits, &n.to_string())).collect();
            assert!(pauses.iter().all(|pause| (longest / 2..=longest).contains(pause)), "{waits}: {pauses:?}");
            assert!(pauses.windows(2).any(|two| two[0] != two[1]));
        }
        assert_eq!(pause(3, "a"), pause(3, "a"), "the same in every world");
    }
}
