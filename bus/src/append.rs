//! Appending entries to streams.

use bytes::Bytes;

use crate::{Bus, EntryId, Error, unix_ms};

/// Entries that one pipeline carries at most; 16 are enough to spread the cost of a round trip.
const BATCH_MAX: usize = 256;

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

/// Appends to streams.
#[derive(Debug, Clone)]
pub struct Producer {
    bus: Bus,
}

impl Producer {
    /// A producer on this bus.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self { bus }
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
        let mut connection = self.bus.shared();
        for batch in entries.chunks(BATCH_MAX) {
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
            let answered: Vec<String> = pipe.query_async(&mut connection).await?;
            for id in answered {
                ids.push(id.parse()?);
            }
        }
        Ok(ids)
    }
}
