//! The registry of live processes, for people and tools. No decision rests on it.

use std::time::Duration;

use crate::{Bus, Error};

/// How long an entry outlives its last heartbeat.
const TTL: Duration = Duration::from_secs(15);

/// One process's place in the registry.
#[derive(Debug, Clone)]
pub struct Registry {
    bus: Bus,
    key: String,
}

impl Registry {
    /// The place of `instance` of the service `name`.
    #[must_use]
    pub fn new(bus: Bus, name: &str, instance: &str) -> Self {
        Self { bus, key: format!("sg:registry:service:{name}:{instance}") }
    }

    /// Writes the whole entry (JSON). Done at every heartbeat, so that an entry that was lost comes back.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn write(&self, json: &str) -> Result<(), Error> {
        let mut set = redis::cmd("SET");
        set.arg(&self.key).arg(json).arg("EX").arg(TTL.as_secs());
        Ok(set.query_async(&mut self.bus.shared()).await?)
    }

    /// Removes the entry.
    ///
    /// # Errors
    /// When Redis did not answer; the entry then expires by itself.
    pub async fn remove(&self) -> Result<(), Error> {
        Ok(redis::cmd("DEL").arg(&self.key).query_async(&mut self.bus.shared()).await?)
    }
}
