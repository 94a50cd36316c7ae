//! What a daemon does with the bytes: the part of each target whose time counts.

use std::hint::black_box;

use bus::{
    Error,
    reply::{self, Value},
};
use codec::{
    HistoryMessageView, InboundRoute, InboundView, OutboundRoute, OutboundView, PreviewFrameView, frames,
    peek_channel_key, peek_inbound, peek_lane,
};

/// One way to read.
pub type Read = fn(&[u8]);

/// How the bytes of an envelope target are read; `None` for a target of another kind.
#[must_use]
pub fn envelope(target: &str) -> Option<Read> {
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
        },
        _ => return None,
    })
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
