//! A process as the server sees it: all its connections, which a freeze holds up together.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bus::{PushTo, Server, Session};
use tokio::{sync::Notify, time::Instant};

use super::server::SimServer;

/// The connections of one process. Clones are the same process.
#[derive(Debug, Clone)]
pub struct SimProcess {
    server: SimServer,
    gate: Arc<Gate>,
}

impl SimProcess {
    pub(super) fn new(server: SimServer) -> Self {
        Self { server, gate: Arc::default() }
    }

    /// From now on nothing that it sends leaves, and nothing that was answered reaches it, for so long: as when it is stopped,
    /// or between its last look and its sending.
    pub fn freeze(&self, time: Duration) {
        self.gate.set(Some(Instant::now() + time));
    }

    /// It goes on at once.
    pub fn thaw(&self) {
        self.gate.set(None);
    }
}

impl Server for SimProcess {
    fn connect(&self) -> Box<dyn Session> {
        self.server.session(Arc::clone(&self.gate), None)
    }

    fn connect_pushed(&self, push: PushTo) -> Box<dyn Session> {
        self.server.session(Arc::clone(&self.gate), Some(push))
    }
}

/// Where the commands of one process wait.
#[derive(Debug, Default)]
pub(super) struct Gate {
    shut_until: Mutex<Option<Instant>>,
    changed: Notify,
}

impl Gate {
    fn set(&self, shut_until: Option<Instant>) {
        *self.shut_until.lock().unwrap_or_else(PoisonError::into_inner) = shut_until;
        self.changed.notify_waiters();
    }

    /// Whether nothing passes now.
    pub(super) fn is_shut(&self) -> bool {
        self.shut_until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| until > Instant::now())
    }

    /// Waits while it is shut.
    pub(super) async fn pass(&self) {
        loop {
            let changed = self.changed.notified();
            let until = *self.shut_until.lock().unwrap_or_else(PoisonError::into_inner);
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => _ = tokio::time::timeout_at(until, changed).await,
                None => return,
            }
        }
    }
}
