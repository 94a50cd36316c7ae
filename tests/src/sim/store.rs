//! The keyspace: values by key, with times to live, and a version that every change raises.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::stream::Stream;

/// Why a command was refused: the text of the error.
pub(super) type Refused = String;

pub(super) fn wrong_type() -> Refused {
    "WRONGTYPE Operation against a key holding the wrong kind of value".into()
}

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Data {
    Text(Vec<u8>),
    /// In the order in which fields were added, as Redis keeps small ones.
    Hash(Vec<(Vec<u8>, Vec<u8>)>),
    Set(BTreeSet<Vec<u8>>),
    Sorted(BTreeMap<Vec<u8>, f64>),
    List(VecDeque<Vec<u8>>),
    Stream(Stream),
}

/// One kind of value, taken out of [`Data`] and made where it is missing.
pub(super) trait Kind: Default {
    fn of(data: &mut Data) -> Option<&mut Self>;
    fn wrap(self) -> Data;
    fn is_empty(&self) -> bool;
}

macro_rules! kinds {
    ($($Type:ty, $Variant:ident, $is_empty:expr;)+) => {
        $(impl Kind for $Type {
            fn of(data: &mut Data) -> Option<&mut Self> {
                if let Data::$Variant(value) = data { Some(value) } else { None }
            }
            fn wrap(self) -> Data {
                Data::$Variant(self)
            }
            fn is_empty(&self) -> bool {
                let is_empty: fn(&Self) -> bool = $is_empty;
                is_empty(self)
            }
        })+
    };
}

kinds! {
    Vec<u8>, Text, |_| false;
    Vec<(Vec<u8>, Vec<u8>)>, Hash, Self::is_empty;
    BTreeSet<Vec<u8>>, Set, Self::is_empty;
    BTreeMap<Vec<u8>, f64>, Sorted, Self::is_empty;
    VecDeque<Vec<u8>>, List, Self::is_empty;
    // A stream stays when it is empty.
    Stream, Stream, |_| false;
}

/// All keys.
#[derive(Debug, Default)]
pub(super) struct Store {
    data: HashMap<Vec<u8>, Data>,
    expires: HashMap<Vec<u8>, u64>,
    versions: HashMap<Vec<u8>, u64>,
    clock: u64,
    /// What was published and is not on its way yet: channel and payload.
    pub(super) published: Vec<(Vec<u8>, Vec<u8>)>,
    /// Milliseconds since the epoch.
    pub(super) now: u64,
}

impl Store {
    /// Changes with every change of the key.
    pub(super) fn version(&mut self, key: &[u8]) -> u64 {
        self.expire(key);
        self.versions.get(key).copied().unwrap_or(0)
    }

    pub(super) fn touch(&mut self, key: &[u8]) {
        self.clock += 1;
        self.versions.insert(key.to_vec(), self.clock);
    }

    fn expire(&mut self, key: &[u8]) {
        if self.expires.get(key).is_some_and(|at| *at <= self.now) {
            self.remove(key);
        }
    }

    pub(super) fn exists(&mut self, key: &[u8]) -> bool {
        self.expire(key);
        self.data.contains_key(key)
    }

    /// The value, to be looked at.
    pub(super) fn get<K: Kind>(&mut self, key: &[u8]) -> Result<Option<&mut K>, Refused> {
        self.expire(key);
        match self.data.get_mut(key) {
            None => Ok(None),
            Some(data) => K::of(data).map(Some).ok_or_else(wrong_type),
        }
    }

    /// The value, to be changed, and made where there is none.
    pub(super) fn make<K: Kind>(&mut self, key: &[u8]) -> Result<&mut K, Refused> {
        self.expire(key);
        self.touch(key);
        let data = self.data.entry(key.to_vec()).or_insert_with(|| K::default().wrap());
        K::of(data).ok_or_else(wrong_type)
    }

    /// Puts a value in the place of any other.
    pub(super) fn set<K: Kind>(&mut self, key: &[u8], value: K) {
        self.touch(key);
        self.expires.remove(key);
        self.data.insert(key.to_vec(), value.wrap());
    }

    /// Drops a value that was emptied.
    pub(super) fn tidy<K: Kind>(&mut self, key: &[u8]) {
        if self.data.get_mut(key).and_then(K::of).is_some_and(|value| value.is_empty()) {
            self.data.remove(key);
            self.expires.remove(key);
        }
    }

    pub(super) fn remove(&mut self, key: &[u8]) -> bool {
        let was_there = self.data.remove(key).is_some();
        self.expires.remove(key);
        if was_there {
            self.touch(key);
        }
        was_there
    }

    pub(super) fn clear(&mut self) {
        let keys: Vec<_> = self.data.keys().cloned().collect();
        keys.iter().for_each(|key| _ = self.remove(key));
    }

    /// False when there is no such key.
    pub(super) fn expire_at(&mut self, key: &[u8], at: u64) -> bool {
        if !self.exists(key) {
            return false;
        }
        self.touch(key);
        self.expires.insert(key.to_vec(), at);
        self.expire(key);
        true
    }

    pub(super) fn persist(&mut self, key: &[u8]) -> bool {
        self.exists(key) && self.expires.remove(key).is_some()
    }

    pub(super) fn expires(&self, key: &[u8]) -> Option<u64> {
        self.expires.get(key).copied()
    }
}
