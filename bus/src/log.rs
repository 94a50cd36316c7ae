//! A numbered, bounded log under action ids: what a conversation shows, readable from any number by any process.
//!
//! An append under an id that the log knows is no append, so a repeat is exact. Every append is announced on the pub/sub
//! channel of the log's name as `<number> <data>`.

use std::{sync::LazyLock, time::Duration};

use bytes::Bytes;
use redis::Script;

use crate::{Bus, Error, Recent, Role, reply, unix_ms};

const STEP: &str = "an append to a log";

static APPEND: LazyLock<Script> =
    LazyLock::new(|| Script::new(concat!(include_str!("unfinished.lua"), include_str!("log.lua"))));

/// What a log keeps.
#[derive(Debug, Clone, Copy)]
pub struct LogBounds {
    /// Newest entries that are kept (some more may be, as Redis drops whole nodes). Ids are kept for twice as many.
    pub entries: u32,
    /// How long a log lives after its last append.
    pub ttl: Duration,
}

/// An envelope that goes to a stream in the same step as an entry to the log. Both keys lie on one shard.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Name of the stream.
    pub stream: String,
    /// Unfinished entries that it may hold.
    pub bound: u64,
    /// The envelope.
    pub data: Bytes,
    /// `UUIDv7` text.
    pub trace_id: String,
}

/// The answer to an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The entry's number.
    pub number: u64,
    /// False when the id was there already: nothing was changed.
    pub is_new: bool,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Counts from 1, without gaps.
    pub number: u64,
    /// What was appended.
    pub data: Bytes,
}

/// How something is appended, and when it was first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    New { at_ms: u64 },
    Again { at_ms: u64 },
    Existing,
}

/// Logs on one bus.
#[derive(Debug, Clone)]
pub struct Log {
    bus: Bus,
    bounds: LogBounds,
    recent: Option<Recent>,
}

/// An append that was done, to be done again should Redis have forgotten it.
#[derive(Debug)]
pub(crate) struct LogAppend {
    pub(crate) key: String,
    id: String,
    data: Bytes,
    queue: Queue,
    /// When it was appended first, in ms since epoch by this process's clock.
    at_ms: u64,
}

/// What came of doing an append again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeated {
    /// Redis had forgotten it.
    Done,
    /// It was there.
    Known,
    /// Redis had forgotten it, and the log has taken later ones since, which it would come behind.
    Late,
}

impl LogAppend {
    /// Bytes of it.
    pub(crate) fn size(&self) -> usize {
        self.key.len() + self.id.len() + self.data.len() + self.queue.stream.len() + self.queue.data.len()
    }
}

impl Log {
    /// Logs with these bounds.
    #[must_use]
    pub fn new(bus: Bus, bounds: LogBounds) -> Self {
        Self { bus, bounds, recent: None }
    }

    /// Logs whose appends with a queue are done again where Redis forgot them. Those without are somebody's turn, which
    /// Redis forgot as well, and which is run again.
    #[must_use]
    pub fn with_recent(self, recent: Recent) -> Self {
        Self { recent: Some(recent), ..self }
    }

    /// Appends `data` to the log `key` under `id`, once, and with a queue the queue's envelope in the same step.
    ///
    /// # Errors
    /// [`Error::Full`] when the queue's stream is at its bound; else when Redis did not answer, and then the append may have
    /// happened: the same append again tells.
    pub async fn append(&self, key: &str, id: &str, data: &[u8], queue: Option<&Queue>) -> Result<Appended, Error> {
        let at_ms = unix_ms();
        let (number, is_new) = self.run(key, id, data, queue, Way::New { at_ms }).await?;
        let number = u64::try_from(number).map_err(|_| Error::Reply { step: STEP })?;
        let appended = Appended { number, is_new };
        if let (Some(recent), Some(queue), true) = (&self.recent, queue, appended.is_new) {
            let (key, id, data, queue) = (key.to_owned(), id.to_owned(), Bytes::copy_from_slice(data), queue.clone());
            recent.note_log(self, LogAppend { key, id, data, queue, at_ms });
        }
        Ok(appended)
    }

    /// Does an append again, should Redis have forgotten it.
    pub(crate) async fn repeat(&self, append: &LogAppend) -> Result<Repeated, Error> {
        let LogAppend { key, id, data, queue, at_ms } = append;
        match self.run(key, id, data, Some(queue), Way::Again { at_ms: *at_ms }).await? {
            (-3, _) => Ok(Repeated::Late),
            (_, true) => Ok(Repeated::Done),
            (_, false) => Ok(Repeated::Known),
        }
    }

    /// As [`Log::append`], but only to a log that is there; nothing is appended to one that was removed or has expired.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn append_to_existing(&self, key: &str, id: &str, data: &[u8]) -> Result<Option<Appended>, Error> {
        match self.run(key, id, data, None, Way::Existing).await? {
            (-2, _) => Ok(None),
            (number, is_new) => {
                let number = u64::try_from(number).map_err(|_| Error::Reply { step: STEP })?;
                Ok(Some(Appended { number, is_new }))
            }
        }
    }

    async fn run(
        &self,
        key: &str,
        id: &str,
        data: &[u8],
        queue: Option<&Queue>,
        way: Way,
    ) -> Result<(i64, bool), Error> {
        let mut script = APPEND.key(key);
        script.key(ids(key));
        if let Some(queue) = queue {
            script.key(&queue.stream);
        }
        let publish = self.bus.names().publish(key);
        script
            .arg(id)
            .arg(data)
            .arg(self.bounds.entries)
            .arg(self.bounds.ttl.as_secs())
            .arg(publish)
            .arg(u8::from(way == Way::Existing));
        if let Some(queue) = queue {
            let (at_ms, is_again) = match way {
                Way::Again { at_ms } => (at_ms, true),
                Way::New { at_ms } => (at_ms, false),
                Way::Existing => (unix_ms(), false),
            };
            script.arg(queue.bound).arg(queue.data.as_ref()).arg(at_ms).arg(&queue.trace_id);
            script.arg(self.bus.names().group(&Role::Inbound)).arg(u8::from(is_again));
        }
        // What a visitor said; what is shown to him is covered by the commit that follows it.
        let armed = if queue.is_some() { Some(self.bus.arm().await?) } else { None };
        let (number, is_new): (i64, bool) = script.invoke_async(&mut self.bus.shared()).await?;
        if let Some(armed) = armed
            && number > 0
        {
            armed.replicated().await?;
        }
        match (number, queue) {
            (-1, Some(queue)) => Err(Error::Full { stream: queue.stream.clone(), bound: queue.bound }),
            _ => Ok((number, is_new)),
        }
    }

    /// The entries after number `after`, oldest first, at most `count`.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn read(&self, key: &str, after: u64, count: usize) -> Result<Vec<LogEntry>, Error> {
        let mut range = redis::cmd("XRANGE");
        range.arg(key).arg(format!("({after}-0")).arg("+").arg("COUNT").arg(count);
        let entries = reply::entries(range.query_async(&mut self.bus.shared()).await?)?;
        Ok(entries.into_iter().map(|entry| LogEntry { number: entry.id.ms, data: entry.data }).collect())
    }

    /// The newest entries, newest first, at most `count`.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn newest(&self, key: &str, count: usize) -> Result<Vec<LogEntry>, Error> {
        let mut range = redis::cmd("XREVRANGE");
        range.arg(key).arg("+").arg("-").arg("COUNT").arg(count);
        let entries = reply::entries(range.query_async(&mut self.bus.shared()).await?)?;
        Ok(entries.into_iter().map(|entry| LogEntry { number: entry.id.ms, data: entry.data }).collect())
    }

    /// The entry that was appended under `id`, while the log keeps it.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn find(&self, key: &str, id: &str) -> Result<Option<LogEntry>, Error> {
        let mut score = redis::cmd("ZSCORE");
        let number: Option<u64> = score.arg(ids(key)).arg(id).query_async(&mut self.bus.shared()).await?;
        let Some(number) = number else { return Ok(None) };
        let found = self.read(key, number.saturating_sub(1), 1).await?;
        Ok(found.into_iter().next().filter(|entry| entry.number == number))
    }

    /// Removes a log.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn remove(&self, key: &str) -> Result<(), Error> {
        if let Some(recent) = &self.recent {
            recent.drop_log(key);
        }
        Ok(redis::cmd("DEL").arg(key).arg(ids(key)).query_async(&mut self.bus.shared()).await?)
    }

    /// Reads an announcement.
    #[must_use]
    pub fn announced(payload: &Bytes) -> Option<LogEntry> {
        let space = payload.iter().position(|byte| *byte == b' ')?;
        let number = std::str::from_utf8(&payload[..space]).ok()?.parse().ok()?;
        Some(LogEntry { number, data: payload.slice(space + 1..) })
    }
}

/// The ids of a log's entries, by number.
fn ids(key: &str) -> String {
    format!("{key}:ids")
}
