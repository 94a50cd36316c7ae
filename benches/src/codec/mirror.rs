//! The same envelopes as serde structs that for the peers.
//!
//! As somebody would write them who takes serde for the wire: the same keys in the same order, absent ones left out.
//! `T` is a text and `B` a binary, borrowed or owned.
//! `WHOLE` writes every field, absent ones too, which arrays need: there a field is known by its place. `embeds` and `args` are not here, since no sample has them.

use codec::{ActionType, AttachmentView, InboundView, Kind, OutboundView};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};

/// Borrows from the buffer.
pub type BorrowedInbound<'a> = MirrorInbound<&'a str, &'a Bytes, false>;
/// As an array.
pub type WholeInbound<'a> = MirrorInbound<&'a str, &'a Bytes, true>;
/// Has everything copied.
pub type OwnedInbound = MirrorInbound<String, ByteBuf, false>;
/// As an array.
pub type OwnedWholeInbound = MirrorInbound<String, ByteBuf, true>;
/// Borrows from the buffer.
pub type BorrowedFile<'a> = MirrorFile<&'a str, &'a Bytes, false>;
/// As an array.
pub type WholeFile<'a> = MirrorFile<&'a str, &'a Bytes, true>;
/// Has everything copied.
pub type OwnedFile = MirrorFile<String, ByteBuf, false>;
/// As an array.
pub type OwnedWholeFile = MirrorFile<String, ByteBuf, true>;

fn no_flag<const WHOLE: bool>(flag: &bool) -> bool {
    !WHOLE && !flag
}

fn no_text<const WHOLE: bool, T: AsRef<str>>(text: &T) -> bool {
    !WHOLE && text.as_ref().is_empty()
}

fn no_option<const WHOLE: bool, T>(option: &Option<T>) -> bool {
    !WHOLE && option.is_none()
}

fn no_list<const WHOLE: bool, T>(list: &[T]) -> bool {
    !WHOLE && list.is_empty()
}

/// [`Inbound`](codec::Inbound).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "T: AsRef<str> + Serialize, B: Serialize"))]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct MirrorInbound<T, B, const WHOLE: bool> {
    pub channel_key: T,
    pub v: u8,
    pub kind: MirrorKind,
    pub platform: T,
    pub channel_id: T,
    pub user_id: T,
    #[serde(default)]
    pub username: T,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub display_name: Option<T>,
    #[serde(default)]
    pub content: T,
    pub message_id: T,
    pub timestamp: f64,
    #[serde(default, skip_serializing_if = "no_list::<WHOLE, _>")]
    pub attachments: Vec<MirrorAttachment<T, B, WHOLE>>,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub reply_to: Option<T>,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub room_name: Option<T>,
    #[serde(default)]
    pub is_dm: bool,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub guild_id: Option<T>,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub thread_id: Option<T>,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub parent_id: Option<T>,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub event_id: Option<T>,
    #[serde(default, skip_serializing_if = "no_list::<WHOLE, _>")]
    pub member_roles: Vec<T>,
    #[serde(default)]
    pub trace_id: T,
    #[serde(default)]
    pub enqueued_at: f64,
    #[serde(default)]
    pub is_addressed: bool,
    #[serde(default)]
    pub strangler_route: T,
    #[serde(default, skip_serializing_if = "no_list::<WHOLE, _>")]
    pub user_aliases: Vec<T>,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub unified_user_id: Option<T>,
    #[serde(default, skip_serializing_if = "no_text::<WHOLE, _>")]
    pub reactions: T,
    #[serde(default, skip_serializing_if = "no_text::<WHOLE, _>")]
    pub emoji: T,
    #[serde(default, skip_serializing_if = "no_flag::<WHOLE>")]
    pub removed: bool,
    #[serde(default, skip_serializing_if = "no_text::<WHOLE, _>")]
    pub custom_id: T,
    #[serde(default, skip_serializing_if = "no_list::<WHOLE, _>")]
    pub values: Vec<T>,
}

/// [`Attachment`](codec::Attachment).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "T: AsRef<str> + Serialize, B: Serialize"))]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct MirrorAttachment<T, B, const WHOLE: bool> {
    #[serde(default)]
    pub filename: T,
    #[serde(default)]
    pub mimetype: T,
    #[serde(default)]
    pub size: u64,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub source_url: Option<T>,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub sha256: Option<T>,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub data: Option<B>,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub media_key: Option<T>,
}

/// The part of [`Outbound`](codec::Outbound) that a file has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "T: AsRef<str> + Serialize, B: Serialize"))]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct MirrorFile<T, B, const WHOLE: bool> {
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub channel_key: Option<T>,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub channel_id: Option<T>,
    pub v: u8,
    pub platform: T,
    #[serde(rename = "type")]
    pub action: MirrorAction,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub message_key: Option<T>,
    #[serde(default)]
    pub trace_id: T,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub data: Option<B>,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub filename: Option<T>,
    #[serde(default, skip_serializing_if = "no_option::<WHOLE, _>")]
    pub mimetype: Option<T>,
}

/// [`Kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words are those of the contract")]
pub enum MirrorKind {
    Message,
    Edit,
    Delete,
    Reaction,
    Interaction,
    Job,
}

/// [`ActionType`], as far as the samples go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words are those of the contract")]
pub enum MirrorAction {
    Message,
    File,
}

impl<'a, const WHOLE: bool> From<InboundView<'a>> for MirrorInbound<&'a str, &'a Bytes, WHOLE> {
    fn from(view: InboundView<'a>) -> Self {
        Self {
            channel_key: view.channel_key,
            v: 1,
            kind: match view.kind {
                Kind::Message => MirrorKind::Message,
                Kind::Edit => MirrorKind::Edit,
                Kind::Delete => MirrorKind::Delete,
                Kind::Reaction => MirrorKind::Reaction,
                Kind::Interaction => MirrorKind::Interaction,
                Kind::Job => MirrorKind::Job,
            },
            platform: view.platform,
            channel_id: view.channel_id,
            user_id: view.user_id,
            username: view.username,
            display_name: view.display_name,
            content: view.content,
            message_id: view.message_id,
            timestamp: view.timestamp,
            attachments: view.attachments.iter().map(MirrorAttachment::from).collect(),
            reply_to: view.reply_to,
            room_name: view.room_name,
            is_dm: view.is_dm,
            guild_id: view.guild_id,
            thread_id: view.thread_id,
            parent_id: view.parent_id,
            event_id: view.event_id,
            member_roles: view.member_roles.iter().collect(),
            trace_id: view.trace_id,
            enqueued_at: view.enqueued_at,
            is_addressed: view.is_addressed,
            strangler_route: "microservice",
            user_aliases: view.user_aliases.iter().collect(),
            unified_user_id: view.unified_user_id,
            reactions: view.reactions,
            emoji: view.emoji,
            removed: view.removed,
            custom_id: view.custom_id,
            values: view.values.iter().collect(),
        }
    }
}

impl<'a, const WHOLE: bool> From<AttachmentView<'a>> for MirrorAttachment<&'a str, &'a Bytes, WHOLE> {
    fn from(view: AttachmentView<'a>) -> Self {
        Self {
            filename: view.filename,
            mimetype: view.mimetype,
            size: view.size,
            source_url: view.source_url,
            sha256: view.sha256,
            data: view.data.map(Bytes::new),
            media_key: view.media_key,
        }
    }
}

impl<'a, const WHOLE: bool> From<OutboundView<'a>> for MirrorFile<&'a str, &'a Bytes, WHOLE> {
    fn from(view: OutboundView<'a>) -> Self {
        Self {
            channel_key: view.channel_key,
            channel_id: view.channel_id,
            v: 1,
            platform: view.platform,
            action: match view.action {
                ActionType::File => MirrorAction::File,
                _ => MirrorAction::Message,
            },
            message_key: view.message_key,
            trace_id: view.trace_id,
            data: view.data.map(Bytes::new),
            filename: view.filename,
            mimetype: view.mimetype,
        }
    }
}

/// What a reader that only routes would ask serde for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MirrorRoute<'a> {
    /// The lane.
    pub channel_key: &'a str,
}
