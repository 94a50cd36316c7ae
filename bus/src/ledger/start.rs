//! Starting a turn: is it still to be run, and may it run now?

use std::{sync::LazyLock, time::Duration};

use redis::Script;

use super::Ledger;
use crate::{EntryId, Error, clock::millis};

static START: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("../lease/pass.lua"),
        include_str!("marks.lua"),
        include_str!("ack.lua"),
        include_str!("start.lua")
    ))
});

/// After so long a lane that is left to a guest is looked at again.
const GUEST_AGAIN: Duration = Duration::from_millis(50);

/// How often an entry's turn ended badly so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempt {
    /// Times the turn itself failed.
    pub failures: u32,
    /// Times its owner died while it ran.
    pub deaths: u32,
}

/// The answer to a start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Started {
    /// Run it.
    Run(Attempt),
    /// Not before this much time.
    Wait(Duration),
    /// Its lane is left to a guest; to be looked at again after this much time.
    Left(Duration),
    /// Its cause is done: the copy was acked without a run.
    Copy,
    /// It was settled already, by a guest or by a commit that was on its way when it was taken over.
    Gone,
}

impl Ledger {
    /// Marks the entry as running under our token, unless its cause is done, its time has not come, or its lane is left to a
    /// guest. `controls` concern this turn; a guest is told of them.
    pub(crate) async fn start(&self, entry: EntryId, cause: &str, controls: &str) -> Result<Started, Error> {
        let [even, odd] = self.bus.names().done(&self.role, self.tenure().shard());
        let mut script = START.key(self.fence());
        script.key(self.guests()).key(self.attempts()).key(self.stream()).key(even).key(odd).key(self.settled());
        script.arg(self.tenure().token()).arg(&**self.pass.lane()).arg(self.group()).arg(entry.to_string());
        script.arg(if self.keeps_marks() { cause } else { "" }).arg(self.deletes());
        script.arg(millis(GUEST_AGAIN)).arg(controls).arg(self.tenure().settled());
        let (code, first, second): (String, u64, u32) = script.invoke_async(&mut self.bus.shared()).await?;
        match code.as_str() {
            "RUN" => Ok(Started::Run(Attempt { failures: u32::try_from(first).unwrap_or(u32::MAX), deaths: second })),
            "WAIT" if second == 1 => Ok(Started::Left(Duration::from_millis(first))),
            "WAIT" => Ok(Started::Wait(Duration::from_millis(first))),
            "COPY" => {
                self.tenure().note_settled(first);
                Ok(Started::Copy)
            }
            "FORGOT" => Err(self.forgot()),
            "GONE" => Ok(Started::Gone),
            "FENCED" => Err(self.pass.refused()),
            _ => Err(Error::Reply { step: "the start of a turn" }),
        }
    }
}
