//! Identifies, which Discord counts: so many at once in five seconds, and so many a day, after which it takes the bot's token away.
//! So each passes a gate that all gateways of the bot share, and who comes again and again waits longer each time.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bus::{Bus, DistributedLock, LeaseConfig, Turnstile, TurnstileRules, Waits};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{super::Shared, Shards, session::Socket};

/// <https://discord.com/developers/docs/events/gateway#rate-limiting> has 5 s, counted where the identify arrives.
const EVERY: Duration = Duration::from_millis(5_500);
/// Five identifies of a shard are a few restarts. Then 10 s, 20 s and so on, to ten minutes: 150 a day.
const RULES: TurnstileRules = TurnstileRules {
    every: EVERY,
    free: 5,
    first_pause: Duration::from_secs(10),
    longest_pause: Duration::from_secs(600),
    calm: Duration::from_secs(1_800),
};
/// How long a shard waits for others of its bucket before it asks again for what is left of the day.
const LOCK_WAIT: Duration = Duration::from_secs(300);
/// What Discord said of the day is asked for again after this.
const LIMIT_AGE: Duration = Duration::from_secs(60);
/// With fewer left of a day they are spread over the rest of it.
const SCARCE_PART: u64 = 10;
/// A pause that is worth a line.
const SAY_FROM: Duration = Duration::from_secs(10);

/// The session start limit: <https://discord.com/developers/docs/events/gateway#session-start-limit-object>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct StartLimit {
    pub(in super::super) total: u64,
    pub(in super::super) remaining: u64,
    pub(in super::super) reset_after: Duration,
    max_concurrency: u32,
}

impl StartLimit {
    /// From the answer of GET /gateway/bot. What is not told is no limit.
    pub(in super::super) fn of(gateway: &Value) -> Self {
        let limit = &gateway["session_start_limit"];
        let number = |name: &str, or: u64| limit[name].as_u64().unwrap_or(or);
        Self {
            total: number("total", 1_000),
            remaining: number("remaining", 1_000),
            reset_after: Duration::from_millis(number("reset_after", 0)),
            max_concurrency: u32::try_from(number("max_concurrency", 1)).unwrap_or(1).max(1),
        }
    }

    /// How far identifies have to be apart so that the last of the day is never used before the day is over.
    fn apart(&self, shards: u32) -> Duration {
        let scarce = (self.total / SCARCE_PART).max(2 * u64::from(shards));
        match u32::try_from(self.remaining) {
            Ok(remaining) if self.remaining <= scarce => self.reset_after / remaining.max(1),
            _ => Duration::ZERO,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Gate {
    turnstile: Turnstile,
    bus: Bus,
    name: String,
    lease: LeaseConfig,
    known: Mutex<(Instant, StartLimit)>,
}

/// Why nobody passed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Shut(pub(super) String);

impl From<bus::Error> for Shut {
    fn from(error: bus::Error) -> Self {
        Self(error.to_string())
    }
}

impl Gate {
    pub(super) fn new(bus: Bus, name: &str, lease: LeaseConfig, limit: StartLimit) -> Self {
        let turnstile = Turnstile::new(bus.clone(), name, RULES);
        Self { turnstile, bus, name: name.to_owned(), lease, known: Mutex::new((Instant::now(), limit)) }
    }

    /// A socket that has identified itself for this shard, as soon as it is its turn.
    pub(super) async fn pass(&self, shards: &Shards, shard: u32) -> Result<Socket, Shut> {
        loop {
            let limit = self.limit(&shards.shared).await?;
            let (bucket, apart) = (shard % limit.max_concurrency, limit.apart(shards.of));
            let waits = self.turnstile.look(bucket, shard, apart).await?;
            if !waits.own.is_zero() {
                self.say(shard, waits, &limit);
                // Another one may pass first, and what is left of the day may change: both are looked at again.
                sleep(waits.own.min(RULES.longest_pause) + jitter(Duration::from_millis(500))).await;
                continue;
            }
            let name = format!("identify:{}:{bucket}", self.name);
            let lock = DistributedLock::new(self.bus.clone(), &name, self.lease);
            match lock.run(LOCK_WAIT, async || self.take_turn(shards, shard, bucket).await).await {
                Ok(Ok(Some(socket))) => {
                    self.count();
                    return Ok(socket);
                }
                Ok(Ok(None)) | Err(bus::LockError::Taken { .. }) => {}
                Ok(Err(error)) => return Err(error),
                Err(error) => return Err(Shut(error.to_string())),
            }
        }
    }

    /// Identifies, with no other shard of the bucket doing so. None where its turn was lost meanwhile.
    async fn take_turn(&self, shards: &Shards, shard: u32, bucket: u32) -> Result<Option<Socket>, Shut> {
        // Minutes may have gone by in the queue.
        let limit = self.limit(&shards.shared).await?;
        if shard % limit.max_concurrency != bucket {
            return Ok(None);
        }
        let apart = limit.apart(shards.of);
        loop {
            let waits = self.turnstile.look(bucket, shard, apart).await?;
            if !waits.own.is_zero() {
                return Ok(None);
            }
            if waits.lane.is_zero() {
                break;
            }
            sleep(waits.lane).await;
        }
        // The socket first: Discord counts when the identify arrives, which is then right behind the pass.
        let mut socket = Socket::open(&shards.url).await.map_err(Shut)?;
        if !self.turnstile.pass(bucket, shard, apart).await?.is_none() {
            return Ok(None);
        }
        socket.identify(shards, shard).await.map_err(Shut)?;
        Ok(Some(socket))
    }

    /// What is left of the day, as Discord said it within the last minutes. One shard asks for all.
    async fn limit(&self, shared: &Shared) -> Result<StartLimit, Shut> {
        let before = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let (asked, limit) = *known;
            if asked.elapsed() < LIMIT_AGE {
                return Ok(limit);
            }
            if asked.elapsed() < 2 * LIMIT_AGE {
                // Others go by what is known meanwhile. What is older than this says nothing any more.
                known.0 = Instant::now();
            }
            asked
        };
        let told = shared.start_limit().await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match told {
            Ok(limit) => {
                *known = (Instant::now(), limit);
                Ok(limit)
            }
            Err(failure) => {
                known.0 = before;
                Err(Shut(format!("GET /gateway/bot: {failure}")))
            }
        }
    }

    fn count(&self) {
        metrics::counter!("stargazer_discord_identifies_total", "platform" => self.name.clone()).increment(1);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.1.remaining = known.1.remaining.saturating_sub(1);
    }

    fn say(&self, shard: u32, waits: Waits, limit: &StartLimit) {
        metrics::counter!("stargazer_discord_identifies_damped_total", "platform" => self.name.clone()).increment(1);
        if waits.own >= SAY_FROM {
            tracing::warn!(
                platform = self.name,
                shard,
                in_a_row = waits.count,
                left_today = limit.remaining,
                "Discord's shard connects anew too often, or few connects are left of the day; it does so in {} s",
                waits.own.as_secs()
            );
        }
    }
}

/// Some time below `most`, another one for each who asks.
pub(super) fn jitter(most: Duration) -> Duration {
    let chance = uuid::Uuid::new_v4().as_u128() as u32;
    most.mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limit(remaining: u64) -> StartLimit {
        StartLimit::of(&json!({ "session_start_limit": {
            "total": 1000, "remaining": remaining, "reset_after": 3_600_000, "max_concurrency": 16,
        }}))
    }

    #[test]
    fn the_last_of_a_day_are_spread_over_what_is_left_of_it() {
        assert_eq!(limit(1_000).apart(1), Duration::ZERO);
        assert_eq!(limit(101).apart(1), Duration::ZERO);
        assert_eq!(limit(100).apart(1), Duration::from_secs(36));
        assert_eq!(limit(1).apart(1), Duration::from_secs(3_600));
        assert_eq!(limit(0).apart(1), Duration::from_secs(3_600));
        // Twice a start of all shards is kept.
        assert_eq!(limit(128).apart(64), Duration::from_millis(28_125));
        assert_eq!(StartLimit::of(&json!(null)).apart(64), Duration::ZERO);
    }

    #[test]
    fn chance_stays_below_its_bound() {
        let most = Duration::from_secs(1);
        assert!((0..100).all(|_| jitter(most) <= most) && (0..100).any(|_| jitter(most) != jitter(most)));
    }
}
