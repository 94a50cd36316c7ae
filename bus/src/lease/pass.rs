//! By what one turn may write: as a turn of the shard's owner, or, once the shard was handed over, as the guest of its lane.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Tenure;
use crate::{Error, LaneKey};

/// The right of one turn to make its steps. Which of the two it is, the scripts find out.
#[derive(Debug)]
pub(crate) struct Pass {
    tenure: Arc<Tenure>,
    lane: LaneKey,
    /// Cancelled with the tenure, or alone when a guest is refused: other lanes' guests may still be welcome.
    lost: CancellationToken,
}

impl Pass {
    pub(crate) fn new(tenure: Arc<Tenure>, lane: LaneKey) -> Arc<Self> {
        let lost = tenure.lost().child_token();
        Arc::new(Self { tenure, lane, lost })
    }

    pub(crate) fn tenure(&self) -> &Arc<Tenure> {
        &self.tenure
    }

    pub(crate) fn lane(&self) -> &LaneKey {
        &self.lane
    }

    pub(crate) fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Whether the turn is known to have its lane for itself at this moment.
    pub(crate) fn is_current(&self) -> bool {
        !self.is_lost()
            && self.tenure.is_current()
            && (!self.tenure.is_handed_over() || self.tenure.is_guest(&self.lane))
    }

    /// A step was refused: nothing of this turn can be done any more.
    pub(crate) fn refused(&self) -> Error {
        if self.tenure.is_handed_over() {
            self.lost.cancel();
            Error::Fenced { shard: self.tenure.shard().number() }
        } else {
            self.tenure.fenced()
        }
    }
}
