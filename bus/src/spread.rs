//! Parts of something that the processes of a group share evenly, each part held by one of them at a time: the connections of a
//! bot.
//!
//! One hash and one script, so that every process sees the same division. No fence stands behind it: a process that is frozen, or
//! cut off from Redis, may hold a part for a moment longer than its lease, beside the one that has taken it over. What is done
//! with a part has to bear that, as an event that is appended twice does.

use std::{
    collections::BTreeSet,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::Script;

use crate::{Bus, Error, Names, clock::millis};

static TICK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("spread.lua")));
static LEAVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("spread_leave.lua")));

/// One process's share. See the module.
#[derive(Debug)]
pub struct Spread {
    bus: Bus,
    key: String,
    member: String,
    ttl: Duration,
    /// Whether this member was counted in, and so knows that a division that is not there was forgotten.
    was_counted: AtomicBool,
}

/// How it is divided, as one member sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Division {
    /// The number of parts that rules. Where it is not the member's own, the member holds none until it goes by it.
    pub of: u32,
    /// The members that live, this one included.
    pub members: u32,
    /// The parts that are the member's. One that it had before and that is missing here is another's.
    pub held: BTreeSet<u32>,
    /// Those of `held` that should be others': they are the member's until it does not name them any more.
    pub leave: BTreeSet<u32>,
    /// What was said to all members last.
    pub note: Option<String>,
}

impl Spread {
    /// The division `sg:lock:connect:<name>`, for the process `member`. A member that was silent for `ttl` has no parts.
    #[must_use]
    pub fn new(bus: Bus, name: &str, member: &str, ttl: Duration) -> Self {
        Self { bus, key: Names::connections(name), member: member.to_owned(), ttl, was_counted: AtomicBool::new(false) }
    }

    /// Says that the member lives and which parts it holds, those first that it should keep, and takes what it has too few of. To
    /// be called several times within the `ttl`. `of` is the number of parts as the member knows it: that of the members who are
    /// there rules, unless this one `insists`.
    ///
    /// After a time in which nobody could be heard, and after Redis forgot the division, each member has a `ttl` to say again
    /// what it holds before any of it is taken.
    ///
    /// # Errors
    /// When Redis did not answer: then nothing is known, and the member goes on with what it holds.
    pub async fn tick(&self, of: u32, insists: bool, held: &[u32]) -> Result<Division, Error> {
        let mut script = TICK.key(&self.key);
        script.arg(&self.member).arg(millis(self.ttl)).arg(of).arg(u8::from(insists));
        script.arg(u8::from(self.was_counted.load(Ordering::Relaxed)));
        held.iter().for_each(|part| _ = script.arg(*part));
        let answer: (u32, String, u32, BTreeSet<u32>, BTreeSet<u32>) =
            script.invoke_async(&mut self.bus.shared()).await?;
        self.was_counted.store(true, Ordering::Relaxed);
        let (of, note, members, held, leave) = answer;
        Ok(Division { of, members, held, leave, note: (!note.is_empty()).then_some(note) })
    }

    /// Says something to all members, which is kept as long as one of them lives.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn say(&self, note: &str) -> Result<(), Error> {
        Ok(redis::cmd("HSET").arg(&self.key).arg("note").arg(note).query_async(&mut self.bus.shared()).await?)
    }

    /// Gives up everything, for others to take at once.
    ///
    /// # Errors
    /// When Redis did not answer: then others take it when the `ttl` is over.
    pub async fn leave(&self) -> Result<(), Error> {
        let mut script = LEAVE.key(&self.key);
        self.was_counted.store(false, Ordering::Relaxed);
        script.arg(&self.member).invoke_async::<i64>(&mut self.bus.shared()).await?;
        Ok(())
    }
}
