//! The inbound envelope: one event of a platform, from the gateway to the worker.

use bytes::Bytes;

use crate::choice::Kind;
use crate::constant::{StranglerRoute, Version};
use crate::envelope::envelope;
use crate::limits;
use crate::names;
use crate::needs::{Need, Needs, need};
use crate::raw::Raw;
use crate::schema::Bound;

envelope! {
    /// One event of a platform.
    ///
    /// Made from [`Default`] and the required fields; `validate` before it is published.
    Inbound, InboundView, named "inbound", under "", by kind in NEEDS;

    /// The lane: `<platform>:<thread or channel id>`.
    channel_key: String, Required, Bound::some(limits::KEY_BYTES);
    /// Version of the envelope.
    v: Version, Written, Bound::ANY;
    /// What happened.
    kind: Kind, Written, Bound::ANY;
    /// Name of the platform block.
    platform: String, Required, Bound::PLATFORM;
    /// Channel, room or chat.
    channel_id: String, Required, Bound::some(limits::ID_BYTES);
    /// Who did it.
    user_id: String, Required, Bound::some(limits::ID_BYTES);
    /// The user's account name.
    username: String, Written, Bound::up_to(limits::NAME_BYTES);
    /// The name that the user is shown under.
    display_name: Option<String>, Optional, Bound::up_to(limits::NAME_BYTES);
    /// What was written, as the platform has it.
    content: String, Written, Bound::up_to(limits::TEXT_BYTES);
    /// The message that was written, changed, deleted or reacted to.
    message_id: String, Required, Bound::some(limits::ID_BYTES);
    /// When it happened, by the platform's clock; seconds since the epoch.
    timestamp: f64, Required, Bound::ANY;
    /// Files that came with the message.
    attachments: Vec<Attachment>, Optional, Bound::list(limits::ATTACHMENT_ITEMS, usize::MAX);
    /// The message that this one answers.
    reply_to: Option<String>, Optional, Bound::up_to(limits::ID_BYTES);
    /// Link previews and the like, in the platform's own form.
    embeds: Option<Raw>, Optional, Bound::up_to(limits::RAW_BYTES);
    /// The channel's name.
    room_name: Option<String>, Optional, Bound::up_to(limits::NAME_BYTES);
    /// Whether the channel is a conversation of two.
    is_dm: bool, Written, Bound::ANY;
    /// Server, space or team.
    guild_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES);
    /// The thread inside the channel.
    thread_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES);
    /// The channel that a thread hangs on, where the platform makes threads channels.
    parent_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES);
    /// Identity of the event: the same event has the same one, however often and by whomever it is appended.
    event_id: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES);
    /// Ids of the user's roles.
    member_roles: Vec<String>, Optional, Bound::list(limits::ROLE_ITEMS, limits::ID_BYTES);
    /// Trace of the message (a UUID of version 7).
    trace_id: String, Written, Bound::up_to(limits::ID_BYTES);
    /// When the gateway appended it; seconds since the epoch.
    enqueued_at: f64, Written, Bound::ANY;
    /// Whether the bot is meant and shall answer.
    is_addressed: bool, Written, Bound::ANY;
    /// Always `microservice`; not looked at when read.
    strangler_route: StranglerRoute, Written, Bound::ANY;
    /// Other names of the user.
    user_aliases: Vec<String>, Optional, Bound::list(limits::ALIAS_ITEMS, limits::NAME_BYTES);
    /// One id for a person's accounts on several platforms.
    unified_user_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES);
    /// The message's reactions, as text for the model.
    reactions: String, Optional, Bound::up_to(limits::TEXT_BYTES);
    /// The reaction: characters, or a platform's name and id for its own.
    emoji: String, Optional, Bound::up_to(limits::EMOJI_BYTES);
    /// Whether the reaction was taken away.
    removed: bool, Optional, Bound::ANY;
    /// The button, menu or command that was used.
    custom_id: String, Optional, Bound::up_to(limits::ID_BYTES);
    /// What was chosen in a menu, or the command's arguments.
    values: Vec<String>, Optional, Bound::list(limits::VALUE_ITEMS, limits::NAME_BYTES);
}

envelope! {
    /// A file that came with a message.
    ///
    /// Its bytes are here (`data`), or will be under the key `media_key`, or are to be had from `source_url` alone.
    Attachment, AttachmentView, named "attachments", under "attachments.";

    /// Name of the file.
    filename: String, Written, Bound::up_to(limits::NAME_BYTES);
    /// Media type, as the platform says.
    mimetype: String, Written, Bound::up_to(limits::NAME_BYTES);
    /// Size of the file in bytes, as the platform says.
    size: u64, Written, Bound::ANY;
    /// Where the platform keeps it. Often signed, and short-lived.
    source_url: Option<String>, Optional, Bound::up_to(limits::URL_BYTES);
    /// SHA-256 of the bytes, in hex.
    sha256: Option<String>, Optional, Bound::up_to(limits::ID_BYTES);
    /// The bytes, of a small file.
    data: Option<Bytes>, Optional, Bound::up_to(limits::INLINE_BYTES);
    /// Key in Redis under which the bytes, or a record of why there are none, will stand.
    media_key: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES);
}

const fn field(one_of: &'static [&'static str]) -> Need {
    need(Inbound::FIELDS, one_of)
}

const fn row(kind: Kind, needed: &'static [Need], used: &'static [&'static str]) -> Needs {
    Needs { by: kind.as_str(), needed, used }
}

const NEEDS: &[Needs] = &[
    row(Kind::Message, &[], &["content", "attachments", "embeds", "reply_to"]),
    row(Kind::Edit, &[], &["content", "attachments", "embeds"]),
    row(Kind::Delete, &[], &[]),
    row(Kind::Reaction, &[field(&["emoji"])], &["removed"]),
    row(Kind::Interaction, &[field(&["custom_id"])], &["values", "content"]),
    row(Kind::Job, &[], &["content"]),
];

impl Inbound {
    /// What each kind needs and uses, in the order of [`Kind::ALL`].
    pub const NEEDS: &'static [Needs] = NEEDS;

    /// The cause that this envelope's actions derive their ids from.
    #[must_use]
    pub fn cause(&self) -> &str {
        names::cause(self.event_id.as_deref(), &self.trace_id)
    }
}

impl<'a> InboundView<'a> {
    /// The cause that this envelope's actions derive their ids from.
    #[must_use]
    pub fn cause(&self) -> &'a str {
        names::cause(self.event_id, self.trace_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_stand_in_the_order_of_kinds() {
        assert!(NEEDS.iter().map(|row| row.by).eq(Kind::ALL.iter().map(|kind| kind.as_str())));
    }

    #[test]
    fn the_routing_field_comes_first() {
        assert_eq!(Inbound::FIELDS[0].name, "channel_key");
    }
}
