//! Asking the model, while previews go out and controls come in.

use bus::{Control, Turn};
use bytes::Bytes;
use codec::{InboundRoute, InboundView, Kind, control, names};
use futures_util::StreamExt;
use tokio::time::sleep_until;

use super::{Turns, preview::Preview};
use crate::{
    model::{ChatMessage, Delta, ModelError},
    setup::Setup,
};

/// What the model wrote, and how that ended.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) ending: Ending,
}

/// Why nothing follows the text.
#[derive(Debug)]
pub(super) enum Ending {
    /// It is the whole answer.
    Whole,
    /// The user asked to stop.
    Stopped,
    /// The user asked to forget the conversation.
    Forgotten,
    /// It reached a bound: the model's own, or ours.
    TooLong,
    /// The model failed.
    Failed(ModelError),
}

/// Why an answer is of no use any more: what it answers has changed.
#[derive(Debug)]
pub(super) enum Changed {
    /// The message says something else now: the envelope of the edit.
    Edited(Bytes),
    /// The message is gone.
    Deleted,
}

/// What an entry that reached a running turn asks of it.
#[derive(Debug)]
pub(super) enum Steer {
    Stop,
    Forget,
    Change(Changed),
}

impl Steer {
    pub(super) fn of(control: Control) -> Self {
        let route = InboundRoute::decode(&control.payload);
        match route.map(|route| (route.kind, route.custom_id)) {
            Ok((Kind::Edit, _)) => Self::Change(Changed::Edited(control.payload)),
            Ok((Kind::Delete, _)) => Self::Change(Changed::Deleted),
            Ok((_, control::FORGET)) => Self::Forget,
            _ => Self::Stop,
        }
    }
}

impl Turns {
    pub(super) async fn infer(
        &self,
        setup: &Setup,
        turn: &mut Turn,
        inbound: &InboundView<'_>,
        messages: Vec<ChatMessage>,
    ) -> Result<Answer, Changed> {
        let key = names::message_key(&turn.facts().cause, 0);
        let mut preview = Preview::new(turn.preview_sink(&self.previews, inbound.platform), inbound, key);
        let text_max = usize::try_from(setup.settings.model.reply_bytes_max.as_u64()).unwrap_or(usize::MAX);
        let asked = tokio::time::Instant::now();
        let model = setup.model_of(inbound);
        let mut stream = model.ask(messages);
        let mut text = String::new();
        let mut ending = Ending::Whole;
        // That there is somebody at it.
        preview.full(&text);
        loop {
            let piece = tokio::select! {
                // Controls first: a flood of tokens must not hold up a stop.
                biased;
                control = turn.control() => {
                    ending = match Steer::of(control) {
                        Steer::Change(changed) => return Err(changed),
                        Steer::Forget => Ending::Forgotten,
                        Steer::Stop => Ending::Stopped,
                    };
                    break;
                }
                piece = stream.next() => piece,
                () = sleep_until(preview.full_due()) => {
                    preview.full(&text);
                    continue;
                }
            };
            match piece {
                None => break,
                Some(Ok(Delta::Text(piece))) => {
                    if text.is_empty() {
                        self.stages.first_token.record(asked.elapsed());
                    }
                    let room = text_max - text.len();
                    let fits = crate::conversation::cut(&piece, room);
                    text.push_str(fits);
                    preview.grow(&text, fits.len());
                    if fits.len() < piece.len() {
                        ending = Ending::TooLong;
                        break;
                    }
                }
                Some(Ok(Delta::Thinking)) => {}
                Some(Ok(Delta::TooLong)) => ending = Ending::TooLong,
                Some(Ok(Delta::Usage(usage))) => {
                    let count = |kind: &'static str, tokens| {
                        metrics::counter!("stargazer_model_tokens_total", "model" => model.name().to_owned(), "kind" => kind)
                            .increment(tokens);
                    };
                    count("prompt", usage.prompt);
                    count("completion", usage.completion);
                }
                Some(Err(error)) => {
                    tracing::error!(model = model.name(), bytes = text.len(), "the model failed: {error}");
                    metrics::counter!("stargazer_model_failures_total", "code" => error.code()).increment(1);
                    ending = Ending::Failed(error);
                    break;
                }
            }
        }
        self.stages.model.record(asked.elapsed());
        Ok(Answer { text, ending })
    }
}
