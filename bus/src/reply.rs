//! Walking the raw replies of stream commands: no map per entry, payloads moved into [`Bytes`] without a copy.
//!
//! RESP2 and RESP3 read alike. What anybody may have written into a stream is read: any names, any number of fields, one
//! name twice (the last counts). An error means that the server, or something in front of it, answered in another shape
//! than the command has. So no entry can make the read of its neighbours fail. One whose body is gone (nil in its place, or
//! in that of its fields, as a reader of its own pending entries meets it) is left out.
//!
//! Elements behind those that are known are left alone, since commands grow by them (`XAUTOCLAIM` did in Redis 7,
//! `XREADGROUP` in 8.4). Attributes of RESP3 are looked through, as its specification asks.

use std::{fmt, str::FromStr};

use bytes::Bytes;

pub use redis::Value;

use crate::Error;

/// Id of an entry within its stream. Orders as Redis orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryId {
    /// Milliseconds part.
    pub ms: u64,
    /// Sequence within the millisecond.
    pub seq: u64,
}

impl EntryId {
    fn parse(text: &[u8]) -> Option<Self> {
        let (ms, seq) = std::str::from_utf8(text).ok()?.split_once('-')?;
        Some(Self { ms: decimal(ms)?, seq: decimal(seq)? })
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl FromStr for EntryId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text.as_bytes()).ok_or(Error::Reply { step: "an entry id" })
    }
}

/// One entry as it was read: the contract's three fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEntry {
    /// Its id within the stream.
    pub id: EntryId,
    /// The payload; empty when the entry has no `data`.
    pub data: Bytes,
    /// When it was appended, by the appender's clock; 0 when the entry does not say, or not as a number.
    pub ts_ms: u64,
    /// Empty when the entry does not say.
    pub trace_id: Bytes,
}

/// What `XAUTOCLAIM` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Where the next claim goes on; 0-0 when nothing is left.
    pub cursor: EntryId,
    /// The entries that changed hands.
    pub entries: Vec<RawEntry>,
    /// How many ids were dropped since their entry is gone.
    pub gone: usize,
}

/// One reply out of the bytes of a connection, for those who have bytes and no connection: fuzzing and benchmarks.
/// Bytes behind the reply are left alone. The client's parser opens 100 levels at most, and reserves room for no more
/// than 4096 elements at a time on a count's word.
///
/// # Errors
/// [`Error::Reply`] when the bytes are no reply of RESP2 or RESP3, or end before it does.
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    redis::parse_redis_value(bytes).map_err(|_| Error::Reply { step: "a command" })
}

/// What `XREAD` and `XREADGROUP` answer: entries by stream, in the reply's order. RESP2 gives an array of pairs, RESP3 a
/// map; nil means none.
///
/// # Errors
/// [`Error::Shape`] when the reply has another shape; the server's error when it holds one.
pub fn streams(reply: Value) -> Result<Vec<(Bytes, Vec<RawEntry>)>, Error> {
    let step = Step("a stream read");
    let stream = |name, found| Ok((step.text(name, "a stream's name")?, step.entries(found)?));
    match bare(reply) {
        Value::Nil => Ok(Vec::new()),
        Value::Map(streams) => streams.into_iter().map(|(name, found)| stream(name, found)).collect(),
        Value::Array(streams) => (streams.into_iter())
            .map(|pair| {
                let [name, found] = step.first(pair, "a stream's name and entries")?;
                stream(name, found)
            })
            .collect(),
        other => Err(step.unexpected("streams", other)),
    }
}

/// What `XAUTOCLAIM` answers: cursor, entries, and (from Redis 7 on) the ids that it dropped.
///
/// # Errors
/// [`Error::Shape`] when the reply has another shape; the server's error when it holds one.
pub fn claimed(reply: Value) -> Result<Claimed, Error> {
    let step = Step("a claim");
    let mut parts = step.list(reply, "a cursor and entries")?.into_iter();
    let cursor = step.id(step.next(&mut parts, "a cursor")?)?;
    let entries = step.entries(step.next(&mut parts, "a list of entries")?)?;
    let gone = match parts.next().map(bare) {
        None | Some(Value::Nil) => 0,
        Some(ids) => step.list(ids, "a list of ids")?.len(),
    };
    Ok(Claimed { cursor, entries, gone })
}

/// What `XRANGE` and `XREVRANGE` answer: entries.
///
/// # Errors
/// [`Error::Shape`] when the reply has another shape; the server's error when it holds one.
pub fn entries(reply: Value) -> Result<Vec<RawEntry>, Error> {
    Step("a range").entries(reply)
}

/// One id, as commands about groups give it.
pub(crate) fn id(value: Value) -> Result<EntryId, Error> {
    Step("a group's state").id(value)
}

/// The step that was answered, which every error names.
#[derive(Clone, Copy)]
struct Step(&'static str);

impl Step {
    fn entries(self, reply: Value) -> Result<Vec<RawEntry>, Error> {
        let list = self.list(reply, "a list of entries")?;
        list.into_iter().filter_map(|item| self.entry(item).transpose()).collect()
    }

    /// `None`: its body is gone.
    fn entry(self, item: Value) -> Result<Option<RawEntry>, Error> {
        let item = bare(item);
        if item == Value::Nil {
            return Ok(None);
        }
        let [id, fields] = self.first(item, "an entry's id and fields")?;
        let fields = bare(fields);
        if fields == Value::Nil {
            return Ok(None);
        }
        let mut entry = RawEntry { id: self.id(id)?, data: Bytes::new(), ts_ms: 0, trace_id: Bytes::new() };
        let mut fields = self.list(fields, "an entry's fields")?.into_iter();
        while let Some(name) = fields.next() {
            let name = self.text(name, "a field's name")?;
            let value = self.text(self.next(&mut fields, "a field's value")?, "a field's value")?;
            match name.as_ref() {
                b"data" => entry.data = value,
                b"ts" => entry.ts_ms = std::str::from_utf8(&value).ok().and_then(decimal).unwrap_or(0),
                b"trace_id" => entry.trace_id = value,
                _ => {}
            }
        }
        Ok(Some(entry))
    }

    fn id(self, value: Value) -> Result<EntryId, Error> {
        const EXPECTED: &str = "an id";
        let text = self.text(value, EXPECTED)?;
        EntryId::parse(&text).ok_or_else(|| self.shape(EXPECTED, "a text that is none"))
    }

    /// A text, which need not be UTF-8. Moved: the bytes stay where the client's parser put them.
    ///
    /// No verbatim string, though it is one to RESP3: the parser has by then replaced what is not UTF-8 in it, which
    /// would damage a payload in silence.
    fn text(self, value: Value, expected: &'static str) -> Result<Bytes, Error> {
        match bare(value) {
            Value::BulkString(bytes) => Ok(Bytes::from(bytes)),
            Value::SimpleString(text) => Ok(Bytes::from(text)),
            // How the parser gives the simple string "OK".
            Value::Okay => Ok(Bytes::from_static(b"OK")),
            other => Err(self.unexpected(expected, other)),
        }
    }

    fn list(self, value: Value, expected: &'static str) -> Result<Vec<Value>, Error> {
        match bare(value) {
            Value::Array(items) => Ok(items),
            other => Err(self.unexpected(expected, other)),
        }
    }

    /// The first elements of a list.
    fn first(self, value: Value, expected: &'static str) -> Result<[Value; 2], Error> {
        let mut items = self.list(value, expected)?.into_iter();
        Ok([self.next(&mut items, expected)?, self.next(&mut items, expected)?])
    }

    fn next(self, items: &mut impl Iterator<Item = Value>, expected: &'static str) -> Result<Value, Error> {
        items.next().ok_or_else(|| self.shape(expected, "the end of a list"))
    }

    fn unexpected(self, expected: &'static str, found: Value) -> Error {
        let found = match found {
            Value::ServerError(error) => return redis::RedisError::from(error).into(),
            Value::Nil => "nil",
            Value::Int(_) | Value::BigNumber(_) => "an integer",
            Value::BulkString(_) | Value::SimpleString(_) | Value::Okay => "a text",
            Value::VerbatimString { .. } => "a verbatim text",
            Value::Array(_) => "a list",
            Value::Map(_) => "a map",
            Value::Set(_) => "a set",
            Value::Double(_) => "a float",
            Value::Boolean(_) => "a boolean",
            Value::Push { .. } => "a push message",
            // Attributes have been looked through, and the client may learn new types.
            _ => "something unknown",
        };
        self.shape(expected, found)
    }

    fn shape(self, expected: &'static str, found: &'static str) -> Error {
        Error::Shape { step: self.0, expected, found }
    }
}

/// The value without the attributes around it.
fn bare(mut value: Value) -> Value {
    while let Value::Attribute { data, .. } = value {
        value = *data;
    }
    value
}

/// A number as Redis and appenders write it: digits alone.
fn decimal(text: &str) -> Option<u64> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}
