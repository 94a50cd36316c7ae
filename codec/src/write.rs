//! msgpack bytes into a buffer of the caller's, and their exact number beforehand.
//!
//! Each `put_*` writes the shortest form and has a `*_size` that says how many bytes that is; a test holds the two
//! together. The caller has reserved the room. Lengths are those of a validated envelope, so none comes near 32 bits.

use rmp::Marker;

/// Bytes of a text of `length` bytes.
pub(crate) const fn text_size(length: usize) -> usize {
    length + if length < 32 { 1 } else { bin_head(length) }
}

/// Bytes of a binary of `length` bytes.
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

/// The encoded key of a field, `N` bytes: one of header and the name. Made at compile time, so that a key is one copy.
pub(crate) const fn key<const N: usize>(name: &str) -> [u8; N] {
    assert!(name.len() + 1 == N && name.len() < 32, "names of fields are shorter than 32 bytes");
    let mut key = [0xa0 | name.len() as u8; N];
    let mut at = 1;
    while at < N {
        key[at] = name.as_bytes()[at - 1];
        at += 1;
    }
    key
}

pub(crate) fn put_nil(out: &mut Vec<u8>) {
    out.push(Marker::Null.to_u8());
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    match text.len() {
        length @ 0..=31 => out.push(Marker::FixStr(length as u8).to_u8()),
        length => put_length(out, [Marker::Str8, Marker::Str16, Marker::Str32], length),
    }
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn put_bin(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, [Marker::Bin8, Marker::Bin16, Marker::Bin32], bytes.len());
    out.extend_from_slice(bytes);
}

pub(crate) fn put_bool(out: &mut Vec<u8>, value: bool) {
    out.push(if value { Marker::True } else { Marker::False }.to_u8());
}

pub(crate) fn put_uint(out: &mut Vec<u8>, value: u64) {
    match value {
        0..=0x7f => out.push(value as u8),
        0x80..=0xff => put(out, Marker::U8, (value as u8).to_be_bytes()),
        0x100..=0xffff => put(out, Marker::U16, (value as u16).to_be_bytes()),
        0x1_0000..=0xffff_ffff => put(out, Marker::U32, (value as u32).to_be_bytes()),
        _ => put(out, Marker::U64, value.to_be_bytes()),
    }
}

pub(crate) fn put_float(out: &mut Vec<u8>, value: f64) {
    put(out, Marker::F64, value.to_be_bytes());
}

pub(crate) fn put_list(out: &mut Vec<u8>, items: usize) {
    match items {
        0..=15 => out.push(Marker::FixArray(items as u8).to_u8()),
        16..=0xffff => put(out, Marker::Array16, (items as u16).to_be_bytes()),
        _ => put(out, Marker::Array32, (items as u32).to_be_bytes()),
    }
}

pub(crate) fn put_map(out: &mut Vec<u8>, pairs: usize) {
    match pairs {
        0..=15 => out.push(Marker::FixMap(pairs as u8).to_u8()),
        16..=0xffff => put(out, Marker::Map16, (pairs as u16).to_be_bytes()),
        _ => put(out, Marker::Map32, (pairs as u32).to_be_bytes()),
    }
}

fn put_length(out: &mut Vec<u8>, [short, middle, long]: [Marker; 3], length: usize) {
    match length {
        0..=0xff => put(out, short, (length as u8).to_be_bytes()),
        0x100..=0xffff => put(out, middle, (length as u16).to_be_bytes()),
        _ => put(out, long, (length as u32).to_be_bytes()),
    }
}

fn put<const N: usize>(out: &mut Vec<u8>, marker: Marker, bytes: [u8; N]) {
    out.push(marker.to_u8());
    out.extend_from_slice(&bytes);
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
            let ours = written(|out| put_text(out, &text));
            assert_eq!(ours.len(), text_size(n));
            assert_eq!(ours, written(|out| rmp::encode::write_str(out, &text).unwrap()));

            let ours = written(|out| put_bin(out, text.as_bytes()));
            assert_eq!(ours.len(), bin_size(n));
            assert_eq!(ours, written(|out| rmp::encode::write_bin(out, text.as_bytes()).unwrap()));

            let ours = written(|out| put_list(out, n));
            assert_eq!(ours.len(), head_size(n));
            assert_eq!(ours, written(|out| _ = rmp::encode::write_array_len(out, n as u32).unwrap()));

            let ours = written(|out| put_map(out, n));
            assert_eq!(ours, written(|out| _ = rmp::encode::write_map_len(out, n as u32).unwrap()));
        }
        for n in EDGES.map(|n| n as u64).into_iter().chain([u32::MAX.into(), u64::from(u32::MAX) + 1, u64::MAX]) {
            let ours = written(|out| put_uint(out, n));
            assert_eq!(ours.len(), uint_size(n));
            assert_eq!(ours, written(|out| _ = rmp::encode::write_uint(out, n).unwrap()));
        }
        assert_eq!(written(|out| put_float(out, 1.5)).len(), FLOAT_SIZE);
        assert_eq!(key::<4>("abc"), [0xa3, b'a', b'b', b'c']);
    }
}
