//! Files by what is in them: in memory, and behind that on disk.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::{
    Digest, apart,
    disk::{Disk, Found},
    lru::Lru,
};

/// See the module. Nothing depends on it: what cannot be kept is fetched again. Clones are the same.
#[derive(Clone)]
pub struct Cache(Arc<Tiers>);

struct Tiers {
    memory: Mutex<Lru<Bytes>>,
    disk: Option<Disk>,
    memory_bytes: metrics::Gauge,
    disk_bytes: metrics::Gauge,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("disk", &self.0.disk).finish_non_exhaustive()
    }
}

impl Cache {
    /// A cache with these bounds. One whose folder cannot be used, or has 0 bytes, is in memory alone.
    pub async fn open(folder: Option<&Path>, disk_bytes: u64, memory_bytes: u64) -> Self {
        let disk = match folder.filter(|_| disk_bytes > 0) {
            Some(folder) => {
                let path = folder.to_owned();
                match apart(move || Disk::open(&path, disk_bytes)).await {
                    Some(Ok(disk)) => Some(disk),
                    Some(Err(error)) => {
                        let folder = folder.display();
                        tracing::warn!(%folder, %error, "no files are kept on disk: the folder cannot be used; name another one (media.folder)");
                        None
                    }
                    None => None,
                }
            }
            None => {
                if disk_bytes > 0 {
                    tracing::info!("files are kept in memory alone: there is no folder for them (media.folder)");
                }
                None
            }
        };
        let bytes = |tier: &'static str| metrics::gauge!("stargazer_media_cache_bytes", "tier" => tier);
        let memory = Mutex::new(Lru::new(memory_bytes));
        let cache = Self(Arc::new(Tiers { memory, disk, memory_bytes: bytes("memory"), disk_bytes: bytes("disk") }));
        cache.0.measure();
        cache
    }

    /// The file of this name, which is used by this.
    pub async fn get(&self, digest: &Digest) -> Option<Bytes> {
        let in_memory = self.0.memory().get(digest).map(|(data, _)| data.clone());
        if in_memory.is_some() {
            count("memory");
            return in_memory;
        }
        let (tiers, digest) = (Arc::clone(&self.0), *digest);
        let found = match tiers.disk {
            Some(_) => apart(move || tiers.disk.as_ref().map(|disk| disk.get(&digest))).await.flatten(),
            None => None,
        };
        let (result, data) = match found {
            Some(Found::Whole(data)) => ("disk", Some(data)),
            Some(Found::Damaged) => ("damaged", None),
            Some(Found::Nothing) | None => ("miss", None),
        };
        count(result);
        if let Some(data) = &data {
            self.0.remember(&digest, data);
        }
        self.0.measure();
        data
    }

    /// Keeps a file, whose name this has to be.
    pub async fn put(&self, digest: &Digest, data: &Bytes) {
        self.0.remember(digest, data);
        if self.0.disk.is_some() {
            let (tiers, digest, data) = (Arc::clone(&self.0), *digest, data.clone());
            apart(move || {
                if let Some(Err(error)) = tiers.disk.as_ref().map(|disk| disk.put(&digest, &data)) {
                    tracing::warn!(%error, "a file is not kept on disk (media.folder)");
                }
            })
            .await;
        }
        self.0.measure();
    }
}

impl Tiers {
    fn remember(&self, digest: &Digest, data: &Bytes) {
        let size = data.len() as u64;
        let mut memory = self.memory();
        if memory.could_hold(size) {
            while let Some(oldest) = memory.in_the_way(size) {
                memory.remove(&oldest);
            }
            memory.insert(*digest, size, data.clone());
        }
    }

    fn measure(&self) {
        self.memory_bytes.set(self.memory().bytes() as f64);
        self.disk_bytes.set(self.disk.as_ref().map_or(0, Disk::bytes) as f64);
    }

    fn memory(&self) -> MutexGuard<'_, Lru<Bytes>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(result: &'static str) {
    metrics::counter!("stargazer_media_cache_reads_total", "result" => result).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(byte: u8, size: usize) -> (Digest, Bytes) {
        let data = Bytes::from(vec![byte; size]);
        (Digest::of(&data), data)
    }

    #[tokio::test]
    async fn what_leaves_memory_is_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path()), 1000, 100).await;
        let (a, b, large) = (file(1, 60), file(2, 60), file(3, 500));
        for (digest, data) in [&a, &b, &large] {
            cache.put(digest, data).await;
        }
        assert_eq!(cache.0.memory().bytes(), 60, "the large one pushed nothing out");
        for (digest, data) in [&a, &b, &large] {
            assert_eq!(cache.get(digest).await.as_ref(), Some(data));
        }
        assert!(cache.0.memory().bytes() <= 100);
        drop(cache);
        let again = Cache::open(Some(folder.path()), 1000, 100).await;
        assert_eq!(again.get(&large.0).await, Some(large.1));
    }

    #[tokio::test]
    async fn without_a_folder_there_is_memory() {
        let file_in_the_way = tempfile::NamedTempFile::new().unwrap();
        let (digest, data) = file(1, 60);
        for folder in [None, Some(file_in_the_way.path())] {
            let cache = Cache::open(folder, 1000, 100).await;
            cache.put(&digest, &data).await;
            assert_eq!(cache.get(&digest).await.as_ref(), Some(&data));
            cache.put(&file(2, 60).0, &file(2, 60).1).await;
            assert_eq!(cache.get(&digest).await, None);
        }
    }
}
