//! Giving an entry up: the dead letter, its acknowledgement and the message to the user in one step.

use std::sync::LazyLock;

use redis::Script;

use super::{Action, Ledger};
use crate::{EntryId, Error, Role, unix_ms};

static DEAD_LETTER: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("dead_letter.lua")));

/// What is written of an entry that is given up.
#[derive(Debug)]
pub(crate) struct DeadLetter<'a> {
    pub(crate) entry: EntryId,
    pub(crate) error: &'a str,
    pub(crate) attempt: u32,
    pub(crate) data: &'a [u8],
    pub(crate) ts_ms: u64,
    pub(crate) trace_id: &'a str,
    /// One honest message to the user, where there is one to tell.
    pub(crate) notice: Option<Action>,
}

impl Ledger {
    /// Writes a dead letter. It leaves no mark of the cause, so that a replay can run.
    pub(crate) async fn dead_letter(&self, letter: &DeadLetter<'_>) -> Result<(), Error> {
        let (names, shard) = (self.bus.names(), self.tenure.shard());
        let mut script = DEAD_LETTER.key(self.fence());
        script.key(self.stream()).key(self.attempts()).key(names.dead_letters(shard));
        if let Some(notice) = &letter.notice {
            script.key(names.stream(&Role::Outbound(notice.platform.clone()), shard));
        }
        script.arg(self.tenure.token()).arg(self.group()).arg(letter.entry.to_string());
        script.arg(letter.error).arg(letter.attempt).arg(letter.data).arg(letter.ts_ms).arg(letter.trace_id);
        if let Some(notice) = &letter.notice {
            script.arg(notice.data.as_ref()).arg(unix_ms()).arg(&notice.trace_id);
        }
        if script.invoke_async::<bool>(&mut self.bus.shared()).await? { Ok(()) } else { Err(self.tenure.fenced()) }
    }
}
