//! Logs on standard error, written beside the runtime so that a slow terminal holds up nothing.

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{Log, LogFormat};

/// Lines that wait to be written; further ones are dropped and counted.
const LINES_MAX: usize = 16_384;

/// Flushes the last lines when it is dropped.
#[derive(Debug)]
pub(crate) struct LogGuard {
    _worker: WorkerGuard,
    dropped: ErrorCounter,
}

impl LogGuard {
    /// Lines that were dropped so far.
    pub(crate) fn dropped(&self) -> ErrorCounter {
        self.dropped.clone()
    }
}

/// What is wrong with a filter, if anything is.
pub(crate) fn filter_fault(filter: &str) -> Option<String> {
    EnvFilter::try_new(filter).err().map(|error| error.to_string())
}

/// Starts logging.
pub(crate) fn start_logs(log: &Log) -> LogGuard {
    // Settings with a filter that cannot be used were refused before.
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let (writer, worker) =
        NonBlockingBuilder::default().buffered_lines_limit(LINES_MAX).lossy(true).finish(std::io::stderr());
    let dropped = writer.error_counter();
    let format = tracing_subscriber::fmt::layer().with_writer(writer);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Json => Box::new(format.json().flatten_event(true)),
        LogFormat::Pretty => {
            use std::io::IsTerminal;
            Box::new(format.with_ansi(std::io::stderr().is_terminal()).with_target(false))
        }
    };
    // A second start in one process (tests) keeps the first.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    LogGuard { _worker: worker, dropped }
}
