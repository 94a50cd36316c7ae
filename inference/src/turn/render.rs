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
        let rendered = self.render(&inbound, &History::unpack(records), false);
        rendered.map_err(|error| format!("the prompt cannot be rendered: {error}"))
    }

    /// `again`: the question is the last one of the history.
    ///
    /// # Errors
    /// What the prompt met.
    pub(crate) fn render(
        &self,
        inbound: &InboundView<'_>,
        history: &History,
        again: bool,
    ) -> Result<Vec<ChatMessage>, minijinja::Error> {
        let now = time(unix_ms() as f64 / 1000.0);
        let facts = Facts {
            platform: inbound.platform,
            room: inbound.room_name,
            is_dm: inbound.is_dm,
            user: author(inbound),
            people: history.people(inbound, PEOPLE_MAX),
            now: &now,
        };
        let mut messages = vec![ChatMessage { role: Role::System, content: self.prompt.render(&facts)? }];
        messages.extend(history.told(!inbound.is_dm));
        if !again {
            // As it will be remembered, so that the next request begins like this one.
            messages.push(told(&said(inbound, usize::MAX), !inbound.is_dm));
        }
        Ok(messages)
    }
}
