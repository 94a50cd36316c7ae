//! Who waits for a place, and in which order they get one.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

/// What a request is to people, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// It completes what somebody waits for.
    Final,
    /// It begins to say something, or says more of it.
    Part,
    /// It answers a click, for which a platform gives seconds.
    Click,
    /// It brings a file.
    File,
    /// It asks for something.
    Call,
    /// It shows more of a text that is on its way.
    Edit,
    /// It shows that something is on its way.
    Typing,
}

impl Rank {
    /// All, the most urgent first.
    pub const ALL: [Self; 7] = [Self::Final, Self::Part, Self::Click, Self::File, Self::Call, Self::Edit, Self::Typing];

    /// Whether another one like it follows soon, so that it leaves the last place of a window to others.
    pub(super) fn is_passing(self) -> bool {
        matches!(self, Self::Edit | Self::Typing)
    }
}

/// Where somebody stands in a queue: by rank, then by when they came.
pub(super) type Standing = (Rank, u64);

/// Those that wait, each with something of theirs.
#[derive(Debug)]
pub(super) struct Queue<G, T> {
    waiting: BTreeMap<Standing, (oneshot::Sender<G>, T)>,
}

impl<G, T> Default for Queue<G, T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new() }
    }
}

impl<G, T> Queue<G, T> {
    pub(super) fn push(&mut self, standing: Standing, granted: oneshot::Sender<G>, of: T) {
        self.waiting.insert(standing, (granted, of));
    }

    /// The first one that still waits, and whose who has left meanwhile.
    pub(super) fn first(&mut self, left: &mut Vec<T>) -> Option<(Standing, &T)> {
        while self.waiting.first_entry()?.get().0.is_closed() {
            left.extend(self.waiting.pop_first().map(|(_, (_, of))| of));
        }
        self.waiting.first_key_value().map(|(standing, (_, of))| (*standing, of))
    }

    pub(super) fn pop(&mut self) -> Option<(Standing, oneshot::Sender<G>, T)> {
        self.waiting.pop_first().map(|(standing, (granted, of))| (standing, granted, of))
    }

    /// Takes over those of another queue.
    pub(super) fn absorb(&mut self, other: Self) {
        self.waiting.extend(other.waiting);
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
