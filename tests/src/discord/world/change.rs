//! Everything that can happen to messages and channels, whoever does it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Channel, Emoji, Kind, Message, Snowflake, World, message::FLAG_HAS_THREAD, message::Reaction};
use crate::discord::{
    clock::Iso8601,
    gateway::{Event, Intents},
};

impl World {
    /// Puts a message where it says; its id is given here.
    pub(crate) fn post(&mut self, mut message: Message) -> Snowflake {
        let (id, channel) = (self.next_id(), message.channel);
        message.id = id;
        let home = self.channels.get_mut(&channel).expect("a message goes to a channel that is there");
        home.messages.insert(id, message);
        self.tell_message("MESSAGE_CREATE", channel, id);
        id
    }

    /// Changes a message that is there, and tells of it: discord.com/developers/docs/topics/gateway-events#message-update.
    pub(crate) fn revise(&mut self, channel: Snowflake, message: Snowflake, change: impl FnOnce(&mut Message)) {
        change(self.message_mut(channel, message).expect("it was looked up"));
        self.tell_message("MESSAGE_UPDATE", channel, message);
    }

    /// Tells everybody who may see it of a message as it is now.
    fn tell_message(&mut self, name: &'static str, channel: Snowflake, id: Snowflake) {
        let Some(message) = self.message(channel, id).filter(|message| message.is_public()) else { return };
        let mut payload = self.message_json(message);
        if let (Some(guild), Value::Object(fields)) = (self.guild_of(channel), &mut payload) {
            // The two that only the gateway adds: discord.com/developers/docs/topics/gateway-events#message-create.
            fields.insert("guild_id".into(), json!(guild));
            if let Some(member) = self.member_json(guild, message.author, false) {
                fields.insert("member".into(), member);
            }
        }
        let readers = std::iter::once(message.author).chain(message.mentions.iter().copied()).collect();
        let event = Event::in_channel(self, name, channel, Intents::MESSAGES, payload);
        self.events.push(Event { readers: Some(readers), ..event });
    }

    /// discord.com/developers/docs/topics/gateway-events#message-delete, or #message-delete-bulk for several.
    pub(crate) fn delete(&mut self, channel: Snowflake, messages: &[Snowflake], in_bulk: bool) {
        let guild = self.guild_of(channel);
        let mut gone = Vec::new();
        for &id in messages {
            let Some(message) = self.message_mut(channel, id) else { continue };
            let was_public = message.is_public();
            message.is_deleted = true;
            if was_public {
                gone.push(id);
            }
        }
        let place = |mut payload: Value| {
            payload["channel_id"] = json!(channel);
            if let Some(guild) = guild {
                payload["guild_id"] = json!(guild);
            }
            payload
        };
        if in_bulk {
            self.tell("MESSAGE_DELETE_BULK", channel, Intents::MESSAGES, place(json!({ "ids": gone })));
        } else {
            for id in gone {
                self.tell("MESSAGE_DELETE", channel, Intents::MESSAGES, place(json!({ "id": id })));
            }
        }
    }

    /// discord.com/developers/docs/topics/gateway-events#message-reaction-add. Nothing where the user has it there already.
    pub(crate) fn react(&mut self, channel: Snowflake, message: Snowflake, user: Snowflake, emoji: &Emoji) {
        let found = self.message_mut(channel, message).expect("it was looked up");
        let author = found.author;
        let at = found.reactions.iter().position(|reaction| reaction.emoji == *emoji).unwrap_or_else(|| {
            found.reactions.push(Reaction { emoji: emoji.clone(), users: Vec::new() });
            found.reactions.len() - 1
        });
        if found.reactions[at].users.contains(&user) {
            return;
        }
        found.reactions[at].users.push(user);
        let mut payload = self.reaction_json(channel, message, user, emoji);
        payload["message_author_id"] = json!(author);
        if let Some(member) = self.guild_of(channel).and_then(|guild| self.member_json(guild, user, true)) {
            payload["member"] = member;
        }
        self.tell("MESSAGE_REACTION_ADD", channel, Intents::REACTIONS, payload);
    }

    /// discord.com/developers/docs/topics/gateway-events#message-reaction-remove. Whether it was there.
    pub(crate) fn unreact(&mut self, channel: Snowflake, message: Snowflake, user: Snowflake, emoji: &Emoji) -> bool {
        let found = self.message_mut(channel, message).expect("it was looked up");
        let Some(reaction) = found.reactions.iter_mut().find(|reaction| reaction.emoji == *emoji) else { return false };
        let Some(at) = reaction.users.iter().position(|&known| known == user) else { return false };
        reaction.users.remove(at);
        found.reactions.retain(|reaction| !reaction.users.is_empty());
        let payload = self.reaction_json(channel, message, user, emoji);
        self.tell("MESSAGE_REACTION_REMOVE", channel, Intents::REACTIONS, payload);
        true
    }

    /// discord.com/developers/docs/topics/gateway-events#typing-start.
    pub(crate) fn typing(&mut self, channel: Snowflake, user: Snowflake) {
        let mut payload = json!({ "channel_id": channel, "user_id": user, "timestamp": self.clock.now().as_secs() });
        if let Some(guild) = self.guild_of(channel) {
            payload["guild_id"] = json!(guild);
            payload["member"] = self.member_json(guild, user, true).unwrap_or_default();
        }
        self.tell("TYPING_START", channel, Intents::TYPING, payload);
    }

    /// The private channel of two, made when it is asked for: discord.com/developers/docs/resources/user#create-dm.
    pub(crate) fn dm(&mut self, one: Snowflake, other: Snowflake) -> Snowflake {
        let both = BTreeSet::from([one, other]);
        let known = self.channels.values().find(|channel| channel.kind == Kind::Dm && channel.recipients == both);
        let known = known.map(|channel| channel.id);
        if let Some(known) = known { known } else { self.insert(Kind::Dm, "", None, both).id }
    }

    /// A thread under a message, whose id it takes, or under none:
    /// discord.com/developers/docs/resources/channel#start-thread-from-message.
    pub(crate) fn start_thread(
        &mut self,
        parent: Snowflake,
        message: Option<Snowflake>,
        owner: Snowflake,
        name: &str,
    ) -> Snowflake {
        let guild = self.guild_of(parent);
        let made = self.insert(Kind::PublicThread, name, guild, BTreeSet::from([owner])).id;
        let mut thread = self.channels.remove(&made).expect("it was just made");
        (thread.parent, thread.owner) = (Some(parent), owner);
        thread.id = message.unwrap_or(made);
        let id = thread.id;
        self.channels.insert(id, thread);
        let mut payload = self.channel_json(&self.channels[&id]);
        payload["newly_created"] = json!(true);
        self.tell("THREAD_CREATE", parent, Intents::GUILDS, payload);
        if let Some(message) = message {
            self.revise(parent, message, |message| message.flags |= FLAG_HAS_THREAD);
        }
        id
    }

    /// discord.com/developers/docs/topics/gateway-events#thread-members-update.
    pub(crate) fn join_thread(&mut self, thread: Snowflake, user: Snowflake) {
        let Some(Channel { guild: Some(guild), recipients, .. }) = self.channels.get_mut(&thread) else { return };
        let guild = *guild;
        if !recipients.insert(user) {
            return;
        }
        let count = recipients.len().min(50);
        let joined = Iso8601(self.clock.now()).to_string();
        let member = json!({ "id": thread, "user_id": user, "join_timestamp": joined, "flags": 0 });
        let payload = json!({ "id": thread, "guild_id": guild, "member_count": count, "added_members": [member] });
        self.tell("THREAD_MEMBERS_UPDATE", thread, Intents::GUILD_MEMBERS, payload);
    }

    fn tell(&mut self, name: &'static str, channel: Snowflake, intents: (Intents, Intents), payload: Value) {
        let event = Event::in_channel(self, name, channel, intents, payload);
        self.events.push(event);
    }
}
