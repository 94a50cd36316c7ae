//! The bounds of everything that an envelope holds, each with its reason.
//!
//! Reader and writer apply the same bounds, so what `validate` accepts every reader takes. Raising one is safe once all
//! readers have the new value; lowering one is not.

/// One bound, as `docs/wire.md` lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Name of the constant; its last word is the unit (bytes, items, levels).
    pub name: &'static str,
    /// The largest value that is still accepted.
    pub value: usize,
    /// What it bounds, and why there.
    pub doc: &'static str,
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident = $value:expr;)+) => {
        $($(#[doc = $doc])+ pub const $name: usize = $value;)+

        /// Every bound of this module, in its order.
        pub const ALL: &[Limit] = &[$(Limit { name: stringify!($name), value: $name, doc: concat!($($doc),+) }),+];
    };
}

limits! {
    /// A whole envelope: the largest file action with everything around it.
    ENVELOPE_BYTES = 10 << 20;
    /// `content` and `text`: above what any platform lets a person write, with room for a model's longest answer.
    TEXT_BYTES = 256 << 10;
    /// An id that a platform gave out. Matrix ids, the longest, end at 255 bytes.
    ID_BYTES = 512;
    /// A key that is made of ids (`channel_key`, `event_id`, `message_key`): a reaction's holds two ids and an emoji.
    KEY_BYTES = 1 << 10;
    /// A name that people read (`username`, `filename`, `label`), and a media type.
    NAME_BYTES = 512;
    /// An emoji: a character sequence, or a platform's name and id for its own.
    EMOJI_BYTES = 256;
    /// An address. Signed links of media hosts reach 2 KiB.
    URL_BYTES = 4 << 10;
    /// A value that is kept raw (`embeds`, `args`), encoded.
    RAW_BYTES = 1 << 20;
    /// `data` of an attachment: larger ones travel beside the stream, under `media_key`.
    INLINE_BYTES = 32 << 10;
    /// `data` of an action: larger ones travel beside the stream, under `media_key`.
    DATA_BYTES = 8 << 20;
    /// A file that travels beside the stream: above what platforms take by default (Discord 10 MiB, Matrix 50 MB at the most).
    FILE_BYTES = 32 << 20;
    /// The record of such a file, whole.
    MEDIA_BYTES = 33 << 20;
    /// `attachments` of one message.
    ATTACHMENT_ITEMS = 64;
    /// `member_roles`. Discord ends at 250.
    ROLE_ITEMS = 512;
    /// `user_aliases`.
    ALIAS_ITEMS = 64;
    /// `values` of an interaction. Discord ends at 25.
    VALUE_ITEMS = 64;
    /// Rows of `buttons`, and buttons of a row. Discord ends at 5 each.
    BUTTON_ITEMS = 25;
    /// Lists and maps inside one another, in a value that is skipped or kept raw. Keeps the reader's own stack small.
    DEPTH_LEVELS = 32;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_parts_fit_the_envelope_together() {
        const { assert!(DATA_BYTES + TEXT_BYTES + RAW_BYTES + BUTTON_ITEMS * 1024 < ENVELOPE_BYTES) };
        const { assert!(FILE_BYTES + 8 * 1024 < MEDIA_BYTES) };
        const { assert!(ATTACHMENT_ITEMS * (INLINE_BYTES + 2 * URL_BYTES) + TEXT_BYTES + RAW_BYTES < ENVELOPE_BYTES) };
    }
}
