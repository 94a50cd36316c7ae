//! What a handler sees of one turn, and how it says what came of it.

use std::{sync::Arc, time::Duration};

use crate::{
    Ahead, EntryId, Error, LaneKey, PreviewSink, Previews,
    lane::{Job, Way},
    lease::{Pass, Tenure},
    ledger::{Attempt, Commit, Ledger, Notes},
    reply::RawEntry,
};
use bytes::Bytes;

use super::{Route, mailbox::Mailbox};

/// An entry in its lane.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) tenure: Arc<Tenure>,
    pub(super) entry: RawEntry,
    pub(super) route: Route,
    /// When it was read.
    pub(super) read_at: tokio::time::Instant,
    /// Runs of it that ended with a wait, one after another. Not kept beyond this process.
    pub(super) waits: u32,
}

/// An entry of which only the id is kept; its body is read again when its turn comes nearer.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) tenure: Arc<Tenure>,
    pub(super) id: EntryId,
}

impl Job for Delivery {
    type Parked = Parked;

    fn park(self) -> Parked {
        Parked { tenure: self.tenure, id: self.entry.id }
    }

    fn lane(&self) -> &LaneKey {
        &self.route.lane
    }

    fn cause(&self) -> &Arc<str> {
        &self.route.cause
    }

    fn way(&self) -> &Way {
        &self.route.way
    }

    fn place(&self) -> EntryId {
        self.entry.id
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

/// An entry that concerns a running turn and was taken by it: a control, or a change of its message. It is acknowledged by the
/// turn's commit.
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
    /// Runs of it that ended with [`Outcome::Wait`] one after another, as far as this process knows: what a pause grows by.
    pub waits: u32,
}

/// One run of one entry.
#[derive(Debug)]
pub struct Turn {
    pub(super) facts: Facts,
    /// Of this run among all of this process.
    pub(super) number: u64,
    pub(super) ledger: Ledger,
    pub(super) pass: Arc<Pass>,
    pub(super) mailbox: Mailbox,
    /// Controls that were taken; the commit acks them.
    pub(super) absorbed: Vec<Delivery>,
}

impl Turn {
    /// What it is about.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Waits for the next entry that concerns this turn. May be raced: one that was not returned is not lost.
    pub async fn control(&mut self) -> Control {
        let delivery = self.mailbox.recv().await;
        self.absorb(delivery)
    }

    /// The next entry that concerns this turn, if one waits: as when its message was changed before it began.
    pub fn waiting_control(&mut self) -> Option<Control> {
        let delivery = self.mailbox.next()?;
        Some(self.absorb(delivery))
    }

    fn absorb(&mut self, delivery: Delivery) -> Control {
        let control = Control { payload: delivery.entry.data.clone() };
        self.absorbed.push(delivery);
        control
    }

    /// Whether this turn is known to be the only one of its lane at this moment: to be asked right before something is done
    /// outside, which no fence can refuse. By a clock that goes on while the process is stopped.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.pass.is_current()
    }

    /// Notes something of this turn, under the fence, before it goes on; gives what was noted before, by an earlier run of it
    /// among others. A field that is there already stays as it is.
    ///
    /// # Errors
    /// When Redis did not answer (whether it was noted is then unknown), or the turn has lost its lane.
    pub async fn note_once(&self, fields: &[(&str, &[u8])]) -> Result<Notes, Error> {
        self.ledger.note((self.facts.entry, &self.facts.cause, self.number), fields, false).await
    }

    /// As [`Turn::note_once`], but writes over what is there.
    ///
    /// # Errors
    /// As there.
    pub async fn note(&self, fields: &[(&str, &[u8])]) -> Result<Notes, Error> {
        self.ledger.note((self.facts.entry, &self.facts.cause, self.number), fields, true).await
    }

    /// Notes something of another action, whose own turn is not this one, under the fence; gives what was noted before. What is
    /// there already stays as it is. The notes expire after `kept`, unless that turn takes them up.
    ///
    /// # Errors
    /// As [`Turn::note_once`].
    pub async fn note_of(&self, cause: &str, fields: &[(&str, &[u8])], kept: Duration) -> Result<Ahead, Error> {
        self.ledger.note_ahead(cause, fields, kept, false).await
    }

    /// As [`Turn::note_of`], but writes over what is there.
    ///
    /// # Errors
    /// As there.
    pub async fn note_of_anew(&self, cause: &str, fields: &[(&str, &[u8])], kept: Duration) -> Result<Ahead, Error> {
        self.ledger.note_ahead(cause, fields, kept, true).await
    }

    /// What is kept of another turn of this role, to look at: nothing is noted, and it may change at any time. `Notes::now_ms`
    /// is 0.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn kept_notes(&self, cause: &str) -> Result<Notes, Error> {
        self.ledger.kept(&self.facts.lane, cause).await
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
        previews.sink(Arc::clone(&self.pass), platform)
    }
}
