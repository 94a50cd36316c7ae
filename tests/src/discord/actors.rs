//! What people do. A person is whoever a test says it is; bots come over HTTP and the gateway alone.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    gateway::{Event, Intents},
    id::Snowflake,
    interactions::Interaction,
    rest::mention,
    server::{BotHandle, DiscordServer},
    state::{Shared, State},
    world::{Attachment, Emoji, Member, Message, Overwrite, Permissions, TYPE_REPLY},
};

impl DiscordServer {
    /// A new person.
    pub fn add_user(&self, name: &str) -> Person {
        let id = self.shared.with(|state| state.world.add_user(name));
        Person { id, shared: Arc::clone(&self.shared) }
    }

    /// A new guild: its id. Bots among its members are told of it.
    pub fn add_guild(&self, name: &str, owner: &Person, members: &[Snowflake]) -> Snowflake {
        let guild = self.shared.with(|state| state.world.add_guild(name, owner.id, members));
        members.iter().for_each(|&member| self.announce(guild, member));
        guild
    }

    /// Takes somebody in.
    pub fn add_member(&self, guild: Snowflake, user: Snowflake) {
        self.shared.with(|state| {
            let home = state.world.guilds.get_mut(&guild).expect("a guild of this server");
            home.members.insert(user, Member::default());
        });
        self.announce(guild, user);
    }

    /// discord.com/developers/docs/topics/gateway-events#guild-create for the bot, #guild-member-add for the others.
    fn announce(&self, guild: Snowflake, user: Snowflake) {
        self.shared.with(|state| {
            let world = &mut state.world;
            let (name, only_for, intents, payload) = if world.is_bot(user) {
                let payload = world.guild_create_json(&world.guilds[&guild], user, true);
                ("GUILD_CREATE", Some(user), Intents::GUILDS, payload)
            } else {
                let mut payload = world.member_json(guild, user, true).unwrap_or_default();
                payload["guild_id"] = json!(guild);
                ("GUILD_MEMBER_ADD", None, Intents::GUILD_MEMBERS, payload)
            };
            let (guild, channel, readers) = (Some(guild), None, None);
            world.events.push(Event { name, guild, channel, only_for, intents, payload, readers });
        });
    }

    /// A new text channel: its id.
    pub fn add_channel(&self, guild: Snowflake, name: &str) -> Snowflake {
        self.shared.with(|state| {
            let id = state.world.add_channel(guild, name);
            let payload = state.world.channel_json(&state.world.channels[&id]);
            let event = Event::in_channel(&state.world, "CHANNEL_CREATE", id, Intents::GUILDS, payload);
            state.world.events.push(event);
            id
        })
    }

    /// Deletes a channel, with what was said there and its threads:
    /// discord.com/developers/docs/topics/gateway-events#channel-delete.
    pub fn delete_channel(&self, channel: Snowflake) {
        // Who sees it is told before it is gone.
        self.shared.with(|state| {
            let payload = state.world.channel_json(&state.world.channels[&channel]);
            let event = Event::in_channel(&state.world, "CHANNEL_DELETE", channel, Intents::GUILDS, payload);
            state.world.events.push(event);
        });
        self.shared.with(|state| {
            state.world.channels.retain(|id, place| *id != channel && place.parent != Some(channel));
        });
    }

    /// What everybody may do in a guild from now on.
    pub fn everyone_may(&self, guild: Snowflake, may: Permissions) {
        self.shared.with(|state| {
            let home = state.world.guilds.get_mut(&guild).expect("a guild of this server");
            home.roles.iter_mut().filter(|role| role.id == guild).for_each(|role| role.permissions = may);
        });
    }

    /// Takes permissions from one member in one channel, in the place of what was taken or given before.
    pub fn deny(&self, channel: Snowflake, user: Snowflake, deny: Permissions) {
        self.overwrite(channel, user, Permissions::default(), deny);
    }

    /// Gives permissions to one member in one channel, in the place of what was taken or given before.
    pub fn allow(&self, channel: Snowflake, user: Snowflake, allow: Permissions) {
        self.overwrite(channel, user, allow, Permissions::default());
    }

    fn overwrite(&self, channel: Snowflake, user: Snowflake, allow: Permissions, deny: Permissions) {
        self.shared.with(|state| {
            let home = state.world.channels.get_mut(&channel).expect("a channel of this server");
            home.overwrites.retain(|one| one.id != user);
            home.overwrites.push(Overwrite { id: user, is_member: true, allow, deny });
            let payload = state.world.channel_json(&state.world.channels[&channel]);
            let event = Event::in_channel(&state.world, "CHANNEL_UPDATE", channel, Intents::GUILDS, payload);
            state.world.events.push(event);
        });
    }
}

/// Somebody. Clones are the same person.
#[derive(Debug, Clone)]
pub struct Person {
    /// Of the user.
    pub id: Snowflake,
    shared: Arc<Shared>,
}

impl Person {
    /// Says something: the message's id.
    pub fn says(&self, channel: Snowflake, text: &str) -> Snowflake {
        self.posts(channel, text, |_, _| {})
    }

    /// Says something to a message.
    pub fn replies(&self, to: Snowflake, text: &str) -> Snowflake {
        let channel = self.home_of(to);
        self.posts(channel, text, |state, message| {
            (message.reference, message.kind) = (Some(to), TYPE_REPLY);
            message.mentions.extend(state.world.message(channel, to).map(|message| message.author));
        })
    }

    /// Uploads a file, with or without words.
    pub fn uploads(&self, channel: Snowflake, filename: &str, bytes: impl Into<Bytes>, text: &str) -> Snowflake {
        self.posts(channel, text, |state, message| {
            let (id, bytes, filename) = (state.world.next_id(), bytes.into(), filename.to_owned());
            let (content_type, description) = (None, None);
            message.attachments.push(Attachment { id, filename, content_type, description, bytes });
        })
    }

    fn posts(&self, channel: Snowflake, text: &str, with: impl FnOnce(&mut State, &mut Message)) -> Snowflake {
        self.shared.with(|state| {
            let mut message = Message { channel, author: self.id, content: text.to_owned(), ..Message::default() };
            mention(&state.world, &mut message, &Value::Null);
            with(state, &mut message);
            state.world.post(message)
        })
    }

    /// Changes what was said.
    pub fn edits(&self, message: Snowflake, text: &str) {
        let channel = self.home_of(message);
        self.shared.with(|state| {
            let now = state.world.clock.now();
            state.world.revise(channel, message, |message| message.rewrite(text.to_owned(), now));
        });
    }

    /// Takes back what was said.
    pub fn deletes(&self, message: Snowflake) {
        let channel = self.home_of(message);
        self.shared.with(|state| state.world.delete(channel, &[message], false));
    }

    /// Deletes several messages of one channel at once, as moderators do.
    pub fn purges(&self, channel: Snowflake, messages: &[Snowflake]) {
        self.shared.with(|state| state.world.delete(channel, messages, true));
    }

    /// Puts an emoji under a message.
    pub fn reacts(&self, message: Snowflake, emoji: &str) {
        let (channel, emoji) = (self.home_of(message), Emoji::parse(emoji).expect("an emoji"));
        self.shared.with(|state| state.world.react(channel, message, self.id, &emoji));
    }

    /// Takes it away.
    pub fn unreacts(&self, message: Snowflake, emoji: &str) {
        let (channel, emoji) = (self.home_of(message), Emoji::parse(emoji).expect("an emoji"));
        self.shared.with(|state| state.world.unreact(channel, message, self.id, &emoji));
    }

    /// Begins to write.
    pub fn types(&self, channel: Snowflake) {
        self.shared.with(|state| state.world.typing(channel, self.id));
    }

    /// The private channel with a bot.
    pub fn opens_dm(&self, bot: &BotHandle) -> Snowflake {
        self.shared.with(|state| state.world.dm(self.id, bot.id))
    }

    /// Takes no messages from bots any more, or again.
    pub fn closes_dms(&self, is_closed: bool) {
        self.shared.with(|state| {
            if let Some(user) = state.world.users.get_mut(&self.id) {
                user.is_closed = is_closed;
            }
        });
    }

    /// Opens a thread under a message: its id, which is the message's.
    pub fn starts_thread(&self, message: Snowflake, name: &str) -> Snowflake {
        let channel = self.home_of(message);
        self.shared.with(|state| state.world.start_thread(channel, Some(message), self.id, name))
    }

    /// Joins a thread.
    pub fn joins(&self, thread: Snowflake) {
        self.shared.with(|state| state.world.join_thread(thread, self.id));
    }

    /// Clicks a button of a bot's message: the interaction's id.
    pub fn clicks(&self, message: Snowflake, custom_id: &str) -> Snowflake {
        let channel = self.home_of(message);
        self.shared.with(|state| {
            let found = state.world.message(channel, message).expect("the message is there");
            let rows = found.components.iter().flat_map(|row| row["components"].as_array().into_iter().flatten());
            let button = rows.filter(|part| part["custom_id"] == custom_id).find(|part| part["disabled"] != true);
            assert!(button.is_some(), "message {message} has no such button to click: {custom_id}");
            let (bot, shown) = (found.author, state.world.message_json(found));
            let data = json!({ "custom_id": custom_id, "component_type": 2 });
            self.interacts(state, (bot, channel), 3, &data, Some((message, shown)))
        })
    }

    /// Uses a slash command of a bot, with its options as the API has them: the interaction's id.
    pub fn runs(&self, bot: &BotHandle, channel: Snowflake, command: &str, options: &Value) -> Snowflake {
        self.shared.with(|state| {
            let guild = state.world.guild_of(channel);
            let known = &state.world.bots[&bot.id].commands;
            let mut here = [guild, None].into_iter().filter_map(|place| known.get(&place)).flatten();
            let found = here.find(|known| known["name"] == command && known["type"] == 1);
            let found = found.unwrap_or_else(|| panic!("the bot has no command /{command} here"));
            let data = json!({ "id": found["id"], "name": command, "type": 1, "options": options });
            self.interacts(state, (bot.id, channel), 2, &data, None)
        })
    }

    /// discord.com/developers/docs/interactions/receiving-and-responding#interaction-object.
    fn interacts(
        &self,
        state: &mut State,
        (bot, channel): (Snowflake, Snowflake),
        kind: u8,
        data: &Value,
        message: Option<(Snowflake, Value)>,
    ) -> Snowflake {
        let State { world, chance, interactions, .. } = state;
        let (id, token, guild) = (world.next_id(), format!("{:032x}", chance.u128(..)), world.guild_of(channel));
        let home = &world.channels[&channel];
        let mut payload = json!({
            "id": id, "application_id": bot, "type": kind, "data": data, "channel_id": channel, "token": token, "version": 1,
            "channel": world.channel_json(home), "app_permissions": world.permissions(bot, home).0.to_string(),
            "locale": "en-US", "entitlements": [], "authorizing_integration_owners": { "0": guild.unwrap_or_default() },
            "context": if guild.is_some() { 0 } else { 1 }, "attachment_size_limit": 10 << 20,
        });
        match guild {
            Some(guild) => {
                let mut member = world.member_json(guild, self.id, true).expect("who clicks is a member");
                member["permissions"] = json!(world.permissions(self.id, home).0.to_string());
                (payload["guild_id"], payload["member"]) = (json!(guild), member);
                payload["guild_locale"] = json!("en-US");
                payload["guild"] = json!({ "id": guild, "locale": "en-US", "features": [] });
            }
            None => payload["user"] = world.user_json(self.id),
        }
        if let Some((_, shown)) = &message {
            payload["message"] = shown.clone();
        }
        let event = Event::in_channel(world, "INTERACTION_CREATE", channel, Intents::ALWAYS, payload);
        world.events.push(Event { only_for: Some(bot), ..event });
        let interaction = Interaction {
            token,
            application: bot,
            made: world.clock.now(),
            channel,
            user: self.id,
            message: message.map(|(id, _)| id),
            command: (kind == 2).then(|| data["name"].as_str().unwrap_or_default().to_owned()),
            answered: None,
            original: None,
        };
        interactions.add(id, interaction);
        id
    }

    fn home_of(&self, message: Snowflake) -> Snowflake {
        self.shared.look(|state| state.world.home_of(message)).expect("a message of this server")
    }
}
