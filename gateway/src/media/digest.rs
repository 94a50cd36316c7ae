//! What names a file: the SHA-256 of its bytes.

use std::fmt;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::apart;

/// Shown and read in lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of these bytes.
    #[must_use]
    pub fn of(data: &[u8]) -> Self {
        Self(Sha256::digest(data).into())
    }

    /// The same without holding up others: of a large file it takes a while.
    pub(crate) async fn of_apart(data: &Bytes) -> Option<Self> {
        let data = data.clone();
        apart(move || Self::of(&data)).await
    }

    /// Reads 64 hex digits in lower case.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut digest = [0; 32];
        if pairs.len() != digest.len() {
            return None;
        }
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_shown() {
        let digest = Digest::of(b"E0425\n");
        assert_eq!(digest.to_string(), "199eb18cb5837b9b01d8aaea0b5c2eef0d395288e0b7a1dedd6b511b2fa2efe1");
        assert_eq!(Digest::read(&digest.to_string()), Some(digest));
        let text = digest.to_string();
        for bad in ["", "00", &text[1..], &text.to_uppercase(), &format!("{text}00"), &text.replace('9', "é")] {
            assert_eq!(Digest::read(bad), None, "{bad}");
        }
    }
}
