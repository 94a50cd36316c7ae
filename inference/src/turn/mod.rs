//! A turn, step by step: what is asked for (`plan`), gather, render, infer, act.

mod act;
mod admit;
mod command;
mod infer;
mod plan;
mod preview;
mod render;

use std::{sync::Arc, time::Duration};

use bus::{
    Action, Bus, Commit, Failure, Handler, HistoryWrite, Outcome, Previews, Route, RouteError, Turn, Way, unix_ms,
};
use bytes::Bytes;
use codec::{InboundRoute, InboundView, Kind, control};
use tokio::sync::watch;
use tracing::Instrument;

use crate::{conversation::History, setup::Setup};
use act::Act;
use admit::{Admission, admit, allows};
use command::Command;
use infer::{Changed, Steer};
use plan::Plan;

/// Pause before a turn is tried again whose history could not be read.
const HISTORY_AGAIN: Duration = Duration::from_millis(200);

/// The handler of all turns of a worker.
#[derive(Debug)]
pub struct Turns {
    setup: watch::Receiver<Arc<Setup>>,
    previews: Previews,
    bus: Bus,
    stages: Stages,
}

/// Handles made once.
#[derive(Debug)]
struct Stages {
    context: metrics::Histogram,
    first_token: metrics::Histogram,
    model: metrics::Histogram,
    event_to_request: metrics::Histogram,
}

impl Turns {
    /// Turns that each have the setup of when they begin.
    #[must_use]
    pub fn new(setup: watch::Receiver<Arc<Setup>>, previews: Previews, bus: Bus) -> Self {
        let stage =
            |name: &'static str| metrics::histogram!("stargazer_stage_seconds", "stage" => name, "role" => "inbound");
        let stages = Stages {
            context: stage("context"),
            first_token: stage("model_first_token"),
            model: stage("model_done"),
            event_to_request: metrics::histogram!("stargazer_event_to_request_seconds"),
        };
        Self { setup, previews, bus, stages }
    }

    /// Until its message holds still. One that is edited while it is answered is answered anew, in the same place.
    async fn take(&self, turn: &mut Turn) -> Outcome {
        let setup = self.setup();
        let facts = turn.facts().clone();
        let mut edit = None;
        loop {
            let mut inbound = match as_edited(&facts.payload, edit.as_ref()) {
                Ok(inbound) => inbound,
                Err(error) => return Outcome::Dead(Failure { code: "undecodable", error: error.to_string() }),
            };
            inbound.is_addressed |= inbound.kind == Kind::Message && setup.rooms.calls(&inbound);
            let act = Act::new(&inbound, &facts.cause, &facts.trace_id, &setup.settings.history);
            match self.try_once(&setup, turn, &inbound, &act).await {
                Ok(outcome) => return outcome,
                Err(Changed::Deleted) => return Outcome::Commit(act.deleted()),
                Err(Changed::Edited(payload)) => edit = Some(payload),
            }
        }
    }

    /// Whether a message that is not addressed calls by a word of its room.
    fn calls(&self, payload: &Bytes) -> bool {
        let setup = self.setup.borrow();
        setup.rooms.has_triggers() && InboundView::decode(payload).is_ok_and(|inbound| setup.rooms.calls(&inbound))
    }

    /// Whether a message is the command that ends the running answer, of somebody who may.
    fn stops(&self, payload: &Bytes) -> bool {
        let (setup, Ok(inbound)) = (self.setup(), InboundView::decode(payload)) else { return false };
        let (access, commands) = (&setup.settings.access, &setup.settings.commands);
        inbound.is_addressed
            && Command::of(&inbound, commands) == Some(Command::Stop)
            && Command::Stop.is_allowed(&inbound, commands)
            && allows(access, &inbound)
    }

    fn setup(&self) -> Arc<Setup> {
        Arc::clone(&self.setup.borrow())
    }

    async fn try_once(
        &self,
        setup: &Setup,
        turn: &mut Turn,
        inbound: &InboundView<'_>,
        act: &Act<'_>,
    ) -> Result<Outcome, Changed> {
        let plan = Plan::of(inbound);
        let (again, target) = match plan {
            Plan::Answer => (false, None),
            Plan::AnswerAgain { target } => (true, Some(target)),
            Plan::Record => {
                // As it reads now.
                while let Some(control) = turn.waiting_control() {
                    match Steer::of(control) {
                        Steer::Change(changed) => return Err(changed),
                        Steer::Forget => return Ok(Outcome::Commit(act.forget())),
                        Steer::Stop => {}
                    }
                }
                return Ok(Outcome::Commit(act.record()));
            }
            Plan::Change => return Ok(change(setup, turn, inbound, act).await),
            Plan::Forget => return Ok(Outcome::Commit(act.forget())),
            Plan::Nothing => return Ok(Outcome::Commit(Commit::default())),
        };

        if let Some(command) = Command::of(inbound, &setup.settings.commands)
            && allows(&setup.settings.access, inbound)
        {
            return Ok(obey(setup, command, turn, inbound, act).await);
        }

        let began = tokio::time::Instant::now();
        let (history, admission) = tokio::join!(history(turn), admit(&setup.settings.access, &self.bus, turn, inbound));
        match admission {
            Admission::Answered => {}
            Admission::Denied => return Ok(Outcome::Commit(act.denied())),
            Admission::Limited(pause) => return Ok(Outcome::Commit(act.limited(pause))),
        }
        let mut history = match history {
            Ok(history) => history,
            Err(outcome) => return Ok(outcome),
        };
        let mut dropped = 0;
        if let Some(target) = target {
            let Some(answers) = history.answer_to_replace(target) else {
                return Ok(Outcome::Commit(act.cannot_replace()));
            };
            history = history.without_newest(answers);
            if history.is_empty() {
                return Ok(Outcome::Commit(act.cannot_replace()));
            }
            dropped = answers;
        }
        let messages = setup.render(inbound, &history, again);
        self.stages.context.record(began.elapsed());
        let since_event = unix_ms() as f64 / 1000.0 - inbound.timestamp;
        self.stages.event_to_request.record(since_event.max(0.0));
        let answer = self.infer(setup, turn, inbound, messages).await?;
        let to = if again { history.last_said() } else { Some(inbound.message_id) };
        Ok(Outcome::Commit(act.answer(answer, to, target, dropped)))
    }
}

impl Handler for Turns {
    fn route(&self, payload: &Bytes) -> Result<Route, RouteError> {
        let route = InboundRoute::decode(payload).map_err(|error| RouteError(error.to_string()))?;
        let cause = match route.cause() {
            "" => return Err(RouteError("field `event_id`: is required where `trace_id` is empty".into())),
            cause => cause.into(),
        };
        let way = match route.kind {
            Kind::Message if !route.is_addressed && !self.calls(payload) => Way::Record,
            Kind::Interaction if control::is_urgent(route.custom_id) => Way::Control,
            Kind::Message | Kind::Interaction if self.stops(payload) => Way::Control,
            _ => route.cause_of_message().map_or(Way::Turn, |of| Way::Change(of.into())),
        };
        Ok(Route { lane: route.channel_key.into(), cause, way })
    }

    fn record(&self, payload: &Bytes) -> Result<Option<HistoryWrite>, RouteError> {
        let inbound = InboundView::decode(payload).map_err(|error| RouteError(error.to_string()))?;
        let history = &self.setup().settings.history;
        Ok(Act::new(&inbound, inbound.cause(), inbound.trace_id, history).record().history)
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let facts = turn.facts();
        let span = tracing::info_span!("turn", trace_id = %facts.trace_id, lane = %facts.lane);
        self.take(turn).instrument(span).await
    }

    fn notice(&self, payload: &Bytes, _failure: &Failure) -> Option<Action> {
        let inbound = InboundView::decode(payload).ok()?;
        // Who called by a word of the room waits for an answer as well.
        let is_called =
            inbound.is_addressed || (inbound.kind == Kind::Message && self.setup.borrow().rooms.calls(&inbound));
        is_called.then(|| act::notice(&inbound))
    }
}

/// Does what a user has asked of the assistant itself.
async fn obey(setup: &Setup, command: Command, turn: &mut Turn, inbound: &InboundView<'_>, act: &Act<'_>) -> Outcome {
    let commands = &setup.settings.commands;
    if !command.is_allowed(inbound, commands) {
        return Outcome::Commit(act.say("You may not do that here.".into()));
    }
    Outcome::Commit(match command {
        Command::New => Commit { actions: act.say("Forgotten. We begin anew.".into()).actions, ..act.forget() },
        // What it was to stop took it; there is nothing.
        Command::Stop => act.say("Nothing is being written.".into()),
        Command::Help => act.say(command::help(commands)),
        Command::Model => act.say(format!("`{}` answers here.", setup.model_of(inbound).name())),
        Command::ForgetMe => {
            let mut history = match history(turn).await {
                Ok(history) => history,
                Err(outcome) => return outcome,
            };
            let text = "What you have said in this conversation is forgotten.".to_owned();
            if history.forget(inbound.user_id) {
                Commit { actions: act.say(text).actions, ..act.rewrite(&history, &[]) }
            } else {
                act.say(text)
            }
        }
    })
}

/// What comes to a message that was answered: the conversation remembers it as it reads now.
async fn change(setup: &Setup, turn: &mut Turn, inbound: &InboundView<'_>, act: &Act<'_>) -> Outcome {
    let mut history = match history(turn).await {
        Ok(history) => history,
        Err(outcome) => return outcome,
    };
    let mut answers = Vec::new();
    let is_changed = match inbound.kind {
        Kind::Edit => history.edit(inbound, act.message_bytes()),
        _ => history.delete(inbound.message_id, unix_ms() as f64 / 1000.0),
    };
    if inbound.kind == Kind::Delete && setup.settings.inference.retract_deleted {
        answers = history.retract(inbound.message_id);
    }
    let is_changed = is_changed || !answers.is_empty();
    let commit = if is_changed { act.rewrite(&history, &answers) } else { Commit::default() };
    Outcome::Commit(commit)
}

/// What is remembered of the lane; else what becomes of the turn.
async fn history(turn: &Turn) -> Result<History, Outcome> {
    match turn.history().await {
        Ok(records) => Ok(History::unpack(&records)),
        Err(error) => {
            tracing::warn!(%error, "the history could not be read, the turn waits");
            Err(Outcome::Wait(HISTORY_AGAIN))
        }
    }
}

/// A message with what its newest edit made of it.
fn as_edited<'a>(message: &'a Bytes, edit: Option<&'a Bytes>) -> Result<InboundView<'a>, codec::Error> {
    let mut inbound = InboundView::decode(message)?;
    if let Some(edit) = edit {
        let edit = InboundView::decode(edit)?;
        inbound.content = edit.content;
        inbound.attachments = edit.attachments;
        inbound.embeds = edit.embeds;
    }
    Ok(inbound)
}
