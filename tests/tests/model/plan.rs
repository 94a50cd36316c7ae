//! What a run of the model is made of: entries, processes, how often what may go wrong, and which safeguards stand.

pub(crate) const ENTRIES_MAX: usize = 4;
pub(crate) const LANES: usize = 2;

/// An entry of the stream. Causes are numbered in the order in which their events happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) lane: usize,
    pub(crate) cause: usize,
    /// A running turn of its lane may take it: one turn, one commit.
    pub(crate) is_control: bool,
}

pub(crate) const fn entry(lane: usize, cause: usize) -> Entry {
    Entry { lane, cause, is_control: false }
}

pub(crate) const fn control(lane: usize, cause: usize) -> Entry {
    Entry { lane, cause, is_control: true }
}

/// Each can be taken out, and then has to be missed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Safeguards {
    /// A commit is refused to whoever neither owns the shard nor has a pass.
    pub(crate) commit_fence: bool,
    /// A read is refused once the fence has moved since it was watched.
    pub(crate) read_watch: bool,
    /// An owner claims everything pending before it reads on.
    pub(crate) claim: bool,
    /// Causes leave a mark.
    pub(crate) done_mark: bool,
    /// A lane whose pass is over is begun only once the pass is removed.
    pub(crate) guest_removal: bool,
    /// What was claimed is begun only while it is pending.
    pub(crate) pending_check: bool,
    /// A lane is left to a guest only where Redis knows its entry as running.
    pub(crate) running_check: bool,
    /// A reader that begins anew first writes the fence again, so that what its last connection sent is refused.
    pub(crate) fence_touch: bool,
}

impl Safeguards {
    pub(crate) const ALL: Self = Self {
        commit_fence: true,
        read_watch: true,
        claim: true,
        done_mark: true,
        guest_removal: true,
        pending_check: true,
        running_check: true,
        fence_touch: true,
    };
}

/// How often each may happen, over all processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    pub(crate) crashes: u8,
    /// Reading connections that break.
    pub(crate) cuts: u8,
    /// Commits that are done and not answered.
    pub(crate) lost_answers: u8,
    pub(crate) failures: u8,
    pub(crate) hand_overs: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    /// In the order in which they are appended.
    pub(crate) entries: &'static [Entry],
    /// So many are there from the start.
    pub(crate) there: usize,
    pub(crate) processes: usize,
    /// Entries that one read or one page of a claim takes.
    pub(crate) page: usize,
    /// How often the shard is acquired at most.
    pub(crate) tenures: u8,
    pub(crate) budget: Budget,
    /// The role keeps marks of done causes (inbound), or goes by the pending list (outbound).
    pub(crate) keeps_marks: bool,
    pub(crate) safeguards: Safeguards,
}
