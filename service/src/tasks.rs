//! Task ownership: every task has a name, an owner that waits for it, and a rule for its end.

use std::panic::AssertUnwindSafe;

use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What it means when a task ends before the process was told to stop.
#[derive(Debug, Clone)]
pub enum OnEnd {
    /// It may end at any time; only a panic is logged.
    Fine,
    /// Until this is cancelled the process cannot do its work without it: log it and shut down with exit code 70.
    NeededUntil(CancellationToken),
}

/// The tasks of one process. Clones share one list.
#[derive(Debug, Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    broken: mpsc::Sender<&'static str>,
}

impl Tasks {
    /// No tasks yet, and where the name of a task arrives that ended but should not have.
    #[must_use]
    pub(crate) fn new() -> (Self, mpsc::Receiver<&'static str>) {
        let (broken, reports) = mpsc::channel(8);
        (Self { tracker: TaskTracker::new(), stop: CancellationToken::new(), broken }, reports)
    }

    /// Cancelled when every task is to end. Daemons derive tokens of their own for what has to end earlier.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Runs `work`, which the process needs until everything stops, and which has to end then.
    pub fn spawn_needed(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.spawn(name, OnEnd::NeededUntil(self.stop.clone()), work);
    }

    /// Runs `work` until it ends. It has to watch a token of its own and end by itself.
    pub fn spawn(&self, name: &'static str, on_end: OnEnd, work: impl Future<Output = ()> + Send + 'static) {
        let broken = self.broken.clone();
        let owned = async move {
            let panicked = catch(work).await;
            let early = matches!(&on_end, OnEnd::NeededUntil(stop) if !stop.is_cancelled());
            if panicked {
                tracing::error!(task = name, "task panicked");
            }
            if early {
                tracing::error!(task = name, "task ended although the process needs it");
                let _ = broken.try_send(name);
            }
        };
        self.tracker.spawn(owned);
    }

    /// Tells every task to end and waits until all have.
    pub async fn end(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// True when the work panicked.
async fn catch(work: impl Future<Output = ()> + Send + 'static) -> bool {
    let mut work = Box::pin(work);
    std::future::poll_fn(move |context| {
        match std::panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(std::task::Poll::Ready(())) => std::task::Poll::Ready(false),
            Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
            Err(_) => std::task::Poll::Ready(true),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_needed_task_that_ends_is_reported() {
        let (tasks, mut reports) = Tasks::new();
        tasks.spawn("optional", OnEnd::Fine, async {});
        tasks.spawn("needed", OnEnd::NeededUntil(tasks.stop().clone()), async { panic!("as told") });
        assert_eq!(reports.recv().await, Some("needed"));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tasks.spawn("obedient", OnEnd::NeededUntil(stop.clone()), async move { stopped.cancelled().await });
        stop.cancel();
        tasks.end().await;
        assert!(reports.try_recv().is_err());
    }
}
