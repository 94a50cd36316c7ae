//! Files that come with messages, and files that go with answers. Streams are for words: a file travels beside them, under
//! a key of its own ([`MediaKey`]), as `docs/wire.md` says.
//!
//! A platform that meets an attachment calls [`Media::inbound`], which answers at once, and puts the key that it gets into the
//! envelope; the file is fetched behind its back, before a signed link expires. Bytes that are in hand go by [`Media::upload`].
//! An action whose file is not in its envelope gets it by [`Media::outbound`].
//!
//! Files are kept by what is in them ([`Cache`]), so that one that is sent again is not fetched again.

mod budget;
mod cache;
mod digest;
mod disk;
mod error;
mod fetching;
mod inbound;
mod lru;
mod name;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bus::{Bus, MediaKey};
use bytes::Bytes;
use codec::{MediaRecord, MediaRecordView, limits};
use fetch::{Allow, Fetcher, Policy};
use service::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use budget::Budget;
pub use cache::Cache;
pub use digest::Digest;
pub use error::Error;
pub use fetching::Fetching;
use inbound::Queued;
pub use inbound::{Place, Wanted};
pub use name::file_name;

/// How long a file stays in Redis: a worker waits for it for a part of that, and a turn that is tried again as well.
const TTL: Duration = Duration::from_secs(3600);

/// Files of actions that are held at once, of all platforms: `file_bytes_max` each.
const OUTBOUND_MAX: usize = 16;

/// See the module. Clones are the same.
#[derive(Debug, Clone)]
pub struct Media {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Queued>,
    outbound: Arc<Semaphore>,
}

/// Leave to hold a file of an action in memory, for as long as it is kept.
#[derive(Debug)]
pub struct Leave(#[expect(dead_code, reason = "its drop gives it back")] Option<OwnedSemaphorePermit>);

/// What platforms and fetching share.
#[derive(Debug)]
struct Shared {
    store: bus::Media,
    cache: Cache,
    fetcher: Fetcher,
    budget: Mutex<Budget>,
    file_bytes_max: u64,
    inbound_bytes_max: u64,
    put_bytes: metrics::Gauge,
}

impl Media {
    /// The settings that cannot be used.
    pub(crate) fn refuse(settings: &service::Media) -> Vec<Problem> {
        let fault = |entry: &String| entry.parse::<Allow>().err();
        let problem = |message| Problem { place: "media.allow".into(), message };
        settings.allow.iter().filter_map(fault).map(problem).collect()
    }

    /// Files on this bus, and the work of fetching them, without which none comes.
    ///
    /// # Errors
    /// When nothing could ever be fetched on this machine.
    pub async fn open(bus: Bus, settings: &service::Media) -> Result<(Self, Fetching), Error> {
        let file_bytes_max = settings.file_bytes_max.as_u64().min(limits::FILE_BYTES as u64);
        let fetcher = Fetcher::new(Policy {
            // What cannot be read was refused before.
            allow: settings.allow.iter().filter_map(|entry| entry.parse().ok()).collect(),
            allow_setting: "media.allow",
            is_http_allowed: true,
            bytes_max: usize::try_from(file_bytes_max).unwrap_or(limits::FILE_BYTES),
            redirects_max: REDIRECTS_MAX,
            connect_timeout: settings.connect_timeout,
            read_timeout: settings.read_timeout,
            total_timeout: settings.total_timeout,
        })?;
        let folder = settings.folder.as_deref();
        let cache = Cache::open(folder, settings.disk_bytes.as_u64(), settings.memory_bytes.as_u64()).await;
        let inbound_bytes_max = settings.inbound_bytes_max.as_u64();
        let shared = Arc::new(Shared {
            store: bus::Media::new(bus),
            cache,
            fetcher,
            budget: Mutex::new(Budget::new(inbound_bytes_max, TTL)),
            file_bytes_max,
            inbound_bytes_max,
            put_bytes: metrics::gauge!("stargazer_media_put_bytes"),
        });
        let (queue, waiting) = mpsc::channel(settings.queue_entries);
        let fetching = Fetching::new(Arc::clone(&shared), waiting, settings.fetches_max);
        Ok((Self { shared, queue, outbound: Arc::new(Semaphore::new(OUTBOUND_MAX)) }, fetching))
    }

    /// Has an attachment fetched, and gives the key under which it, or why it is not there, will stand. `None`: too many wait
    /// already (or its address is too long for an envelope), and nothing will stand anywhere; the envelope then has the
    /// attachment without a key.
    #[must_use]
    pub fn inbound(&self, wanted: Wanted) -> Option<MediaKey> {
        let queued = wanted.queued(self.shared.store.names());
        if queued.is_none() {
            count("address");
        }
        let queued = queued?;
        let key = queued.key.clone();
        let is_taken = self.queue.try_send(queued).is_ok();
        if !is_taken {
            count("queue_full");
        }
        is_taken.then_some(key)
    }

    /// Puts a file that is in hand. Whoever calls bounds how many are at once.
    ///
    /// # Errors
    /// When it is too large, there is no room for it, or Redis did not take it.
    pub async fn upload(&self, place: &Place, mimetype: &str, data: Bytes) -> Result<MediaKey, Error> {
        let key = place.key(self.shared.store.names());
        let put = self.shared.upload(&key, mimetype, data).await;
        count(put.as_ref().map_or_else(Error::code, |()| "uploaded"));
        put.map(|()| key)
    }

    /// Waits until one more file of an action may be held.
    pub async fn leave(&self) -> Leave {
        // Never closed.
        Leave(Arc::clone(&self.outbound).acquire_owned().await.ok())
    }

    /// The file under the `media_key` of an action. Whoever asks holds a [`Leave`] for as long as the file.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn outbound(&self, media_key: &str) -> Result<Bytes, Error> {
        let shared = &*self.shared;
        let key = MediaKey::read(media_key).ok_or_else(|| Error::NotAKey(media_key.to_owned()))?;
        let named = key.sha256().and_then(Digest::read);
        if let Some(digest) = &named
            && let Some(data) = shared.cache.get(digest).await
        {
            return Ok(data);
        }
        let record = shared.store.get(&key, limits::MEDIA_BYTES).await?.ok_or_else(|| Error::Gone(key.clone()))?;
        let damaged = |why: String| Error::Damaged { key: key.clone(), why };
        let view = MediaRecordView::decode(&record).map_err(|error| damaged(error.to_string()))?;
        if let Some(code) = view.error {
            return Err(Error::Failed { code: code.to_owned(), detail: view.detail.to_owned() });
        }
        let data = record.slice_ref(view.data);
        let digest = Digest::of_apart(&data).await.ok_or(Error::Stopping)?;
        if let Some(named) = named.filter(|named| *named != digest) {
            return Err(damaged(format!("its SHA-256 is {digest}, not {named}")));
        }
        shared.cache.put(&digest, &data).await;
        Ok(data)
    }
}

/// Redirects that are followed: media hosts have one or two.
const REDIRECTS_MAX: u32 = 5;

impl Shared {
    async fn upload(&self, key: &MediaKey, mimetype: &str, data: Bytes) -> Result<(), Error> {
        self.check_size(data.len() as u64)?;
        let digest = Digest::of_apart(&data).await.ok_or(Error::Stopping)?;
        self.put_file(key, mimetype, &data, &digest).await
    }

    fn check_size(&self, size: u64) -> Result<(), Error> {
        let max = self.file_bytes_max;
        if size <= max { Ok(()) } else { Err(Error::TooLarge { size, max }) }
    }

    /// Puts a file, and keeps it: in this order, since somebody waits for it.
    async fn put_file(&self, key: &MediaKey, mimetype: &str, data: &Bytes, digest: &Digest) -> Result<(), Error> {
        let record = MediaRecord {
            mimetype: cut(mimetype).to_owned(),
            size: data.len() as u64,
            sha256: Some(digest.to_string()),
            data: data.clone(),
            ..MediaRecord::default()
        };
        self.put(key, record).await?;
        self.cache.put(digest, data).await;
        Ok(())
    }

    /// Says under a key why there is no file.
    async fn put_failure(&self, wanted: &Queued, why: &Error) -> Result<(), Error> {
        let record = MediaRecord {
            mimetype: wanted.mimetype.clone(),
            size: wanted.size,
            error: Some(why.code().to_owned()),
            detail: cut(&why.to_string()).to_owned(),
            ..MediaRecord::default()
        };
        self.put(&wanted.key, record).await
    }

    async fn put(&self, key: &MediaKey, record: MediaRecord) -> Result<(), Error> {
        let (size, is_failure) = (record.encoded_len() as u64, record.error.is_some());
        {
            let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
            if !budget.take(size, is_failure) {
                return Err(Error::NoRoom { max: self.inbound_bytes_max });
            }
            self.put_bytes.set(budget.bytes() as f64);
        }
        // A large one is copied.
        let record = apart(move || record.to_bytes()).await.ok_or(Error::Stopping)?;
        Ok(self.store.put(key, &record, TTL).await?)
    }
}

/// As much of a text as a field for names has.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(limits::NAME_BYTES)]
}

/// What became of a file.
fn count(result: &'static str) {
    metrics::counter!("stargazer_media_files_total", "result" => result).increment(1);
}

/// Does what takes long or blocks where it holds up nobody. `None` when the runtime ends.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use service::{Settings, Source};

    use super::*;

    #[test]
    fn what_is_no_host_and_no_network_is_refused() {
        let environment =
            [("SG_MEDIA__ALLOW".to_owned(), "10.0.0.0/8, files.example, http://a, 10.0.0.0/33".to_owned())];
        let settings = Settings::read(Source::new(None, &BTreeMap::from(environment))).unwrap();
        let problems: Vec<_> = Media::refuse(&settings.media).iter().map(ToString::to_string).collect();
        let expected = |entry| {
            format!(
                "media.allow: is `{entry}`, but has to be a host like files.example.org or a network like 10.0.0.0/8"
            )
        };
        assert_eq!(problems, [expected("http://a"), expected("10.0.0.0/33")]);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let text = "é".repeat(limits::NAME_BYTES);
        assert_eq!(cut(&text).len(), limits::NAME_BYTES);
        assert_eq!(cut(&format!("x{text}")).len(), limits::NAME_BYTES - 1);
        assert_eq!(cut("text/plain"), "text/plain");
    }
}
