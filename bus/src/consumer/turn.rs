//! What a handler sees of one turn, and how it says what came of it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{
    EntryId, Error, LaneKey, PreviewSink, Previews,
    lane::Job,
    lease::Tenure,
    ledger::{Attempt, Commit, Ledger},
    reply::RawEntry,
};

use super::Route;

/// An entry in its lane.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) tenure: Arc<Tenure>,
    pub(super) entry: RawEntry,
    pub(super) route: Route,
    /// When it was read.
    pub(super) read_at: tokio::time::Instant,
}

impl Job for Delivery {
    fn lane(&self) -> &LaneKey {
        &self.route.lane
    }

    fn is_control(&self) -> bool {
        self.route.control.is_some()
    }
}

impl Delivery {
    pub(super) fn trace_id(&self) -> String {
        String::from_utf8_lossy(&self.entry.trace_id).into_owned()
    }
}

/// What came of a turn.
#[derive(Debug)]
pub enum Outcome {
    /// Done: commit this in one step with the acknowledgement.
    Commit(Commit),
    /// Failed: try again with growing pauses, and give it up after the last failure.
    Retry(Failure),
    /// Failed in a way that another try would meet again: give it up now.
    Dead(Failure),
    /// Could not be done now through no fault of the turn: again after this pause, counted nowhere.
    Wait(Duration),
}

/// Why a turn failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// From a short closed list, for metrics and dead letters.
    pub code: &'static str,
    /// For the log and the dead letter.
    pub error: String,
}

/// A control entry that a running turn took. It is acknowledged by the turn's commit.
#[derive(Debug, Clone)]
pub struct Control {
    /// The envelope.
    pub payload: Bytes,
}

/// Facts of a turn that do not change while it runs.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The envelope.
    pub payload: Bytes,
    /// Its lane.
    pub lane: LaneKey,
    /// Its cause.
    pub cause: Arc<str>,
    /// Its trace.
    pub trace_id: String,
    /// Its entry.
    pub entry: EntryId,
    /// How often it ended badly so far.
    pub attempt: Attempt,
    /// When it was appended, in ms since epoch by the appender's clock.
    pub appended_ms: u64,
}

/// One run of one entry.
#[derive(Debug)]
pub struct Turn {
    pub(super) facts: Facts,
    pub(super) ledger: Ledger,
    pub(super) tenure: Arc<Tenure>,
    pub(super) mailbox: mpsc::Receiver<Delivery>,
    /// Controls that were taken; the commit acks them.
    pub(super) absorbed: Vec<Delivery>,
}

impl Turn {
    /// What it is about.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Waits for the next control entry of the lane. May be raced: a control that was not returned is not lost.
    pub async fn control(&mut self) -> Control {
        match self.mailbox.recv().await {
            Some(delivery) => {
                let control = Control { payload: delivery.entry.data.clone() };
                self.absorbed.push(delivery);
                control
            }
            None => std::future::pending().await,
        }
    }

    /// The lane's history, oldest first, each as it was pushed.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn history(&self) -> Result<Vec<Bytes>, Error> {
        self.ledger.history(&self.facts.lane).await
    }

    /// Where this turn's previews for a platform go.
    #[must_use]
    pub fn preview_sink(&self, previews: &Previews, platform: &str) -> PreviewSink {
        previews.sink(Arc::clone(&self.tenure), platform)
    }
}
