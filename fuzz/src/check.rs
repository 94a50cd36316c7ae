//! What has to hold for any bytes. Each function is one target; it panics where a promise is broken.
//!
//! That nothing here panics by itself, reads past an end or reserves memory on a length's word is watched by the
//! sanitizer and by libFuzzer's bounds; see `dev`.

use std::fmt::Debug;

use bus::reply::{self, RawEntry};
use codec::{
    HistoryMessage, HistoryMessageView, Inbound, InboundRoute, InboundView, Outbound, OutboundRoute, OutboundView,
    PreviewFrame, PreviewFrameView, frames, peek_channel_key, peek_inbound, peek_lane,
};

use crate::{
    read::text_to_split,
    split::{Rest, Split, first_part, split as cut},
};

/// What is asked of an envelope, whichever it is.
trait Envelope: Sized + PartialEq + Debug {
    fn read(bytes: &[u8]) -> Option<Self>;
    fn accepted(&self) -> Result<(), codec::Error>;
    fn size(&self) -> usize;
    fn write(&self, out: &mut Vec<u8>);
    fn write_safely(&self, out: &mut Vec<u8>);
}

macro_rules! envelopes {
    ($($Owned:ident from $View:ident;)+) => {
        $(impl Envelope for $Owned {
            fn read(bytes: &[u8]) -> Option<Self> { $View::decode(bytes).ok().map($View::into_owned) }
            fn accepted(&self) -> Result<(), codec::Error> { self.validate() }
            fn size(&self) -> usize { self.encoded_len() }
            fn write(&self, out: &mut Vec<u8>) { self.encode(out) }
            fn write_safely(&self, out: &mut Vec<u8>) { self.encode_safely(out) }
        })+
    };
}

envelopes! {
    Inbound from InboundView;
    Outbound from OutboundView;
    PreviewFrame from PreviewFrameView;
    HistoryMessage from HistoryMessageView;
}

/// What was read can be sent: the writer's check takes it, its size is foretold, every reader takes what is written, and
/// what they read is the same, down to the bytes that it is written as.
fn can_be_sent<E: Envelope>(read: &E) {
    assert_eq!(read.accepted(), Ok(()), "the writer refuses what the reader took: {read:?}");
    let bytes = written(read);
    let again = E::read(&bytes);
    assert_eq!(again.as_ref(), Some(read), "written and read again, it is another one");
    assert_eq!(again.map(|again| written(&again)), Some(bytes), "one envelope, two ways to write it");
}

/// By the quick writer and by the safe one, in buffers with more and less room than they need.
fn written(envelope: &impl Envelope) -> Vec<u8> {
    let mut safe = Vec::new();
    envelope.write_safely(&mut safe);
    assert_eq!(safe.len(), envelope.size(), "another size than was foretold: {envelope:?}");
    for room in [0, safe.len() / 2, safe.len(), safe.len() + 20, safe.len() + 40] {
        let mut quick = Vec::with_capacity(room);
        envelope.write(&mut quick);
        assert_eq!(quick, safe, "the quick writer and its safe twin differ in a buffer for {room} bytes");
    }
    safe
}

/// Envelope, route and peek of an inbound entry.
pub fn inbound(bytes: &[u8]) {
    if let Some(read) = Inbound::read(bytes) {
        can_be_sent(&read);
    }
    let (lane, peek, route) = (peek_channel_key(bytes), peek_inbound(bytes), InboundRoute::decode(bytes));
    if let Ok(view) = InboundView::decode(bytes) {
        assert_eq!(lane, Ok(view.channel_key), "the peek finds another lane");
        assert_eq!(peek.map(|peek| (peek.channel_key, peek.kind)), Ok((view.channel_key, view.kind)));
        let route = route.expect("what the view takes, the route takes: it knows fewer fields");
        assert_eq!((route.channel_key, route.cause()), (view.channel_key, view.cause()));
        assert_eq!((route.kind, route.is_addressed, route.custom_id), (view.kind, view.is_addressed, view.custom_id));
        assert_eq!((route.user_id, route.message_id), (view.user_id, view.message_id));
    } else if let Ok(route) = route {
        assert_eq!(lane, Ok(route.channel_key), "the peek finds another lane than the route");
        assert_eq!(peek.map(|peek| (peek.channel_key, peek.kind)), Ok((route.channel_key, route.kind)));
    }
}

/// Envelope, route and peek of an outbound entry.
pub fn outbound(bytes: &[u8]) {
    if let Some(read) = Outbound::read(bytes) {
        can_be_sent(&read);
    }
    let (peek, route) = (peek_lane(bytes), OutboundRoute::decode(bytes));
    if let Ok(view) = OutboundView::decode(bytes) {
        assert_eq!(peek, Ok(view.lane()), "the peek finds another lane");
        let route = route.expect("what the view takes, the route takes: it knows fewer fields");
        assert_eq!(route.lane(), view.lane());
        assert_eq!((route.platform, route.action), (view.platform, view.action));
        assert_eq!((route.message_key, route.trace_id), (view.message_key, view.trace_id));
    } else if let Ok(route) = route {
        assert_eq!(peek, Ok(route.lane()), "the peek finds another lane than the route");
    }
}

/// A batch of frames, one frame, and a record of history: three maps that are alike enough to share a corpus.
pub fn preview(bytes: &[u8]) {
    let batch: Vec<_> = frames(bytes).collect();
    for (at, frame) in batch.iter().enumerate() {
        match frame {
            Ok(frame) => can_be_sent(&frame.into_owned()),
            Err(_) => assert_eq!(at + 1, batch.len(), "the batch went on after a broken frame"),
        }
    }
    if let Some(frame) = PreviewFrame::read(bytes) {
        let alone = batch.into_iter().map(|frame| frame.ok().map(PreviewFrameView::into_owned));
        assert!(alone.eq([Some(frame)]), "a frame alone is a batch of one");
    }
    if let Some(record) = HistoryMessage::read(bytes) {
        can_be_sent(&record);
    }
}

/// The first reply in the bytes, walked as that of every command.
pub fn reply(bytes: &[u8]) {
    let Ok(value) = reply::parse(bytes) else { return };
    let is_bounded = |entries: &[RawEntry]| {
        // What an entry holds was in the bytes; five is what the shortest one takes there.
        let held: usize = entries.iter().map(|entry| entry.data.len() + entry.trace_id.len()).sum();
        assert!(held + 5 * entries.len() <= bytes.len(), "more was read than was there");
        for entry in entries {
            assert_eq!(entry.id.to_string().parse().ok(), Some(entry.id), "an id that does not come back");
        }
    };
    match reply::streams(value.clone()) {
        Ok(streams) => streams.iter().for_each(|(_, entries)| is_bounded(entries)),
        Err(error) => is_told(&error),
    }
    match reply::claimed(value.clone()) {
        Ok(claimed) => is_bounded(&claimed.entries),
        Err(error) => is_told(&error),
    }
    match reply::entries(value) {
        Ok(entries) => is_bounded(&entries),
        Err(error) => is_told(&error),
    }
}

/// Messages of a text: within the limits, together all of it, and none of them written anew while the text grows.
pub fn split(bytes: &[u8]) {
    let Some((limits, place, text)) = text_to_split(bytes) else { return };
    let (whole, early) = (cut(&text, &limits, true), cut(&text[..place], &limits, false));
    for (split, text) in [(&whole, &*text), (&early, &text[..place])] {
        for message in split.texts(Rest::Cut) {
            assert!(limits.count.len(&message) <= limits.text, "too long: {message:?}");
        }
        let mut at = 0;
        for part in &split.parts {
            assert_eq!(part.place.start, at, "a gap in front of {part:?}");
            let shown = text[part.place.clone()].trim();
            assert!(!shown.is_empty() && shown == part.body.trim(), "{part:?} is not what stands there: {shown:?}");
            at = part.place.end;
        }
        let rest = if text[at..].trim().is_empty() { "" } else { &text[at..] };
        assert_eq!(split.rest, rest, "the rest is what follows");
        assert!(rest.is_empty() || split.parts.len() == limits.parts, "more could have been shown");
    }
    let finished = early.parts.len().saturating_sub(1);
    let texts = |split: &Split<'_>| split.parts.iter().take(finished).map(|part| part.text().into()).collect();
    let (before, after): (Vec<String>, Vec<String>) = (texts(&early), texts(&whole));
    assert_eq!(before, after, "a finished part was written anew");
    if let Some(first) = before.first() {
        let shown = first_part(&text[..place], &limits).map(|part| part.text().into_owned());
        assert_eq!(shown.as_ref(), Some(first), "the first part is another one alone");
    }
}

/// An error of the walker is the server's own, or says what was unexpected.
fn is_told(error: &bus::Error) {
    assert!(!matches!(error, bus::Error::Reply { .. }), "the walker does not say what was unexpected: {error}");
    _ = error.to_string();
}
