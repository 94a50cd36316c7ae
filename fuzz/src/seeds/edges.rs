//! What other writers may send, and what nobody should: one whole envelope, changed by hand.

use rmp::{decode, encode};

use super::Inputs;

/// Levels of a value that is skipped; one more is refused.
const DEPTH: usize = codec::limits::DEPTH_LEVELS;

/// Pairs of two bytes that an input has room for.
const MANY: usize = 3500;

/// Keys and their encoded values.
pub(super) type Pairs<'a> = &'a [(&'a str, &'a [u8])];

/// `whole`, whose first key is `first`, in every way in which any map may be changed.
pub(super) fn of_any_map(whole: &[u8], first: &str) -> Inputs {
    let nested = |levels: usize| [vec![0x91; levels], vec![0xc0]].concat();
    let inputs = [
        ("edge-truncated", whole[..whole.len() * 2 / 3].to_vec()),
        ("edge-trailing", [whole, &[0xc0]].concat()),
        ("edge-unknown-keys", with(whole, &[("x_text", b"\xa1x"), ("x_map", b"\x81\xa1k\x92\x01\xc3")])),
        ("edge-keys-that-are-no-text", [head(whole, 2), body(whole), b"\x07\xc0\x91\x01\xc2".to_vec()].concat()),
        ("edge-key-in-binary", [head(whole, 1), body(whole), b"\xc4\x01x\xc0".to_vec()].concat()),
        ("edge-deep", with(whole, &[("x_deep", &nested(DEPTH))])),
        ("edge-too-deep", with(whole, &[("x_deep", &nested(DEPTH + 1))])),
        ("edge-twice", with(whole, &[(first, b"\xa3w:a")])),
        ("edge-first-key-is-nil", [vec![0x81], text(first), vec![0xc0]].concat()),
        ("edge-every-width", with(whole, &[("x_all", EVERY_TYPE)])),
        ("edge-wide-heads", wide(whole, first)),
        ("edge-false-count", [b"\xdf\xff\xff\xff\xff".to_vec(), body(whole)].concat()),
        ("edge-false-length", with(whole, &[("x_long", b"\xdb\xff\xff\xff\xffabc")])),
        ("edge-reserved", with(whole, &[("x_none", b"\xc1")])),
        // Slow, if anything is: what takes a byte or two, as often as there is room for it.
        ("edge-many-nil-pairs", [head(whole, MANY), body(whole), vec![0xc0; 2 * MANY]].concat()),
        (
            "edge-many-nil-pairs-and-a-fault",
            [head(&[0x80], MANY + 1), vec![0xc0; 2 * MANY], b"\xa1v\x02".to_vec()].concat(),
        ),
        ("edge-many-empty-lists", [head(&[0x80], MANY), vec![0x90; 2 * MANY]].concat()),
        ("edge-empty-attachments", [b"\x81".to_vec(), text("attachments"), list(64, &[0x80])].concat()),
        ("edge-empty-roles", [b"\x81".to_vec(), text("member_roles"), list(512, &[0xa0])].concat()),
        ("edge-empty-buttons", [b"\x81".to_vec(), text("buttons"), list(25, &list(25, &[0x80]))].concat()),
        (
            "edge-long-text",
            [b"\x81".to_vec(), text("text"), b"\xda\x1b\x58".to_vec(), "ä".repeat(3500).into_bytes()].concat(),
        ),
    ];
    inputs.map(|(name, bytes)| (name.to_owned(), bytes)).into()
}

/// A list with one value of each type and width that msgpack has.
const EVERY_TYPE: &[u8] = b"\xdc\x00\x1f\xc0\xc2\xc3\x7f\xff\
    \xcc\xff\xcd\xff\xff\xce\xff\xff\xff\xff\xcf\xff\xff\xff\xff\xff\xff\xff\xff\
    \xd0\x80\xd1\x80\x00\xd2\x80\x00\x00\x00\xd3\x80\x00\x00\x00\x00\x00\x00\x00\
    \xca\x3f\x80\x00\x00\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00\
    \xa1a\xd9\x01a\xda\x00\x01a\xdb\x00\x00\x00\x01a\xc4\x01b\xc5\x00\x01b\xc6\x00\x00\x00\x01b\
    \xd4\x01e\xd5\x01ee\xc7\x01\x01e\xc8\x00\x01\x01e\xc9\x00\x00\x00\x01\x01e\
    \x90\xdc\x00\x00\xdd\x00\x00\x00\x00\x80\xde\x00\x00";

/// A map like `whole` with these pairs behind its own.
pub(super) fn with(whole: &[u8], pairs: Pairs<'_>) -> Vec<u8> {
    let mut out = [head(whole, pairs.len()), body(whole)].concat();
    for (key, value) in pairs {
        out.extend(text(key));
        out.extend_from_slice(value);
    }
    out
}

/// The same map with its head and the head of its first key in their widest forms.
fn wide(whole: &[u8], first: &str) -> Vec<u8> {
    let rest = body(whole);
    let rest = rest.strip_prefix(text(first).as_slice()).unwrap_or(&rest);
    let mut out = vec![0xdf];
    out.extend(pairs(whole).to_be_bytes());
    out.push(0xdb);
    out.extend(u32::try_from(first.len()).unwrap_or(0).to_be_bytes());
    out.extend(first.as_bytes());
    [&out, rest].concat()
}

/// A list of so many of one encoded item.
fn list(items: u16, item: &[u8]) -> Vec<u8> {
    let mut out = vec![0xdc];
    out.extend(items.to_be_bytes());
    out.extend(item.repeat(items.into()));
    out
}

/// How many pairs the map has.
fn pairs(mut whole: &[u8]) -> u32 {
    decode::read_map_len(&mut whole).expect("an envelope is a map")
}

/// The head of a map with `more` pairs than this one.
fn head(whole: &[u8], more: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let more = u32::try_from(more).expect("a few");
    encode::write_map_len(&mut out, pairs(whole) + more).expect("a Vec takes everything");
    out
}

/// All behind the map's head.
fn body(mut whole: &[u8]) -> Vec<u8> {
    decode::read_map_len(&mut whole).expect("an envelope is a map");
    whole.to_vec()
}

fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    encode::write_str(&mut out, text).expect("a Vec takes everything");
    out
}
