//! Reading as a turn would: every field is looked at, every list walked.

use codec::{AttachmentView, InboundView, OutboundView};
use serde_bytes::Bytes;

use super::mirror::{MirrorAttachment, MirrorFile, MirrorInbound};

/// Something that can be read to its end.
pub(super) trait ReadAll {
    /// A number that depends on every field.
    fn read_all(&self) -> usize;
}

macro_rules! scalars {
    ($($Type:ty, $value:ident => $number:expr;)+) => {
        $(impl ReadAll for $Type {
            fn read_all(&self) -> usize {
                let $value = self;
                $number
            }
        })+
    };
}

scalars! {
    &str, text => text.len();
    &[u8], bytes => bytes.len();
    &Bytes, bytes => bytes.len();
    bool, flag => usize::from(*flag);
    u64, number => *number as usize;
    f64, number => number.to_bits() as usize;
}

impl<T: ReadAll> ReadAll for Option<T> {
    fn read_all(&self) -> usize {
        self.as_ref().map_or(0, T::read_all)
    }
}

/// The maps, by their fields, lists and words.
macro_rules! maps {
    ($($Map:ty $(, $whole:ident)?: $($field:ident)+, [$($list:ident)*] $($word:ident)?;)+) => {
        $(impl$(<const $whole: bool>)? ReadAll for $Map {
            fn read_all(&self) -> usize {
                0_usize
                    $(.wrapping_add(self.$field.read_all()))+
                    $(.wrapping_add(self.$list.iter().fold(0, |sum, item| sum.wrapping_add(item.read_all()))))*
                    $(.wrapping_add(self.$word as usize))?
            }
        })+
    };
}

maps! {
    InboundView<'_>: channel_key platform channel_id user_id username display_name content message_id timestamp reply_to
        room_name is_dm guild_id thread_id parent_id event_id trace_id enqueued_at is_addressed unified_user_id
        reactions emoji removed custom_id, [attachments member_roles user_aliases values] kind;
    MirrorInbound<&str, &Bytes, WHOLE>, WHOLE: channel_key platform channel_id user_id username display_name content message_id timestamp
        reply_to room_name is_dm guild_id thread_id parent_id event_id trace_id enqueued_at is_addressed
        unified_user_id reactions emoji removed custom_id, [attachments member_roles user_aliases values] kind;
    AttachmentView<'_>: filename mimetype size source_url sha256 data media_key, [];
    MirrorAttachment<&str, &Bytes, WHOLE>, WHOLE: filename mimetype size source_url sha256 data media_key, [];
    OutboundView<'_>: channel_key channel_id platform message_key trace_id thread_id text reply_to data media_key
        filename mimetype emoji removed target target_key method reply_stream deadline, [] action;
    MirrorFile<&str, &Bytes, WHOLE>, WHOLE: channel_key channel_id platform message_key trace_id data filename mimetype, [] action;
}
