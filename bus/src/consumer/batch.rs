//! Entries that need no turn: settled in batches, one on its way for each shard.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Handler,
    run::Runner,
    turn::{Delivery, Failure},
};
use crate::{
    lane::Verdict,
    lease::{Pass, Tenure},
    ledger::{Ledger, Records},
};

/// Entries that one batch settles at most.
pub(super) const BATCH_MAX: usize = 256;
/// After so long a lane that is left to a guest is looked at again.
const GUEST_AGAIN: Duration = Duration::from_millis(50);

/// What is left of a batch for its lanes: each run of entries, and how it goes on.
pub(super) struct BatchEnded {
    pub(super) tenure: Arc<Tenure>,
    /// The first of each run, for its lane and for its count, with the verdict on it.
    pub(super) lanes: Vec<(Vec<Delivery>, Option<Verdict<Delivery>>)>,
}

impl<H: Handler> Runner<H> {
    /// Settles runs of entries, each of one lane. Never fails: what cannot be settled stays pending.
    pub(super) async fn record(self: Arc<Self>, tenure: Arc<Tenure>, runs: Vec<Vec<Delivery>>) -> BatchEnded {
        let mut lanes = Vec::with_capacity(runs.len());
        for run in &runs {
            let mut entries = Vec::with_capacity(run.len());
            for delivery in run {
                match self.handler.record(&delivery.entry.data) {
                    Ok(history) => entries.push((delivery.entry.id, &*delivery.route.cause, history)),
                    Err(error) => {
                        let pass = Pass::new(Arc::clone(&tenure), Arc::clone(&delivery.route.lane));
                        let ledger = Ledger::new(self.bus.clone(), self.config.role.clone(), pass);
                        let failure = Failure { code: "undecodable", error: error.0 };
                        self.bury_unread(&ledger, delivery, &failure).await;
                    }
                }
            }
            lanes.push((&run[0].route.lane, entries));
        }
        let began = Instant::now();
        let records = Records { bus: self.bus.clone(), role: self.config.role.clone(), tenure: Arc::clone(&tenure) };
        let mut left = Vec::new();
        let is_lost = || tenure.is_lost() || tenure.is_handed_over();
        let settled = self.persist("a batch", is_lost, || records.settle(&lanes)).await;
        if let Some(recorded) = settled {
            self.stages.commit.record(began.elapsed());
            self.copies(recorded.copies);
            left = recorded.left;
        }
        let verdict = |(place, run): (usize, Vec<Delivery>)| {
            if left.contains(&place) {
                let again = Verdict::Again(run.clone(), Instant::now() + GUEST_AGAIN);
                (run, Some(again))
            } else {
                (run, None)
            }
        };
        BatchEnded { tenure, lanes: runs.into_iter().enumerate().map(verdict).collect() }
    }
}
