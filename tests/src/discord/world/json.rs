//! How things look in the API.

use serde_json::{Value, json};

use super::{Attachment, Channel, Emoji, Guild, Kind, Message, Role, Snowflake, World};
use crate::discord::clock::Iso8601;

impl World {
    /// discord.com/developers/docs/resources/user#user-object.
    pub(crate) fn user_json(&self, id: Snowflake) -> Value {
        let name = self.users.get(&id).map_or("Deleted User", |user| user.name.as_str());
        // Bots have kept their four digits.
        let (is_bot, digits) = if self.is_bot(id) { (true, "0001") } else { (false, "0") };
        json!({
            "id": id, "username": name, "discriminator": digits, "global_name": null, "avatar": null, "bot": is_bot,
            "public_flags": 0, "flags": 0,
        })
    }

    /// discord.com/developers/docs/resources/guild#guild-member-object, with or without its user.
    pub(crate) fn member_json(&self, guild: Snowflake, user: Snowflake, with_user: bool) -> Option<Value> {
        let member = self.guilds.get(&guild)?.members.get(&user)?;
        let mut shown = json!({
            "roles": member.roles, "nick": null, "avatar": null, "premium_since": null, "deaf": false, "mute": false,
            "pending": false, "flags": 0, "joined_at": Iso8601(guild.time()).to_string(),
            "communication_disabled_until": null,
        });
        if with_user {
            shown["user"] = self.user_json(user);
        }
        Some(shown)
    }

    /// discord.com/developers/docs/resources/guild#guild-object.
    pub(crate) fn guild_json(&self, guild: &Guild) -> Value {
        json!({
            "id": guild.id, "name": guild.name, "owner_id": guild.owner, "icon": null, "splash": null,
            "discovery_splash": null, "afk_channel_id": null, "afk_timeout": 300, "verification_level": 0,
            "default_message_notifications": 0, "explicit_content_filter": 0, "emojis": [], "features": [], "mfa_level": 0,
            "roles": guild.roles.iter().enumerate().map(|(at, role)| role_json(role, at)).collect::<Vec<_>>(),
            "application_id": null, "system_channel_id": null, "system_channel_flags": 0, "rules_channel_id": null,
            "max_members": 500_000, "vanity_url_code": null, "description": null, "banner": null, "premium_tier": 0,
            "premium_subscription_count": 0, "preferred_locale": "en-US", "public_updates_channel_id": null,
            "nsfw_level": 0, "nsfw": false, "stickers": [], "premium_progress_bar_enabled": false,
            "safety_alerts_channel_id": null,
        })
    }

    /// What `GUILD_CREATE` adds: discord.com/developers/docs/topics/gateway-events#guild-create. Members are the bot alone
    /// where it has no right to know the others.
    pub(crate) fn guild_create_json(&self, guild: &Guild, bot: Snowflake, knows_members: bool) -> Value {
        let mut shown = self.guild_json(guild);
        let of_guild = |channel: &&Channel| channel.guild == Some(guild.id);
        let sees = |channel: &&Channel| self.permissions(bot, channel).has(super::Permissions::VIEW_CHANNEL);
        let (threads, channels): (Vec<_>, Vec<_>) = self
            .channels
            .values()
            .filter(of_guild)
            .filter(sees)
            .partition(|channel| channel.kind == Kind::PublicThread);
        let shown_all = |list: Vec<&Channel>| list.into_iter().map(|one| self.channel_json(one)).collect::<Vec<_>>();
        let members = guild.members.keys().filter(|&&user| knows_members || user == bot);
        let members: Vec<_> = members.filter_map(|&user| self.member_json(guild.id, user, true)).collect();
        let more = json!({
            "joined_at": Iso8601(guild.id.time()).to_string(), "large": false, "unavailable": false,
            "member_count": guild.members.len(), "voice_states": [], "members": members, "channels": shown_all(channels),
            "threads": shown_all(threads), "presences": [], "stage_instances": [], "guild_scheduled_events": [],
            "soundboard_sounds": [],
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            shown[field] = value.clone();
        }
        shown
    }

    /// discord.com/developers/docs/resources/channel#channel-object.
    pub(crate) fn channel_json(&self, channel: &Channel) -> Value {
        let last = channel.messages.values().rev().find(|message| message.is_public()).map(|message| message.id);
        let mut shown = json!({ "id": channel.id, "type": channel.kind as u8, "last_message_id": last, "flags": 0 });
        let more = match channel.kind {
            Kind::Dm => json!({
                // Whoever asks is a bot, and is not among them.
                "recipients": (channel.recipients.iter()).filter(|&&user| !self.is_bot(user))
                    .map(|&user| self.user_json(user)).collect::<Vec<_>>(),
            }),
            Kind::Text => json!({
                "guild_id": channel.guild, "name": channel.name, "position": 0, "parent_id": null, "topic": null,
                "nsfw": false, "rate_limit_per_user": 0,
                "permission_overwrites": (channel.overwrites.iter()).map(|one| json!({
                    "id": one.id, "type": u8::from(one.is_member),
                    "allow": one.allow.0.to_string(), "deny": one.deny.0.to_string(),
                })).collect::<Vec<_>>(),
            }),
            Kind::PublicThread => json!({
                "guild_id": channel.guild, "name": channel.name, "parent_id": channel.parent, "owner_id": channel.owner,
                "message_count": channel.messages.len(), "total_message_sent": channel.messages.len(),
                "member_count": channel.recipients.len().min(50), "rate_limit_per_user": 0,
                "thread_metadata": {
                    "archived": false, "auto_archive_duration": 1440, "locked": false,
                    "archive_timestamp": Iso8601(channel.id.time()).to_string(),
                },
            }),
        };
        for (field, value) in more.as_object().into_iter().flatten() {
            shown[field] = value.clone();
        }
        shown
    }

    /// discord.com/developers/docs/resources/message#message-object, as the API shows it to whom it is allowed.
    pub(crate) fn message_json(&self, message: &Message) -> Value {
        let mut shown = self.plain_message_json(message);
        if let Some(reference) = message.reference {
            let guild = self.guild_of(message.channel);
            shown["message_reference"] =
                json!({ "type": 0, "message_id": reference, "channel_id": message.channel, "guild_id": guild });
            // Absent would be "not looked up", null is "deleted".
            let found = self.message(message.channel, reference);
            shown["referenced_message"] = found.map_or(Value::Null, |found| self.plain_message_json(found));
        }
        shown
    }

    fn plain_message_json(&self, message: &Message) -> Value {
        let users = message.mentions.iter().map(|&user| self.user_json(user)).collect::<Vec<_>>();
        let reactions = message.reactions.iter().map(|reaction| {
            json!({
                "count": reaction.users.len(), "count_details": { "burst": 0, "normal": reaction.users.len() },
                "me": false, "me_burst": false, "burst_colors": [], "emoji": emoji_json(&reaction.emoji),
            })
        });
        let files = message.attachments.iter().map(|file| self.attachment_json(message.channel, file));
        let mut shown = json!({
            "id": message.id, "channel_id": message.channel, "author": self.user_json(message.author),
            "content": message.content, "timestamp": Iso8601(message.id.time()).to_string(),
            "edited_timestamp": message.edited.map(|at| Iso8601(at).to_string()), "tts": false,
            "mention_everyone": message.mentions_everyone, "mentions": users, "mention_roles": message.mention_roles,
            "attachments": files.collect::<Vec<_>>(), "embeds": message.embeds, "components": message.components,
            "pinned": false, "type": message.kind, "flags": message.flags,
        });
        let reactions: Vec<_> = reactions.collect();
        if !reactions.is_empty() {
            shown["reactions"] = json!(reactions);
        }
        if let Some(nonce) = &message.nonce {
            shown["nonce"] = nonce.clone();
        }
        if let Some(interaction) = &message.interaction {
            shown["interaction_metadata"] = interaction.clone();
            shown["application_id"] = json!(message.author);
            // As follow-ups have it: their webhook is the application.
            shown["webhook_id"] = json!(message.author);
        }
        if let Some(thread) = self.channels.get(&message.id) {
            shown["thread"] = self.channel_json(thread);
        }
        shown
    }

    /// discord.com/developers/docs/resources/message#attachment-object.
    pub(crate) fn attachment_json(&self, channel: Snowflake, file: &Attachment) -> Value {
        let url = self.cdn.url(self.clock.now(), channel, file.id, &file.filename);
        let mut shown = json!({
            "id": file.id, "filename": file.filename, "size": file.bytes.len(), "url": url, "proxy_url": url,
        });
        for (field, value) in [("content_type", &file.content_type), ("description", &file.description)] {
            if let Some(value) = value {
                shown[field] = json!(value);
            }
        }
        shown
    }

    pub(super) fn reaction_json(
        &self,
        channel: Snowflake,
        message: Snowflake,
        user: Snowflake,
        emoji: &Emoji,
    ) -> Value {
        let mut shown = json!({
            "user_id": user, "channel_id": channel, "message_id": message, "emoji": emoji_json(emoji), "burst": false,
            "type": 0,
        });
        if let Some(guild) = self.guild_of(channel) {
            shown["guild_id"] = json!(guild);
        }
        shown
    }
}

/// discord.com/developers/docs/topics/permissions#role-object.
pub(crate) fn role_json(role: &Role, position: usize) -> Value {
    json!({
        "id": role.id, "name": role.name, "color": 0, "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null },
        "hoist": false, "icon": null, "unicode_emoji": null, "position": position,
        "permissions": role.permissions.0.to_string(), "managed": false, "mentionable": false, "flags": 0,
    })
}

fn emoji_json(emoji: &Emoji) -> Value {
    json!({ "id": emoji.id, "name": emoji.name, "animated": false })
}
