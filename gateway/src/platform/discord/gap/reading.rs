//! Servers, and channels, whose gaps are being read. Until that is done a server's own mark stays, and that of a channel which flows
//! on meanwhile: what comes live says nothing of what is yet to be read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// By how many readings each is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Readings(Arc<Mutex<HashMap<u64, u32>>>);

/// The reading of one's gaps, until it is dropped.
#[derive(Debug)]
pub(super) struct Reading {
    readings: Readings,
    of: u64,
}

impl Readings {
    pub(super) fn begin(&self, of: u64) -> Reading {
        *self.lock().entry(of).or_default() += 1;
        Reading { readings: self.clone(), of }
    }

    pub(super) fn has(&self, of: u64) -> bool {
        self.lock().contains_key(&of)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    /// The server's or the channel's id.
    pub(super) fn of(&self) -> u64 {
        self.of
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut readings = self.readings.lock();
        match readings.get_mut(&self.of) {
            Some(count) if *count > 1 => *count -= 1,
            _ => _ = readings.remove(&self.of),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_read_until_its_last_reading_ends() {
        let readings = Readings::default();
        let (one, other, another) = (readings.begin(1), readings.begin(1), readings.begin(2));
        drop(one);
        assert!(readings.has(1) && readings.has(2));
        drop((other, another));
        assert!(!readings.has(1) && !readings.has(2) && readings.lock().is_empty());
    }
}
