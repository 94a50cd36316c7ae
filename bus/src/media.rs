//! Files beside the streams: a value of its own each, under a key that says whose it is, for a while.
//!
//! They are large, so they have a connection of their own: behind one on the shared one, leases would wait.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_128;

use crate::{Bus, Error, Names, Next, Shard, link::Connection};

const STEM: &str = "sg:media:";
/// How long one may take, beyond what a short command has.
const TRANSFER: Duration = Duration::from_secs(25);

/// The key of a file. None that was read out of an envelope leads to anything else in Redis.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MediaKey(String);

impl MediaKey {
    /// Of a file that came with an event, by its place among that event's.
    #[must_use]
    pub fn inbound(names: &Names, shard: Shard, event_id: &str, index: usize) -> Self {
        let id = xxh3_128(format!("{event_id}:{index}").as_bytes());
        Self(names.media(shard, &format!("{id:032x}")))
    }

    /// Of a file for an action, by the SHA-256 of its bytes in hex.
    #[must_use]
    pub fn outbound(names: &Names, shard: Shard, sha256: &str) -> Self {
        Self(names.media(shard, sha256))
    }

    /// Reads a key as an envelope has it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(STEM)?;
        let id = match rest.strip_prefix('{') {
            Some(tagged) => {
                let (shard, id) = tagged.split_once("}:")?;
                shard.parse::<u16>().ok()?;
                id
            }
            None => rest,
        };
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (matches!(id.len(), 32 | 64) && id.bytes().all(is_hex)).then(|| Self(text.to_owned()))
    }

    /// The key, as it stands in envelopes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The SHA-256 of the bytes, in hex, where the key is one for an action.
    #[must_use]
    pub fn sha256(&self) -> Option<&str> {
        self.0.rsplit(':').next().filter(|id| id.len() == 64)
    }
}

impl fmt::Display for MediaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Puts and gets files. Clones share one connection, which is made when it is needed.
#[derive(Clone)]
pub struct Media {
    bus: Bus,
    connection: Arc<Mutex<Option<Connection>>>,
}

impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Media").field("bus", &self.bus).finish_non_exhaustive()
    }
}

impl Media {
    /// Files on this bus.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self { bus, connection: Arc::default() }
    }

    /// The names that this deployment uses.
    #[must_use]
    pub fn names(&self) -> &Names {
        self.bus.names()
    }

    /// Puts a record under a key, in the place of what may be there, for `ttl`.
    ///
    /// # Errors
    /// When Redis did not answer, or did not take it.
    pub async fn put(&self, key: &MediaKey, record: &[u8], ttl: Duration) -> Result<(), Error> {
        let mut set = redis::cmd("SET");
        set.arg(&key.0).arg(record).arg("PX").arg(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        let mut connection = self.connection().await?;
        self.settled(set.query_async(&mut connection).await.map_err(Error::from))
    }

    /// The record under a key, if there is one (no more, or not yet).
    ///
    /// # Errors
    /// When Redis did not answer, or what is there has more than `bytes_max` bytes; of that no more are read.
    pub async fn get(&self, key: &MediaKey, bytes_max: usize) -> Result<Option<Bytes>, Error> {
        let mut get = redis::cmd("GETRANGE");
        get.arg(&key.0).arg(0).arg(bytes_max);
        let mut connection = self.connection().await?;
        let record: Vec<u8> = self.settled(get.query_async(&mut connection).await.map_err(Error::from))?;
        match record.len() {
            // No record is empty.
            0 => Ok(None),
            length if length > bytes_max => Err(Error::Refused(format!("{key} holds more than {bytes_max} bytes"))),
            _ => Ok(Some(record.into())),
        }
    }

    async fn connection(&self) -> Result<Connection, Error> {
        if let Some(connection) = self.kept().clone() {
            return Ok(connection);
        }
        // Two at once make two, of which one is kept.
        let connection = self.bus.dedicated(TRANSFER).await?;
        *self.kept() = Some(connection.clone());
        Ok(connection)
    }

    /// A connection that failed is not used again.
    fn settled<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if result.as_ref().is_err_and(|error| error.next() == Next::Retry) {
            *self.kept() = None;
        }
        result
    }

    fn kept(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shards;

    #[test]
    fn keys_are_those_of_the_contract() {
        let names = Names::default();
        let shard = names.shards.get(1).unwrap();
        let key = MediaKey::inbound(&names, shard, "discord:1482309033636531201", 0);
        assert_eq!(key.as_str(), "sg:media:{1}:71d6468fce45fb4b077ef465ad0d9a34");
        assert_eq!(MediaKey::read(key.as_str()), Some(key.clone()));
        assert_eq!(key.sha256(), None);
        let one = Names { shards: Shards::new(1).unwrap(), ..Names::default() };
        let sha256 = "199eb18cb5837b9b01d8aaea0b5c2eef0d395288e0b7a1dedd6b511b2fa2efe1";
        let key = MediaKey::outbound(&one, one.shards.get(0).unwrap(), sha256);
        assert_eq!((key.as_str(), key.sha256()), (&*format!("sg:media:{sha256}"), Some(sha256)));
        assert_eq!(MediaKey::read(key.as_str()), Some(key));
    }

    #[test]
    fn an_envelope_leads_to_nothing_but_media() {
        let id = "71d6468fce45fb4b077ef465ad0d9a34";
        for bad in [
            "",
            "sg:webchat:key",
            "sg:media:",
            id,
            &format!("sg:media:{{x}}:{id}"),
            &format!("sg:media:{{1}}{id}"),
            &format!("sg:media:{{1}}:x:{id}"),
            &format!("sg:media:{}", id.to_uppercase()),
            &format!("sg:media:{id}0"),
            &format!("sg:media:{{65536}}:{id}"),
            &format!("sg:history:{{1}}:{id}"),
        ] {
            assert_eq!(MediaKey::read(bad), None, "{bad}");
        }
    }
}
