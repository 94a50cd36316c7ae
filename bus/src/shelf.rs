//! Files that are kept for a while and bounded in bytes together, on one shard: the oldest go first.

use std::{sync::LazyLock, time::Duration};

use redis::Script;

use crate::{Bus, Error, MediaKey, Shard};

static NOTE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("shelf.lua")));

/// What is kept on the shelf of one shard. The files themselves are put and got by [`Media`](crate::Media), under keys of the
/// same shard.
#[derive(Debug, Clone)]
pub struct Shelf {
    bus: Bus,
    name: String,
    bytes_max: u64,
    ttl: Duration,
}

impl Shelf {
    /// The shelves of a platform (`sg:shelf:{n}:<platform>`), `bytes_max` in all of them together. What lies there goes after `ttl`.
    #[must_use]
    pub fn new(bus: Bus, platform: &str, bytes_max: u64, ttl: Duration) -> Self {
        let bytes_max = bytes_max / bus.names().shards.count() as u64;
        Self { bus, name: platform.to_owned(), bytes_max, ttl }
    }

    /// How long something is kept.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Makes room for a file before it is put. Gives how many others were let go for it.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn make_room(&self, shard: Shard, key: &MediaKey, bytes: u64) -> Result<usize, Error> {
        let index = self.bus.names().shelf(shard, &self.name);
        let mut script = NOTE.key(&index);
        script.key(format!("{index}:bytes")).arg(key.as_str()).arg(bytes);
        script.arg(self.ttl.as_millis() as u64).arg(self.bytes_max);
        let gone: Vec<String> = script.invoke_async(&mut self.bus.shared()).await?;
        Ok(gone.len())
    }

    /// Lets files go. What they had of the room comes back when their time would have been over.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn remove(&self, keys: &[MediaKey]) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut del = redis::cmd("DEL");
        keys.iter().for_each(|key| _ = del.arg(key.as_str()));
        Ok(del.query_async(&mut self.bus.shared()).await?)
    }
}
