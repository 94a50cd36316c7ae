//! Entries on their way into their lanes.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinError, time::Instant};

use super::{Dispatch, Handler};
use crate::{
    Route, Way,
    consumer::{
        turn::{Delivery, Failure},
        unpark::Unparked,
    },
    lease::{Pass, Tenure},
    ledger::Ledger,
    reader::{Arrivals, note_gone},
    reply::RawEntry,
    unix_ms,
};

impl<H: Handler> Dispatch<H> {
    pub(super) fn arrive(&mut self, Arrivals { tenure, entries }: Arrivals) {
        if !self.is_ours(&tenure) {
            // They stay pending for whoever owns the shard now.
            entries.into_iter().for_each(|entry| self.window.settle(tenure.id(), entry.id));
            return;
        }
        let now_ms = unix_ms();
        for entry in entries {
            let waited = now_ms.saturating_sub(entry.ts_ms);
            if entry.ts_ms > 0 {
                self.runner.stages.read.record(Duration::from_millis(waited));
            }
            let id = entry.id;
            if let Some(delivery) = self.deliverable(&tenure, entry)
                && !self.lanes.push(delivery)
            {
                self.window.park(tenure.id(), id);
            }
        }
    }

    /// An entry with its place; none when it has no place here, and is given up.
    pub(super) fn deliverable(&mut self, tenure: &Arc<Tenure>, entry: RawEntry) -> Option<Delivery> {
        match self.runner.handler.route(&entry.data) {
            Ok(route) => {
                let home = self.runner.bus.names().shards.of(&route.lane);
                // A plain stream has no shard that a lane could be in.
                if self.runner.config.role.is_plain() || home == tenure.shard() {
                    return Some(Delivery {
                        tenure: Arc::clone(tenure),
                        entry,
                        route,
                        read_at: Instant::now(),
                        waits: 0,
                    });
                }
                // In its lane's shard it could be overtaken, and would have a history of its own here.
                let error = format!(
                    "lane {} belongs to shard {home}, and the entry was written to shard {}",
                    route.lane,
                    tenure.shard()
                );
                self.bury_unread(tenure, entry, Failure { code: "misrouted", error });
            }
            Err(error) => self.bury_unread(tenure, entry, Failure { code: "undecodable", error: error.0 }),
        }
        None
    }

    /// Bodies of parked entries came.
    pub(super) fn unpark(&mut self, unparked: Result<Unparked, JoinError>) {
        let Ok(Unparked { lane, is_for_guest, tenure, entries, gone }) = unparked else {
            tracing::error!(role = %self.runner.config.role, "the reading of parked entries broke");
            self.is_broken = true;
            return;
        };
        if is_for_guest {
            // Who reads the shard now told us of them; they go with the commit of the turn that takes them.
            for entry in entries {
                if let Some(delivery) = self.deliverable(&tenure, entry) {
                    self.lanes.offer(delivery);
                }
            }
            return;
        }
        let mut deliveries = Vec::new();
        if self.is_ours(&tenure) {
            note_gone(&self.runner.config.role, tenure.shard(), gone.len());
            gone.iter().for_each(|id| self.window.settle(tenure.id(), *id));
            for entry in entries {
                self.window.unpark(tenure.id(), entry.id, entry.data.len());
                deliveries.extend(self.deliverable(&tenure, entry));
            }
        }
        self.lanes.unpark(&lane, deliveries);
    }

    /// An entry that belongs to no lane here blocks none: it goes to the dead letters at once.
    pub(super) fn bury_unread(&mut self, tenure: &Arc<Tenure>, entry: RawEntry, failure: Failure) {
        let (runner, tenure, window) = (Arc::clone(&self.runner), Arc::clone(tenure), Arc::clone(&self.window));
        let route = Route { lane: "".into(), cause: "".into(), way: Way::Turn };
        let pass = Pass::new(Arc::clone(&tenure), Arc::clone(&route.lane));
        let delivery = Delivery { tenure: Arc::clone(&tenure), entry, route, read_at: Instant::now(), waits: 0 };
        self.chores.spawn(async move {
            let ledger = Ledger::new(runner.bus.clone(), runner.config.role.clone(), pass);
            runner.bury_unread(&ledger, &delivery, &failure).await;
            window.settle(tenure.id(), delivery.entry.id);
        });
    }
}
