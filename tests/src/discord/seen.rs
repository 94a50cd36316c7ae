//! What a person sees, and waiting until it is there.

use bytes::Bytes;

use super::{
    id::Snowflake,
    server::DiscordServer,
    world::{FLAG_LOADING, Message, World},
};
use crate::within;

/// A message on the screen, and what it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: Snowflake,
    /// Who wrote it.
    pub author: String,
    /// What it says now.
    pub content: String,
    /// What it said before, oldest first.
    pub earlier: Vec<String>,
    /// Gone from the screen.
    pub is_deleted: bool,
    /// A bot is "thinking".
    pub is_thinking: bool,
    /// The message above it.
    pub replies_to: Option<Snowflake>,
    /// Each emoji and who put it there.
    pub reactions: Vec<(String, Vec<String>)>,
    /// Names and bytes.
    pub files: Vec<(String, Bytes)>,
    /// Ids of its buttons.
    pub buttons: Vec<String>,
    /// The one who sees it, where that is not everybody.
    pub only_for: Option<String>,
}

impl DiscordServer {
    /// All messages of a channel, oldest first, deleted ones too.
    #[must_use]
    pub fn seen(&self, channel: Snowflake) -> Vec<Seen> {
        self.shared.look(|state| {
            let messages = state.world.channels.get(&channel).map(|channel| channel.messages.values());
            messages.into_iter().flatten().map(|message| seen(&state.world, message)).collect()
        })
    }

    /// What is on the screen, as `name: text` lines.
    #[must_use]
    pub fn screen(&self, channel: Snowflake) -> Vec<String> {
        let shown = self.seen(channel).into_iter().filter(|seen| !seen.is_deleted);
        shown.map(|seen| format!("{}: {}", seen.author, seen.content)).collect()
    }

    /// The threads under a channel.
    #[must_use]
    pub fn threads(&self, channel: Snowflake) -> Vec<Snowflake> {
        self.shared.look(|state| {
            let under = state.world.channels.values().filter(|thread| thread.parent == Some(channel));
            under.map(|thread| thread.id).collect()
        })
    }

    /// The type with which an interaction was answered, as soon as it was.
    #[must_use]
    pub fn answered(&self, interaction: Snowflake) -> Option<u64> {
        self.shared.look(|state| state.interactions.get(interaction)?.answered)
    }

    /// Looks whenever something has changed, until there is what is looked for.
    pub async fn wait<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let mut changes = self.shared.changes();
        within(what, async {
            loop {
                if let Some(found) = look(self) {
                    return found;
                }
                changes.changed().await.expect("the server lives");
            }
        })
        .await
    }

    /// Waits for a message on the screen that contains `text`.
    pub async fn wait_seen(&self, channel: Snowflake, text: &str) -> Seen {
        let find = |server: &Self| {
            server.seen(channel).into_iter().find(|seen| !seen.is_deleted && seen.content.contains(text))
        };
        self.wait(&format!("a message with `{text}`"), find).await
    }
}

fn seen(world: &World, message: &Message) -> Seen {
    let name = |user: Snowflake| world.users.get(&user).map_or_else(String::new, |user| user.name.clone());
    let parts = message.components.iter().flat_map(|row| row["components"].as_array().into_iter().flatten());
    Seen {
        id: message.id,
        author: name(message.author),
        content: message.content.clone(),
        earlier: message.earlier.clone(),
        is_deleted: message.is_deleted,
        is_thinking: message.flags & FLAG_LOADING != 0,
        replies_to: message.reference,
        reactions: (message.reactions.iter())
            .map(|reaction| (reaction.emoji.name.clone(), reaction.users.iter().map(|&user| name(user)).collect()))
            .collect(),
        files: message.attachments.iter().map(|file| (file.filename.clone(), file.bytes.clone())).collect(),
        buttons: parts.filter_map(|part| part["custom_id"].as_str().map(str::to_owned)).collect(),
        only_for: message.only_for.map(name),
    }
}
