//! What a consumer owns now, for work beside its turns that stands and falls with that: a shard that is lost or given up takes
//! no more of it, and is handed over when what was under way has ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::watch, time::Instant};
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::{
    Ahead, Bus, Earlier, EntryId, Error, Role, Shard,
    lease::{Pass, Tenure},
    ledger::Ledger,
};

/// The tenures of a consumer, by shard.
pub(super) type Held = BTreeMap<Shard, Arc<Tenure>>;

/// The shards of a consumer, as they come and go. Clones watch the same one.
#[derive(Debug, Clone)]
pub struct Holdings {
    bus: Bus,
    role: Role,
    ttl: Duration,
    held: watch::Receiver<Held>,
}

/// One shard of a consumer, from when it was acquired until it is lost or given up.
#[derive(Debug, Clone)]
pub struct Holding {
    bus: Bus,
    role: Role,
    ttl: Duration,
    tenure: Arc<Tenure>,
}

/// Leave to do one thing outside as the owner of a shard. While it lives the shard is not handed over, so it has to be short.
#[derive(Debug)]
pub struct Outside {
    ledger: Ledger,
    ttl: Duration,
    tenure: Arc<Tenure>,
    _token: TaskTrackerToken,
}

impl Holdings {
    pub(super) fn new(bus: Bus, role: Role, ttl: Duration, held: watch::Receiver<Held>) -> Self {
        Self { bus, role, ttl, held }
    }

    /// A shard, if it is owned.
    #[must_use]
    pub fn of(&self, shard: Shard) -> Option<Holding> {
        let tenure = self.held.borrow().get(&shard).map(Arc::clone)?;
        let holding = Holding { bus: self.bus.clone(), role: self.role.clone(), ttl: self.ttl, tenure };
        (!holding.is_over()).then_some(holding)
    }

    /// The shards that are owned.
    #[must_use]
    pub fn shards(&self) -> BTreeSet<Shard> {
        self.held.borrow().keys().copied().collect()
    }

    /// Waits until they are others than when this was last asked; false when the consumer is gone.
    pub async fn changed(&mut self) -> bool {
        self.held.changed().await.is_ok()
    }
}

impl Holding {
    /// It is another's, or is being given up.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.tenure.is_lost() || self.tenure.is_handed_over()
    }

    /// Leave to do one thing outside; none when it is over.
    #[must_use]
    pub fn enter(&self) -> Option<Outside> {
        let token = self.tenure.enter()?;
        // Of no lane, so no guest's: what is noted is the owner's.
        let pass = Pass::new(Arc::clone(&self.tenure), "".into());
        let ledger = Ledger::new(self.bus.clone(), self.role.clone(), pass);
        Some(Outside { ledger, ttl: self.ttl, tenure: Arc::clone(&self.tenure), _token: token })
    }
}

impl Outside {
    /// By when something has to be over that is begun now and that no fence can refuse: then the lease may be another's. None
    /// where that is sooner than half of a lease, which is too soon to begin anything, and where the shard is lost or being
    /// given up.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        let until = self.tenure.leased_until();
        let is_over = self.tenure.is_lost() || self.tenure.is_handed_over();
        (!is_over && until.saturating_duration_since(Instant::now()) >= self.ttl / 2).then_some(until)
    }

    /// Notes something of an action whose own turn has not begun, under the fence; gives what was noted before. What is there
    /// already stays as it is. The notes expire after `kept`, unless that turn takes them up.
    ///
    /// # Errors
    /// When Redis did not answer (whether it was noted is then unknown), or the shard is lost.
    pub async fn note_once(&self, cause: &str, fields: &[(&str, &[u8])], kept: Duration) -> Result<Ahead, Error> {
        self.ledger.note_ahead(cause, fields, kept, false).await
    }

    /// As [`Outside::note_once`], but writes over what is there.
    ///
    /// # Errors
    /// As there.
    pub async fn note(&self, cause: &str, fields: &[(&str, &[u8])], kept: Duration) -> Result<Ahead, Error> {
        self.ledger.note_ahead(cause, fields, kept, true).await
    }

    /// Whether everything is settled that stood in the shard's stream up to an entry, or stands there now.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn earlier(&self, up_to: Option<EntryId>) -> Result<Earlier, Error> {
        self.ledger.earlier(up_to).await
    }
}
