//! Encoded values taken apart and put in words, for the page, the vectors and tests. Nothing on a hot path.
//!
//! Reads with `rmp` alone and not with the reader of the envelopes, so that what it shows is a second opinion.

use std::fmt::Write as _;

use rmp::Marker;

use crate::limits;

/// JavaScript and others keep whole numbers exactly up to here.
const EXACT_MAX: u64 = (1 << 53) - 1;

/// The pairs of an encoded map in their order, each as the bytes of its key and of its value. `None` where the bytes
/// are no map.
#[must_use]
pub fn pairs(map: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut cursor = Cursor(map);
    let pairs = match cursor.marker()? {
        Marker::FixMap(n) => usize::from(n),
        Marker::Map16 => cursor.length(2)?,
        Marker::Map32 => cursor.length(4)?,
        _ => return None,
    };
    (0..pairs).map(|_| Some((cursor.value()?, cursor.value()?))).collect()
}

/// One encoded value as JSON. What JSON lacks has a map of its own: `{"bin": "<hex>"}`, `{"ext": [<type>, "<hex>"]}`,
/// `{"int": "<decimal>"}` for whole numbers beyond 53 bits, `{"float": "NaN"}` for what is not finite; a key that is no
/// text is its bytes in hex, as `(93 01 02 03)`. `None` where the bytes are not one value, with text in UTF-8.
#[must_use]
pub fn json(value: &[u8]) -> Option<String> {
    let (mut cursor, mut json) = (Cursor(value), String::new());
    cursor.json(limits::DEPTH_LEVELS, &mut json)?;
    cursor.0.is_empty().then_some(json)
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The bytes that hex digits stand for. Spaces between them are skipped. `None` where there is something else.
#[must_use]
pub fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hex.chars().filter(|c| *c != ' ').map(|c| c.to_digit(16)).collect();
    digits?.chunks(2).map(|pair| u8::try_from(pair.first()? << 4 | pair.get(1)?).ok()).collect()
}

/// A text as JSON has it.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => _ = write!(quoted, "\\u{:04x}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// The bytes of the next value.
    fn value(&mut self) -> Option<&'a [u8]> {
        let whole = self.0;
        self.json(limits::DEPTH_LEVELS, &mut String::new())?;
        whole.get(..whole.len() - self.0.len())
    }

    fn marker(&mut self) -> Option<Marker> {
        self.take(1).and_then(|byte| byte.first().copied()).map(Marker::from_u8)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A big-endian number of `width` bytes.
    fn uint(&mut self, width: usize) -> Option<u64> {
        Some(self.take(width)?.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    fn length(&mut self, width: usize) -> Option<usize> {
        usize::try_from(self.uint(width)?).ok()
    }

    /// A big-endian number of `width` bytes with a sign.
    fn int(&mut self, width: usize) -> Option<i64> {
        let unused = 64 - 8 * width;
        Some(((self.uint(width)? << unused) as i64) >> unused)
    }

    fn json(&mut self, levels: usize, out: &mut String) -> Option<()> {
        match self.marker()? {
            Marker::Null => out.push_str("null"),
            Marker::False => out.push_str("false"),
            Marker::True => out.push_str("true"),
            Marker::FixPos(n) => whole(n.into(), out),
            Marker::FixNeg(n) => whole(n.into(), out),
            Marker::U8 => whole(self.uint(1)?.into(), out),
            Marker::U16 => whole(self.uint(2)?.into(), out),
            Marker::U32 => whole(self.uint(4)?.into(), out),
            Marker::U64 => whole(self.uint(8)?.into(), out),
            Marker::I8 => whole(self.int(1)?.into(), out),
            Marker::I16 => whole(self.int(2)?.into(), out),
            Marker::I32 => whole(self.int(4)?.into(), out),
            Marker::I64 => whole(self.int(8)?.into(), out),
            Marker::F32 => float(f32::from_bits(self.uint(4)? as u32).into(), out),
            Marker::F64 => float(f64::from_bits(self.uint(8)?), out),
            Marker::FixStr(n) => self.text(n.into(), out)?,
            Marker::Str8 => self.text_of(1, out)?,
            Marker::Str16 => self.text_of(2, out)?,
            Marker::Str32 => self.text_of(4, out)?,
            Marker::Bin8 => self.bin(1, out)?,
            Marker::Bin16 => self.bin(2, out)?,
            Marker::Bin32 => self.bin(4, out)?,
            Marker::FixArray(n) => self.list(n.into(), levels, out)?,
            Marker::Array16 => self.length(2).and_then(|n| self.list(n, levels, out))?,
            Marker::Array32 => self.length(4).and_then(|n| self.list(n, levels, out))?,
            Marker::FixMap(n) => self.map(n.into(), levels, out)?,
            Marker::Map16 => self.length(2).and_then(|n| self.map(n, levels, out))?,
            Marker::Map32 => self.length(4).and_then(|n| self.map(n, levels, out))?,
            Marker::FixExt1 => self.ext(1, out)?,
            Marker::FixExt2 => self.ext(2, out)?,
            Marker::FixExt4 => self.ext(4, out)?,
            Marker::FixExt8 => self.ext(8, out)?,
            Marker::FixExt16 => self.ext(16, out)?,
            Marker::Ext8 => self.length(1).and_then(|n| self.ext(n, out))?,
            Marker::Ext16 => self.length(2).and_then(|n| self.ext(n, out))?,
            Marker::Ext32 => self.length(4).and_then(|n| self.ext(n, out))?,
            Marker::Reserved => return None,
        }
        Some(())
    }

    fn text(&mut self, length: usize, out: &mut String) -> Option<()> {
        out.push_str(&quoted(std::str::from_utf8(self.take(length)?).ok()?));
        Some(())
    }

    fn text_of(&mut self, width: usize, out: &mut String) -> Option<()> {
        self.length(width).and_then(|length| self.text(length, out))
    }

    fn bin(&mut self, width: usize, out: &mut String) -> Option<()> {
        let bytes = self.length(width).and_then(|length| self.take(length))?;
        _ = write!(out, r#"{{"bin": "{}"}}"#, hex(bytes));
        Some(())
    }

    fn ext(&mut self, length: usize, out: &mut String) -> Option<()> {
        let (ty, bytes) = (self.int(1)?, self.take(length)?);
        _ = write!(out, r#"{{"ext": [{ty}, "{}"]}}"#, hex(bytes));
        Some(())
    }

    fn list(&mut self, items: usize, levels: usize, out: &mut String) -> Option<()> {
        let levels = levels.checked_sub(1)?;
        out.push('[');
        for item in 0..items {
            out.push_str(if item == 0 { "" } else { ", " });
            self.json(levels, out)?;
        }
        out.push(']');
        Some(())
    }

    /// A key. Maps may stand in keys of maps, so one that is no text is not put into words: that would quote it again at
    /// each level.
    fn key(&mut self, levels: usize, out: &mut String) -> Option<()> {
        let (whole, before) = (self.0, out.len());
        self.json(levels, out)?;
        if out.get(before..)?.starts_with('"') {
            return Some(());
        }
        out.truncate(before);
        let key = whole.get(..whole.len() - self.0.len())?;
        let bytes: Vec<String> = key.iter().map(|byte| format!("{byte:02x}")).collect();
        _ = write!(out, "\"({})\"", bytes.join(" "));
        Some(())
    }

    fn map(&mut self, pairs: usize, levels: usize, out: &mut String) -> Option<()> {
        let levels = levels.checked_sub(1)?;
        out.push('{');
        for pair in 0..pairs {
            out.push_str(if pair == 0 { "" } else { ", " });
            self.key(levels, out)?;
            out.push_str(": ");
            self.json(levels, out)?;
        }
        out.push('}');
        Some(())
    }
}

fn whole(number: i128, out: &mut String) {
    _ = match number.unsigned_abs() <= EXACT_MAX.into() {
        true => write!(out, "{number}"),
        false => write!(out, r#"{{"int": "{number}"}}"#),
    };
}

fn float(number: f64, out: &mut String) {
    _ = match number.is_finite() {
        true => write!(out, "{number:?}"),
        false => write!(out, r#"{{"float": "{number}"}}"#),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_as_json() {
        let told = |hex: &str| json(&bytes(hex).unwrap());
        assert_eq!(told("93 c0 c2 c3").unwrap(), "[null, false, true]");
        assert_eq!(told("96 7f ff d0 80 cd 0100 d1 ff00 ca 3f000000").unwrap(), "[127, -1, -128, 256, -256, 0.5]");
        assert_eq!(told("cf 001fffffffffffff").unwrap(), "9007199254740991");
        assert_eq!(told("cf ffffffffffffffff").unwrap(), r#"{"int": "18446744073709551615"}"#);
        assert_eq!(told("81 a3 610a22 c4 02 00ff").unwrap(), r#"{"a\n\"": {"bin": "00ff"}}"#);
        assert_eq!(told("d6 ff 00000001").unwrap(), r#"{"ext": [-1, "00000001"]}"#);
        assert_eq!(
            told("82 01 c0 81 a1 62 c3 ca 7fc00000").unwrap(),
            r#"{"(01)": null, "(81 a1 62 c3)": {"float": "NaN"}}"#
        );
        // Maps in keys of maps: each level is told once.
        let deep = format!("{}{}", "81".repeat(limits::DEPTH_LEVELS), "c0".repeat(limits::DEPTH_LEVELS + 1));
        assert!(told(&deep).unwrap().len() < 1000);
        for refused in ["", "c1", "c0 c0", "92 c0", "81 c0", "a1 ff", &"91".repeat(40)] {
            assert_eq!(told(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_map_is_taken_apart() {
        let map = bytes("82 a1 61 92 01 02 01 c0").unwrap();
        assert_eq!(pairs(&map).unwrap(), [(&[0xa1, 0x61][..], &[0x92, 1, 2][..]), (&[1][..], &[0xc0][..])]);
        assert_eq!(pairs(&[0x90]), None);
        assert_eq!(hex(&map), "82a16192010201c0");
        assert_eq!(bytes("8"), None);
        assert_eq!(bytes("8x"), None);
    }
}
