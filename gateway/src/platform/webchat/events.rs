//! What a visitor does with messages that are there: changes and takes back their own, reacts, uses buttons.

use std::sync::Arc;

use codec::{Inbound, Kind, event_id};

use super::{
    Shared,
    files::ChatFile,
    frames::{Button, By, Entry, EntryBody},
    requests::{Answer, Done, Refusal, message_id},
};

/// Newest entries that are looked at for what became of a message. What is done to an older one counts as new.
const LATER: usize = 100;

impl Shared {
    /// Changes what the visitor said. While it waits or is being answered, it is answered as it is now.
    pub(super) async fn change(&self, visitor: &Arc<str>, id: &str, chat: &str, target: &str, text: &str) -> Answer {
        self.check_text(text)?;
        self.owned(visitor, chat).await?;
        if let Some(done) = self.done_before(chat, id).await? {
            return Ok(done);
        }
        let files = self.said(chat, target).await?;
        let event = event_id::edit(self.name.as_str(), &message_id(chat, target), id);
        let body = EntryBody::Change {
            id: id.to_owned(),
            cause: event.clone(),
            target: target.to_owned(),
            text: text.to_owned(),
        };
        let inbound = Inbound {
            message_id: message_id(chat, target),
            content: text.to_owned(),
            // It keeps its files; one that is not kept any more is not missed for the second time.
            attachments: self.attachments(chat, &files).await.map(|(_, attachments)| attachments).unwrap_or_default(),
            event_id: Some(event),
            ..self.inbound(visitor, id, chat, Kind::Edit)
        };
        Ok(Done { number: Some(self.enqueue(chat, id, body, inbound).await?), chat: None })
    }

    /// Takes back what the visitor said, and what is being answered to it.
    pub(super) async fn retract(&self, visitor: &Arc<str>, id: &str, chat: &str, target: &str) -> Answer {
        self.owned(visitor, chat).await?;
        if let Some(done) = self.done_before(chat, id).await? {
            return Ok(done);
        }
        self.said(chat, target).await?;
        let event = event_id::delete(self.name.as_str(), &message_id(chat, target));
        let body = EntryBody::Retract { id: id.to_owned(), cause: event.clone(), target: target.to_owned() };
        let inbound = Inbound {
            message_id: message_id(chat, target),
            event_id: Some(event),
            ..self.inbound(visitor, id, chat, Kind::Delete)
        };
        Ok(Done { number: Some(self.enqueue(chat, id, body, inbound).await?), chat: None })
    }

    pub(super) async fn react(
        &self,
        visitor: &Arc<str>,
        id: &str,
        chat: &str,
        (target, emoji, removed): (&str, &str, bool),
    ) -> Answer {
        if emoji.trim().is_empty() || emoji.len() > codec::limits::EMOJI_BYTES || emoji.contains(char::is_control) {
            return Err(Refusal::new("malformed", "That is no emoji."));
        }
        self.owned(visitor, chat).await?;
        if let Some(done) = self.done_before(chat, id).await? {
            return Ok(done);
        }
        let on = match self.find(chat, target).await? {
            EntryBody::User { .. } => message_id(chat, target),
            EntryBody::Message { .. } => target.to_owned(),
            _ => return Err(Refusal::no_message()),
        };
        // Each click is an event of its own: who takes a reaction away may put it there again.
        let event = event_id::reaction(self.name.as_str(), &on, &format!("{visitor}:{id}"), emoji, removed);
        let body = EntryBody::Reaction { by: By::Visitor, target: target.to_owned(), emoji: emoji.to_owned(), removed };
        let inbound = Inbound {
            message_id: on,
            emoji: emoji.to_owned(),
            removed,
            event_id: Some(event),
            ..self.inbound(visitor, id, chat, Kind::Reaction)
        };
        Ok(Done { number: Some(self.enqueue(chat, id, body, inbound).await?), chat: None })
    }

    /// Uses a button of a message, which has to be there: what it is reported as is the bot's word, not the visitor's.
    pub(super) async fn press(
        &self,
        visitor: &Arc<str>,
        id: &str,
        chat: &str,
        (target, button): (&str, &str),
    ) -> Answer {
        self.owned(visitor, chat).await?;
        if let Some(done) = self.done_before(chat, id).await? {
            return Ok(done);
        }
        let EntryBody::Message { mut buttons, .. } = self.find(chat, target).await? else {
            return Err(Refusal::no_message());
        };
        match self.later(chat, target).await? {
            Some(EntryBody::Edit { buttons: newer, .. }) => buttons = newer,
            Some(_) => return Err(Refusal::no_message()),
            None => {}
        }
        let mut all = buttons.into_iter().flatten().filter(|known| known.id.as_deref() == Some(button));
        let Some(Button { label, .. }) = all.next() else {
            return Err(Refusal::new("not_found", "That message has no such button."));
        };
        let body = EntryBody::Press { id: id.to_owned(), target: target.to_owned(), button: button.to_owned(), label };
        let mut inbound = self.interaction(visitor, id, chat, button);
        inbound.reply_to = Some(target.to_owned());
        Ok(Done { number: Some(self.enqueue(chat, id, body, inbound).await?), chat: None })
    }

    /// What stands in a chat's log under this id or key.
    async fn find(&self, chat: &str, target: &str) -> Result<EntryBody, Refusal> {
        let found = self.log.find(&self.log_key(chat), target).await?.ok_or_else(Refusal::no_message)?;
        let entry: Entry = serde_json::from_slice(&found.data).map_err(|_| Refusal::no_message())?;
        Ok(entry.body)
    }

    /// What became of a message last, of the newest entries: an edit, or that it was taken away.
    async fn later(&self, chat: &str, message: &str) -> Result<Option<EntryBody>, Refusal> {
        let newest = self.log.newest(&self.log_key(chat), LATER).await?;
        let bodies = newest.iter().filter_map(|entry| serde_json::from_slice::<Entry>(&entry.data).ok());
        Ok(bodies.map(|entry| entry.body).find(|body| match body {
            EntryBody::Edit { target, .. } | EntryBody::Delete { target, .. } | EntryBody::Retract { target, .. } => {
                target == message
            }
            _ => false,
        }))
    }

    /// The files of what the visitor said, and did not take back.
    async fn said(&self, chat: &str, target: &str) -> Result<Vec<ChatFile>, Refusal> {
        match (self.find(chat, target).await?, self.later(chat, target).await?) {
            (EntryBody::User { files, .. }, None) => Ok(files),
            _ => Err(Refusal::no_message()),
        }
    }
}
