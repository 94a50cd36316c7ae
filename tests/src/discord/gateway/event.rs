//! Something that bots are told, and which of them.

use serde_json::{Value, json};

use super::Intents;
use crate::discord::{
    id::Snowflake,
    world::{Permissions, World},
};

/// One dispatch, before it is known who gets it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) name: &'static str,
    pub(crate) guild: Option<Snowflake>,
    pub(crate) channel: Option<Snowflake>,
    /// Who alone is told, whatever it sees: the bot of an interaction.
    pub(crate) only_for: Option<Snowflake>,
    /// Needed in guilds, and in private.
    pub(crate) intents: (Intents, Intents),
    pub(crate) payload: Value,
    /// For messages: who reads the content without being allowed to read all.
    pub(crate) readers: Option<Vec<Snowflake>>,
}

impl Event {
    pub(crate) fn in_channel(
        world: &World,
        name: &'static str,
        channel: Snowflake,
        intents: (Intents, Intents),
        payload: Value,
    ) -> Self {
        let guild = world.guild_of(channel);
        Self { name, guild, channel: Some(channel), only_for: None, intents, payload, readers: None }
    }

    /// Whether a session of `bot` hears of it: it is there, sees the channel, asked for it, and has the right shard.
    pub(crate) fn reaches(&self, world: &World, bot: Snowflake, intents: Intents, shard: (u64, u64)) -> bool {
        // discord.com/developers/docs/topics/gateway#sharding: what is private goes to shard 0 alone.
        let of_shard = self.guild.map_or(0, |guild| guild.shard(shard.1));
        if of_shard != shard.0 {
            return false;
        }
        if self.only_for.is_some_and(|only| only != bot) {
            return false;
        }
        let needed = if self.guild.is_some() { self.intents.0 } else { self.intents.1 };
        let guild = self.guild.and_then(|id| world.guilds.get(&id));
        let is_member = guild.is_none_or(|guild| guild.members.contains_key(&bot));
        let sees = self.channel.map_or(is_member, |channel| {
            let channel = world.channels.get(&channel);
            channel.is_some_and(|channel| world.permissions(bot, channel).has(Permissions::VIEW_CHANNEL))
        });
        intents.has(needed) && (sees || self.only_for.is_some()) && (needed.0 != 0 || self.intents == Intents::ALWAYS)
    }

    /// The payload as `bot` gets it.
    pub(crate) fn payload_for(&self, bot: Snowflake, intents: Intents) -> Value {
        let mut payload = self.payload.clone();
        let reads = self.guild.is_none() || intents.has(Intents::MESSAGE_CONTENT);
        if self.readers.as_ref().is_some_and(|readers| !reads && !readers.contains(&bot)) {
            blank(&mut payload);
        }
        payload
    }
}

/// Takes out what an application without the intent for content does not see:
/// discord.com/developers/docs/topics/gateway#message-content-intent.
pub(crate) fn blank(message: &mut Value) {
    message["content"] = json!("");
    for field in ["embeds", "attachments", "components"] {
        message[field] = json!([]);
    }
    if message["referenced_message"].is_object() {
        blank(&mut message["referenced_message"]);
    }
}
