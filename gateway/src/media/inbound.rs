//! What a platform says of a file that came with a message.

use std::fmt;

use bus::{MediaKey, Names};

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
    pub sha256: Option<super::Digest>,
}

/// What waits to be fetched.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) key: MediaKey,
    pub(super) wanted: Wanted,
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
