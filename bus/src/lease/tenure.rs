//! One process's time as the owner of one shard.

use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{Error, Shard};

/// Tells a tenure from every other: the shard, and the epoch that rises with each of its tenures.
pub(crate) type TenureId = (Shard, u64);

/// From acquiring a shard to losing or releasing it. A shard that is acquired again is a new tenure with a new token.
#[derive(Debug)]
pub(crate) struct Tenure {
    shard: Shard,
    token: String,
    /// Until when the lease is known to be ours. Counted from before the renewal was sent.
    leased_until: watch::Sender<Instant>,
    lost: CancellationToken,
}

impl Tenure {
    pub(crate) fn new(shard: Shard, token: String, leased_until: Instant) -> Self {
        Self { shard, token, leased_until: watch::Sender::new(leased_until), lost: CancellationToken::new() }
    }

    pub(crate) fn shard(&self) -> Shard {
        self.shard
    }

    pub(crate) fn id(&self) -> TenureId {
        (self.shard, self.epoch())
    }

    /// What the fence holds while the shard is ours.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The number inside the token: rises with every tenure of the shard.
    pub(crate) fn epoch(&self) -> u64 {
        self.token.split(':').nth(1).and_then(|epoch| epoch.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn extend(&self, leased_until: Instant) {
        self.leased_until.send_replace(leased_until);
    }

    /// Waits until the lease is known to be ours, so that something may be started; false once the shard is lost.
    pub(crate) async fn current(&self) -> bool {
        let mut leased_until = self.leased_until.subscribe();
        loop {
            if self.is_lost() {
                return false;
            }
            if Instant::now() < *leased_until.borrow_and_update() {
                return true;
            }
            tokio::select! {
                biased;
                () = self.lost.cancelled() => return false,
                changed = leased_until.changed() => if changed.is_err() { return false },
            }
        }
    }

    /// The fence has moved: nothing of this tenure can be done any more.
    pub(crate) fn lose(&self) {
        self.lost.cancel();
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    pub(crate) fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// The refusal that every step of a lost tenure gets.
    pub(crate) fn fenced(&self) -> Error {
        self.lose();
        Error::Fenced { shard: self.shard.number() }
    }
}
