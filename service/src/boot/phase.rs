//! How far a process is, for its own parts to wait for and for tests to check.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// How far a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Settings are checked; nothing is touched.
    SetUp,
    /// The random pause, then Redis is asked.
    Connecting,
    /// `/healthz` answers.
    Listening,
    /// The daemon makes what it needs.
    Preparing,
    /// In the registry as `starting`.
    Registered,
    /// Egress, then adapters; or the claims of shards.
    Starting,
    /// `/readyz` may say so, the registry does.
    Ready,
    /// A signal came: not ready, out of the registry.
    Draining,
    /// Everything is committed or put back; tasks have ended.
    Drained,
}

/// The phases of one process, each announced once it has begun.
#[derive(Debug)]
pub struct Phases {
    now: watch::Sender<Phase>,
    /// All of them so far. A watch alone would skip those that nobody looked at in time.
    seen: Mutex<Vec<Phase>>,
}

impl Default for Phases {
    fn default() -> Self {
        Self { now: watch::Sender::new(Phase::SetUp), seen: Mutex::default() }
    }
}

impl Phases {
    pub(crate) fn enter(&self, phase: Phase) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(phase);
        self.now.send_replace(phase);
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Phase> {
        self.now.subscribe()
    }

    /// Waits until the process has come this far, or further.
    pub async fn reached(&self, phase: Phase) {
        // The sender is ours, so the wait cannot end without the phase.
        let _ = self.now.subscribe().wait_for(|now| *now >= phase).await;
    }

    /// Every phase so far, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Phase> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
