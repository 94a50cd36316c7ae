//! Whether bytes are UTF-8: at once for the short ASCII that ids, names and keys are, by `simdutf8` for the rest.

/// Up to here a text is looked at without a call.
const SHORT: usize = 64;
/// Up to here it is worth a look whether a text is ASCII before it is checked for more.
const MIDDLE: usize = 512;

/// The bits that no byte of ASCII has.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The text that `bytes` are, if they are UTF-8: what `std::str::from_utf8` says, sooner.
#[must_use]
#[inline(always)]
pub fn utf8(bytes: &[u8]) -> Option<&str> {
    if bytes.len() <= SHORT && short(bytes) & HIGH == 0 {
        // SAFETY: ASCII is UTF-8.
        return Some(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    longer(bytes)
}

#[inline(never)]
fn longer(bytes: &[u8]) -> Option<&str> {
    if bytes.len() > SHORT && bytes.len() <= MIDDLE && middle(bytes) & HIGH == 0 {
        // SAFETY: ASCII is UTF-8.
        return Some(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    simdutf8::basic::from_utf8(bytes).ok()
}

/// The bits of up to [`SHORT`] bytes, laid over one another in words that overlap.
#[inline(always)]
fn short(bytes: &[u8]) -> u64 {
    ends::<32>(bytes)
        .or_else(|| ends::<16>(bytes))
        .or_else(|| ends::<8>(bytes))
        .unwrap_or_else(|| bytes.iter().fold(0, |all, byte| all | u64::from(*byte)))
}

/// The same of more than [`SHORT`] bytes.
fn middle(bytes: &[u8]) -> u64 {
    let (chunks, _) = bytes.as_chunks::<SHORT>();
    chunks.iter().chain(bytes.last_chunk()).fold(0, |all, chunk| all | words(chunk))
}

/// The bits of the first and the last `N` bytes.
#[inline(always)]
fn ends<const N: usize>(bytes: &[u8]) -> Option<u64> {
    Some(words::<N>(bytes.first_chunk()?) | words::<N>(bytes.last_chunk()?))
}

/// The bits of `N` bytes, a multiple of 8.
#[inline(always)]
fn words<const N: usize>(bytes: &[u8; N]) -> u64 {
    const { assert!(N.is_multiple_of(8)) };
    bytes.as_chunks().0.iter().fold(0, |all, word| all | u64::from_ne_bytes(*word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    fn agree(bytes: &[u8]) {
        assert_eq!(utf8(bytes), std::str::from_utf8(bytes).ok(), "{bytes:02x?}");
    }

    /// Every length at which another way is taken, with one byte in every place that is no ASCII.
    #[test]
    fn a_byte_that_is_no_ascii_is_seen_wherever_it_is() {
        for length in 0..=MIDDLE + 80 {
            let mut bytes = vec![b'a'; length];
            agree(&bytes);
            for place in 0..length {
                bytes[place] = 0x80;
                assert_eq!(utf8(&bytes), None, "{place} of {length}");
                bytes[place] = b'a';
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_what_std_says(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(utf8(&bytes), std::str::from_utf8(&bytes).ok());
        }

        #[test]
        fn any_text_is_text(text in "[a-zäß€🤔]{0,700}") {
            prop_assert_eq!(utf8(text.as_bytes()), Some(text.as_str()));
            // A character cut in two.
            agree(&text.as_bytes()[..text.len() - usize::from(!text.is_empty())]);
        }
    }
}
