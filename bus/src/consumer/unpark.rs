//! Reading the bodies of entries again of which a lane kept only the ids.

use std::sync::Arc;

use super::{Handler, run::Runner, turn::Parked};
use crate::{
    EntryId, Error, LaneKey,
    lease::Tenure,
    reply::{self, RawEntry},
};

/// What a lane wanted bodies of, and those that are still there.
pub(super) struct Unparked {
    pub(super) lane: LaneKey,
    /// They are no part of the lane here: its turn runs as a guest, and is told of them.
    pub(super) is_for_guest: bool,
    pub(super) tenure: Arc<Tenure>,
    pub(super) entries: Vec<RawEntry>,
    /// Entries of which the stream has nothing any more.
    pub(super) gone: Vec<EntryId>,
}

impl<H: Handler> Runner<H> {
    /// Reads parked entries of one lane, all of one tenure. Never fails: what cannot be read stays pending.
    pub(super) async fn unpark(
        self: Arc<Self>,
        lane: LaneKey,
        is_for_guest: bool,
        tenure: Arc<Tenure>,
        parked: Vec<Parked>,
    ) -> Unparked {
        let is_lost = || tenure.is_lost();
        let read = self.persist("reading parked entries", is_lost, || self.read_again(&tenure, &parked)).await;
        let entries = read.unwrap_or_default();
        let gone = match entries.len() == parked.len() || is_lost() {
            true => Vec::new(),
            false => {
                let is_there = |id: EntryId| entries.iter().any(|entry| entry.id == id);
                parked.iter().map(|parked| parked.id).filter(|id| !is_there(*id)).collect()
            }
        };
        Unparked { lane, is_for_guest, tenure, entries, gone }
    }

    async fn read_again(&self, tenure: &Tenure, parked: &[Parked]) -> Result<Vec<RawEntry>, Error> {
        let stream = self.bus.names().stream(&self.config.role, tenure.shard());
        let mut pipe = redis::pipe();
        for Parked { id, .. } in parked {
            pipe.cmd("XRANGE").arg(&stream).arg(id.to_string()).arg(id.to_string());
        }
        let found: Vec<redis::Value> = pipe.query_async(&mut self.bus.shared()).await?;
        let mut entries = Vec::with_capacity(found.len());
        for value in found {
            entries.extend(reply::entries(value)?);
        }
        Ok(entries)
    }
}
