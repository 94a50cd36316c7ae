//! What is sent: a line that says what it is, and noise up to 1 KiB, which nothing can compress.

use std::{
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use bus::{Entry, Names, Role};
use bytes::Bytes;

/// Bytes of a payload.
const SIZE: usize = 1024;
/// As long as that of an entry in use.
const TRACE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = fastrand::Rng::with_seed(1);
    std::iter::repeat_with(|| random.u8(..)).take(1 << 20).collect()
});

/// What the receiver is to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Plain,
    /// Never come to an end with it.
    Hang,
    /// Fail with it.
    Poison,
}

/// A message as it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) lane: &'a str,
    /// `lane:number`
    pub(crate) cause: &'a str,
    /// When it was sent, in microseconds since epoch.
    pub(crate) sent_us: u64,
    pub(crate) kind: Kind,
}

/// Microseconds since epoch: one clock for all processes of this machine.
pub(crate) fn now_us() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros()).unwrap_or(u64::MAX)
}

/// The name of a lane.
pub(crate) fn lane(number: u64) -> String {
    format!("load-{number}")
}

pub(crate) fn payload(lane: &str, number: u64, kind: Kind) -> Bytes {
    let kind = match kind {
        Kind::Plain => 'p',
        Kind::Hang => 'h',
        Kind::Poison => 'x',
    };
    let mut payload = format!("{lane}:{number}:{}:{kind}:", now_us()).into_bytes();
    let missing = SIZE.saturating_sub(payload.len());
    let start = (number as usize).wrapping_mul(977) % (NOISE.len() - SIZE);
    payload.extend_from_slice(&NOISE[start..start + missing]);
    payload.into()
}

/// An entry for the inbound stream of its lane.
pub(crate) fn entry(names: &Names, lane: &str, number: u64, kind: Kind) -> Entry {
    let stream = names.stream(&Role::Inbound, names.shards.of(lane));
    Entry { stream, data: payload(lane, number, kind), trace_id: TRACE.into() }
}

/// Reads a payload; nothing when it is not one of ours.
pub(crate) fn parse(payload: &[u8]) -> Option<Message<'_>> {
    let colons = payload.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(at, _)| at);
    let mut ends = [0; 4];
    for (end, at) in ends.iter_mut().zip(colons) {
        *end = at;
    }
    let head = std::str::from_utf8(payload.get(..ends[3])?).ok()?;
    let kind = match head.get(ends[2] + 1..)? {
        "p" => Kind::Plain,
        "h" => Kind::Hang,
        "x" => Kind::Poison,
        _ => return None,
    };
    Some(Message {
        lane: head.get(..ends[0])?,
        cause: head.get(..ends[1])?,
        sent_us: head.get(ends[1] + 1..ends[2])?.parse().ok()?,
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_read() {
        for kind in [Kind::Plain, Kind::Hang, Kind::Poison] {
            let payload = payload(&lane(7), 42, kind);
            let message = parse(&payload).unwrap();
            assert_eq!((message.lane, message.cause), ("load-7", "load-7:42"));
            assert_eq!((payload.len(), message.kind), (SIZE, kind));
            assert!(message.sent_us <= now_us());
        }
        assert!(parse(b"else").is_none() && parse(b"a:b:c:d:").is_none());
    }
}
