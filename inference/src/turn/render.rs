//! What the model is asked: system prompt, history, question.

use bus::unix_ms;
use bytes::Bytes;
use codec::{Inbound, InboundView};

use crate::{
    conversation::{History, author, said, time, told},
    model::{ChatMessage, Role},
    prompt::Facts,
    setup::Setup,
};

/// Stands for a prompt that fails where there is no persona.
const PLAIN: &str = "You are a helpful assistant.";
/// People that a prompt is told of.
const PEOPLE_MAX: usize = 20;

impl Setup {
    /// What the model would be asked with this message, after a conversation of which these are the records.
    ///
    /// # Errors
    /// One line that says what the prompt met.
    pub fn ask(&self, message: &Inbound, records: &[Bytes]) -> Result<Vec<ChatMessage>, String> {
        let bytes = message.to_bytes();
        let inbound = InboundView::decode(&bytes).map_err(|error| error.to_string())?;
        let history = History::unpack(records);
        self.system(&inbound, &history).map_err(|error| format!("the prompt cannot be rendered: {error}"))?;
        Ok(self.render(&inbound, &history, false))
    }

    /// `again`: the question is the last one of the history. A prompt that fails over these facts holds up no answer: the persona
    /// alone stands there then.
    pub(crate) fn render(&self, inbound: &InboundView<'_>, history: &History, again: bool) -> Vec<ChatMessage> {
        let system = self.system(inbound, history).unwrap_or_else(|error| {
            tracing::error!(%error, "the prompt cannot be rendered, and the persona alone stands in its place");
            metrics::counter!("stargazer_prompts_failed_total").increment(1);
            self.rooms.persona(inbound).or(self.settings.prompt.persona.as_deref()).unwrap_or(PLAIN).to_owned()
        });
        let mut messages = vec![ChatMessage { role: Role::System, content: system }];
        messages.extend(history.told(!inbound.is_dm));
        if !again {
            // As it will be remembered, so that the next request begins like this one.
            messages.push(told(&said(inbound, usize::MAX), !inbound.is_dm));
        }
        messages
    }

    fn system(&self, inbound: &InboundView<'_>, history: &History) -> Result<String, minijinja::Error> {
        let now = time(unix_ms() as f64 / 1000.0);
        let facts = Facts {
            persona: self.rooms.persona(inbound),
            platform: inbound.platform,
            room: inbound.room_name,
            is_dm: inbound.is_dm,
            user: author(inbound),
            people: history.people(inbound, PEOPLE_MAX),
            now: &now,
        };
        self.prompt.render(&facts)
    }
}
