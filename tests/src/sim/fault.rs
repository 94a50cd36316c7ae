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
    /// The connection breaks, and what was sent arrives all the same: at the worst moment, right behind the next entry that is
    /// appended. An `EXEC` comes with its transaction.
    Stranded,
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
    /// A final text does not shut the gate of its preview. The world's doing: the server knows nothing of it.
    Gate,
}

impl Sabotage {
    /// A commit that does not look at the fence.
    pub const COMMIT_FENCE: Self = Self::Script("if not right then return { 'FENCED', 0 } end", "");
    /// An owner that goes on with a lane and lets the silent guest keep its pass.
    pub const GUEST_REMOVAL: Self = Self::Script("redis.call('HDEL', guests, lane)", "");
    /// A send that is noted nowhere before it begins.
    pub const SENDING: Self =
        Self::Script("redis.call(ARGV[4] == '1' and 'HSET' or 'HSETNX', KEYS[4], ARGV[i], value)", "");
    /// A preview that is noted nowhere before it begins.
    pub const PREVIEW: Self =
        Self::Script("redis.call(ARGV[4] == '1' and 'HSET' or 'HSETNX', KEYS[3], ARGV[i], value)", "");
    /// A commit that leaves no mark of what is done.
    pub const DONE_MARK: Self = Self::Script("redis.call('SADD', set, unpack(list, from, to))", "");
}

/// Decides over every command.
pub trait Faults: fmt::Debug + Send {
    /// What happens to the next one.
    fn next(&mut self, command: &[Vec<u8>]) -> Fault;

    /// Whether a message of a channel is lost on its way to one subscriber.
    fn loses_push(&mut self) -> bool {
        false
    }
}
