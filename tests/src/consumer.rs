//! Consumers in the test's own process.

use std::time::Duration;

use bus::{ConsumerConfig, LeaseConfig, Role};

/// A consumer with leases short enough for a test to see them end, and room for what a test sends.
#[must_use]
pub fn consumer_config(role: Role, instance: &str) -> ConsumerConfig {
    ConsumerConfig {
        role,
        instance: instance.into(),
        lease: LeaseConfig { ttl: Duration::from_millis(800), renew: Duration::from_millis(200) },
        turns_max: 64,
        window_entries: 512,
        window_bytes: 1 << 20,
        failures_max: 2,
        deaths_max: 10,
        drain: Duration::from_secs(5),
        stuck_after: Duration::from_secs(600),
    }
}
