//! Small records beside the streams, each a hash or a value of its own: no part of any shard's step.

use std::time::Duration;

use bytes::Bytes;

use crate::{Bus, Error};

/// Reads and writes small records.
#[derive(Debug, Clone)]
pub struct Records {
    bus: Bus,
}

impl Records {
    /// Records on this bus.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }

    /// The value under `key`, which is `candidate` if there was none: all processes that ask agree on one value.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn agree(&self, key: &str, candidate: &[u8]) -> Result<Bytes, Error> {
        let (_, value): (redis::Value, Vec<u8>) = redis::pipe()
            .cmd("SET")
            .arg(key)
            .arg(candidate)
            .arg("NX")
            .cmd("GET")
            .arg(key)
            .query_async(&mut self.bus.shared())
            .await?;
        Ok(Bytes::from(value))
    }

    /// All fields of a record.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn fields(&self, key: &str) -> Result<Vec<(String, Bytes)>, Error> {
        let fields: Vec<(String, Vec<u8>)> = redis::cmd("HGETALL").arg(key).query_async(&mut self.bus.shared()).await?;
        Ok(fields.into_iter().map(|(name, value)| (name, Bytes::from(value))).collect())
    }

    /// One field of a record.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn field(&self, key: &str, field: &str) -> Result<Option<Bytes>, Error> {
        let value: Option<Vec<u8>> = redis::cmd("HGET").arg(key).arg(field).query_async(&mut self.bus.shared()).await?;
        Ok(value.map(Bytes::from))
    }

    /// Writes a field and lets the whole record live for `ttl` from now.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn set_field(&self, key: &str, field: &str, value: &[u8], ttl: Duration) -> Result<(), Error> {
        redis::pipe()
            .cmd("HSET")
            .arg(key)
            .arg(field)
            .arg(value)
            .ignore()
            .cmd("EXPIRE")
            .arg(key)
            .arg(ttl.as_secs())
            .ignore()
            .query_async::<()>(&mut self.bus.shared())
            .await?;
        Ok(())
    }

    /// Removes a field.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn remove_field(&self, key: &str, field: &str) -> Result<(), Error> {
        Ok(redis::cmd("HDEL").arg(key).arg(field).query_async(&mut self.bus.shared()).await?)
    }

    /// Puts a value under `key`, for good.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn put(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        Ok(redis::cmd("SET").arg(key).arg(value).query_async(&mut self.bus.shared()).await?)
    }

    /// Tells whoever is subscribed to `channel`. Nobody may be.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn notify(&self, channel: &str, payload: &[u8]) -> Result<(), Error> {
        let name = if self.bus.names().shards.count() > 1 { "SPUBLISH" } else { "PUBLISH" };
        Ok(redis::cmd(name).arg(channel).arg(payload).query_async(&mut self.bus.shared()).await?)
    }
}
