//! What there is: people, guilds, channels, messages. Every change leaves the events that tell of it.

mod change;
mod json;
mod message;
mod permissions;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;

pub(crate) use json::role_json;
pub(crate) use message::{
    Attachment, Emoji, FLAG_EPHEMERAL, FLAG_LOADING, Message, TYPE_COMMAND, TYPE_DEFAULT, TYPE_REPLY,
};
pub(crate) use permissions::Overwrite;
pub use permissions::Permissions;

use super::{
    clock::Clock,
    gateway::{Event, Intents},
    id::{Ids, Snowflake},
};

/// A person or a bot.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    /// Takes no messages from bots in private.
    pub(crate) is_closed: bool,
}

/// An application with its bot user, which has the same id.
#[derive(Debug, Clone)]
pub(crate) struct Bot {
    pub(crate) id: Snowflake,
    pub(crate) token: String,
    /// The privileged ones that its owner turned on.
    pub(crate) privileged: Intents,
    pub(crate) max_concurrency: u64,
    pub(crate) shards: u64,
    /// With fewer it has too many guilds for one of them: #sharding.
    pub(crate) shards_min: u64,
    /// Identifies that are left in the running day, of how many.
    pub(crate) starts: (u32, u32),
    /// When the running day ends.
    pub(crate) starts_reset: Duration,
    /// Its commands: for a guild, or for everywhere.
    pub(crate) commands: BTreeMap<Option<Snowflake>, Vec<Value>>,
}

/// A server, as people call it.
#[derive(Debug, Clone)]
pub(crate) struct Guild {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    pub(crate) owner: Snowflake,
    /// The first is `@everyone`, whose id is the guild's.
    pub(crate) roles: Vec<Role>,
    pub(crate) members: BTreeMap<Snowflake, Member>,
}

#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    pub(crate) permissions: Permissions,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    pub(crate) roles: Vec<Snowflake>,
}

/// discord.com/developers/docs/resources/channel#channel-object-channel-types, as far as they occur here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text = 0,
    Dm = 1,
    PublicThread = 11,
}

#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) id: Snowflake,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) guild: Option<Snowflake>,
    /// Of a thread.
    pub(crate) parent: Option<Snowflake>,
    /// Of a thread.
    pub(crate) owner: Snowflake,
    /// The two of a private channel, or who joined a thread.
    pub(crate) recipients: BTreeSet<Snowflake>,
    pub(crate) overwrites: Vec<Overwrite>,
    pub(crate) messages: BTreeMap<Snowflake, Message>,
}

/// All of it. Grows with what a test does, and lives as long as one.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) users: BTreeMap<Snowflake, User>,
    pub(crate) bots: BTreeMap<Snowflake, Bot>,
    pub(crate) guilds: BTreeMap<Snowflake, Guild>,
    pub(crate) channels: BTreeMap<Snowflake, Channel>,
    /// What has happened and is not sent yet; emptied before the lock on the world is given back.
    pub(crate) events: Vec<Event>,
    /// Where files are served.
    pub(crate) cdn: super::cdn::Cdn,
}

impl World {
    pub(crate) fn new(clock: Clock, cdn: super::cdn::Cdn) -> Self {
        Self {
            clock,
            ids: Ids::default(),
            users: BTreeMap::new(),
            bots: BTreeMap::new(),
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            events: Vec::new(),
            cdn,
        }
    }

    pub(crate) fn next_id(&mut self) -> Snowflake {
        self.ids.next(self.clock.now())
    }

    pub(crate) fn is_bot(&self, user: Snowflake) -> bool {
        self.bots.contains_key(&user)
    }

    pub(crate) fn add_user(&mut self, name: &str) -> Snowflake {
        let id = self.next_id();
        self.users.insert(id, User { name: name.to_owned(), is_closed: false });
        id
    }

    /// A guild with `@everyone` alone; its owner and `members` are in it.
    pub(crate) fn add_guild(&mut self, name: &str, owner: Snowflake, members: &[Snowflake]) -> Snowflake {
        let id = self.next_id();
        let everyone = Role { id, name: "@everyone".into(), permissions: Permissions::USUAL };
        let members = members.iter().chain([&owner]).map(|&member| (member, Member::default())).collect();
        self.guilds.insert(id, Guild { id, name: name.to_owned(), owner, roles: vec![everyone], members });
        id
    }

    pub(crate) fn add_channel(&mut self, guild: Snowflake, name: &str) -> Snowflake {
        self.insert(Kind::Text, name, Some(guild), BTreeSet::new()).id
    }

    fn insert(
        &mut self,
        kind: Kind,
        name: &str,
        guild: Option<Snowflake>,
        recipients: BTreeSet<Snowflake>,
    ) -> &mut Channel {
        let id = self.next_id();
        let name = name.to_owned();
        let (parent, owner, overwrites, messages) = (None, Snowflake(0), Vec::new(), BTreeMap::new());
        let channel = Channel { id, kind, name, guild, parent, owner, recipients, overwrites, messages };
        self.channels.entry(id).or_insert(channel)
    }

    /// The message, unless it is not there or not any more.
    pub(crate) fn message(&self, channel: Snowflake, message: Snowflake) -> Option<&Message> {
        self.channels.get(&channel)?.messages.get(&message).filter(|message| !message.is_deleted)
    }

    pub(crate) fn message_mut(&mut self, channel: Snowflake, message: Snowflake) -> Option<&mut Message> {
        self.channels.get_mut(&channel)?.messages.get_mut(&message).filter(|message| !message.is_deleted)
    }

    /// The channel in which a message is, by its id alone.
    pub(crate) fn home_of(&self, message: Snowflake) -> Option<Snowflake> {
        self.channels.values().find(|channel| channel.messages.contains_key(&message)).map(|channel| channel.id)
    }

    /// The guild of a channel.
    pub(crate) fn guild_of(&self, channel: Snowflake) -> Option<Snowflake> {
        self.channels.get(&channel)?.guild
    }
}
