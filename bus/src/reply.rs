//! Walking the raw replies of stream commands: no map per entry, payloads moved into [`Bytes`] without a copy.

use std::{fmt, str::FromStr};

use bytes::Bytes;
use redis::Value;

use crate::Error;

/// Id of an entry within its stream. Orders as Redis orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryId {
    /// Milliseconds part.
    pub ms: u64,
    /// Sequence within the millisecond.
    pub seq: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl FromStr for EntryId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.split_once('-')
            .and_then(|(ms, seq)| Some(Self { ms: ms.parse().ok()?, seq: seq.parse().ok()? }))
            .ok_or(Error::Reply { step: "an entry id" })
    }
}

/// One entry as it was read: the contract's three fields.
#[derive(Debug, Clone)]
pub(crate) struct RawEntry {
    pub(crate) id: EntryId,
    /// The payload; empty when the entry has no `data`.
    pub(crate) data: Bytes,
    /// When it was appended, by the appender's clock; 0 when the entry does not say.
    pub(crate) ts_ms: u64,
    /// Empty when the entry does not say.
    pub(crate) trace_id: Bytes,
}

/// What `XREAD` and `XREADGROUP` answer: entries by stream. RESP2 gives nested arrays, RESP3 a map; nil means none.
pub(crate) fn streams(reply: Value) -> Result<Vec<(Bytes, Vec<RawEntry>)>, Error> {
    const STEP: &str = "a stream read";
    let unexpected = Error::Reply { step: STEP };
    match reply {
        Value::Nil => Ok(Vec::new()),
        Value::Map(streams) => {
            streams.into_iter().map(|(name, found)| Ok((text(name, STEP)?, entries(found)?))).collect()
        }
        Value::Array(streams) => streams
            .into_iter()
            .map(|stream| match stream {
                Value::Array(pair) => {
                    let mut pair = pair.into_iter();
                    let (Some(name), Some(found)) = (pair.next(), pair.next()) else {
                        return Err(Error::Reply { step: STEP });
                    };
                    Ok((text(name, STEP)?, entries(found)?))
                }
                _ => Err(Error::Reply { step: STEP }),
            })
            .collect(),
        _ => Err(unexpected),
    }
}

/// What `XAUTOCLAIM` answers: where to go on (0-0 when nothing is left), the entries, and ids whose entry is gone.
pub(crate) struct Claimed {
    pub(crate) cursor: EntryId,
    pub(crate) entries: Vec<RawEntry>,
    pub(crate) gone: usize,
}

pub(crate) fn claimed(reply: Value) -> Result<Claimed, Error> {
    const STEP: &str = "a claim";
    let Value::Array(parts) = reply else { return Err(Error::Reply { step: STEP }) };
    let mut parts = parts.into_iter();
    let (Some(cursor), Some(found)) = (parts.next(), parts.next()) else { return Err(Error::Reply { step: STEP }) };
    let gone = match parts.next() {
        Some(Value::Array(ids)) => ids.len(),
        _ => 0,
    };
    Ok(Claimed { cursor: id(cursor)?, entries: entries(found)?, gone })
}

/// A list of entries, as `XRANGE` gives it. Nil elements (an entry that is gone, before Redis 7) are left out.
pub(crate) fn entries(reply: Value) -> Result<Vec<RawEntry>, Error> {
    let Value::Array(list) = reply else { return Err(Error::Reply { step: "a list of entries" }) };
    list.into_iter().filter(|item| !matches!(item, Value::Nil)).map(entry).collect()
}

fn entry(item: Value) -> Result<RawEntry, Error> {
    const STEP: &str = "an entry";
    let Value::Array(pair) = item else { return Err(Error::Reply { step: STEP }) };
    let mut pair = pair.into_iter();
    let (Some(key), Some(Value::Array(fields))) = (pair.next(), pair.next()) else {
        return Err(Error::Reply { step: STEP });
    };
    let mut entry = RawEntry { id: id(key)?, data: Bytes::new(), ts_ms: 0, trace_id: Bytes::new() };
    let mut fields = fields.into_iter();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        let Value::BulkString(name) = name else { return Err(Error::Reply { step: STEP }) };
        match name.as_slice() {
            b"data" => entry.data = text(value, STEP)?,
            b"ts" => entry.ts_ms = decimal(&text(value, STEP)?).unwrap_or(0),
            b"trace_id" => entry.trace_id = text(value, STEP)?,
            _ => {}
        }
    }
    Ok(entry)
}

pub(crate) fn id(value: Value) -> Result<EntryId, Error> {
    const STEP: &str = "an entry id";
    let bytes = text(value, STEP)?;
    std::str::from_utf8(&bytes).map_err(|_| Error::Reply { step: STEP })?.parse()
}

fn text(value: Value, step: &'static str) -> Result<Bytes, Error> {
    match value {
        Value::BulkString(bytes) => Ok(Bytes::from(bytes)),
        Value::SimpleString(text) => Ok(Bytes::from(text)),
        _ => Err(Error::Reply { step }),
    }
}

fn decimal(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn one_entry() -> Value {
        let fields = ["data", "\u{1}body", "ts", "1700000000000", "trace_id", "t", "other", "x"];
        Value::Array(vec![Value::Array(vec![bulk("5-1"), Value::Array(fields.map(bulk).into())])])
    }

    #[test]
    fn both_protocols_read_alike() {
        let resp2 = Value::Array(vec![Value::Array(vec![bulk("s"), one_entry()])]);
        let resp3 = Value::Map(vec![(bulk("s"), one_entry())]);
        for reply in [resp2, resp3] {
            let read = streams(reply).unwrap();
            assert_eq!(read.len(), 1);
            let (name, list) = &read[0];
            assert_eq!(name, "s");
            assert_eq!((list[0].id, list[0].ts_ms), (EntryId { ms: 5, seq: 1 }, 1_700_000_000_000));
            assert_eq!((list[0].data.as_ref(), list[0].trace_id.as_ref()), (b"\x01body".as_ref(), b"t".as_ref()));
        }
        assert!(streams(Value::Nil).unwrap().is_empty());
    }

    #[test]
    fn an_entry_without_payload_is_an_empty_one() {
        let reply = Value::Array(vec![Value::Array(vec![bulk("5-1"), Value::Array(vec![bulk("x"), bulk("y")])])]);
        assert!(entries(reply).unwrap()[0].data.is_empty());
    }

    #[test]
    fn other_shapes_are_errors() {
        for reply in
            [Value::Int(1), Value::Array(vec![Value::Int(1)]), Value::Array(vec![Value::Array(vec![bulk("s")])])]
        {
            assert!(streams(reply).is_err());
        }
        assert!(claimed(Value::Array(vec![bulk("nonsense"), Value::Array(vec![])])).is_err());
    }

    #[test]
    fn ids_order_as_numbers() {
        let parse = |text: &str| text.parse::<EntryId>().unwrap();
        assert!(parse("9-0") < parse("10-0"));
        assert!(parse("10-2") < parse("10-10"));
        assert_eq!(parse("10-2").to_string(), "10-2");
        assert!("10".parse::<EntryId>().is_err());
    }
}
