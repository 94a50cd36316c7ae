//! msgpack bytes into a buffer of the caller's, and their exact number beforehand.
//!
//! Each `put_*` writes the shortest form and has a `*_size` that says how many bytes that is; a test holds the two
//! together. The caller has reserved the room. Lengths are those of a validated envelope, so none comes near 32 bits.

use crate::out::{Head, Key, Out};
use crate::schema::Field;

/// Bytes of a text of `length` bytes.
#[inline(always)]
pub(crate) const fn text_size(length: usize) -> usize {
    length + if length < 32 { 1 } else { bin_head(length) }
}

/// Bytes of a binary of `length` bytes.
#[inline(always)]
pub(crate) const fn bin_size(length: usize) -> usize {
    length + bin_head(length)
}

const fn bin_head(length: usize) -> usize {
    match length {
        0..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    }
}

/// Bytes of an unsigned integer.
pub(crate) const fn uint_size(value: u64) -> usize {
    match value {
        0..=0x7f => 1,
        0x80..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

/// Bytes of a float, which always travels as 64 bits.
pub(crate) const FLOAT_SIZE: usize = 9;

/// Bytes in front of a list of `items` items, or a map of as many pairs.
pub(crate) const fn head_size(items: usize) -> usize {
    match items {
        0..=15 => 1,
        16..=0xffff => 3,
        _ => 5,
    }
}

#[inline(always)]
pub(crate) fn put_nil(out: &mut impl Out, key: &'static Key) {
    out.array(key, [0xc0]);
}

#[inline(always)]
pub(crate) fn put_text(out: &mut impl Out, key: &'static Key, text: &str) {
    out.text(key, text);
}

#[inline(always)]
pub(crate) fn put_bin(out: &mut impl Out, key: &'static Key, bytes: &[u8]) {
    out.bytes(key, Head::bin(bytes.len()), bytes);
}

#[inline(always)]
pub(crate) fn put_bool(out: &mut impl Out, key: &'static Key, value: bool) {
    out.array(key, [0xc2 | u8::from(value)]);
}

#[inline(always)]
pub(crate) fn put_uint(out: &mut impl Out, key: &'static Key, value: u64) {
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    match value {
        0..=0x7f => out.array(key, [h]),
        0x80..=0xff => out.array(key, [0xcc, h]),
        0x100..=0xffff => out.array(key, [0xcd, g, h]),
        0x1_0000..=0xffff_ffff => out.array(key, [0xce, e, f, g, h]),
        _ => out.array(key, [0xcf, a, b, c, d, e, f, g, h]),
    }
}

#[inline(always)]
pub(crate) fn put_float(out: &mut impl Out, key: &'static Key, value: f64) {
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    out.array(key, [0xcb, a, b, c, d, e, f, g, h]);
}

#[inline(always)]
pub(crate) fn put_list(out: &mut impl Out, key: &'static Key, items: usize) {
    let [a, b, c, d] = (items as u32).to_be_bytes();
    match items {
        0..=15 => out.array(key, [0x90 | d]),
        16..=0xffff => out.array(key, [0xdc, c, d]),
        _ => out.array(key, [0xdd, a, b, c, d]),
    }
}

/// The head of a map whose fields are known, and not how many of them will be written. It is guessed and set when all
/// are, which spares counting them beforehand; a map for which the guess was wrong is written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MapHead {
    /// At most 15 pairs.
    Short,
    /// At least 16.
    Long,
}

impl MapHead {
    /// Those that are always written are about half of what an envelope has.
    pub(crate) const fn guess(fields: &[Field]) -> Self {
        let (mut always, mut at) = (0, 0);
        while at < fields.len() {
            always += fields[at].is_always_written() as usize;
            at += 1;
        }
        if fields.len() > 15 && always > 10 { Self::Long } else { Self::Short }
    }

    /// Leaves room for the head, and says where.
    #[inline(always)]
    pub(crate) fn leave(self, key: &'static Key, out: &mut impl Out) -> usize {
        let place = out.place() + key.len();
        match self {
            Self::Short => out.array(key, [0]),
            Self::Long => out.array(key, [0; 3]),
        }
        place
    }

    /// Sets it. Otherwise, the head that it should have been.
    #[inline(always)]
    pub(crate) fn set(self, place: usize, pairs: usize, out: &mut impl Out) -> Result<(), Self> {
        match (self, pairs) {
            (Self::Short, ..=15) => out.set(place, [0x80 | pairs as u8]),
            (Self::Long, 16..) => out.set(place, [0xde, (pairs >> 8) as u8, pairs as u8]),
            (Self::Short, _) => return Err(Self::Long),
            (Self::Long, _) => return Err(Self::Short),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Around every length at which the form changes.
    const EDGES: [usize; 12] = [0, 15, 16, 31, 32, 127, 128, 255, 256, 65_535, 65_536, 70_000];

    fn written(put: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out);
        out
    }

    #[test]
    fn sizes_are_what_is_written_and_bytes_are_those_of_rmp() {
        for n in EDGES {
            let text = "x".repeat(n);
            let ours = written(|out| put_text(out, Key::NONE, &text));
            assert_eq!(ours.len(), text_size(n));
            assert_eq!(ours, written(|out| rmp::encode::write_str(out, &text).unwrap()));

            let ours = written(|out| put_bin(out, Key::NONE, text.as_bytes()));
            assert_eq!(ours.len(), bin_size(n));
            assert_eq!(ours, written(|out| rmp::encode::write_bin(out, text.as_bytes()).unwrap()));

            let ours = written(|out| put_list(out, Key::NONE, n));
            assert_eq!(ours.len(), head_size(n));
            assert_eq!(ours, written(|out| _ = rmp::encode::write_array_len(out, n as u32).unwrap()));
        }
        for n in EDGES.map(|n| n as u64).into_iter().chain([u32::MAX.into(), u64::from(u32::MAX) + 1, u64::MAX]) {
            let ours = written(|out| put_uint(out, Key::NONE, n));
            assert_eq!(ours.len(), uint_size(n));
            assert_eq!(ours, written(|out| _ = rmp::encode::write_uint(out, n).unwrap()));
        }
        assert_eq!(written(|out| put_float(out, Key::NONE, 1.5)).len(), FLOAT_SIZE);
        for (head, pairs) in [(MapHead::Short, 0), (MapHead::Short, 15), (MapHead::Long, 16), (MapHead::Long, 64)] {
            let ours = written(|out| {
                let place = head.leave(Key::NONE, out);
                assert_eq!(head.set(place, pairs, out), Ok(()));
            });
            assert_eq!(ours.len(), head_size(pairs));
            assert_eq!(ours, written(|out| _ = rmp::encode::write_map_len(out, pairs as u32).unwrap()));
        }
        assert_eq!(MapHead::Short.set(0, 16, &mut vec![0]), Err(MapHead::Long));
        assert_eq!(MapHead::Long.set(0, 15, &mut vec![0; 3]), Err(MapHead::Short));
        assert_eq!(Key::new("abc").as_bytes(), [0xa3, b'a', b'b', b'c']);
    }
}
