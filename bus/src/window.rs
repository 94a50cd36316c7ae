//! What a consumer holds: every entry from its read to its settlement. Its bounds are the back-pressure towards Redis.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{EntryId, lease::TenureId};

/// Entries and bytes that one consumer may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) entries: usize,
    /// Checked before a read: one read of at most [`READ_MAX`] entries may go beyond it.
    pub(crate) bytes: usize,
}

/// Entries that one read takes at most.
pub(crate) const READ_MAX: usize = 256;
/// Entries that may be held by their ids alone: some tens of bytes each.
const PARKED_MAX: usize = 1_000_000;

/// The held entries of one consumer.
#[derive(Debug)]
pub(crate) struct Window {
    bounds: Bounds,
    state: Mutex<State>,
    /// Rung when entries were settled.
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    bytes: usize,
    entries: usize,
    parked: usize,
    /// By tenure, not by shard: what was held in a tenure that is over says nothing of the next one.
    tenures: HashMap<TenureId, Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Sizes of bodies; none of what is parked.
    sizes: HashMap<EntryId, Option<usize>>,
    /// While pending entries are claimed, a page that was cut before a commit may still name what that commit acked. So ids
    /// that settle meanwhile are remembered until the claim is over, and are not taken for new.
    settled_in_claim: Option<HashSet<EntryId>>,
}

impl State {
    fn let_go(&mut self, size: Option<usize>) {
        match size {
            Some(size) => {
                self.entries -= 1;
                self.bytes -= size;
            }
            None => self.parked -= 1,
        }
    }
}

impl Window {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, state: Mutex::default(), room: Notify::new() }
    }

    /// How many entries may be read now.
    pub(crate) fn room(&self) -> usize {
        let state = self.lock();
        if state.bytes >= self.bounds.bytes || state.parked >= PARKED_MAX {
            0
        } else {
            self.bounds.entries.saturating_sub(state.entries).min(READ_MAX)
        }
    }

    /// So many entries, or what is a good part of the window where that is small.
    pub(crate) fn share(&self, entries: usize) -> usize {
        entries.min(self.bounds.entries / 4)
    }

    /// Waits until something was settled since the last look.
    pub(crate) async fn settled(&self) {
        self.room.notified().await;
    }

    /// Takes an entry in; false when it is held already or was settled while it was being claimed.
    pub(crate) fn admit(&self, tenure: TenureId, id: EntryId, size: usize) -> bool {
        let mut state = self.lock();
        let held = state.tenures.entry(tenure).or_default();
        if held.settled_in_claim.as_ref().is_some_and(|settled| settled.contains(&id)) || held.sizes.contains_key(&id) {
            return false;
        }
        held.sizes.insert(id, Some(size));
        state.entries += 1;
        state.bytes += size;
        true
    }

    /// Keeps an entry's id and lets its body go: others have its room.
    pub(crate) fn park(&self, tenure: TenureId, id: EntryId) {
        let mut state = self.lock();
        let Some(size) = state.tenures.get_mut(&tenure).and_then(|held| held.sizes.get_mut(&id)) else { return };
        if let Some(size) = size.take() {
            state.parked += 1;
            state.entries -= 1;
            state.bytes -= size;
        }
        drop(state);
        self.room.notify_one();
    }

    /// Takes the body of a parked entry in again; its lane has run short of them, so it may go beyond the bounds.
    pub(crate) fn unpark(&self, tenure: TenureId, id: EntryId, size: usize) {
        let mut state = self.lock();
        let Some(held) = state.tenures.get_mut(&tenure).and_then(|held| held.sizes.get_mut(&id)) else { return };
        if held.replace(size).is_none() {
            state.parked -= 1;
            state.entries += 1;
            state.bytes += size;
        }
    }

    /// Lets an entry go.
    pub(crate) fn settle(&self, tenure: TenureId, id: EntryId) {
        let mut state = self.lock();
        let Some(held) = state.tenures.get_mut(&tenure) else { return };
        let Some(size) = held.sizes.remove(&id) else { return };
        if let Some(settled) = &mut held.settled_in_claim {
            settled.insert(id);
        }
        state.let_go(size);
        drop(state);
        self.room.notify_one();
    }

    /// A claim of everything pending begins.
    pub(crate) fn claim_begins(&self, tenure: TenureId) {
        self.lock().tenures.entry(tenure).or_default().settled_in_claim.get_or_insert_default();
    }

    /// The claim is over: from now on only new entries are read.
    pub(crate) fn claim_ends(&self, tenure: TenureId) {
        if let Some(held) = self.lock().tenures.get_mut(&tenure) {
            held.settled_in_claim = None;
        }
    }

    /// Forgets a tenure that is over.
    pub(crate) fn leave(&self, tenure: TenureId) {
        let mut state = self.lock();
        if let Some(held) = state.tenures.remove(&tenure) {
            held.sizes.into_values().for_each(|size| state.let_go(size));
        }
        drop(state);
        self.room.notify_one();
    }

    /// Entries and bytes held.
    pub(crate) fn used(&self) -> (usize, usize) {
        let state = self.lock();
        (state.entries, state.bytes)
    }

    /// Entries that are held by their ids alone.
    pub(crate) fn parked(&self) -> usize {
        self.lock().parked
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Held for a few lines, never across an await. No line of them can panic half-way, so a poisoned lock is sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shards;

    const BOUNDS: Bounds = Bounds { entries: 3, bytes: 100 };

    fn id(ms: u64) -> EntryId {
        EntryId { ms, seq: 0 }
    }

    #[test]
    fn both_bounds_close_the_window() {
        let (window, tenure) = (Window::new(BOUNDS), (Shards::DEFAULT.of("a"), 1));
        assert_eq!(window.room(), 3);
        assert!(window.admit(tenure, id(1), 10));
        assert!(!window.admit(tenure, id(1), 10), "held already");
        assert_eq!(window.room(), 2);
        assert!(window.admit(tenure, id(2), 90));
        assert_eq!(window.room(), 0, "bytes are used up");
        window.settle(tenure, id(2));
        window.settle(tenure, id(2));
        assert_eq!((window.room(), window.used()), (2, (1, 10)));
        window.leave(tenure);
        assert_eq!((window.room(), window.used()), (3, (0, 0)));
    }

    #[test]
    fn what_settles_during_a_claim_is_not_taken_for_new() {
        let (window, tenure) = (Window::new(BOUNDS), (Shards::DEFAULT.of("a"), 1));
        assert!(window.admit(tenure, id(1), 1));
        window.claim_begins(tenure);
        window.settle(tenure, id(1));
        assert!(!window.admit(tenure, id(1), 1), "the page was cut before the commit");
        window.claim_ends(tenure);
        assert!(window.admit(tenure, id(1), 1));
    }

    #[test]
    fn what_is_parked_leaves_its_room_to_others_and_is_not_taken_for_new() {
        let (window, tenure) = (Window::new(BOUNDS), (Shards::DEFAULT.of("a"), 1));
        for number in 1..=3 {
            assert!(window.admit(tenure, id(number), 10));
        }
        assert_eq!(window.room(), 0);
        window.park(tenure, id(3));
        assert_eq!((window.room(), window.used(), window.parked()), (1, (2, 20), 1));
        assert!(!window.admit(tenure, id(3), 10), "held already");
        window.unpark(tenure, id(3), 10);
        window.park(tenure, id(2));
        window.settle(tenure, id(2));
        assert_eq!((window.used(), window.parked()), ((2, 20), 0));
        window.park(tenure, id(1));
        window.leave(tenure);
        assert_eq!((window.used(), window.parked()), ((0, 0), 0));
    }

    #[test]
    fn a_new_tenure_begins_empty() {
        let (window, shard) = (Window::new(BOUNDS), Shards::DEFAULT.of("a"));
        assert!(window.admit((shard, 1), id(1), 1));
        assert!(window.admit((shard, 2), id(1), 1), "what the old tenure held is claimed anew");
        window.leave((shard, 1));
        assert_eq!(window.used(), (1, 1));
    }
}
