//! Sees answers as they are committed: what a turn came to is there for others from then on.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bus::{Names, Role, reply};
use redis::{Value, aio::MultiplexedConnection};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::STUCK;
use crate::{
    Result,
    message::{now_us, parse},
    ours::PLATFORM,
    sink::Latency,
    target::Target,
};

/// The longest that answers may not come at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads the answers of all lanes but the stuck one.
pub(super) struct Observer {
    seen: Arc<Seen>,
    stop: CancellationToken,
    task: JoinSet<Result<()>>,
}

struct Seen {
    count: AtomicU64,
    latency: Mutex<Latency>,
}

impl Observer {
    pub(super) async fn start(target: &Target, names: &Names) -> Result<Self> {
        let stream = |shard| names.stream(&Role::Outbound(PLATFORM.into()), shard);
        let streams: Vec<String> = names.shards.all().map(stream).collect();
        let seen = Arc::new(Seen { count: AtomicU64::new(0), latency: Mutex::new(Latency::new()) });
        let (stop, mut task, connection) = (CancellationToken::new(), JoinSet::new(), target.connection().await?);
        task.spawn(read(connection, streams, Arc::clone(&seen), stop.clone()));
        Ok(Self { seen, stop, task })
    }

    fn count(&self) -> u64 {
        self.seen.count.load(Ordering::Relaxed)
    }

    /// Waits until so many were seen.
    pub(super) async fn reach(&self, count: u64) -> Result<()> {
        match self.reach_late(count, PATIENCE).await {
            0 => Ok(()),
            missing => Err(format!("{missing} of {count} answers did not come within {PATIENCE:?}").into()),
        }
    }

    /// Waits until so many were seen, for so long; gives how many are missing then.
    pub(super) async fn reach_late(&self, count: u64, late: Duration) -> u64 {
        let began = Instant::now();
        while self.count() < count && began.elapsed() < late {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        count.saturating_sub(self.count())
    }

    /// Forgets what was seen.
    pub(super) fn restart(&self) {
        *self.seen.latency.lock().unwrap_or_else(PoisonError::into_inner) = Latency::new();
        self.seen.count.store(0, Ordering::Relaxed);
    }

    pub(super) async fn stop(mut self) -> Result<Latency> {
        self.stop.cancel();
        while let Some(ended) = self.task.join_next().await {
            ended??;
        }
        Ok(self.seen.latency.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

async fn read(
    mut connection: MultiplexedConnection,
    streams: Vec<String>,
    seen: Arc<Seen>,
    stop: CancellationToken,
) -> Result<()> {
    let mut last: Vec<String> = streams.iter().map(|_| "0".to_owned()).collect();
    while !stop.is_cancelled() {
        let mut read = redis::cmd("XREAD");
        read.arg("COUNT").arg(1000).arg("BLOCK").arg(100).arg("STREAMS").arg(&streams).arg(&last);
        let read: Value = read.query_async(&mut connection).await?;
        let now = now_us();
        for (stream, entries) in reply::streams(read)? {
            for message in entries.iter().filter_map(|entry| parse(&entry.data)).filter(|one| one.lane != STUCK) {
                let us = now.saturating_sub(message.sent_us);
                seen.latency.lock().unwrap_or_else(PoisonError::into_inner).record(us);
                seen.count.fetch_add(1, Ordering::Relaxed);
            }
            let place = streams.iter().position(|name| name.as_bytes() == stream);
            if let Some((last, newest)) = place.and_then(|place| last.get_mut(place)).zip(entries.last()) {
                *last = newest.id.to_string();
            }
        }
    }
    Ok(())
}
