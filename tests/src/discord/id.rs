//! Ids as Discord gives them out.

use std::{fmt, time::Duration};

use serde::{Serialize, Serializer};

/// Discord's epoch, the first second of 2015, in Unix milliseconds: discord.com/developers/docs/reference#snowflakes.
const EPOCH_MS: u64 = 1_420_070_400_000;

/// An id that carries its time of birth in milliseconds above bit 22. Text in JSON, since it does not fit JavaScript's numbers:
/// discord.com/developers/docs/reference#snowflakes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Snowflake(pub u64);

impl Snowflake {
    /// The smallest id of a moment, which is given as time since the Unix epoch.
    #[must_use]
    pub fn at(time: Duration) -> Self {
        Self((time.as_millis() as u64).saturating_sub(EPOCH_MS) << 22)
    }

    /// When it was made, as time since the Unix epoch.
    #[must_use]
    pub fn time(self) -> Duration {
        Duration::from_millis((self.0 >> 22) + EPOCH_MS)
    }

    /// The shard of a guild with this id: discord.com/developers/docs/topics/gateway#sharding.
    #[must_use]
    pub fn shard(self, count: u64) -> u64 {
        (self.0 >> 22) % count
    }

    /// Reads decimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// Reads the text or number that JSON has for it.
    #[must_use]
    pub fn of(value: &serde_json::Value) -> Option<Self> {
        value.as_str().and_then(Self::parse).or_else(|| value.as_u64().map(Self))
    }
}

impl fmt::Display for Snowflake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Snowflake {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Gives out ids that only grow, also where the clock stands still.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    last: u64,
}

impl Ids {
    pub(crate) fn next(&mut self, now: Duration) -> Snowflake {
        self.last = Snowflake::at(now).0.max(self.last + 1);
        Snowflake(self.last)
    }
}
