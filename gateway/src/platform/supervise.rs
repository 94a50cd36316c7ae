//! Keeping a platform connected: one that fails is logged, shown in readiness and tried again, and stops no other.

use std::{sync::Arc, time::Duration};

use service::Check;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::Platform;

/// Pauses between two tries.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A connection that held for this long was a good one: the next pause is the shortest again.
const GOOD: Duration = Duration::from_secs(60);

/// How a platform says that it is connected.
#[derive(Debug)]
pub struct Started {
    check: Check,
    /// Whether its first try has come to an end, well or not.
    tried: watch::Sender<bool>,
}

impl Started {
    pub(crate) fn new(check: Check) -> Self {
        Self { check, tried: watch::Sender::new(false) }
    }

    /// The platform is connected.
    pub fn good(&self) {
        self.check.good();
        self.tried.send_replace(true);
    }

    /// It is not connected any more, and goes on trying.
    pub fn away(&self, reason: &str) {
        tracing::error!("{reason}");
        self.bad(reason);
    }

    fn bad(&self, reason: &str) {
        self.check.bad(reason);
        self.tried.send_replace(true);
    }

    /// To wait for the first try's end.
    pub(crate) fn tried(&self) -> watch::Receiver<bool> {
        self.tried.subscribe()
    }
}

/// Runs a platform until `stop`.
pub(crate) async fn supervise(platform: Arc<dyn Platform>, started: Started, stop: CancellationToken) {
    let mut pause = PAUSE_MIN;
    while !stop.is_cancelled() {
        let began = Instant::now();
        match platform.run(&started, stop.clone()).await {
            Ok(()) => return,
            Err(error) => {
                if began.elapsed() >= GOOD {
                    pause = PAUSE_MIN;
                }
                // Before the log: who has read that asks the check next.
                started.bad(&error.to_string());
                let again_in = platform.again_in().map_or(pause, |longer| longer.max(pause));
                tracing::error!(platform = %platform.name(), ?again_in, "{error}");
                metrics::counter!("stargazer_platform_failures_total", "platform" => platform.name().to_string())
                    .increment(1);
            }
        }
        stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}
