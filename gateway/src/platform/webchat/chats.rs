//! Which chats a visitor has: one small record a visitor, which is also how other tabs learn of a change.

use std::{sync::Arc, time::Duration};

use bus::{Error, Records, unix_ms};
use serde::{Deserialize, Serialize};

/// How long the list lives after its last change: as long as the log of a chat that was just used.
const TTL: Duration = super::LOG.ttl;

/// One chat of a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chat {
    /// Empty in the record, where the field's name says it.
    #[serde(default)]
    pub(super) id: String,
    pub(super) title: String,
    /// In ms since epoch.
    pub(super) updated: u64,
}

/// The lists of all visitors.
#[derive(Debug)]
pub(super) struct Chats {
    records: Records,
    /// What the keys of this block's visitors begin with: another block has its own chats.
    prefix: String,
    chats_max: usize,
}

/// A visitor has as many chats as are allowed.
#[derive(Debug)]
pub(super) struct TooMany;

impl Chats {
    pub(super) fn new(records: Records, platform: &str, chats_max: usize) -> Self {
        Self { records, prefix: format!("sg:webchat:visitor:{platform}:"), chats_max }
    }

    /// The record of a visitor, and the pub/sub channel of its changes.
    pub(super) fn key(&self, visitor: &str) -> String {
        format!("{}{visitor}", self.prefix)
    }

    /// The visitor whose changes come by this channel.
    pub(super) fn visitor_of<'a>(&self, channel: &'a str) -> Option<&'a str> {
        channel.strip_prefix(&self.prefix)
    }

    /// A visitor's chats, newest first.
    pub(super) async fn list(&self, visitor: &str) -> Result<Vec<Chat>, Error> {
        let fields = self.records.fields(&self.key(visitor)).await?;
        let mut chats: Vec<Chat> = (fields.into_iter())
            .filter_map(|(id, value)| Some(Chat { id, ..serde_json::from_slice(&value).ok()? }))
            .collect();
        chats.sort_by(|a, b| b.updated.cmp(&a.updated).then_with(|| a.id.cmp(&b.id)));
        Ok(chats)
    }

    /// One chat, if it is this visitor's.
    pub(super) async fn get(&self, visitor: &str, chat: &str) -> Result<Option<Chat>, Error> {
        let value = self.records.field(&self.key(visitor), chat).await?;
        Ok(value.and_then(|value| Some(Chat { id: chat.to_owned(), ..serde_json::from_slice(&value).ok()? })))
    }

    /// Adds a chat, unless it is there already.
    pub(super) async fn add(&self, visitor: &str, chat: &str) -> Result<Result<(), TooMany>, Error> {
        let chats = self.list(visitor).await?;
        if chats.iter().any(|known| known.id == chat) {
            return Ok(Ok(()));
        }
        if chats.len() >= self.chats_max {
            return Ok(Err(TooMany));
        }
        self.write(visitor, &Chat { id: chat.to_owned(), title: String::new(), updated: unix_ms() }).await.map(Ok)
    }

    /// Writes a chat as it is now, and tells the visitor's tabs.
    pub(super) async fn write(&self, visitor: &str, chat: &Chat) -> Result<(), Error> {
        let value = serde_json::json!({ "title": chat.title, "updated": chat.updated }).to_string();
        self.records.set_field(&self.key(visitor), &chat.id, value.as_bytes(), TTL).await?;
        self.tell(visitor).await
    }

    /// Forgets a chat, and tells the visitor's tabs.
    pub(super) async fn remove(&self, visitor: &str, chat: &str) -> Result<(), Error> {
        self.records.remove_field(&self.key(visitor), chat).await?;
        self.tell(visitor).await
    }

    async fn tell(&self, visitor: &str) -> Result<(), Error> {
        self.records.notify(&self.key(visitor), b"chats").await
    }
}

/// A title from the first thing that was said.
pub(super) fn title_of(text: &str) -> Arc<str> {
    const TITLE_CHARS: usize = 48;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    let mut title: String = line.chars().take(TITLE_CHARS).collect();
    if line.chars().count() > TITLE_CHARS {
        title.push('…');
    }
    title.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_one_short_line() {
        assert_eq!(&*title_of("\n  hello  \nworld"), "hello");
        assert_eq!(title_of(&"ä".repeat(60)).chars().count(), 49);
        assert_eq!(&*title_of(" \n"), "");
    }
}
