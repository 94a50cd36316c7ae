//! What a platform says of a file that came with a message.

use std::fmt;

use bus::{MediaKey, Names};
use codec::limits;

use super::{Digest, cut};

/// Where a file belongs, which makes its key.
#[derive(Debug, Clone)]
pub struct Place {
    /// The lane of its message.
    pub channel_key: String,
    /// The identity of its message.
    pub event_id: String,
    /// Its place among the attachments, from 0.
    pub index: usize,
}

/// A file that is to be fetched.
#[derive(Clone)]
pub struct Wanted {
    /// Where it belongs.
    pub place: Place,
    /// Where it is: `source_url` of the attachment. Often signed, so it is never shown.
    pub url: String,
    /// Its media type, as the platform says; empty where it does not.
    pub mimetype: String,
    /// Its bytes, as the platform says; 0 where it does not. One that is too large is not even asked for.
    pub size: u64,
    /// What names it, where the platform says so: one that was kept is not fetched again, and another one is refused.
    pub sha256: Option<Digest>,
}

/// What waits to be fetched: of each text as much as an envelope holds of it, so that a number of them is a number of bytes.
pub(super) struct Queued {
    pub(super) key: MediaKey,
    pub(super) url: String,
    pub(super) mimetype: String,
    pub(super) size: u64,
    pub(super) sha256: Option<Digest>,
}

impl Wanted {
    /// What has to be known of it in the queue. `None` where its address is longer than any that an envelope holds.
    pub(super) fn queued(self, names: &Names) -> Option<Queued> {
        let Self { place, url, mimetype, size, sha256 } = self;
        let mimetype = cut(&mimetype).to_owned();
        (url.len() <= limits::URL_BYTES).then(|| Queued { key: place.key(names), url, mimetype, size, sha256 })
    }
}

impl Place {
    pub(super) fn key(&self, names: &Names) -> MediaKey {
        MediaKey::inbound(names, names.shards.of(&self.channel_key), &self.event_id, self.index)
    }
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wanted").field("place", &self.place).field("size", &self.size).finish_non_exhaustive()
    }
}

impl fmt::Debug for Queued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queued").field("key", &self.key).field("size", &self.size).finish_non_exhaustive()
    }
}
