//! The budget of the bot as a whole, shared by all gateways that serve it.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use bus::{Budget, Bus};

use super::whole::Rate;

/// Where gateways of one bot take their places from, and tell each other what they were told.
#[async_trait]
pub trait Share: Send + Sync + Debug {
    /// Reserves up to `wanted` places: how many it gave, and where that is none, when there will be one.
    async fn reserve(&self, wanted: u32) -> Result<(u32, Duration), NotShared>;
    /// The bot as a whole is to ask for nothing for so long.
    async fn shut(&self, pause: Duration) -> Result<(), NotShared>;
    /// Which bucket a route has, where one of the others was told.
    async fn bucket_of(&self, route: &str) -> Result<Option<String>, NotShared>;
    /// Says which bucket a route has.
    async fn name(&self, route: &str, bucket: &str) -> Result<(), NotShared>;
    /// For how long nothing is left there, as the others were told.
    async fn closed(&self, line: &str) -> Result<Duration, NotShared>;
    /// Nothing is left there for so long.
    async fn close(&self, line: &str, pause: Duration) -> Result<(), NotShared>;
    /// One more request was refused: how many that makes in a window of this length, and how long it goes on.
    async fn refused(&self, window: Duration) -> Result<(u32, Duration), NotShared>;
}

/// The others could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the budget that gateways share could not be asked: {0}")]
pub struct NotShared(pub String);

impl From<bus::Error> for NotShared {
    fn from(error: bus::Error) -> Self {
        Self(error.to_string())
    }
}

/// The budget in Redis.
#[derive(Debug)]
pub struct SharedBudget(Budget);

impl SharedBudget {
    /// Of the bot of a platform block, which may ask for `limit` things in each `window`.
    #[must_use]
    pub fn new(bus: Bus, platform: &str, limit: u32, window: Duration) -> Self {
        let Rate { most, per_second } = Rate::of(limit, window, 1.0);
        // Whole places only: the part that is left of one is not given.
        Self(Budget::new(bus, platform, most as u32, per_second))
    }
}

#[async_trait]
impl Share for SharedBudget {
    async fn reserve(&self, wanted: u32) -> Result<(u32, Duration), NotShared> {
        Ok(self.0.take(wanted).await?)
    }

    async fn shut(&self, pause: Duration) -> Result<(), NotShared> {
        Ok(self.0.shut(pause).await?)
    }

    async fn bucket_of(&self, route: &str) -> Result<Option<String>, NotShared> {
        Ok(self.0.bucket_of(route).await?)
    }

    async fn name(&self, route: &str, bucket: &str) -> Result<(), NotShared> {
        Ok(self.0.name(route, bucket).await?)
    }

    async fn closed(&self, line: &str) -> Result<Duration, NotShared> {
        Ok(self.0.closed(line).await?)
    }

    async fn close(&self, line: &str, pause: Duration) -> Result<(), NotShared> {
        Ok(self.0.close(line, pause).await?)
    }

    async fn refused(&self, window: Duration) -> Result<(u32, Duration), NotShared> {
        Ok(self.0.refused(window).await?)
    }
}
