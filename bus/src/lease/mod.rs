//! Leases on shards, and the fences that make them safe.
//!
//! The fence says who owns a shard; every write of the owner compares it whole. The lease only tells others when they may
//! try. A process that could not renew in time starts nothing new; one whose fence moved has lost the shard for good.
//! A planned move hands the shard over at once: the turns that still run become guests of their lanes, each with a pass that
//! is renewed like a lease, while every other lane goes on under the new owner.

mod keeper;
mod pass;
mod rendezvous;
mod tenure;

use std::time::Duration;

pub(crate) use keeper::{Event, HandOver, Keeper};
pub(crate) use pass::Pass;
pub(crate) use tenure::{Tenure, TenureId};

/// How long a lease lives and how often it is renewed.
#[derive(Debug, Clone, Copy)]
pub struct LeaseConfig {
    /// How long others keep away from a shard whose owner has fallen silent. Recovery after a crash takes about this long.
    pub ttl: Duration,
    /// How often leases and membership are renewed; several times within `ttl`.
    pub renew: Duration,
}

impl Default for LeaseConfig {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(2), renew: Duration::from_millis(500) }
    }
}
