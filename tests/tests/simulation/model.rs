//! A model that answers each question by its own words, some at length, in pieces that take their time.

use std::time::Duration;

use futures_util::{StreamExt, stream, stream::BoxStream};
use inference::model::{ChatMessage, Delta, Model, ModelError, Role};

use super::handlers::time;

/// What it answers to a question.
pub(crate) fn answer(question: &str) -> String {
    let said = format!("You said {question}, and I heard it.");
    let lines = lines_of_code(question);
    if lines == 0 {
        return said;
    }
    let code: String = (0..lines).map(|line| format!("    tell({line}, \"{question}\");\n")).collect();
    format!("{said} I **put it** in code:\n\n```rust\nfn told() {{\n{code}}}\n```\n\nThat is all of {question}.")
}

/// One answer in five becomes several messages, and one in twenty-five more than a platform takes.
fn lines_of_code(question: &str) -> u32 {
    let number = question.split(':').nth(1).and_then(|number| number.parse::<u32>().ok());
    match number.map(|number| number % 25) {
        Some(3 | 18 | 23) => 6,
        Some(8) => 24,
        Some(13) => 90,
        _ => 0,
    }
}

#[derive(Debug)]
pub(crate) struct Scripted;

impl Model for Scripted {
    fn ask(&self, messages: Vec<ChatMessage>) -> BoxStream<'static, Result<Delta, ModelError>> {
        let question = messages.iter().rev().find(|message| message.role == Role::User);
        let question = question.map_or("", |message| message.content.as_str());
        let pause = if question.contains("slow") { 200 } else { 15 };
        let between = if lines_of_code(question) == 0 { ' ' } else { '\n' };
        let pieces: Vec<_> = answer(question).split_inclusive(between).map(str::to_owned).collect();
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
