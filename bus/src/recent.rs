//! What this process appended lately, to append it again where Redis forgot it.
//!
//! A replica that takes over, or a server that comes back from its disk, may lack the last moments before. Nobody is told:
//! who appended had an answer. So what was answered is kept for a minute, and when the server is another one than it was
//! (its run id or its replication id has changed), each of it is looked for and appended again where it is missing, in order.
//!
//! Missing means: not there. That it is older than what the stream has says nothing, since others may have appended before
//! this process looked; and an entry may be gone because it was finished and trimmed. That one is appended once too often,
//! which its cause's mark absorbs; one too few would be a loss. What is in a log is known by its id, so there it is exact; and it
//! is not appended behind what another gateway has taken since, for order is promised, and what an unsafe Redis forgets is not.
//! A minute is as long as the platforms that can dedupe do so: should its mark be forgotten too, its answer is not seen twice.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::Value;
use tokio::time::Instant;

use crate::{
    Bus, Entry, EntryId, Error, Producer,
    link::field,
    log::{Log, LogAppend, Repeated},
};

/// What is kept at most.
const ENTRIES_MAX: usize = 8192;
const BYTES_MAX: usize = 16 << 20;
const KEPT_FOR: Duration = Duration::from_secs(60);

/// See the module. Clones share what is kept.
#[derive(Debug, Clone)]
pub struct Recent {
    bus: Bus,
    ring: Arc<Mutex<Ring>>,
}

#[derive(Debug, Default)]
struct Ring {
    kept: VecDeque<Kept>,
    bytes: usize,
    /// The server that answered, as far as was looked.
    server: Option<Server>,
    next: u64,
}

#[derive(Debug, Clone)]
struct Kept {
    number: u64,
    at: Instant,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Stream { id: EntryId, entry: Entry },
    Log { log: Log, append: Arc<LogAppend> },
}

/// Which server, and which history of writes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Server {
    run: String,
    history: String,
}

impl Recent {
    /// Nothing yet.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self { bus, ring: Arc::default() }
    }

    pub(crate) fn note(&self, id: EntryId, entry: &Entry) {
        self.ring().push(What::Stream { id, entry: entry.clone() });
    }

    pub(crate) fn note_log(&self, log: &Log, append: LogAppend) {
        self.ring().push(What::Log { log: log.clone(), append: Arc::new(append) });
    }

    /// A log was removed, and must not come back.
    pub(crate) fn drop_log(&self, key: &str) {
        let mut ring = self.ring();
        ring.kept.retain(|kept| !matches!(&kept.what, What::Log { append, .. } if append.key == key));
        ring.bytes = ring.kept.iter().map(|kept| kept.what.size()).sum();
    }

    /// Looks which server answers, and appends again what another one than before has not. Gives how much that was. Called
    /// whenever the connection broke, and every few seconds; by one caller at a time.
    ///
    /// # Errors
    /// When Redis did not answer: then the next call goes on.
    pub async fn look(&self) -> Result<u64, Error> {
        let server = self.server().await?;
        let known = self.ring().server.clone();
        let mut again = 0;
        if let Some(known) = known
            && known != server
        {
            again = self.mend().await?;
            if again == 0 {
                tracing::info!("redis is another server than before, or was started anew; it lacks nothing of ours");
            } else {
                tracing::warn!(
                    again,
                    "redis is another server than before, or was started anew; what it lacked was appended again"
                );
            }
        }
        let mut ring = self.ring();
        ring.server = Some(server);
        ring.forget_old();
        Ok(again)
    }

    async fn server(&self) -> Result<Server, Error> {
        let (server, replication): (String, String) = redis::pipe()
            .cmd("INFO")
            .arg("server")
            .cmd("INFO")
            .arg("replication")
            .query_async(&mut self.bus.shared())
            .await?;
        let (run, history) = (field(&server, "run_id"), field(&replication, "master_replid"));
        Ok(Server { run: run.to_owned(), history: history.to_owned() })
    }

    async fn mend(&self) -> Result<u64, Error> {
        let kept: Vec<Kept> = self.ring().kept.iter().cloned().collect();
        let mut again = 0;
        for run in kept.chunk_by(|one, other| one.what.is_stream() && other.what.is_stream()) {
            for batch in run.chunks(Producer::BATCH_MAX) {
                let count = match &batch[0].what {
                    What::Log { log, append } => match log.repeat(append).await {
                        // It must not hold up what can be written; the page sends what it has no answer to.
                        Err(error @ Error::Full { .. }) => {
                            tracing::warn!(%error, "a message that redis forgot was not appended again");
                            0
                        }
                        repeated => match repeated? {
                            Repeated::Done => 1,
                            Repeated::Known => 0,
                            Repeated::Late => {
                                tracing::warn!(log = %append.key, "a message that redis forgot is lost: later ones were taken since");
                                metrics::counter!("stargazer_forgotten_total").increment(1);
                                0
                            }
                        },
                    },
                    What::Stream { .. } => self.mend_streams(batch).await?,
                };
                metrics::counter!("stargazer_reappended_total").increment(count);
                again += count;
            }
        }
        Ok(again)
    }

    async fn mend_streams(&self, batch: &[Kept]) -> Result<u64, Error> {
        let mut pipe = redis::pipe();
        let mut sought = Vec::new();
        for kept in batch {
            if let What::Stream { id, entry } = &kept.what {
                pipe.cmd("XRANGE").arg(&entry.stream).arg(id.to_string()).arg(id.to_string()).arg("COUNT").arg(1);
                sought.push((kept.number, entry));
            }
        }
        let found: Vec<Value> = pipe.query_async(&mut self.bus.shared()).await?;
        let is_missing =
            |found: &Value| matches!(found, Value::Nil) || matches!(found, Value::Array(list) if list.is_empty());
        let missing: Vec<(u64, Entry)> = (sought.into_iter().zip(&found))
            .filter(|(_, found)| is_missing(found))
            .map(|((number, entry), _)| (number, entry.clone()))
            .collect();
        if missing.is_empty() {
            return Ok(0);
        }
        let (numbers, entries): (Vec<u64>, Vec<Entry>) = missing.into_iter().unzip();
        let ids = Producer::new(self.bus.clone()).append(&entries).await?;
        let mut ring = self.ring();
        for (number, new) in numbers.into_iter().zip(&ids) {
            if let Some(kept) = ring.kept.iter_mut().find(|kept| kept.number == number)
                && let What::Stream { id, .. } = &mut kept.what
            {
                *id = *new;
            }
        }
        Ok(ids.len() as u64)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn push(&mut self, what: What) {
        self.bytes += what.size();
        self.kept.push_back(Kept { number: self.next, at: Instant::now(), what });
        self.next += 1;
        while self.kept.len() > ENTRIES_MAX || self.bytes > BYTES_MAX {
            self.pop();
            metrics::counter!("stargazer_recent_evicted_total").increment(1);
        }
    }

    /// Only once it was looked which server it is: during an outage the clock runs on, and nothing gets safer by that.
    fn forget_old(&mut self) {
        while self.kept.front().is_some_and(|kept| kept.at.elapsed() > KEPT_FOR) {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some(kept) = self.kept.pop_front() {
            self.bytes -= kept.what.size();
        }
    }
}

impl What {
    fn is_stream(&self) -> bool {
        matches!(self, Self::Stream { .. })
    }

    fn size(&self) -> usize {
        let own = match self {
            Self::Stream { entry, .. } => entry.stream.len() + entry.data.len() + entry.trace_id.len(),
            Self::Log { append, .. } => append.size(),
        };
        own + size_of::<Kept>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(bytes: usize) -> What {
        let entry = Entry { stream: "s".into(), data: vec![0; bytes].into(), trace_id: "t".into() };
        What::Stream { id: EntryId::default(), entry }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_has_bounds() {
        let mut ring = Ring::default();
        for _ in 0..ENTRIES_MAX + 10 {
            ring.push(entry(1));
        }
        assert_eq!((ring.kept.len(), ring.kept[0].number), (ENTRIES_MAX, 10));
        ring.push(entry(BYTES_MAX / 2));
        ring.push(entry(BYTES_MAX / 2));
        assert!(ring.bytes <= BYTES_MAX && ring.kept.len() < ENTRIES_MAX);
        tokio::time::advance(KEPT_FOR / 2).await;
        ring.push(entry(1));
        tokio::time::advance(KEPT_FOR / 2 + Duration::from_secs(1)).await;
        ring.forget_old();
        assert_eq!(ring.kept.len(), 1);
        ring.pop();
        assert_eq!(ring.bytes, 0);
    }
}
