//! One dead letter, and how it is named.

use std::{collections::HashMap, fmt, str::FromStr};

use bytes::Bytes;

use crate::{EntryId, Error, Names, Role, Shard, Shards};

/// Where dead letters lie.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// On a shard, those of all its streams.
    Shard(Shard),
    /// Beside the plain stream of this role.
    Plain(Role),
}

impl Place {
    pub(super) fn dead_letters(&self, names: &Names) -> String {
        match self {
            Self::Shard(shard) => names.dead_letters(&Role::Inbound, *shard),
            Self::Plain(role) => names.shards_of(role).map(|shard| names.dead_letters(role, shard)).collect(),
        }
    }

    /// Who consumes `stream`, if its dead letters lie here.
    #[must_use]
    pub fn role_of(&self, stream: &str, names: &Names) -> Option<Role> {
        match self {
            Self::Shard(shard) => names.role_of(stream, *shard),
            Self::Plain(role) => {
                names.shards_of(role).any(|shard| names.stream(role, shard) == stream).then(|| role.clone())
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shard(shard) => shard.fmt(f),
            Self::Plain(role) => role.fmt(f),
        }
    }
}

/// Names a dead letter: `<place>/<id of its entry>`, as `7/1763700000123-0` or `plain:inbound/1763700000123-0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId {
    /// Where it lies.
    pub place: Place,
    /// Its entry in the stream of dead letters.
    pub entry: EntryId,
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.place, self.entry)
    }
}

impl FromStr for LetterId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parse = || {
            let (place, entry) = text.split_once('/')?;
            let place = match place.parse() {
                Ok(number) => Place::Shard(Shards::MOST.get(number)?),
                Err(_) => Place::Plain(place.parse().ok().filter(Role::is_plain)?),
            };
            Some(Self { place, entry: entry.parse().ok()? })
        };
        parse().ok_or_else(|| Error::Setting(format!("{text} names no dead letter; they look like 7/1763700000123-0")))
    }
}

/// An entry that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its name.
    pub id: LetterId,
    /// Where it came from.
    pub stream: String,
    /// Which entry it was there.
    pub original: EntryId,
    /// `code: what happened`.
    pub error: String,
    /// How often it was tried.
    pub attempt: u32,
    /// The envelope.
    pub data: Bytes,
    /// When the envelope was appended, in ms since the epoch by the appender's clock.
    pub ts_ms: u64,
    /// Its trace.
    pub trace_id: String,
}

/// Names and values of an entry.
pub(super) type Fields = Vec<(String, Vec<u8>)>;

impl Letter {
    /// Out of an entry's fields. What is missing, or no number, is empty or 0: a letter that cannot be shown cannot be
    /// purged either.
    pub(super) fn new(id: LetterId, fields: Fields) -> Self {
        let mut fields: HashMap<String, Vec<u8>> = fields.into_iter().collect();
        let mut take = |name: &str| fields.remove(name).unwrap_or_default();
        let data = Bytes::from(take("data"));
        let mut text = |name: &str| String::from_utf8_lossy(&take(name)).into_owned();
        Self {
            id,
            data,
            original: text("original_msg_id").parse().unwrap_or_default(),
            attempt: text("attempt").parse().unwrap_or(0),
            ts_ms: text("ts").parse().unwrap_or(0),
            stream: text("original_stream"),
            error: text("error"),
            trace_id: text("trace_id"),
        }
    }

    /// The short word that its error begins with, as in metrics.
    #[must_use]
    pub fn code(&self) -> &str {
        self.error.split(':').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let id: LetterId = "7/1763700000123-4".parse().unwrap();
        assert_eq!(id.entry, EntryId { ms: 1_763_700_000_123, seq: 4 });
        for text in ["7/1763700000123-4", "plain:outbound:discord/5-0"] {
            assert_eq!(text.parse::<LetterId>().unwrap().to_string(), text);
        }
        for bad in ["", "7", "7/", "7/1", "x/1-0", "inbound/1-0", "4096/1-0", "-1/1-0"] {
            let error = bad.parse::<LetterId>().unwrap_err().to_string();
            assert!(error.contains("they look like 7/1763700000123-0"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_letter_of_any_fields_is_one() {
        let id: LetterId = "0/1-0".parse().unwrap();
        let letter = Letter::new(id, vec![("error".into(), b"panic: the turn panicked".to_vec())]);
        assert_eq!((letter.code(), letter.attempt, letter.original), ("panic", 0, EntryId::default()));
    }
}
