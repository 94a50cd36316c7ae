//! The built-in model that answers when none is configured: it says what it is, and how to set a real one.

use std::time::Duration;

use futures_util::{StreamExt, stream, stream::BoxStream};

use super::{ChatMessage, Delta, Model, ModelError, Role};

/// Between two words, so that one sees a text that grows.
const PACE: Duration = Duration::from_millis(25);
/// Characters of the question that are repeated.
const QUOTE_MAX: usize = 2_000;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Echo;

impl Model for Echo {
    fn ask(&self, messages: Vec<ChatMessage>) -> BoxStream<'static, Result<Delta, ModelError>> {
        let question = messages.iter().rev().find(|message| message.role == Role::User);
        let quote: String = question.map_or("", |message| message.content.as_str()).chars().take(QUOTE_MAX).collect();
        let quote: String = quote.lines().flat_map(|line| ["> ", line, "\n"]).collect();
        let text = format!(
            "I am the built-in **echo**, not a language model: none is configured. You said:\n\n{quote}\n\
             To talk to a real model, start Stargazer with an endpoint that speaks OpenAI's API:\n\n\
             ```sh\nSG_MODEL_BASE_URL=http://127.0.0.1:11434/v1 SG_MODEL_NAME=llama3.2 ./dev up\n```\n"
        );
        let words: Vec<String> = text.split_inclusive([' ', '\n']).map(str::to_owned).collect();
        stream::iter(words)
            .then(|word| async move {
                tokio::time::sleep(PACE).await;
                Ok(Delta::Text(word))
            })
            .boxed()
    }

    fn name(&self) -> &str {
        "echo"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_repeats_and_explains() {
        let message = |role, content: &str| ChatMessage { role, content: content.into() };
        let messages = vec![message(Role::System, "be kind"), message(Role::User, "hello\nthere")];
        let pieces: Vec<_> = Echo.ask(messages).collect().await;
        let text: String = pieces
            .into_iter()
            .map(|piece| match piece {
                Ok(Delta::Text(text)) => text,
                _ => panic!(),
            })
            .collect();
        assert!(text.contains("> hello\n> there\n") && text.contains("SG_MODEL_BASE_URL"));
    }
}
