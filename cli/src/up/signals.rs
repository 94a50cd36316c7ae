//! Signals that end `up`.

use service::Exit;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Refusal;

/// SIGINT, SIGTERM, and SIGHUP of a terminal that is closed.
#[derive(Debug)]
pub(super) struct Signals {
    hang_up: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Refusal> {
        let on = |kind| signal(kind).map_err(|error| Refusal::internal(format!("signals cannot be handled: {error}")));
        Ok(Self {
            hang_up: on(SignalKind::hangup())?,
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one, and gives the exit code of a process that it ends at once.
    pub(super) async fn next(&mut self) -> Exit {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => Exit::Signal(2),
            _ = self.terminate.recv() => Exit::Signal(15),
            _ = self.hang_up.recv() => Exit::Signal(1),
        }
    }
}
