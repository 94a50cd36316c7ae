//! SIGINT and SIGTERM: the first drains, the second ends at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Exit;

const SIGINT: u8 = 2;
const SIGTERM: u8 = 15;

/// The handlers of one process, in place from before its first phase is announced.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next signal and gives its number.
    pub(super) async fn next(&mut self) -> u8 {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => SIGINT,
            _ = self.terminate.recv() => SIGTERM,
        }
    }

    /// Waits for a signal and ends the process at once.
    #[expect(clippy::disallowed_methods, reason = "the second signal is a person's wish to end without waiting")]
    #[expect(clippy::print_stderr, reason = "the log is written beside this thread and would not be in time")]
    pub(super) async fn end_at_next(mut self) {
        let signal = self.next().await;
        eprintln!("second signal ({signal}): ending at once; what was under way stays pending for another process");
        std::process::exit(Exit::Signal(signal).code().into());
    }
}
