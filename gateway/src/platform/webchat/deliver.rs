//! Egress of WebChat: an action is an append to the chat's log under its id, so a repeat is exact.

use bus::unix_ms;
use codec::{ActionType, OutboundView, TypingState};

use super::{
    Shared,
    files::ChatFile,
    frames::{Button, By, Entry, EntryBody},
    ids::is_id,
};
use crate::platform::{File, Part, SendError};

/// What tells every gateway that somebody writes in a chat, on the channel of its log. No entry's announcement is like it.
const TYPING: [(&[u8], bool); 2] = [(b"typing", true), (b"silent", false)];

/// Whether this says that somebody writes, or that nobody does any more.
pub(super) fn typing_of(payload: &[u8]) -> Option<bool> {
    TYPING.iter().find(|(word, _)| *word == payload).map(|(_, on)| *on)
}

impl Shared {
    /// Shows a new message.
    pub(super) async fn show(&self, part: &Part<'_, '_>) -> Result<(), SendError> {
        let key = part.action.message_key.unwrap_or_default().to_owned();
        let file = match &part.file {
            Some(file) => Some(self.keep(chat(part.action)?, file).await?),
            None => None,
        };
        let text = part.text.clone().into_owned();
        let body = EntryBody::Message { key, text, file, buttons: rows(&part.buttons) };
        self.append(part.action, body).await
    }

    /// Carries out what makes no new message.
    pub(super) async fn apply(&self, action: &OutboundView<'_>) -> Result<(), SendError> {
        let key = action.message_key.unwrap_or_default().to_owned();
        let target = target(action);
        let body = match action.action {
            ActionType::Edit => {
                let buttons: Vec<Vec<_>> = action.buttons.iter().map(|row| row.into_iter().collect()).collect();
                EntryBody::Edit { key, target, text: action.text.to_owned(), buttons: rows(&buttons) }
            }
            ActionType::Delete => EntryBody::Delete { key, target },
            ActionType::Reaction => {
                let (emoji, removed) = (action.emoji.to_owned(), action.removed);
                EntryBody::Reaction { by: By::Bot, target, emoji, removed }
            }
            ActionType::Typing => return self.tell_typing(action).await,
            other => return Err(SendError::Unsupported(format!("webchat has no `{other}`"))),
        };
        self.append(action, body).await
    }

    async fn keep(&self, chat: &str, file: &File<'_>) -> Result<ChatFile, SendError> {
        let (mimetype, data) = (file.mimetype.unwrap_or_default(), file.bytes.clone());
        let kept = self.files.keep(&self.lane(chat), &file.name, mimetype, data).await;
        kept.map_err(|error| SendError::Away(error.to_string()))
    }

    async fn append(&self, action: &OutboundView<'_>, body: EntryBody) -> Result<(), SendError> {
        let (chat, key) = (chat(action)?, action.message_key.unwrap_or_default());
        if key.is_empty() {
            return Err(SendError::Unsupported("an action without a message_key".into()));
        }
        let entry = Entry { ts: unix_ms(), body }.to_json();
        match self.log.append_to_existing(&self.log_key(chat), key, entry.as_bytes()).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => {
                // The visitor deleted the chat while it was being answered.
                metrics::counter!("stargazer_egress_dropped_total", "reason" => "chat_gone").increment(1);
                Ok(())
            }
            // Whatever Redis has against it, the action waits in its lane until it can be stored.
            Err(error) => Err(SendError::Away(error.to_string())),
        }
    }

    /// Nothing that a later visitor has to know, so it is told to those who look now.
    async fn tell_typing(&self, action: &OutboundView<'_>) -> Result<(), SendError> {
        let on = action.state != Some(TypingState::Stop);
        let word = TYPING.iter().find(|(_, is)| *is == on).map_or(&b""[..], |(word, _)| word);
        let told = self.records.notify(&self.log_key(chat(action)?), word).await;
        told.map_err(|error| SendError::Away(error.to_string()))
    }
}

fn chat<'a>(action: &OutboundView<'a>) -> Result<&'a str, SendError> {
    let chat = action.channel_id.unwrap_or_default();
    if is_id(chat) { Ok(chat) } else { Err(SendError::Unsupported("an action without a chat's id".into())) }
}

/// The message that an action is about, as the log names it: by the key of what the bot said, or by the id of what the visitor
/// said, which is the platform's id without the chat.
fn target(action: &OutboundView<'_>) -> String {
    let chat = action.channel_id.unwrap_or_default();
    let without_chat = |id| str::strip_prefix(id, chat).and_then(|rest| rest.strip_prefix(':')).unwrap_or(id);
    action.target_key.or_else(|| action.target.map(without_chat)).unwrap_or_default().to_owned()
}

fn rows(buttons: &[Vec<codec::ButtonView<'_>>]) -> Vec<Vec<Button>> {
    buttons.iter().map(|row| row.iter().map(|button| Button::from(*button)).collect()).collect()
}
