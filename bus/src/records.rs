//! Small records beside the streams, each a hash or a value of its own: no part of any shard's step.

use std::{sync::LazyLock, time::Duration};

use bytes::Bytes;
use redis::Script;

use crate::{Bus, Error, clock::millis};

static CLAIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("claim.lua")));

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

    /// Writes fields, all or none, and lets the whole record live for `ttl` from now.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn set_fields(&self, key: &str, fields: &[(&str, &[u8])], ttl: Duration) -> Result<(), Error> {
        redis::pipe()
            .atomic()
            .hset_multiple(key, fields)
            .ignore()
            .cmd("PEXPIRE")
            .arg(key)
            .arg(millis(ttl))
            .ignore()
            .query_async::<()>(&mut self.bus.shared())
            .await?;
        Ok(())
    }

    /// All fields of a record, which is empty where there is none. Before that, if it `may`, `value` becomes its `field`, unless
    /// somebody else's did: of those who ask, one has it, and the others see whose it is. How long the record lives stays.
    ///
    /// # Errors
    /// When Redis did not answer: the field may have been taken.
    pub async fn claim_field(
        &self,
        key: &str,
        field: &str,
        value: &[u8],
        may: bool,
    ) -> Result<Vec<(String, Bytes)>, Error> {
        let mut script = CLAIM.key(key);
        script.arg(field).arg(value).arg(u8::from(may));
        let fields: Vec<(String, Vec<u8>)> = script.invoke_async(&mut self.bus.shared()).await?;
        Ok(fields.into_iter().map(|(name, value)| (name, Bytes::from(value))).collect())
    }

    /// Removes a field.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn remove_field(&self, key: &str, field: &str) -> Result<(), Error> {
        Ok(redis::cmd("HDEL").arg(key).arg(field).query_async(&mut self.bus.shared()).await?)
    }

    /// The value under `key`.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let value: Option<Vec<u8>> = redis::cmd("GET").arg(key).query_async(&mut self.bus.shared()).await?;
        Ok(value.map(Bytes::from))
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
        let name = self.bus.names().publish(channel);
        Ok(redis::cmd(name).arg(channel).arg(payload).query_async(&mut self.bus.shared()).await?)
    }
}
