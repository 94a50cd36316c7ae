//! Giving an entry up: the dead letter, its acknowledgement and the message to the user in one step.

use std::{sync::LazyLock, time::Duration};

use redis::Script;

use super::{Action, DONE_MAX, Ledger};
use crate::{EntryId, Error, Role, unix_ms};

static DEAD_LETTER: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("../lease/may.lua"),
        include_str!("marks.lua"),
        include_str!("ack.lua"),
        include_str!("dead_letter.lua")
    ))
});

/// Notes of a turn that was given up are kept for so long, for a replay.
const NOTES_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What is written of an entry that is given up.
#[derive(Debug)]
pub(crate) struct DeadLetter<'a> {
    pub(crate) entry: EntryId,
    /// Empty where it could not be read.
    pub(crate) cause: &'a str,
    pub(crate) error: &'a str,
    pub(crate) attempt: u32,
    pub(crate) data: &'a [u8],
    pub(crate) ts_ms: u64,
    pub(crate) trace_id: &'a str,
    /// What had joined its turn, each with its cause.
    pub(crate) joined: &'a [(EntryId, &'a str)],
    /// One honest message to the user, where there is one to tell.
    pub(crate) notice: Option<Action>,
}

impl Ledger {
    /// Writes a dead letter. It leaves no mark of the cause, so that a replay can run.
    pub(crate) async fn dead_letter(&self, letter: &DeadLetter<'_>) -> Result<(), Error> {
        let (names, shard) = (self.bus.names(), self.tenure().shard());
        let mut script = DEAD_LETTER.key(self.fence());
        script.key(self.guests()).key(self.stream()).key(self.attempts()).key(self.notes(letter.cause));
        let [even, odd] = names.done(shard);
        script.key(names.dead_letters(shard)).key(even).key(odd).key(self.settled());
        if let Some(notice) = &letter.notice {
            script.key(names.stream(&Role::Outbound(notice.platform.clone()), shard));
        }
        script.arg(self.tenure().token()).arg(&**self.pass.lane()).arg(self.group()).arg(letter.entry.to_string());
        script.arg(letter.error).arg(letter.attempt).arg(letter.data).arg(letter.ts_ms).arg(letter.trace_id);
        script.arg(self.deletes()).arg(NOTES_KEPT.as_secs()).arg(self.marks_window()).arg(DONE_MAX);
        script.arg(self.tenure().settled());
        script.arg(letter.joined.len());
        for (id, cause) in letter.joined {
            script.arg(id.to_string()).arg(*cause);
        }
        if let Some(notice) = &letter.notice {
            script.arg(notice.data.as_ref()).arg(unix_ms()).arg(&notice.trace_id);
        }
        match script.invoke_async::<i64>(&mut self.bus.shared()).await? {
            0 => Err(self.pass.refused()),
            -1 => Err(self.forgot()),
            settled => {
                self.tenure().note_settled(settled.unsigned_abs());
                Ok(())
            }
        }
    }
}
