//! What a cache holds, by last use: bounded in bytes and in count.

use std::collections::{BTreeMap, HashMap};

use super::Digest;

/// Things that one cache holds at most, however small they are.
const ENTRIES_MAX: usize = 1 << 16;

/// See the module. Invariant: the sizes of all entries together are `bytes`, and at most `bytes_max`.
#[derive(Debug)]
pub(super) struct Lru<V> {
    bytes_max: u64,
    bytes: u64,
    entries: HashMap<Digest, Entry<V>>,
    /// Entries by their last use.
    order: BTreeMap<u64, Digest>,
    /// The time of a use: one more each.
    now: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    size: u64,
    used: u64,
}

impl<V> Lru<V> {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, bytes: 0, entries: HashMap::new(), order: BTreeMap::new(), now: 0 }
    }

    /// What is there under this name with its size, which is used by this.
    pub(super) fn get(&mut self, digest: &Digest) -> Option<(&V, u64)> {
        let entry = self.entries.get_mut(digest)?;
        self.order.remove(&entry.used);
        self.now += 1;
        entry.used = self.now;
        self.order.insert(entry.used, *digest);
        Some((&entry.value, entry.size))
    }

    /// Whether so many bytes can be held at all.
    pub(super) fn could_hold(&self, size: u64) -> bool {
        size <= self.bytes_max
    }

    /// What has to go first, if anything has, so that so many bytes more may come.
    pub(super) fn in_the_way(&self, size: u64) -> Option<Digest> {
        let is_full = self.bytes.saturating_add(size) > self.bytes_max || self.entries.len() >= ENTRIES_MAX;
        is_full.then(|| self.order.first_key_value().map(|(_, digest)| *digest))?
    }

    /// Takes in what nothing is in the way of, and refuses anything else.
    pub(super) fn insert(&mut self, digest: Digest, size: u64, value: V) {
        self.remove(&digest);
        if !self.could_hold(size) || self.in_the_way(size).is_some() {
            return;
        }
        self.now += 1;
        self.order.insert(self.now, digest);
        self.entries.insert(digest, Entry { value, size, used: self.now });
        self.bytes += size;
        debug_assert!(self.bytes <= self.bytes_max && self.order.len() == self.entries.len(), "more than it may");
    }

    pub(super) fn remove(&mut self, digest: &Digest) {
        if let Some(entry) = self.entries.remove(digest) {
            self.order.remove(&entry.used);
            self.bytes -= entry.size;
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_stays() {
        let [a, b, c] = [b"a", b"b", b"c"].map(|name| Digest::of(name));
        let mut lru = Lru::new(10);
        lru.insert(a, 4, "a");
        lru.insert(b, 4, "b");
        assert_eq!(lru.get(&a), Some((&"a", 4)));
        assert_eq!((lru.in_the_way(2), lru.in_the_way(3)), (None, Some(b)));
        lru.insert(c, 3, "c");
        assert!(lru.get(&c).is_none() && lru.bytes() == 8, "something is in its way");
        lru.remove(&b);
        lru.insert(c, 3, "c");
        assert_eq!(lru.get(&c), Some((&"c", 3)));
        assert!(lru.get(&b).is_none() && lru.bytes() == 7);
        assert!(lru.could_hold(10) && !lru.could_hold(11));
    }

    #[test]
    fn nothing_is_held_twice() {
        let a = Digest::of(b"a");
        let mut lru = Lru::new(10);
        lru.insert(a, 4, 1);
        lru.insert(a, 6, 2);
        assert_eq!(lru.get(&a), Some((&2, 6)));
        assert_eq!(lru.bytes(), 6);
    }

    #[test]
    fn empty_things_are_bounded_in_count() {
        let mut lru = Lru::new(0);
        for number in 0..=ENTRIES_MAX as u64 {
            let digest = Digest::of(&number.to_le_bytes());
            if let Some(gone) = lru.in_the_way(0) {
                lru.remove(&gone);
            }
            lru.insert(digest, 0, ());
        }
        assert_eq!(lru.entries.len(), ENTRIES_MAX);
        assert_eq!(lru.get(&Digest::of(&0_u64.to_le_bytes())), None);
    }
}
