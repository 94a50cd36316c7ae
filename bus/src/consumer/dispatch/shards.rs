//! Shards that come and go.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Dispatch, Handler};
use crate::{
    EntryId, LaneKey, Shard,
    consumer::{owned::Owned, turn::Parked},
    lane::Verdict,
    lease::{Event, HandOver, Tenure},
};

impl<H: Handler> Dispatch<H> {
    pub(super) async fn note(&mut self, event: Event) {
        match event {
            Event::Acquired(tenures) => {
                // The tenures before may have been lost without our having looked since.
                self.forget_lost();
                for tenure in &tenures {
                    self.shards.insert(tenure.shard(), Owned::new(Arc::clone(tenure)));
                }
                self.held.send_modify(|held| held.extend(tenures.iter().map(|one| (one.shard(), Arc::clone(one)))));
                if self.draining.is_cancelled() {
                    tenures.iter().for_each(|tenure| self.leave(tenure.shard()));
                } else {
                    let reader = self.reader.clone();
                    self.while_arriving(async move { reader.add(tenures).await }).await;
                }
            }
            Event::Leave(tenure) => {
                if self.owned(&tenure).is_some() {
                    self.leave(tenure.shard());
                }
            }
            Event::Told(tenure, lane, entries) => {
                let parked = entries.into_iter().map(|id| Parked { tenure: Arc::clone(&tenure), id }).collect();
                self.unparking.spawn(Arc::clone(&self.runner).unpark(lane, true, tenure, parked));
            }
        }
    }

    /// Gives a shard up at once. What is queued stays pending for the next owner, and turns that run become guests.
    pub(super) fn leave(&mut self, shard: Shard) {
        let Some(Owned { tenure, running, recordable, .. }) = self.shards.remove(&shard) else { return };
        self.held.send_modify(|held| _ = held.remove(&shard));
        for run in recordable {
            self.lanes.finish(&run[0].route.lane, Verdict::Done, Vec::new());
        }
        self.lanes
            .forget(|delivery| Arc::ptr_eq(&delivery.tenure, &tenure), |parked| Arc::ptr_eq(&parked.tenure, &tenure));
        let running: Vec<(LaneKey, EntryId)> = running.into_iter().collect();
        tenure.hand_over(running.iter().map(|(lane, _)| Arc::clone(lane)));
        let (reader, window, hand_overs) = (self.reader.clone(), Arc::clone(&self.window), self.hand_overs.clone());
        self.chores.spawn(async move {
            // First, or the reader would take the moved fence for a loss.
            reader.remove(Arc::clone(&tenure)).await;
            window.leave(tenure.id());
            tenure.outside_ended().await;
            let (done, handed_over) = oneshot::channel();
            if hand_overs.send(HandOver { tenure, running, done }).await.is_ok() {
                let _ = handed_over.await;
            }
        });
    }

    /// Whether something of this tenure may still be queued and started.
    pub(super) fn is_ours(&self, tenure: &Arc<Tenure>) -> bool {
        let is_current = |owned: &Owned| Arc::ptr_eq(&owned.tenure, tenure);
        !tenure.is_lost() && self.shards.get(&tenure.shard()).is_some_and(is_current)
    }

    /// Talks to the reader while taking what it hands over, since it may be waiting for just that.
    pub(super) async fn while_arriving(&mut self, talk: impl Future<Output = ()>) {
        let mut talk = std::pin::pin!(talk);
        loop {
            tokio::select! {
                biased;
                () = &mut talk => return,
                Some(arrivals) = self.arrivals.recv() => self.arrive(arrivals),
            }
        }
    }
}
