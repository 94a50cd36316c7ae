//! Settling entries that need no turn, hundreds in one round trip.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use redis::Script;

use super::{DONE_MAX, DONE_WINDOW, HistoryWrite, note_forgotten};
use crate::{Bus, EntryId, Error, LaneKey, Role, lease::Tenure};

static RECORD: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("../lease/pass.lua"),
        include_str!("marks.lua"),
        include_str!("ack.lua"),
        include_str!("record.lua")
    ))
});

/// Entries of one lane, in order, each with its cause and with what is remembered of it.
pub(crate) type OfLane<'a> = (&'a LaneKey, Vec<(EntryId, &'a str, Option<HistoryWrite>)>);

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// Entries whose cause was done before.
    pub(crate) copies: u64,
    /// Lanes that are left to a guest, by their place in the batch: nothing of them was done.
    pub(crate) left: Vec<usize>,
}

/// The batches of one tenure.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) bus: Bus,
    pub(crate) role: Role,
    pub(crate) tenure: Arc<Tenure>,
}

impl Records {
    /// Settles a batch in one step.
    pub(crate) async fn settle(&self, lanes: &[OfLane<'_>]) -> Result<Recorded, Error> {
        let entries = || lanes.iter().flat_map(|(_, entries)| entries);
        let total = entries().count();
        if total == 0 {
            return Ok(Recorded::default());
        }
        let (names, shard) = (self.bus.names(), self.tenure.shard());
        let [even, odd] = names.done(&self.role, shard);
        let mut script = RECORD.key(names.fence(&self.role, shard));
        script.key(names.guests(&self.role, shard)).key(names.stream(&self.role, shard));
        script.key(names.attempts(&self.role, shard)).key(even).key(odd).key(names.settled(&self.role, shard));
        script.arg(self.tenure.token()).arg(names.group(&self.role)).arg(DONE_WINDOW.as_secs()).arg(DONE_MAX);
        script.arg(u8::from(self.tenure.deletes())).arg(self.tenure.settled()).arg(lanes.len()).arg(total);
        let is_uniform = |(_, entries): &OfLane<'_>| [0, entries.len()].contains(&remembered(entries));
        script.arg(u8::from(lanes.iter().all(is_uniform)));
        entries().for_each(|(id, ..)| _ = script.arg(id.to_string()));
        entries().for_each(|(_, cause, _)| _ = script.arg(*cause));
        entries().for_each(|(.., history)| _ = script.arg(message(history.as_ref()).map_or(&[][..], |said| said)));
        for (lane, entries) in lanes {
            script.key(names.history(&self.role, shard, lane));
            // The bounds are those of the newest; they differ only while settings change.
            let bounds = entries.iter().rev().find_map(|(_, _, history)| history.as_ref());
            script.arg(&***lane).arg(entries.len()).arg(remembered(entries));
            script.arg(bounds.map_or(0, |bounds| bounds.keep)).arg(bounds.map_or(0, |bounds| bounds.ttl.as_secs()));
        }
        let answer: Vec<i64> = script.invoke_async(&mut self.bus.shared()).await?;
        match answer.as_slice() {
            [1, settled, copies, left @ ..] => {
                let count = |number: &i64| u64::try_from(*number).unwrap_or(0);
                self.tenure.note_settled(count(settled));
                let left = left.iter().filter_map(|place| usize::try_from(*place).ok()).collect();
                Ok(Recorded { copies: count(copies), left })
            }
            [-1] => {
                note_forgotten(&self.role, &self.tenure);
                Err(self.tenure.fenced())
            }
            [0] => Err(self.tenure.fenced()),
            _ => Err(Error::Reply { step: "a batch" }),
        }
    }
}

/// What is remembered of an entry; nothing without a byte is.
fn message(history: Option<&HistoryWrite>) -> Option<&Bytes> {
    history?.push.first().filter(|message| !message.is_empty())
}

fn remembered(entries: &[(EntryId, &str, Option<HistoryWrite>)]) -> usize {
    entries.iter().filter(|(.., history)| message(history.as_ref()).is_some()).count()
}
