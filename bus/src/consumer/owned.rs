//! A shard as its owner works on it.

use std::{collections::BTreeMap, sync::Arc};

use super::turn::Delivery;
use crate::{EntryId, LaneKey, lease::Tenure, trim::LowWater};

#[derive(Debug)]
pub(super) struct Owned {
    pub(super) tenure: Arc<Tenure>,
    /// The turns that run, by lane.
    pub(super) running: BTreeMap<LaneKey, EntryId>,
    /// Runs of entries, each of one lane, that wait for the next batch.
    pub(super) recordable: Vec<Vec<Delivery>>,
    /// A batch is on its way. What comes meanwhile goes into the next one, so batches grow with the load.
    pub(super) is_recording: bool,
    /// Entries that were settled since the last trim.
    pub(super) settled: u32,
    pub(super) low_water: Arc<LowWater>,
}

impl Owned {
    pub(super) fn new(tenure: Arc<Tenure>) -> Self {
        Self {
            tenure,
            running: BTreeMap::new(),
            recordable: Vec::new(),
            is_recording: false,
            settled: 0,
            low_water: Arc::default(),
        }
    }

    /// The runs that go into the next batch, unless one is on its way.
    pub(super) fn next_batch(&mut self, most: usize) -> Option<Vec<Vec<Delivery>>> {
        if self.is_recording || self.recordable.is_empty() {
            return None;
        }
        let mut entries = 0;
        let fits = self.recordable.iter().take_while(|run| {
            entries += run.len();
            entries <= most
        });
        // The first one always fits.
        let count = fits.count().max(1);
        self.is_recording = true;
        Some(self.recordable.drain(..count).collect())
    }
}
