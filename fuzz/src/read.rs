//! What a daemon does with the bytes: the part of each target whose time counts.

use std::{borrow::Cow, hint::black_box};

use bus::{
    Error,
    reply::{self, Value},
};
use codec::{
    HistoryMessageView, InboundRoute, InboundView, MediaRecordView, OutboundRoute, OutboundView, PreviewFrameView,
    frames, peek_channel_key, peek_inbound, peek_lane,
};

use crate::split::{Count, Limits, split};

/// One way to read.
pub type Read = fn(&[u8]);

/// How the bytes of a target are read; `None` for replies, which are parsed before.
#[must_use]
pub fn bytes(target: &str) -> Option<Read> {
    Some(match target {
        "inbound" => |bytes| {
            _ = black_box(peek_channel_key(bytes));
            _ = black_box(peek_inbound(bytes));
            _ = black_box(InboundRoute::decode(bytes));
            _ = black_box(InboundView::decode(bytes));
        },
        "outbound" => |bytes| {
            _ = black_box(peek_lane(bytes));
            _ = black_box(OutboundRoute::decode(bytes));
            _ = black_box(OutboundView::decode(bytes));
        },
        "preview" => |bytes| {
            frames(bytes).for_each(|frame| _ = black_box(frame));
            _ = black_box(PreviewFrameView::decode(bytes));
            _ = black_box(HistoryMessageView::decode(bytes));
            _ = black_box(MediaRecordView::decode(bytes));
        },
        "split" => |bytes| {
            if let Some((limits, _, text)) = text_to_split(bytes) {
                _ = black_box(split(&text, &limits, true));
            }
        },
        _ => return None,
    })
}

/// Limits, the place of a prefix, and a text: two bytes of the count and of parts, two of the length, two of the place, then the
/// text. `None` where there are too few.
#[must_use]
pub fn text_to_split(bytes: &[u8]) -> Option<(Limits, usize, Cow<'_, str>)> {
    let ([count, parts, long @ .., low, high], text) = bytes.split_first_chunk::<6>()?;
    let limits = Limits {
        text: Limits::TEXT_MIN + usize::from(u16::from_le_bytes(*long)) % 4096,
        count: [Count::Chars, Count::Utf16, Count::Bytes][usize::from(*count) % 3],
        parts: 1 + usize::from(*parts),
    };
    let text = String::from_utf8_lossy(text);
    let place = usize::from(u16::from_le_bytes([*low, *high])) % (text.len() + 1);
    let place = text.floor_char_boundary(place);
    Some((limits, place, text))
}

/// Whether walking a reply is all that is done with it. An error of the server's own is put into words by the client, at
/// a price that has nothing to do with walking, and ends what was asked.
#[must_use]
pub fn is_walked(reply: &Value) -> bool {
    let is_shape = |error| matches!(error, Error::Shape { .. });
    reply::streams(reply.clone()).map_or_else(is_shape, |_| true)
        && reply::claimed(reply.clone()).map_or_else(is_shape, |_| true)
        && reply::entries(reply.clone()).map_or_else(is_shape, |_| true)
}

/// Walks one reply three times, which takes three of it: a walk moves out of what it is given.
pub fn reply([one, two, three]: [Value; 3]) {
    _ = black_box(reply::streams(one));
    _ = black_box(reply::claimed(two));
    _ = black_box(reply::entries(three));
}
