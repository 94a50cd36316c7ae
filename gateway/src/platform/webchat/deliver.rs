//! Egress of WebChat: an action is an append to the chat's log under its id, so a repeat is exact.

use bus::unix_ms;
use codec::{ActionType, OutboundView};

use super::{
    Shared,
    frames::{Entry, EntryBody},
    ids::is_id,
};
use crate::platform::SendError;

impl Shared {
    pub(super) async fn deliver(&self, action: &OutboundView<'_>) -> Result<(), SendError> {
        let key = action.message_key.unwrap_or_default().to_owned();
        let chat = action.channel_id.unwrap_or_default();
        let target = || action.target_key.or(action.target).unwrap_or_default().to_owned();
        let body = match action.action {
            ActionType::Message => EntryBody::Message { key: key.clone(), text: action.text.to_owned() },
            ActionType::Edit => EntryBody::Edit { key: key.clone(), target: target(), text: action.text.to_owned() },
            ActionType::Delete => EntryBody::Delete { key: key.clone(), target: target() },
            // Shown by the page without a word from us.
            ActionType::Typing | ActionType::Presence => return Ok(()),
            other => return Err(SendError::Unsupported(format!("webchat shows no `{other}` yet"))),
        };
        if !is_id(chat) || key.is_empty() {
            return Err(SendError::Unsupported("an action without a chat's id and a message_key".into()));
        }
        let entry = Entry { ts: unix_ms(), body }.to_json();
        match self.log.append_to_existing(&self.log_key(chat), &key, entry.as_bytes()).await {
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
}
