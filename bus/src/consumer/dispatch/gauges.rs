//! What the loop tells of itself.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;

use super::{Dispatch, Handler};
use crate::Shard;

impl<H: Handler> Dispatch<H> {
    /// One look at a time: with Redis away the next one waits for the last.
    pub(super) fn measure_depth(&mut self) {
        if self.measuring.as_ref().is_some_and(|last| !last.is_finished()) {
            return;
        }
        let (depth, runner) = (self.depth.clone(), Arc::clone(&self.runner));
        let shards: Vec<Shard> = self.shards.keys().copied().collect();
        self.measuring = Some(self.chores.spawn(async move {
            if let Err(error) = depth.measure(&runner.bus, &runner.config.role, &shards).await {
                tracing::debug!(%error, "how much waits is not known this time");
            }
        }));
    }

    pub(super) fn set_gauges(&self) {
        let role = self.runner.config.role.to_string();
        let (entries, bytes) = self.window.used();
        let (ready, waiting) = self.lanes.idle();
        let now = Instant::now();
        // Early in a process's life there is no time before which something could have been started.
        let (stuck, oldest) =
            now.checked_sub(self.runner.config.stuck_after).map_or((0, None), |then| self.lanes.stuck(then));
        self.status.stuck.store(stuck as u64, Ordering::Relaxed);
        let oldest = oldest.map_or(Duration::ZERO, |since| now.duration_since(since));
        metrics::gauge!("stargazer_lanes_stuck", "role" => role.clone()).set(stuck as f64);
        metrics::gauge!("stargazer_lane_oldest_seconds", "role" => role.clone()).set(oldest);
        metrics::gauge!("stargazer_window_parked", "role" => role.clone()).set(self.window.parked() as f64);
        metrics::gauge!("stargazer_window_entries", "role" => role.clone()).set(entries as f64);
        metrics::gauge!("stargazer_window_bytes", "role" => role.clone()).set(bytes as f64);
        for (state, lanes) in [("running", self.lanes.running()), ("ready", ready), ("waiting", waiting)] {
            metrics::gauge!("stargazer_lanes", "role" => role.clone(), "state" => state).set(lanes as f64);
        }
    }
}
