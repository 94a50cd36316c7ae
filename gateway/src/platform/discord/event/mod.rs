//! From Discord's events to ours: pure, and whatever an event holds.
//!
//! An event is read as the JSON that it came as, so that a field that is missing or absurd costs that field and not the event. What
//! cannot be an envelope at all, or is not to be one, is dropped for a reason that is counted.

mod addressed;
mod field;
mod interaction;
mod message;
mod reaction;
mod removed;

use codec::{Inbound, Kind, PlatformName, Triggers, names};
use serde_json::Value;

use super::rooms::Rooms;
pub(super) use field::{first_id_at, id, list, name, time_of};
pub(super) use interaction::answers;

/// What events are read with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) platform: &'a PlatformName,
    /// The bot's own user.
    pub(super) me: u64,
    pub(super) triggers: &'a Triggers,
    pub(super) takes_bots: bool,
    /// The bot's own slash commands.
    pub(super) commands: &'a [service::DiscordCommand],
    pub(super) rooms: &'a Rooms,
    /// When the event came, in ms since the Unix epoch.
    pub(super) now_ms: u64,
}

/// Why an event becomes no envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dropped {
    /// The bot did it itself.
    Own,
    /// Another bot or a webhook did it.
    Bot,
    /// It says nothing that a person said: somebody joined, pinned, boosted.
    System,
    /// Nothing was changed by it but what the platform adds: the preview of a link.
    NoChange,
    /// There is nothing in it: what it had, the bot may not read.
    Empty,
    /// It lacks what an envelope has to have.
    Malformed,
}

impl Dropped {
    /// For metrics.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Bot => "bot",
            Self::System => "system",
            Self::NoChange => "no_change",
            Self::Empty => "empty",
            Self::Malformed => "malformed",
        }
    }
}

/// The envelopes of an event. None: it is of no kind that makes any.
pub(super) fn read(reading: &Reading<'_>, kind: &str, data: &Value) -> Option<Result<Vec<Inbound>, Dropped>> {
    let one = |inbound: Result<Inbound, Dropped>| inbound.map(|inbound| vec![inbound]);
    Some(match kind {
        "MESSAGE_CREATE" => one(message::created(reading, data)),
        "MESSAGE_UPDATE" => one(message::edited(reading, data)),
        "MESSAGE_DELETE" => one(removed::one(reading, data)),
        "MESSAGE_DELETE_BULK" => removed::many(reading, data),
        "MESSAGE_REACTION_ADD" => one(reaction::changed(reading, data, false)),
        "MESSAGE_REACTION_REMOVE" => one(reaction::changed(reading, data, true)),
        "INTERACTION_CREATE" => one(interaction::used(reading, data)),
        _ => return None,
    })
}

impl Reading<'_> {
    /// Where an event was, in an envelope of this kind about a message.
    fn place(&self, data: &Value, kind: Kind, message_id: u64) -> Result<Inbound, Dropped> {
        let channel = id(&data["channel_id"]).ok_or(Dropped::Malformed)?;
        let room = self.rooms.get(channel);
        let thread = room.and_then(|room| room.parent).map(|parent| (channel.to_string(), parent.to_string()));
        let (thread_id, parent_id) = thread.unzip();
        let channel_id = parent_id.clone().unwrap_or_else(|| channel.to_string());
        let guild_id = id(&data["guild_id"]).map(|id| id.to_string());
        Ok(Inbound {
            channel_key: names::channel_key(self.platform.as_str(), &channel_id, thread_id.as_deref()),
            kind,
            platform: self.platform.to_string(),
            channel_id,
            message_id: message_id.to_string(),
            room_name: room.and_then(|room| room.name.clone()),
            is_dm: guild_id.is_none() && room.is_none(),
            guild_id,
            thread_id,
            parent_id,
            timestamp: seconds(self.now_ms),
            ..Inbound::default()
        })
    }

    /// Says who did it, from a user and, in a server, the member that they are there.
    fn by(&self, inbound: &mut Inbound, user: &Value, member: &Value) -> Result<(), Dropped> {
        let user_id = id(&user["id"]).ok_or(Dropped::Malformed)?;
        if user_id == self.me {
            return Err(Dropped::Own);
        }
        if user["bot"] == true && !self.takes_bots {
            return Err(Dropped::Bot);
        }
        inbound.user_id = user_id.to_string();
        inbound.username = name(&user["username"]).unwrap_or_else(|| inbound.user_id.clone());
        inbound.display_name = name(&member["nick"]).or_else(|| name(&user["global_name"]));
        let roles = list(&member["roles"]).iter().filter_map(id).map(|id| id.to_string());
        inbound.member_roles = roles.take(codec::limits::ROLE_ITEMS).collect();
        Ok(())
    }
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

#[cfg(test)]
mod tests;
