//! The steps on a lock, one script each.

use std::{sync::LazyLock, time::Duration};

use redis::Script;

use crate::{Bus, Error, clock::millis};

static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("acquire.lua")));
static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("renew.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("release.lua")));

/// A lock's keys. The lock's own name is the hash tag of the others, so that all lie in one slot.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub(super) lock: String,
    queue: String,
    alive: String,
}

/// The answer to who asks for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is ours.
    Held,
    /// It is not.
    Wait {
        /// What the holder's lease has left.
        remaining: Duration,
        /// Waiters that are before us.
        place: u64,
    },
}

impl Keys {
    pub(super) fn new(name: &str) -> Self {
        let lock = format!("sg:lock:{name}");
        Self { queue: format!("{{{lock}}}:queue"), alive: format!("{{{lock}}}:alive"), lock }
    }

    pub(super) async fn acquire(
        &self,
        bus: &Bus,
        token: &str,
        ttl: Duration,
        silent_max: Duration,
    ) -> Result<Answer, Error> {
        let mut script = ACQUIRE.key(&self.lock);
        script.key(&self.queue).key(&self.alive).arg(token).arg(millis(ttl)).arg(millis(silent_max));
        let (is_held, remaining, place): (bool, u64, u64) = script.invoke_async(&mut bus.shared()).await?;
        Ok(if is_held { Answer::Held } else { Answer::Wait { remaining: Duration::from_millis(remaining), place } })
    }

    /// False when the lock is not held under the token any more.
    pub(super) async fn renew(&self, bus: &Bus, token: &str, ttl: Duration) -> Result<bool, Error> {
        let mut script = RENEW.key(&self.lock);
        script.arg(token).arg(millis(ttl));
        Ok(script.invoke_async(&mut bus.shared()).await?)
    }

    pub(super) async fn release(&self, bus: &Bus, token: &str) -> Result<(), Error> {
        let mut script = RELEASE.key(&self.lock);
        script.key(&self.queue).key(&self.alive).arg(token);
        script.invoke_async::<bool>(&mut bus.shared()).await?;
        Ok(())
    }
}
