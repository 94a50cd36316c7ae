//! The ledger of one shard: every step that changes what is pending, each one script under the fence.
//!
//! Each step may be repeated: it says so when it finds itself done. So a lost answer costs a repeat, never a second effect.

mod commit;
mod dead_letter;
mod earlier;
mod note;
mod note_ahead;
mod record;
mod start;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;
use redis::{Script, Value};

pub(crate) use commit::Committed;
pub use commit::KeptNotes;
pub use commit::{Action, Commit, HistoryWrite};
pub(crate) use dead_letter::DeadLetter;
pub use earlier::Earlier;
pub use note::Notes;
pub use note_ahead::Ahead;
pub(crate) use record::Records;
pub use start::Attempt;
pub(crate) use start::Started;

use crate::{
    Bus, EntryId, Error, Role,
    clock::millis,
    lease::{Pass, Tenure},
};

/// Said once for each tenure, which is over with it.
fn note_forgotten(role: &Role, tenure: &Tenure) {
    if !tenure.is_lost() {
        tracing::error!(%role, shard = %tenure.shard(), known = tenure.settled(), "redis forgot what it had answered; beginning anew with what is pending");
        metrics::counter!("stargazer_settlements_forgotten_total", "role" => role.to_string()).increment(1);
    }
}

static ATTEMPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(concat!(include_str!("../lease/may.lua"), include_str!("attempt.lua"))));

/// Marks are kept for at least this long after their turn.
const DONE_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// Marks that one of the two sets of a shard may hold.
const DONE_MAX: u32 = 1_000_000;

/// Steps of one turn on its shard.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    bus: Bus,
    role: Role,
    pass: Arc<Pass>,
}

impl Ledger {
    pub(crate) fn new(bus: Bus, role: Role, pass: Arc<Pass>) -> Self {
        Self { bus, role, pass }
    }

    /// Nothing of the turn can be done any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.pass.is_lost()
    }

    fn tenure(&self) -> &Tenure {
        self.pass.tenure()
    }

    fn stream(&self) -> String {
        self.bus.names().stream(&self.role, self.tenure().shard())
    }

    fn group(&self) -> String {
        self.bus.names().group(&self.role)
    }

    fn fence(&self) -> String {
        self.bus.names().fence(&self.role, self.tenure().shard())
    }

    fn guests(&self) -> String {
        self.bus.names().guests(&self.role, self.tenure().shard())
    }

    fn attempts(&self) -> String {
        self.bus.names().attempts(&self.role, self.tenure().shard())
    }

    fn settled(&self) -> String {
        self.bus.names().settled(&self.role, self.tenure().shard())
    }

    fn notes(&self, cause: &str) -> String {
        self.bus.names().notes(&self.role, self.tenure().shard(), cause)
    }

    /// Seconds for which marks of finished causes are kept, 0 where none are.
    fn marks_window(&self) -> u64 {
        if self.keeps_marks() { DONE_WINDOW.as_secs() } else { 0 }
    }

    /// Redis has fewer settlements than were answered, so what it forgot is pending again: the tenure begins anew, and claims it
    /// before anything overtakes it.
    fn forgot(&self) -> Error {
        note_forgotten(&self.role, self.tenure());
        self.pass.refused()
    }

    /// Whether a step that settles an entry also deletes it.
    fn deletes(&self) -> u8 {
        u8::from(self.tenure().deletes())
    }

    /// Marks of finished causes are kept for what arrives from outside and may arrive twice; an action's own platform knows
    /// what it has seen.
    fn keeps_marks(&self) -> bool {
        self.role == Role::Inbound
    }

    /// The turn failed: counts it, and fixes when it may be tried again. `failures` is the new count.
    pub(crate) async fn failed(
        &self,
        entry: EntryId,
        attempt: Attempt,
        failures: u32,
        wait: Duration,
    ) -> Result<(), Error> {
        self.note_attempt(entry, failures, attempt.deaths, wait).await
    }

    /// The turn was stopped without a fault of its own: it counts in neither counter.
    pub(crate) async fn put_back(&self, entry: EntryId, attempt: Attempt) -> Result<(), Error> {
        self.note_attempt(entry, attempt.failures, attempt.deaths, Duration::ZERO).await
    }

    async fn note_attempt(&self, entry: EntryId, failures: u32, deaths: u32, wait: Duration) -> Result<(), Error> {
        let mut script = ATTEMPT.key(self.fence());
        script.key(self.guests()).key(self.attempts()).arg(self.tenure().token()).arg(&**self.pass.lane());
        script.arg(entry.to_string()).arg(failures).arg(deaths).arg(millis(wait));
        if script.invoke_async::<bool>(&mut self.bus.shared()).await? { Ok(()) } else { Err(self.pass.refused()) }
    }

    /// The lane's history, oldest first.
    pub(crate) async fn history(&self, lane: &str) -> Result<Vec<Bytes>, Error> {
        let mut range = redis::cmd("LRANGE");
        range.arg(self.bus.names().history(&self.role, self.tenure().shard(), lane)).arg(0).arg(-1);
        let Value::Array(items) = range.query_async(&mut self.bus.shared()).await? else {
            return Err(Error::Reply { step: "a history" });
        };
        let item = |value| match value {
            Value::BulkString(bytes) => Ok(Bytes::from(bytes)),
            _ => Err(Error::Reply { step: "a history" }),
        };
        items.into_iter().map(item).collect()
    }
}
