//! What a platform shows, and what it came through until then.

use gateway::platform::Accepted;
use tokio::time::Instant;

/// A message.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) id: u64,
    pub(crate) channel: String,
    pub(crate) text: String,
    pub(crate) key: String,
    pub(crate) at: Instant,
}

impl Shown {
    /// As it is answered to who made it.
    pub(crate) fn accepted(&self) -> Accepted {
        Accepted { text: Some(self.text.clone()), ..Accepted::new(self.id.to_string()) }
    }

    /// Whether it is not the first message of its action.
    pub(crate) fn is_further(&self) -> bool {
        self.key.rsplit_once('.').is_some_and(|(_, part)| part.parse::<u32>().is_ok_and(|part| part > 0))
    }
}

/// What it came through.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Met {
    /// Answers that were lost.
    pub(crate) lost_answers: u64,
    /// Sends that it knew already.
    pub(crate) repeats: u64,
    /// Messages that were made to show what was being written.
    pub(crate) previews: u64,
    /// Texts that they were given while it was.
    pub(crate) preview_edits: u64,
    /// Times that it showed that somebody writes.
    pub(crate) typings: u64,
    /// Messages that were taken away.
    pub(crate) retracted: u64,
    /// Messages that were made of the further parts of a text.
    pub(crate) further: u64,
    /// Texts that were refused, as too long.
    pub(crate) refused: u64,
}
