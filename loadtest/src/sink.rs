//! Where every contender's messages end: counted, and timed where that is wanted.

use std::{
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use tokio::sync::Notify;

use crate::{
    Result,
    message::{now_us, parse},
};

/// The longest that a load may stand still.
const PATIENCE: Duration = Duration::from_secs(60);

/// Counts what was handled.
pub(crate) struct Sink {
    handled: AtomicU64,
    first: OnceLock<Instant>,
    moved: Notify,
    latency: Option<Mutex<Latency>>,
}

/// Microseconds from a message's sending on.
#[derive(Debug, Clone)]
pub(crate) struct Latency(Histogram<u64>);

impl Latency {
    pub(crate) fn new() -> Self {
        // Three digits; it grows with what comes.
        Self(Histogram::new(3).unwrap_or_else(|_| unreachable!("three digits are allowed")))
    }

    pub(crate) fn record(&mut self, us: u64) {
        // Fails only beyond what 64 bits hold; `saturating_record` would stop where it does not have to grow.
        let _ = self.0.record(us.max(1));
    }

    /// In microseconds.
    pub(crate) fn quantile(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64
    }
}

impl Sink {
    /// `timed`: how long each message was on its way is kept.
    pub(crate) fn new(timed: bool) -> Self {
        Self {
            handled: AtomicU64::new(0),
            first: OnceLock::new(),
            moved: Notify::new(),
            latency: timed.then(|| Mutex::new(Latency::new())),
        }
    }

    /// The handler that does nothing.
    pub(crate) fn take(&self, payload: &[u8]) {
        if let Some(latency) = &self.latency
            && let Some(message) = parse(payload)
        {
            let us = now_us().saturating_sub(message.sent_us);
            latency.lock().unwrap_or_else(PoisonError::into_inner).record(us);
        }
        self.first.get_or_init(Instant::now);
        // The producer looks at every so many; the end of a load is polled.
        if self.handled.fetch_add(1, Ordering::Relaxed) % 64 == 63 {
            self.moved.notify_one();
        }
    }

    pub(crate) fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    /// When the first message was handled.
    pub(crate) fn began(&self) -> Option<Instant> {
        self.first.get().copied()
    }

    /// Waits until so many were handled.
    pub(crate) async fn reach(&self, count: u64) -> Result<()> {
        let mut seen = self.handled();
        let mut since = Instant::now();
        while seen < count {
            let _ = tokio::time::timeout(Duration::from_millis(1), self.moved.notified()).await;
            if self.handled() != seen {
                (seen, since) = (self.handled(), Instant::now());
            } else if since.elapsed() > PATIENCE {
                return Err(format!("nothing was handled for {PATIENCE:?}; {seen} of {count} were before").into());
            }
        }
        Ok(())
    }

    /// Forgets how long those before were on their way.
    pub(crate) fn restart(&self) {
        if let Some(latency) = &self.latency {
            *latency.lock().unwrap_or_else(PoisonError::into_inner) = Latency::new();
        }
    }

    pub(crate) fn latency(&self) -> Latency {
        let latency = self.latency.as_ref().map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner).clone());
        latency.unwrap_or_else(Latency::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ways_are_kept_as_they_are() {
        let mut latency = Latency::new();
        [1, 100, 3_000_000].into_iter().for_each(|us| latency.record(us));
        assert!((latency.quantile(1.0) - 3e6).abs() < 3e3, "{}", latency.quantile(1.0));
    }
}
