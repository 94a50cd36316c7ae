//! Appending entries to streams.

use std::collections::HashMap;

use bytes::Bytes;
use redis::Value;

use crate::{Bus, EntryId, Error, Recent, Role, Shard, unix_ms};

/// One entry to be appended: the contract's three fields (`ts` is filled in on the way).
#[derive(Debug, Clone)]
pub struct Entry {
    /// Name of the stream.
    pub stream: String,
    /// The envelope.
    pub data: Bytes,
    /// `UUIDv7` text.
    pub trace_id: String,
}

/// What became of a batch.
#[derive(Debug)]
pub struct Batch {
    /// The id of each entry, in the batch's order, or why Redis refused it.
    pub ids: Vec<Result<EntryId, Error>>,
    /// How long each stream was afterwards.
    pub lengths: HashMap<String, u64>,
}

/// Appends to streams.
#[derive(Debug, Clone)]
pub struct Producer {
    bus: Bus,
    recent: Option<Recent>,
}

impl Producer {
    /// Entries that one pipeline carries at most; 16 are enough to spread the cost of a round trip.
    pub const BATCH_MAX: usize = 256;

    /// A producer on this bus.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self { bus, recent: None }
    }

    /// A producer whose appends are done again where Redis forgot them.
    #[must_use]
    pub fn with_recent(self, recent: Recent) -> Self {
        Self { recent: Some(recent), ..self }
    }

    /// Appends in the given order, in as few round trips as the batch size allows, and returns the ids that Redis gave.
    ///
    /// A bare `XADD` each: when this fails, some may have been appended. Appending all of them again is harmless, since a
    /// copy of an event is recognised by its cause when its turn starts.
    ///
    /// # Errors
    /// When Redis did not answer or refused.
    pub async fn append(&self, entries: &[Entry]) -> Result<Vec<EntryId>, Error> {
        let mut ids = Vec::with_capacity(entries.len());
        for batch in entries.chunks(Self::BATCH_MAX) {
            for id in self.send(batch, &[]).await?.0 {
                ids.push(id?);
            }
        }
        Ok(ids)
    }

    /// Appends at most [`Producer::BATCH_MAX`] entries in one round trip. What was refused is told of each entry, since the
    /// others were appended all the same: an entry that Redis will never take must not be the reason why its neighbours are
    /// appended again and again.
    ///
    /// # Errors
    /// When Redis did not answer: then what became of each is unknown, and appending all of them again is harmless.
    pub async fn append_each(&self, batch: &[Entry]) -> Result<Batch, Error> {
        let mut streams: Vec<&str> = batch.iter().map(|entry| entry.stream.as_str()).collect();
        streams.sort_unstable();
        streams.dedup();
        let (ids, lengths) = self.send(batch, &streams).await?;
        let lengths = streams.into_iter().map(str::to_owned).zip(lengths).collect();
        Ok(Batch { ids, lengths })
    }

    /// How many entries of a role's stream are not finished, as far as that is asked: the length counts more, but is cheap,
    /// so while it is below the bound it is the answer.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn unfinished(&self, role: &Role, shard: Shard, bound: u64) -> Result<u64, Error> {
        let stream = self.bus.names().stream(role, shard);
        let length: u64 = redis::cmd("XLEN").arg(&stream).query_async(&mut self.bus.shared()).await?;
        if length < bound {
            return Ok(length);
        }
        let lag = self.bus.lag(role, shard, unix_ms()).await?;
        Ok(lag.unread.map_or(lag.length, |unread| unread + lag.pending))
    }

    async fn send(&self, batch: &[Entry], measured: &[&str]) -> Result<(Vec<Result<EntryId, Error>>, Vec<u64>), Error> {
        const STEP: &str = "an append";
        let mut pipe = redis::pipe();
        let ts = unix_ms();
        for entry in batch {
            pipe.cmd("XADD")
                .arg(&entry.stream)
                .arg("*")
                .arg("data")
                .arg(entry.data.as_ref())
                .arg("ts")
                .arg(ts)
                .arg("trace_id")
                .arg(&entry.trace_id);
        }
        for stream in measured {
            pipe.cmd("XLEN").arg(stream);
        }
        pipe.ignore_errors();
        let armed = self.bus.arm().await?;
        let answered: Vec<Value> = pipe.query_async(&mut self.bus.shared()).await?;
        if answered.len() != batch.len() + measured.len() {
            return Err(Error::Reply { step: STEP });
        }
        let mut answered = answered.into_iter();
        let id = |answer| match answer {
            Value::ServerError(error) => Err(Error::from(redis::RedisError::from(error))),
            Value::BulkString(id) => String::from_utf8_lossy(&id).parse(),
            Value::SimpleString(id) => id.parse(),
            _ => Err(Error::Reply { step: STEP }),
        };
        let ids: Vec<Result<EntryId, Error>> = answered.by_ref().take(batch.len()).map(id).collect();
        if let Some(recent) = &self.recent {
            for (entry, id) in batch.iter().zip(&ids) {
                if let Ok(id) = id {
                    recent.note(*id, entry);
                }
            }
        }
        let length = |answer| match answer {
            Value::Int(length) => u64::try_from(length).unwrap_or(0),
            // No stream of that name has a length; the append has told why.
            _ => 0,
        };
        armed.replicated().await?;
        Ok((ids, answered.map(length).collect()))
    }
}
