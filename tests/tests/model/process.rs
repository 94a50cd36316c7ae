//! A process as the model has it: what it believes, and what it has sent.

use super::{
    plan::{LANES, Plan},
    redis::{Set, Token, numbers},
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Process {
    /// The tenure that it believes in; 0 for none.
    pub(crate) tenure: Token,
    pub(crate) reader: Reader,
    /// A flush of a connection that broke, which may still arrive.
    pub(crate) late: Option<Late>,
    /// Entries of this tenure that wait in their lanes.
    pub(crate) queued: Set,
    /// Entries of this tenure that were taken over.
    pub(crate) claimed: Set,
    pub(crate) turns: [Option<Turn>; LANES],
}

/// How far the reading connection is in its round, `EXEC, WATCH, GET`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Reader {
    pub(crate) stage: Stage,
    pub(crate) phase: Phase,
    /// The fence has not moved since it was watched.
    pub(crate) is_clean: bool,
    /// What the EXEC brought, on its way.
    pub(crate) brought: Set,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) enum Stage {
    /// A new connection in a tenure that goes on: the fence is written again first.
    #[default]
    New,
    /// The WATCH comes next.
    Unwatched,
    /// The GET comes next, and its answer.
    Watched,
    /// Our token was seen: the EXEC comes next, whenever that is.
    Checked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) enum Phase {
    #[default]
    Start,
    Claiming(usize),
    Reading,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Late {
    pub(crate) token: Token,
    pub(crate) is_clean: bool,
    pub(crate) is_read: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Turn {
    /// The first one's cause is the turn's.
    pub(crate) entries: Set,
    pub(crate) token: Token,
    /// Entries among them that a later tenure of the same process read.
    pub(crate) borrowed: Set,
    pub(crate) commit: Commit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Commit {
    /// The turn runs, or its commit is on its way.
    Ahead,
    /// Done, its answer on its way.
    Answered,
    /// Done, its answer lost: it will be repeated.
    Unsure,
}

impl Process {
    /// The fence was written.
    pub(crate) fn fence_moved(&mut self) {
        self.reader.is_clean = false;
        if let Some(late) = &mut self.late {
            late.is_clean = false;
        }
    }

    pub(crate) fn begin_tenure(&mut self, token: Token) {
        self.tenure = token;
        // The fence has just moved: what older connections sent is refused by that.
        self.reader = Reader { stage: Stage::Unwatched, ..Reader::default() };
    }

    /// The shard is another's: its turns stop, but for those that are guests.
    pub(crate) fn lose(&mut self) {
        let lost = self.tenure;
        for turn in &mut self.turns {
            if turn.is_some_and(|turn| turn.token == lost) {
                *turn = None;
            }
        }
        self.end_tenure();
    }

    /// Ends a turn whose steps are refused, or that failed. What it had absorbed of this tenure goes back to its lane.
    pub(crate) fn drop_turn(&mut self, lane: usize, turn: Turn) {
        self.turns[lane] = None;
        self.queued |= if turn.token == self.tenure { turn.entries } else { turn.borrowed };
    }

    /// It was given up; turns that run stay.
    pub(crate) fn end_tenure(&mut self) {
        self.tenure = 0;
        self.reader = Reader::default();
        self.queued = 0;
        self.claimed = 0;
        self.turns.iter_mut().flatten().for_each(|turn| turn.borrowed = 0);
    }

    /// What its lanes hold of this tenure.
    pub(crate) fn known(&self) -> Set {
        let of_tenure = |turn: &Turn| if turn.token == self.tenure { turn.entries } else { turn.borrowed };
        self.turns.iter().flatten().fold(self.queued, |set, turn| set | of_tenure(turn))
    }

    /// What waits in one lane.
    pub(crate) fn queue(&self, plan: &Plan, lane: usize) -> Set {
        let of_lane = |entry: &usize| plan.entries[*entry].lane == lane;
        numbers(self.queued).filter(of_lane).fold(0, |set, entry| set | 1 << entry)
    }
}
