//! Files on disk: each under the SHA-256 of its bytes, in one folder.
//!
//! Everything here blocks. A file is written beside its place and then moved there, so what has a name is whole; one that
//! is not (a disk that lies, a person) is found out when it is read, since its name says what has to be in it. What the
//! folder holds, and when it was used last, is read from its listing at the start, and no file for that.

use std::{
    fs::{DirBuilder, File, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use bytes::Bytes;

use super::{Digest, lru::Lru};

/// Only its owner may look into it, and into its files, wherever the folder was made: they are people's.
const PRIVATE: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;
/// Locked by who uses the folder.
const LOCK: &str = "lock";
/// What files end in that are being written. At the start none is, so those are left over.
const UNFINISHED: &str = ".unfinished";

/// See the module. Invariant: the bytes of all files, one that is being written among them, are at most the bound.
#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    held: Mutex<Lru<()>>,
    /// Held while files come and go, one at a time.
    changing: Mutex<()>,
    /// The folder is ours while this lives: what another process put there would not be counted.
    _lock: File,
}

/// What a read came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The file.
    Whole(Bytes),
    /// One that was there, and was not what its name says. It is gone.
    Damaged,
    Nothing,
}

impl Disk {
    /// Takes a folder over, made when it is missing.
    pub(super) fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(PRIVATE).create(folder)?;
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::other("another process uses it"),
            TryLockError::Error(error) => error,
        })?;
        let held = Mutex::new(Lru::new(bytes_max));
        let disk = Self { folder: folder.to_owned(), held, changing: Mutex::default(), _lock: lock };
        for (_, digest, size) in disk.listed()? {
            if disk.held().could_hold(size) {
                disk.make_room(size)?;
                disk.held().insert(digest, size, ());
            } else {
                std::fs::remove_file(disk.path(&digest))?;
            }
        }
        Ok(disk)
    }

    /// The files that are there, the one first that was not used for longest. What was left unfinished is removed; what is
    /// not ours is left alone.
    fn listed(&self) -> io::Result<Vec<(SystemTime, Digest, u64)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if let Some(digest) = Digest::read(name) {
                // Of the name itself: a link leads to something else.
                let about = entry.metadata()?;
                if about.is_file() {
                    files.push((about.modified()?, digest, about.len()));
                }
            } else if name.strip_suffix(UNFINISHED).is_some_and(|name| Digest::read(name).is_some()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    /// Reads a file, which is used by this.
    pub(super) fn get(&self, digest: &Digest) -> Found {
        let Some((_, size)) = self.held().get(digest) else { return Found::Nothing };
        match self.read(digest, size) {
            Ok(data) if Digest::of(&data) == *digest => Found::Whole(data),
            _ => {
                self.forget(digest);
                Found::Damaged
            }
        }
    }

    fn read(&self, digest: &Digest, size: u64) -> io::Result<Bytes> {
        let file = File::open(self.path(digest))?;
        let mut data = Vec::with_capacity(usize::try_from(size).map_err(io::Error::other)?);
        // One byte more than there should be tells that there are more.
        (&file).take(size + 1).read_to_end(&mut data)?;
        let _ = touch(&file);
        Ok(data.into())
    }

    /// Keeps a file, unless it is there or could never be.
    pub(super) fn put(&self, digest: &Digest, data: &[u8]) -> io::Result<()> {
        let size = data.len() as u64;
        let _changing = self.changing();
        {
            let mut held = self.held();
            if !held.could_hold(size) {
                return Ok(());
            }
            if held.get(digest).is_some() {
                drop(held);
                let _ = File::open(self.path(digest)).and_then(|file| touch(&file));
                return Ok(());
            }
        }
        self.make_room(size)?;
        let unfinished = self.folder.join(format!("{digest}{UNFINISHED}"));
        let written = self.write(&unfinished, data).and_then(|()| std::fs::rename(&unfinished, self.path(digest)));
        match written {
            Ok(()) => self.held().insert(*digest, size, ()),
            Err(_) => _ = std::fs::remove_file(&unfinished),
        }
        written
    }

    fn write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let mut file = File::options().write(true).create(true).truncate(true).mode(PRIVATE_FILE).open(path)?;
        file.write_all(data)?;
        touch(&file)
    }

    /// A file goes before it is forgotten: what is forgotten is not counted.
    fn make_room(&self, size: u64) -> io::Result<()> {
        loop {
            let Some(oldest) = self.held().in_the_way(size) else { return Ok(()) };
            remove(&self.path(&oldest))?;
            self.held().remove(&oldest);
        }
    }

    fn forget(&self, digest: &Digest) {
        let _changing = self.changing();
        if remove(&self.path(digest)).is_ok() {
            self.held().remove(digest);
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.held().bytes()
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(digest.to_string())
    }

    fn held(&self) -> MutexGuard<'_, Lru<()>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes a use, for the order after the next start; the system's own time of a write is a coarse one. Where it cannot be
/// noted, that order is a little off.
fn touch(file: &File) -> io::Result<()> {
    file.set_modified(SystemTime::now())
}

/// One that is not there any more is as good.
fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
