//! Why there is no file.

use bus::MediaKey;

/// A file that was not brought, put or had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// An envelope names something else than a file.
    #[error("`{0}` is no key of a file")]
    NotAKey(String),
    /// There is nothing under its key: its hour is over, or it never came.
    #[error("there is no file under {0} any more")]
    Gone(MediaKey),
    /// There is a record that says why there is no file.
    #[error("there is no file: {detail} ({code})")]
    Failed {
        /// Why, in a word.
        code: String,
        /// The same for people.
        detail: String,
    },
    /// What is there is no record of a file, or of another one than it is named after.
    #[error("what is under {key} is not the file: {why}")]
    Damaged {
        /// Its key.
        key: MediaKey,
        /// What is wrong with it.
        why: String,
    },
    /// It is longer than is taken.
    #[error("the file has {size} bytes; files are taken up to {max} (media.file_bytes_max)")]
    TooLarge {
        /// Its bytes.
        size: u64,
        /// Bytes that are taken.
        max: u64,
    },
    /// It is another one than the platform said.
    #[error("the file is another one than the platform said: its SHA-256 is {is}, not {should}")]
    Mismatch {
        /// SHA-256 of what came, in hex.
        is: String,
        /// What the platform says.
        should: String,
    },
    /// This gateway has put as much into Redis in the last hour as it may.
    #[error("there is no room for the file: {max} bytes were put in the last hour (media.inbound_bytes_max)")]
    NoRoom {
        /// The bound.
        max: u64,
    },
    /// The process ends.
    #[error("the gateway stopped before the file was fetched")]
    Stopping,
    /// It was not fetched.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// Redis did not take or give it.
    #[error(transparent)]
    Bus(#[from] bus::Error),
}

impl Error {
    /// The word for metrics and for the record, out of a short list.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAKey(_) => "not_a_key",
            Self::Gone(_) => "gone",
            Self::Failed { .. } => "failed",
            Self::Damaged { .. } => "damaged",
            Self::TooLarge { .. } => "too_large",
            Self::Mismatch { .. } => "mismatch",
            Self::NoRoom { .. } => "no_room",
            Self::Stopping => "stopping",
            Self::Fetch(error) => error.code(),
            Self::Bus(_) => "redis",
        }
    }

    /// The one question a caller asks: whether the same may go well in a moment.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Fetch(error) => error.is_passing(),
            Self::Bus(error) => error.next() == bus::Next::Retry,
            _ => false,
        }
    }
}
