//! Files of chats: kept in Redis for a while, so that any gateway serves them, the oldest let go where they become too many.

use std::sync::Arc;

use bus::{Bus, Error, MediaKey, Shelf};
use bytes::Bytes;
use codec::{MediaRecord, limits};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::media::{Digest, file_name};

/// Files that come with one message.
pub(super) const FILES_MAX: usize = 8;

/// Files that this gateway holds in memory at once, on their way up or down.
const TRANSFERS_MAX: usize = 16;

/// A file as a log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChatFile {
    /// SHA-256 of the bytes, in hex.
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) mimetype: String,
    /// In bytes.
    pub(super) size: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Files {
    bus: Bus,
    store: bus::Media,
    shelf: Shelf,
    /// Files that are held at once, on their way up or down.
    transfers: Arc<Semaphore>,
    /// Of one file.
    pub(super) bytes_max: u64,
}

impl Files {
    pub(super) fn new(bus: &Bus, platform: &str, settings: &service::WebChat) -> Self {
        let room = settings.files_bytes.as_u64() / bus.names().shards.count() as u64 / FILES_MAX as u64;
        let bytes_max = settings.file_bytes_max.as_u64().min(limits::FILE_BYTES as u64).min(room);
        let shelf = Shelf::new(bus.clone(), platform, settings.files_bytes.as_u64(), settings.files_ttl);
        let transfers = Arc::new(Semaphore::new(TRANSFERS_MAX));
        Self { bus: bus.clone(), store: bus::Media::new(bus.clone()), shelf, transfers, bytes_max }
    }

    /// Leave to hold a file in memory. None where as many are held as may be.
    pub(super) fn transfer(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.transfers).try_acquire_owned().ok()
    }

    /// Where a chat's file is. What is the same in another chat is another file: who has one may not ask for the other.
    pub(super) fn key(&self, lane: &str, id: &str) -> MediaKey {
        let names = self.bus.names();
        MediaKey::inbound(names, names.shards.of(lane), &format!("{lane}:{id}"), 0)
    }

    /// Keeps a file. The same one again is kept once, for as long anew.
    pub(super) async fn keep(&self, lane: &str, name: &str, mimetype: &str, data: Bytes) -> Result<ChatFile, Error> {
        let digest = Digest::of_apart(&data).await;
        let id = digest.ok_or_else(|| Error::Unreachable("the process stops".into()))?.to_string();
        let (key, size) = (self.key(lane, &id), data.len() as u64);
        let mimetype = cut(mimetype).to_owned();
        let record =
            MediaRecord { mimetype: mimetype.clone(), size, sha256: Some(id.clone()), data, ..MediaRecord::default() };
        let gone = self.shelf.make_room(self.bus.names().shards.of(lane), &key, size).await?;
        metrics::counter!("stargazer_webchat_files_dropped_total").increment(gone as u64);
        self.store.put(&key, &record.to_bytes(), self.shelf.ttl()).await?;
        Ok(ChatFile { id, name: cut(&file_name(name)).to_owned(), mimetype, size })
    }

    /// A file's record, while it is kept.
    pub(super) async fn get(&self, lane: &str, id: &str) -> Result<Option<Bytes>, Error> {
        if Digest::read(id).is_none() {
            return Ok(None);
        }
        self.store.get(&self.key(lane, id), limits::MEDIA_BYTES).await
    }

    /// Lets files go.
    pub(super) async fn remove(&self, lane: &str, ids: impl Iterator<Item = String>) -> Result<(), Error> {
        let keys: Vec<MediaKey> = ids.map(|id| self.key(lane, &id)).collect();
        self.shelf.remove(&keys).await
    }
}

/// As much of a name as an envelope holds.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(limits::NAME_BYTES)]
}
