//! Streams with their groups, and what Redis knows of both.

use std::collections::BTreeMap;

/// Milliseconds and sequence.
pub(super) type Id = (u64, u64);

pub(super) const ZERO: Id = (0, 0);
pub(super) const MAX: Id = (u64::MAX, u64::MAX);

/// One stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Stream {
    pub(super) entries: BTreeMap<Id, Vec<Vec<u8>>>,
    pub(super) last: Id,
    pub(super) groups: BTreeMap<Vec<u8>, Group>,
    /// Entries that were ever added.
    pub(super) added: u64,
    /// The highest id that was deleted by name.
    max_deleted: Id,
}

/// One consumer group.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) last: Id,
    /// How many entries were read, while Redis can tell.
    pub(super) read: Option<u64>,
    pub(super) pending: BTreeMap<Id, Pending>,
    /// By name, when each was heard of last.
    pub(super) consumers: BTreeMap<Vec<u8>, u64>,
}

/// An entry that was delivered and is not acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) consumer: Vec<u8>,
    pub(super) since: u64,
    pub(super) count: u64,
}

impl Stream {
    pub(super) fn add(&mut self, id: Id, fields: Vec<Vec<u8>>) {
        self.entries.insert(id, fields);
        self.last = id;
        self.added += 1;
    }

    pub(super) fn delete(&mut self, id: Id) -> bool {
        let was_there = self.entries.remove(&id).is_some();
        if was_there && id > self.max_deleted {
            self.max_deleted = id;
        }
        was_there
    }

    pub(super) fn first(&self) -> Id {
        self.entries.keys().next().copied().unwrap_or(ZERO)
    }

    /// Whether an entry behind `from` may have been deleted.
    fn has_tombstones(&self, from: Id) -> bool {
        !self.entries.is_empty() && self.max_deleted != ZERO && from <= self.max_deleted
    }

    /// How many entries were added up to this one, if that can be told.
    fn distance(&self, id: Id) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        let length = self.entries.len() as u64;
        if length == 0 && id <= self.last {
            return Some(self.added);
        }
        if id != ZERO && id < self.max_deleted {
            return None;
        }
        if id == self.last {
            return Some(self.added);
        }
        if id > self.last {
            return None;
        }
        if self.max_deleted == ZERO || self.max_deleted < self.first() {
            if id < self.first() {
                return Some(self.added - length);
            }
            if id == self.first() {
                return Some(self.added - length + 1);
            }
        }
        None
    }

    /// Entries that a group has not read, if that can be told.
    pub(super) fn lag(&self, group: &Group) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        match group.read {
            Some(read) if !self.has_tombstones(group.last) => Some(self.added - read),
            _ => self.distance(group.last).map(|read| self.added - read),
        }
    }

    /// Notes that a group has read an entry.
    pub(super) fn note_read(&mut self, group: &[u8], id: Id) {
        let (has_tombstones, distance, added) = (self.has_tombstones(id), self.distance(id), self.added);
        if let Some(group) = self.groups.get_mut(group).filter(|group| id > group.last) {
            group.read = match group.read {
                Some(read) if !has_tombstones => Some(read + 1),
                read if added == 0 => read,
                _ => distance,
            };
            group.last = id;
        }
    }
}
