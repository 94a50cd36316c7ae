//! How much waits on the shards that this consumer owns, for metrics: summed over all processes it is the deployment's.

use std::{sync::Arc, time::Duration};

use crate::{Bus, Error, Role, Shard};

/// How often it is asked; for alerts, which look minutes back.
pub(super) const DEPTH_EVERY: Duration = Duration::from_secs(5);

/// The gauges of one role.
#[derive(Debug, Clone)]
pub(super) struct Depth(Arc<Gauges>);

#[derive(Debug)]
struct Gauges {
    unread: metrics::Gauge,
    pending: metrics::Gauge,
    oldest: metrics::Gauge,
    /// Told by one of the roles that share a shard's dead letters, and by each that has its own.
    dead_letters: Option<metrics::Gauge>,
}

impl Depth {
    pub(super) fn new(role: &Role) -> Self {
        let label = role.to_string();
        Self(Arc::new(Gauges {
            unread: metrics::gauge!("stargazer_stream_unread", "role" => label.clone()),
            pending: metrics::gauge!("stargazer_stream_pending", "role" => label.clone()),
            oldest: metrics::gauge!("stargazer_stream_oldest_seconds", "role" => label.clone()),
            dead_letters: (*role == Role::Inbound || role.is_plain())
                .then(|| metrics::gauge!("stargazer_dead_letters", "role" => label)),
        }))
    }

    /// Asks Redis, and sets the gauges. What could not be asked stays as it was.
    pub(super) async fn measure(&self, bus: &Bus, role: &Role, shards: &[Shard]) -> Result<(), Error> {
        let now_ms = bus.time_ms().await?;
        let (mut unread, mut pending, mut oldest, mut letters) = (0, 0, Duration::ZERO, 0);
        for shard in shards {
            let lag = bus.lag(role, *shard, now_ms).await?;
            // While Redis does not know the lag, it may be as long as the stream.
            unread += lag.unread.unwrap_or_else(|| lag.length.saturating_sub(lag.pending));
            pending += lag.pending;
            oldest = oldest.max(lag.oldest.unwrap_or_default());
            if self.0.dead_letters.is_some() {
                letters += bus.dead_letters_on(role, *shard).await?;
            }
        }
        self.0.unread.set(unread as f64);
        self.0.pending.set(pending as f64);
        self.0.oldest.set(oldest);
        if let Some(gauge) = &self.0.dead_letters {
            gauge.set(letters as f64);
        }
        Ok(())
    }
}
