//! One process's time as the owner of one shard.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::{sync::watch, time::Instant};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use crate::{EntryId, Error, LaneKey, Shard};

/// Tells a tenure from every other: the shard, and the epoch that rises with each of its tenures.
pub(crate) type TenureId = (Shard, u64);

/// From acquiring a shard to losing or releasing it. A shard that is acquired again is a new tenure with a new token.
#[derive(Debug)]
pub(crate) struct Tenure {
    shard: Shard,
    token: String,
    /// Until when the lease is known to be ours. Counted from before the renewal was sent.
    leased_until: watch::Sender<Instant>,
    lost: CancellationToken,
    /// It was given up while turns of it ran; these lanes are still left to them.
    is_handed_over: AtomicBool,
    /// Each with the entries that it was told of.
    guests: Mutex<BTreeMap<LaneKey, Vec<EntryId>>>,
    /// What is under way outside beside the turns. It has no pass, so the shard is handed over when it has ended.
    outside: TaskTracker,
    /// Entries are deleted when they are settled, since trimming would keep them.
    deletes: AtomicBool,
    /// The most settlements of the shard that were answered.
    settled: AtomicU64,
}

impl Tenure {
    pub(crate) fn new(shard: Shard, token: String, leased_until: Instant) -> Self {
        Self {
            shard,
            token,
            leased_until: watch::Sender::new(leased_until),
            lost: CancellationToken::new(),
            is_handed_over: AtomicBool::new(false),
            guests: Mutex::default(),
            outside: TaskTracker::new(),
            deletes: AtomicBool::new(false),
            settled: AtomicU64::new(0),
        }
    }

    pub(crate) fn shard(&self) -> Shard {
        self.shard
    }

    pub(crate) fn id(&self) -> TenureId {
        (self.shard, self.epoch())
    }

    /// What the fence holds while the shard is ours.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The number inside the token: rises with every tenure of the shard.
    pub(crate) fn epoch(&self) -> u64 {
        self.token.split(':').nth(1).and_then(|epoch| epoch.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn extend(&self, leased_until: Instant) {
        self.leased_until.send_replace(leased_until);
    }

    /// Waits until the lease is known to be ours, so that something may be started; false once the shard is lost or given up.
    pub(crate) async fn current(&self) -> bool {
        let mut leased_until = self.leased_until.subscribe();
        loop {
            if self.is_lost() || self.is_handed_over() {
                return false;
            }
            if Instant::now() < *leased_until.borrow_and_update() {
                return true;
            }
            tokio::select! {
                biased;
                () = self.lost.cancelled() => return false,
                changed = leased_until.changed() => if changed.is_err() { return false },
            }
        }
    }

    /// Whether the lease, or the passes of its guests, are known to be ours at this moment: to be asked right before something
    /// is done that no fence can refuse.
    pub(crate) fn is_current(&self) -> bool {
        !self.is_lost() && Instant::now() < *self.leased_until.borrow()
    }

    /// Until when the lease is known to be ours.
    pub(crate) fn leased_until(&self) -> Instant {
        *self.leased_until.borrow()
    }

    /// Leave to do something outside that is no turn; none once the shard is lost or being given up.
    pub(crate) fn enter(&self) -> Option<TaskTrackerToken> {
        let _guests = self.lock_guests();
        (!self.is_lost() && !self.is_handed_over()).then(|| self.outside.token())
    }

    /// Waits, once it is being given up, until nothing is under way outside but turns.
    pub(crate) async fn outside_ended(&self) {
        tokio::select! {
            biased;
            () = self.lost.cancelled() => {}
            () = self.outside.wait() => {}
        }
    }

    /// The fence has moved: nothing of this tenure can be done any more.
    pub(crate) fn lose(&self) {
        self.lost.cancel();
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    pub(crate) fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// It is being given up, and these lanes have turns that still run.
    pub(crate) fn hand_over(&self, guests: impl Iterator<Item = LaneKey>) {
        {
            // Under the lock, so that whoever came in before is waited for and nobody comes in after.
            let mut left = self.lock_guests();
            self.is_handed_over.store(true, Ordering::Release);
            left.extend(guests.map(|lane| (lane, Vec::new())));
        }
        self.outside.close();
        // Who waits for the lease waits in vain.
        self.leased_until.send_modify(|_| {});
    }

    pub(crate) fn is_handed_over(&self) -> bool {
        self.is_handed_over.load(Ordering::Acquire)
    }

    /// Whether the turn of this lane still runs as a guest, as far as is known here.
    pub(crate) fn is_guest(&self, lane: &LaneKey) -> bool {
        self.lock_guests().contains_key(lane)
    }

    /// The turn of this lane has ended, or is no guest any more.
    pub(crate) fn guest_ended(&self, lane: &LaneKey) {
        self.lock_guests().remove(lane);
    }

    /// The lanes whose turns still run though the shard was given up.
    pub(crate) fn guests(&self) -> Vec<LaneKey> {
        self.lock_guests().keys().cloned().collect()
    }

    pub(crate) fn set_deletes(&self, deletes: bool) {
        self.deletes.store(deletes, Ordering::Relaxed);
    }

    pub(crate) fn deletes(&self) -> bool {
        self.deletes.load(Ordering::Relaxed)
    }

    /// So many settlements of the shard there are.
    pub(crate) fn note_settled(&self, count: u64) {
        self.settled.fetch_max(count, Ordering::AcqRel);
    }

    pub(crate) fn settled(&self) -> u64 {
        self.settled.load(Ordering::Acquire)
    }

    /// Of these entries, those that the turn of this lane was not told of yet.
    pub(crate) fn news_for_guest(&self, lane: &LaneKey, entries: impl Iterator<Item = EntryId>) -> Vec<EntryId> {
        let mut guests = self.lock_guests();
        let Some(told) = guests.get_mut(lane) else { return Vec::new() };
        let news: Vec<EntryId> = entries.filter(|entry| !told.contains(entry)).collect();
        told.extend(&news);
        news
    }

    fn lock_guests(&self) -> MutexGuard<'_, BTreeMap<LaneKey, Vec<EntryId>>> {
        // Held for a few lines, never across an await.
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The refusal that every step of a lost tenure gets. Of one that was handed over it tells nothing new, and guests go on.
    pub(crate) fn fenced(&self) -> Error {
        if !self.is_handed_over() {
            self.lose();
        }
        Error::Fenced { shard: self.shard.number() }
    }
}
