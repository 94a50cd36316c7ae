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
    channel_key: String, Required, Bound::some(limits::KEY_BYTES), "discord:1481584275697508354".into();
    /// Version of the envelope.
    v: Version, Written, Bound::ANY, Version;
    /// What happened.
    kind: Kind, Written, Bound::ANY, Kind::Message;
    /// Name of the platform block.
    platform: String, Required, Bound::PLATFORM, "discord".into();
    /// Channel, room or chat.
    channel_id: String, Required, Bound::some(limits::ID_BYTES), "1373592677215637507".into();
    /// Who did it.
    user_id: String, Required, Bound::some(limits::ID_BYTES), "1156160006375276549".into();
    /// The user's account name.
    username: String, Written, Bound::up_to(limits::NAME_BYTES), "mira".into();
    /// The name that the user is shown under.
    display_name: Option<String>, Optional, Bound::up_to(limits::NAME_BYTES), Some("Mira".into());
    /// What was written, as the platform has it.
    content: String, Written, Bound::up_to(limits::TEXT_BYTES), "Why does the build fail?".into();
    /// The message that was written, changed, deleted or reacted to.
    message_id: String, Required, Bound::some(limits::ID_BYTES), "1482309033636531201".into();
    /// When it happened, by the platform's clock; seconds since the epoch.
    timestamp: f64, Required, Bound::ANY, 1_773_480_413.589;
    /// Files that came with the message.
    attachments: Vec<Attachment>, Optional, Bound::list(limits::ATTACHMENT_ITEMS, usize::MAX),
        vec![Attachment::example()];
    /// The message that this one answers.
    reply_to: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1482308781978290951".into());
    /// Link previews and the like, in the platform's own form.
    embeds: Option<Raw>, Optional, Bound::up_to(limits::RAW_BYTES), Raw::new(Bytes::from_static(EMBEDS)).ok();
    /// The channel's name.
    room_name: Option<String>, Optional, Bound::up_to(limits::NAME_BYTES), Some("builds".into());
    /// Whether the channel is a conversation of two.
    is_dm: bool, Written, Bound::ANY, false;
    /// Server, space or team.
    guild_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1192398741156724737".into());
    /// The thread inside the channel.
    thread_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1481584275697508354".into());
    /// The channel that a thread hangs on, where the platform makes threads channels.
    parent_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1373592677215637507".into());
    /// Identity of the event: the same event has the same one, however often and by whomever it is appended.
    event_id: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES), Some("discord:1482309033636531201".into());
    /// Ids of the user's roles.
    member_roles: Vec<String>, Optional, Bound::list(limits::ROLE_ITEMS, limits::ID_BYTES),
        vec!["1228637528131633161".into()];
    /// Trace of the message (a UUID of version 7).
    trace_id: String, Written, Bound::up_to(limits::ID_BYTES), "019cebab-89a1-73c6-869a-45b14da4f9fc".into();
    /// When the gateway appended it; seconds since the epoch.
    enqueued_at: f64, Written, Bound::ANY, 1_773_480_413.601;
    /// Whether the bot is meant and shall answer.
    is_addressed: bool, Written, Bound::ANY, true;
    /// Always `microservice`; not looked at when read.
    strangler_route: StranglerRoute, Written, Bound::ANY, StranglerRoute;
    /// Other names of the user.
    user_aliases: Vec<String>, Optional, Bound::list(limits::ALIAS_ITEMS, limits::NAME_BYTES), vec!["mk".into()];
    /// One id for a person's accounts on several platforms.
    unified_user_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("person:42".into());
    /// The message's reactions, as text for the model.
    reactions: String, Optional, Bound::up_to(limits::TEXT_BYTES), "👍 2, 🎉 1".into();
    /// The reaction: characters, or a platform's name and id for its own.
    emoji: String, Optional, Bound::up_to(limits::EMOJI_BYTES), "👍".into();
    /// Whether the reaction was taken away.
    removed: bool, Optional, Bound::ANY, true;
    /// The button, menu or command that was used.
    custom_id: String, Optional, Bound::up_to(limits::ID_BYTES), "retry".into();
    /// What was chosen in a menu, or the command's arguments.
    values: Vec<String>, Optional, Bound::list(limits::VALUE_ITEMS, limits::NAME_BYTES), vec!["release".into()];
}

envelope! {
    /// A file that came with a message.
    ///
    /// Its bytes are here (`data`), or will be under the key `media_key`, or are to be had from `source_url` alone.
    Attachment, AttachmentView, named "attachments", under "attachments.";

    /// Name of the file.
    filename: String, Written, Bound::up_to(limits::NAME_BYTES), "build.log".into();
    /// Media type, as the platform says.
    mimetype: String, Written, Bound::up_to(limits::NAME_BYTES), "text/plain".into();
    /// Size of the file in bytes, as the platform says.
    size: u64, Written, Bound::ANY, 6;
    /// Where the platform keeps it. Often signed, and short-lived.
    source_url: Option<String>, Optional, Bound::up_to(limits::URL_BYTES),
        Some("https://cdn.example.org/build.log?ex=69b5".into());
    /// SHA-256 of the bytes, in hex.
    sha256: Option<String>, Optional, Bound::up_to(limits::ID_BYTES),
        Some("199eb18cb5837b9b01d8aaea0b5c2eef0d395288e0b7a1dedd6b511b2fa2efe1".into());
    /// The bytes, of a small file.
    data: Option<Bytes>, Optional, Bound::up_to(limits::INLINE_BYTES), Some(Bytes::from_static(b"E0425\n"));
    /// Key in Redis under which the bytes, or a record of why there are none, will stand.
    media_key: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES),
        Some("sg:media:{1}:71d6468fce45fb4b077ef465ad0d9a34".into());
}

/// `[{"title": "E0425", "url": "https://doc.example.org/E0425", "color": 5793266}]`, for the example.
const EMBEDS: &[u8] =
    b"\x91\x83\xa5title\xa5E0425\xa3url\xbdhttps://doc.example.org/E0425\xa5color\xce\x00\x58\x65\xf2";

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
