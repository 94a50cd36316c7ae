//! A lock over all processes, for work that one of them does at a time: a leader's rounds, an inventory, an import.
//!
//! Shards do not use it: nobody takes a lock for a message. Its holder keeps it by renewing, and stops by itself when it
//! could not; but a process that is frozen past its lease runs on for the moment in which it wakes. Where that would do
//! harm, the work itself has to go under a fence, as a turn's commit does.
//!
//! Waiters are served in the order in which they came. One that falls silent loses its place.

mod script;

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use uuid::Uuid;

use crate::{Bus, Error, LeaseConfig, Next};
use script::{Answer, Keys};

/// How often the first in the queue asks. Those behind it ask less often, by their place.
const ASK_FIRST: Duration = Duration::from_millis(20);
/// How often everybody in the queue asks at least.
const ASK_LAST: Duration = Duration::from_millis(500);
/// A waiter that was silent for so long is passed over.
const SILENT_MAX: Duration = Duration::from_secs(2);
/// Pause before a step is repeated that Redis did not answer.
const STEP_AGAIN: Duration = Duration::from_millis(50);

/// A lock by name. Clones are the same lock, and as much in each other's way as any two holders.
#[derive(Debug, Clone)]
pub struct DistributedLock {
    bus: Bus,
    keys: Keys,
    lease: LeaseConfig,
}

/// Why work under a lock was not done, or not to its end.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LockError {
    /// Others held the lock, or were before us, for as long as we would wait.
    #[error("lock {lock} was not free within {waited:?}; {before} waiters were before us")]
    Taken {
        /// The lock's key.
        lock: String,
        /// How long was waited.
        waited: Duration,
        /// Waiters that were before us at the end.
        before: u64,
    },
    /// The lock ran out or was taken away while the work was under way; the work was dropped where it stood.
    #[error("lock {lock} was lost while its work was under way, so the work was stopped")]
    Lost {
        /// The lock's key.
        lock: String,
    },
    /// Redis refused, or did not answer for as long as we would wait.
    #[error(transparent)]
    Redis(#[from] Error),
}

impl DistributedLock {
    /// The lock `sg:lock:<name>`.
    #[must_use]
    pub fn new(bus: Bus, name: &str, lease: LeaseConfig) -> Self {
        Self { bus, keys: Keys::new(name), lease }
    }

    /// The lock of a channel, `sg:lock:channel:<id>`.
    #[must_use]
    pub fn of_channel(bus: Bus, id: &str, lease: LeaseConfig) -> Self {
        Self::new(bus, &format!("channel:{id}"), lease)
    }

    /// Waits for the lock for at most `wait`, does `work` while it is held, and gives it up.
    ///
    /// The lock is renewed beside the work, in the same task, so the work must not block it. When the lock is lost, the
    /// work is dropped at its next await. When this future itself is dropped, the lock lives until its lease ends.
    ///
    /// # Errors
    /// [`LockError::Taken`] when it was not free in time, [`LockError::Lost`] when it was lost before the work ended.
    pub async fn run<T>(&self, wait: Duration, work: impl AsyncFnOnce() -> T) -> Result<T, LockError> {
        let token = Uuid::new_v4().simple().to_string();
        let leased_until = self.acquire(&token, wait).await?;
        let done = tokio::select! {
            biased;
            () = self.renew_until_lost(&token, leased_until) => {
                metrics::counter!("stargazer_locks_lost_total").increment(1);
                Err(LockError::Lost { lock: self.keys.lock.clone() })
            }
            value = work() => Ok(value),
        };
        self.give_up(&token).await;
        done
    }

    /// Until when the lock is ours; counted from before the step was sent that took it.
    async fn acquire(&self, token: &str, wait: Duration) -> Result<Instant, LockError> {
        let deadline = Instant::now() + wait;
        let mut before = 0;
        loop {
            let sent = Instant::now();
            let pause = match self.keys.acquire(&self.bus, token, self.lease.ttl, SILENT_MAX).await {
                Ok(Answer::Held) => return Ok(sent + self.lease.ttl),
                Ok(Answer::Wait { remaining, place }) => {
                    before = place;
                    let by_place =
                        ASK_FIRST.saturating_mul(u32::try_from(place).map_or(u32::MAX, |n| n.saturating_add(1)));
                    by_place.min(ASK_LAST).min(remaining.max(ASK_FIRST))
                }
                Err(error) if error.next() == Next::Retry && sent < deadline => STEP_AGAIN,
                Err(error) => {
                    self.give_up(token).await;
                    return Err(error.into());
                }
            };
            if Instant::now() + pause > deadline {
                // One last try at the deadline itself, unless that was it.
                if sent >= deadline || wait.is_zero() {
                    self.give_up(token).await;
                    return Err(LockError::Taken { lock: self.keys.lock.clone(), waited: wait, before });
                }
                sleep_until(deadline).await;
            } else {
                sleep(pause).await;
            }
        }
    }

    /// Renews for as long as that works. Ends when the lock is another's, or may be.
    async fn renew_until_lost(&self, token: &str, mut leased_until: Instant) {
        loop {
            let left = leased_until.saturating_duration_since(Instant::now());
            if left < STEP_AGAIN {
                return sleep(left).await;
            }
            // More often when the end is near, as when Redis did not answer the last time.
            sleep(self.lease.renew.min(left / 2)).await;
            let sent = Instant::now();
            match timeout_at(leased_until, self.keys.renew(&self.bus, token, self.lease.ttl)).await {
                Ok(Ok(true)) => leased_until = sent + self.lease.ttl,
                Ok(Ok(false)) | Err(_) => return,
                Ok(Err(error)) => tracing::debug!(lock = self.keys.lock, %error, "lock not renewed, trying on"),
            }
        }
    }

    async fn give_up(&self, token: &str) {
        if let Err(error) = self.keys.release(&self.bus, token).await {
            tracing::debug!(lock = self.keys.lock, %error, "lock left to its lease's end");
        }
    }
}
