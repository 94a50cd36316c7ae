//! What a consumer holds: every entry from its read to its settlement. Its bounds are the back-pressure towards Redis.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{EntryId, Shard};

/// Entries and bytes that one consumer may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) entries: usize,
    /// Checked before a read: one read of at most [`READ_MAX`] entries may go beyond it.
    pub(crate) bytes: usize,
}

/// Entries that one read takes at most.
pub(crate) const READ_MAX: usize = 256;

/// The held entries of all shards of one consumer.
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
    shards: HashMap<Shard, Held>,
}

#[derive(Debug, Default)]
struct Held {
    sizes: HashMap<EntryId, usize>,
    /// While pending entries are claimed, a page that was cut before a commit may still name what that commit acked. So ids
    /// that settle meanwhile are remembered until the claim is over, and are not taken for new.
    settled_in_claim: Option<Vec<EntryId>>,
}

impl Window {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, state: Mutex::default(), room: Notify::new() }
    }

    /// How many entries may be read now.
    pub(crate) fn room(&self) -> usize {
        let state = self.lock();
        if state.bytes >= self.bounds.bytes {
            0
        } else {
            self.bounds.entries.saturating_sub(state.entries).min(READ_MAX)
        }
    }

    /// Waits until something was settled since the last look.
    pub(crate) async fn settled(&self) {
        self.room.notified().await;
    }

    /// Takes an entry in; false when it is held already or was settled while it was being claimed.
    pub(crate) fn admit(&self, shard: Shard, id: EntryId, size: usize) -> bool {
        let mut state = self.lock();
        let held = state.shards.entry(shard).or_default();
        if held.settled_in_claim.as_ref().is_some_and(|settled| settled.contains(&id)) || held.sizes.contains_key(&id) {
            return false;
        }
        held.sizes.insert(id, size);
        state.entries += 1;
        state.bytes += size;
        true
    }

    /// Lets an entry go.
    pub(crate) fn settle(&self, shard: Shard, id: EntryId) {
        let mut state = self.lock();
        let Some(held) = state.shards.get_mut(&shard) else { return };
        let Some(size) = held.sizes.remove(&id) else { return };
        if let Some(settled) = &mut held.settled_in_claim {
            settled.push(id);
        }
        state.entries -= 1;
        state.bytes -= size;
        drop(state);
        self.room.notify_one();
    }

    /// A claim of everything pending begins.
    pub(crate) fn claim_begins(&self, shard: Shard) {
        self.lock().shards.entry(shard).or_default().settled_in_claim.get_or_insert_default();
    }

    /// The claim is over: from now on only new entries are read.
    pub(crate) fn claim_ends(&self, shard: Shard) {
        if let Some(held) = self.lock().shards.get_mut(&shard) {
            held.settled_in_claim = None;
        }
    }

    /// Forgets a shard that is not ours any more.
    pub(crate) fn leave(&self, shard: Shard) {
        let mut state = self.lock();
        if let Some(held) = state.shards.remove(&shard) {
            state.entries -= held.sizes.len();
            state.bytes -= held.sizes.values().sum::<usize>();
        }
        drop(state);
        self.room.notify_one();
    }

    /// Entries and bytes held.
    pub(crate) fn used(&self) -> (usize, usize) {
        let state = self.lock();
        (state.entries, state.bytes)
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
        let (window, shard) = (Window::new(BOUNDS), Shards::DEFAULT.of("a"));
        assert_eq!(window.room(), 3);
        assert!(window.admit(shard, id(1), 10));
        assert!(!window.admit(shard, id(1), 10), "held already");
        assert_eq!(window.room(), 2);
        assert!(window.admit(shard, id(2), 90));
        assert_eq!(window.room(), 0, "bytes are used up");
        window.settle(shard, id(2));
        window.settle(shard, id(2));
        assert_eq!((window.room(), window.used()), (2, (1, 10)));
        window.leave(shard);
        assert_eq!((window.room(), window.used()), (3, (0, 0)));
    }

    #[test]
    fn what_settles_during_a_claim_is_not_taken_for_new() {
        let (window, shard) = (Window::new(BOUNDS), Shards::DEFAULT.of("a"));
        assert!(window.admit(shard, id(1), 1));
        window.claim_begins(shard);
        window.settle(shard, id(1));
        assert!(!window.admit(shard, id(1), 1), "the page was cut before the commit");
        window.claim_ends(shard);
        assert!(window.admit(shard, id(1), 1));
    }
}
