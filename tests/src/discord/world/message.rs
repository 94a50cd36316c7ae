//! A message, with all that it was before.

use std::time::Duration;

use serde_json::Value;

use super::Snowflake;

/// Discord's types of messages, as far as they occur here: discord.com/developers/docs/resources/message#message-object-message-types.
pub(crate) const TYPE_DEFAULT: u8 = 0;
pub(crate) const TYPE_REPLY: u8 = 19;
pub(crate) const TYPE_COMMAND: u8 = 20;

/// Flags of discord.com/developers/docs/resources/message#message-object-message-flags.
pub(crate) const FLAG_HAS_THREAD: u64 = 1 << 5;
pub(crate) const FLAG_EPHEMERAL: u64 = 1 << 6;
pub(crate) const FLAG_LOADING: u64 = 1 << 7;

/// One message. Never removed, so that tests see what was there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    pub(crate) id: Snowflake,
    pub(crate) channel: Snowflake,
    pub(crate) author: Snowflake,
    pub(crate) kind: u8,
    pub(crate) content: String,
    /// What it said before, oldest first.
    pub(crate) earlier: Vec<String>,
    pub(crate) edited: Option<Duration>,
    pub(crate) is_deleted: bool,
    pub(crate) flags: u64,
    pub(crate) mentions: Vec<Snowflake>,
    pub(crate) mention_roles: Vec<Snowflake>,
    pub(crate) mentions_everyone: bool,
    pub(crate) embeds: Vec<Value>,
    pub(crate) components: Vec<Value>,
    pub(crate) attachments: Vec<Attachment>,
    /// In the order in which they first came.
    pub(crate) reactions: Vec<Reaction>,
    /// What it replies to.
    pub(crate) reference: Option<Snowflake>,
    /// As it was sent: text or a number. Shown to the gateway only.
    pub(crate) nonce: Option<Value>,
    /// Who alone sees it.
    pub(crate) only_for: Option<Snowflake>,
    /// The interaction that it answers, as the message shows it.
    pub(crate) interaction: Option<Value>,
}

impl Message {
    /// Takes a new text, and remembers the old one.
    pub(crate) fn rewrite(&mut self, content: String, now: Duration) {
        self.earlier.push(std::mem::replace(&mut self.content, content));
        self.edited = Some(now);
    }

    /// Whether others than one person may know of it.
    pub(crate) fn is_public(&self) -> bool {
        self.only_for.is_none() && !self.is_deleted
    }
}

/// A file of a message.
#[derive(Debug, Clone)]
pub(crate) struct Attachment {
    pub(crate) id: Snowflake,
    pub(crate) filename: String,
    pub(crate) content_type: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) bytes: bytes::Bytes,
}

/// An emoji under a message.
#[derive(Debug, Clone)]
pub(crate) struct Reaction {
    pub(crate) emoji: Emoji,
    pub(crate) users: Vec<Snowflake>,
}

/// One of Unicode's, or one of a guild's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Emoji {
    pub(crate) id: Option<Snowflake>,
    pub(crate) name: String,
}

impl Emoji {
    /// `👍` or `name:id`: discord.com/developers/docs/resources/message#create-reaction.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some((name, id)) = text.split_once(':') {
            return Some(Self { id: Some(Snowflake::parse(id)?), name: name.to_owned() });
        }
        let is_unicode = !text.is_empty() && !text.chars().any(|c| c.is_ascii_alphabetic());
        is_unicode.then(|| Self { id: None, name: text.to_owned() })
    }
}
