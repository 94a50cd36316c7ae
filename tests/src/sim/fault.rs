//! What may happen to a command on its way.

use std::{fmt, time::Duration};

/// What happens to one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is done and answered.
    None,
    /// It is done and answered after so long; others may come first.
    Late(Duration),
    /// The connection breaks before it is done.
    NotDone,
    /// It is done, and the connection breaks before its answer.
    NotAnswered,
}

/// A safeguard that is taken out, to see that its absence is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// Scripts have this text replaced by that.
    Script(&'static str, &'static str),
    /// `WATCH` is answered, and not kept.
    Watch,
    /// `XAUTOCLAIM` finds nothing.
    Claim,
}

impl Sabotage {
    /// A commit that does not look at the fence.
    pub const COMMIT_FENCE: Self =
        Self::Script("if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'FENCED' end", "");
    /// A commit that leaves no mark of what is done.
    pub const DONE_MARK: Self = Self::Script("redis.call('SADD', set, unpack(causes))", "");
}

/// Decides over every command.
pub trait Faults: fmt::Debug + Send {
    /// What happens to the next one.
    fn next(&mut self, command: &[Vec<u8>]) -> Fault;
}
