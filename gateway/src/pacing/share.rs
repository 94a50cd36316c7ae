//! The budget of the bot as a whole, shared by all gateways that serve it.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use bus::{Budget, Bus};

use super::whole::Rate;

/// Where gateways of one bot take their places from.
#[async_trait]
pub trait Share: Send + Sync + Debug {
    /// Reserves up to `wanted` places: how many it gave, and where that is none, when there will be one.
    async fn reserve(&self, wanted: u32) -> Result<(u32, Duration), NotShared>;
}

/// The others could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the budget that gateways share could not be asked: {0}")]
pub struct NotShared(pub String);

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
        self.0.take(wanted).await.map_err(|error| NotShared(error.to_string()))
    }
}
