//! The outbound envelope: one action, from the worker to the gateway of a platform.

use std::borrow::Cow;

use bytes::Bytes;

use crate::choice::{ActionType, Status, TypingState};
use crate::constant::Version;
use crate::envelope::envelope;
use crate::limits;
use crate::names;
use crate::needs::{Need, Needs, need};
use crate::raw::Raw;
use crate::schema::Bound;

envelope! {
    /// One action for a platform to do.
    ///
    /// Made from [`Default`], `platform`, `action`, and what the type needs; `validate` before it is appended.
    Outbound, OutboundView, named "outbound", under "", by action in NEEDS;

    /// The lane of the cause. Absent on plain entries, where `<platform>:<thread_id or channel_id>` serves.
    channel_key: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES), Some("discord:1481584275697508354".into());
    /// Channel, room or chat to act in.
    channel_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1373592677215637507".into());
    /// Version of the envelope.
    v: Version, Written, Bound::ANY, Version;
    /// Name of the platform block.
    platform: String, Required, Bound::PLATFORM, "discord".into();
    /// What to do.
    action ("type"): ActionType, Required, Bound::ANY, ActionType::Message;
    /// Identity of the action, `<cause>:<index>`: the same however often the turn runs.
    message_key: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES),
        Some("discord:1482309033636531201:0".into());
    /// Trace of the message that caused it (a UUID of version 7).
    trace_id: String, Written, Bound::up_to(limits::ID_BYTES), "019cebab-89a1-73c6-869a-45b14da4f9fc".into();
    /// The thread inside the channel.
    thread_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1481584275697508354".into());
    /// Full Markdown. Splitting it and putting it into the platform's form is the gateway's work.
    text: String, Optional, Bound::up_to(limits::TEXT_BYTES), "The name **x** is not defined.".into();
    /// The platform's message that this one answers.
    reply_to: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1482309033636531201".into());
    /// The file's bytes.
    data: Option<Bytes>, Optional, Bound::up_to(limits::DATA_BYTES), Some(Bytes::from_static(b"E0425\n"));
    /// Key in Redis under which the file's bytes stand.
    media_key: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES),
        Some("sg:media:{1}:71d6468fce45fb4b077ef465ad0d9a34".into());
    /// Name of the file.
    filename: Option<String>, Optional, Bound::up_to(limits::NAME_BYTES), Some("build.log".into());
    /// Media type of the file.
    mimetype: Option<String>, Optional, Bound::up_to(limits::NAME_BYTES), Some("text/plain".into());
    /// Rows of buttons.
    buttons: Vec<Vec<Button>>, Optional, Bound::list(limits::BUTTON_ITEMS, usize::MAX), vec![vec![Button::example()]];
    /// The reaction: characters, or a platform's name and id for its own.
    emoji: String, Optional, Bound::up_to(limits::EMOJI_BYTES), "👍".into();
    /// Whether to take the reaction away.
    removed: bool, Optional, Bound::ANY, true;
    /// The message to act on, by the platform's id.
    target: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1482308907807410953".into());
    /// The message to act on, by the `message_key` of the action that made it.
    target_key: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES), Some("discord:1482308781978290951:0".into());
    /// Whether typing begins or ends.
    state: Option<TypingState>, Optional, Bound::ANY, Some(TypingState::Start);
    /// How the bot shows itself.
    status: Option<Status>, Optional, Bound::ANY, Some(Status::Idle);
    /// What is asked of the gateway.
    method: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("members".into());
    /// The method's arguments.
    args: Option<Raw>, Optional, Bound::up_to(limits::RAW_BYTES),
        Raw::new(Bytes::from_static(b"\x81\xa5limit\x32")).ok();
    /// The stream that the answer goes to.
    reply_stream: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES), Some("sg:stream:reply:worker-1".into());
    /// When the answer is no longer wanted; milliseconds since the epoch.
    deadline: Option<u64>, Optional, Bound::ANY, Some(1_773_480_443_589);
}

envelope! {
    /// One button of a row.
    Button, ButtonView, named "buttons", under "buttons.";

    /// What it says.
    label: String, Written, Bound::up_to(limits::NAME_BYTES), "Build again".into();
    /// What its use is reported as: the interaction's `custom_id`.
    custom_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("retry".into());
    /// `primary`, `secondary`, `success`, `danger` or `link`; a platform shows one that it does not know in its plain
    /// way.
    style: Option<String>, Optional, Bound::up_to(limits::NAME_BYTES), Some("primary".into());
    /// Emoji in front of the label.
    emoji: Option<String>, Optional, Bound::up_to(limits::EMOJI_BYTES), Some("🔁".into());
    /// Where a link leads. Such a button has no `custom_id`.
    url: Option<String>, Optional, Bound::up_to(limits::URL_BYTES), Some("https://ci.example.org/7".into());
}

const fn field(one_of: &'static [&'static str]) -> Need {
    need(Outbound::FIELDS, one_of)
}

const fn row(action: ActionType, needed: &'static [Need], used: &'static [&'static str]) -> Needs {
    Needs { by: action.as_str(), needed, used }
}

const CHANNEL: Need = field(&["channel_id"]);
const TARGET: Need = field(&["target", "target_key"]);

/// An `rpc` needs a `message_key` because its answer comes back under that id.
const NEEDS: &[Needs] = &[
    row(ActionType::Message, &[CHANNEL, field(&["text"])], &["thread_id", "reply_to", "buttons"]),
    row(ActionType::Edit, &[CHANNEL, field(&["text"]), TARGET], &["thread_id", "buttons"]),
    row(
        ActionType::File,
        &[CHANNEL, field(&["data", "media_key"]), field(&["filename"])],
        &["thread_id", "mimetype", "text", "reply_to"],
    ),
    row(ActionType::Buttons, &[CHANNEL, field(&["buttons"])], &["thread_id", "text", "reply_to"]),
    row(ActionType::Reaction, &[CHANNEL, field(&["emoji"]), TARGET], &["thread_id", "removed"]),
    row(ActionType::Typing, &[CHANNEL, field(&["state"])], &["thread_id"]),
    row(ActionType::Presence, &[field(&["status"])], &["text"]),
    row(ActionType::Delete, &[CHANNEL, TARGET], &["thread_id"]),
    row(
        ActionType::Rpc,
        &[field(&["message_key"]), field(&["method"]), field(&["reply_stream"]), field(&["deadline"])],
        &["args", "channel_id", "thread_id"],
    ),
];

impl Outbound {
    /// What each type needs and uses, in the order of [`ActionType::ALL`].
    pub const NEEDS: &'static [Needs] = NEEDS;
}

impl<'a> OutboundView<'a> {
    /// The lane of the action, made up where a plain entry does not say; see [`names::lane`].
    #[must_use]
    pub fn lane(&self) -> Cow<'a, str> {
        names::lane(self.platform, self.channel_key, self.channel_id, self.thread_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_stand_in_the_order_of_types() {
        assert!(NEEDS.iter().map(|row| row.by).eq(ActionType::ALL.iter().map(|action| action.as_str())));
    }

    #[test]
    fn the_routing_field_comes_first() {
        assert_eq!(Outbound::FIELDS[0].name, "channel_key");
    }
}
