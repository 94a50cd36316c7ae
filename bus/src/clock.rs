//! The wall clock, read in one place. Intervals and deadlines use `tokio::time::Instant`, which tests can pause.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the epoch by this machine's clock. For people, logs and the `ts` field; no decision of order or
/// ownership rests on it (those use the time of the Redis server).
#[must_use]
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    millis(since)
}

/// Whole milliseconds, as scripts count.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
