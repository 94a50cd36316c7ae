//! What turns and batches leave behind.

use std::sync::Arc;

use tokio::task::JoinError;

use super::{Dispatch, Handler};
use crate::{
    consumer::{batch::BatchEnded, run::Ended},
    lane::Verdict,
    lease::Tenure,
    trim::{TRIM_EVERY, trim},
};

impl<H: Handler> Dispatch<H> {
    pub(super) fn end(&mut self, ended: Result<Ended, JoinError>) {
        let Ok(Ended { verdict, is_lost, absorbed, mut unheard, delivery }) = ended else {
            // A turn catches its handler's panics, so this is a fault of ours, and its lane would stay closed.
            tracing::error!(role = %self.runner.config.role, "a turn's task broke");
            self.is_broken = true;
            return;
        };
        let tenure = Arc::clone(&delivery.tenure);
        let lane = Arc::clone(&delivery.route.lane);
        tenure.guest_ended(&lane);
        let (mut verdict, mut settled) = (verdict, 0);
        if is_lost {
            // Controls of the next tenure may have reached this turn; they are still to be run.
            unheard.splice(0..0, absorbed);
        } else if matches!(verdict, Verdict::Done) {
            for delivery in std::iter::once(delivery).chain(absorbed) {
                self.window.settle(delivery.tenure.id(), delivery.entry.id);
                settled += 1;
            }
        }
        unheard.retain(|control| self.is_ours(&control.tenure));
        if !self.is_ours(&tenure) {
            verdict = Verdict::Done;
        }
        self.lanes.finish(&lane, verdict, unheard);
        if let Some(owned) = self.owned(&tenure) {
            owned.running.remove(&lane);
        }
        self.settled(&tenure, settled);
    }

    pub(super) fn end_batch(&mut self, ended: Result<BatchEnded, JoinError>) {
        let Ok(BatchEnded { tenure, lanes }) = ended else {
            tracing::error!(role = %self.runner.config.role, "a batch broke");
            self.is_broken = true;
            return;
        };
        let (is_ours, mut settled) = (self.is_ours(&tenure), 0);
        for (run, verdict) in lanes {
            let lane = Arc::clone(&run[0].route.lane);
            match verdict {
                Some(again) if is_ours => self.lanes.finish(&lane, again, Vec::new()),
                _ => {
                    settled += run.len() as u32;
                    run.iter().for_each(|delivery| self.window.settle(tenure.id(), delivery.entry.id));
                    self.lanes.finish(&lane, Verdict::Done, Vec::new());
                }
            }
        }
        if let Some(owned) = self.owned(&tenure) {
            owned.is_recording = false;
        }
        self.settled(&tenure, settled);
    }

    /// So many more entries of a shard are settled; every so often what is finished is trimmed.
    pub(super) fn settled(&mut self, tenure: &Arc<Tenure>, count: u32) {
        let runner = Arc::clone(&self.runner);
        let Some(owned) = self.owned(tenure) else { return };
        owned.settled += count;
        if owned.settled < TRIM_EVERY {
            return;
        }
        let settled = std::mem::take(&mut owned.settled);
        let low_water = Arc::clone(&owned.low_water);
        let tenure = Arc::clone(tenure);
        self.chores.spawn(async move {
            match trim(&runner.bus, &runner.config.role, &tenure).await {
                Ok(pending) => tenure.set_deletes(low_water.is_stuck(pending, settled)),
                Err(error) => tracing::debug!(%error, "not trimmed this time"),
            }
        });
    }

    /// Drops what belonged to shards that were lost. Their turns stop by themselves.
    pub(super) fn forget_lost(&mut self) {
        let lost = self.shards.extract_if(.., |_, owned| owned.tenure.is_lost());
        let (mut lost, mut runs) = (lost.map(|(_, owned)| owned).collect::<Vec<_>>(), Vec::new());
        if !lost.is_empty() {
            let count = metrics::counter!("stargazer_leases_lost_total", "role" => self.runner.config.role.to_string());
            count.increment(lost.len() as u64);
            for owned in &mut lost {
                self.window.leave(owned.tenure.id());
                self.held.send_modify(|held| _ = held.remove(&owned.tenure.shard()));
                runs.append(&mut owned.recordable);
            }
            for run in runs {
                self.lanes.finish(&run[0].route.lane, Verdict::Done, Vec::new());
            }
            self.lanes.forget(|delivery| delivery.tenure.is_lost(), |parked| parked.tenure.is_lost());
        }
    }
}
