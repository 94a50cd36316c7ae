//! A model that answers each question by its own words, in pieces that take their time.

use std::time::Duration;

use futures_util::{StreamExt, stream, stream::BoxStream};
use inference::model::{ChatMessage, Delta, Model, ModelError, Role};

use super::handlers::time;

/// What it answers to a question.
pub(crate) fn answer(question: &str) -> String {
    format!("You said {question}, and I heard it.")
}

#[derive(Debug)]
pub(crate) struct Scripted;

impl Model for Scripted {
    fn ask(&self, messages: Vec<ChatMessage>) -> BoxStream<'static, Result<Delta, ModelError>> {
        let question = messages.iter().rev().find(|message| message.role == Role::User);
        let question = question.map_or("", |message| message.content.as_str());
        let pause = if question.contains("slow") { 200 } else { 15 };
        let pieces: Vec<_> = answer(question).split_inclusive(' ').map(str::to_owned).collect();
        stream::iter(pieces)
            .then(move |piece| async move {
                tokio::time::sleep(time(&piece, pause) + Duration::from_millis(1)).await;
                Ok(Delta::Text(piece))
            })
            .boxed()
    }

    fn name(&self) -> &str {
        "scripted"
    }
}
