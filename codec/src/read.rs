//! A cursor over msgpack bytes.
//!
//! It never panics, reads past the end or reserves memory: a length or a count from the wire is a claim, held against
//! the bytes that are left before anything is done with it. Its errors carry the field that [`Reader::enter`] named
//! last.

use rmp::Marker;

use crate::error::{Error, Rule};
use crate::limits;

/// The cursor. Made by `decode` only; it is public in name because [`Wire`](crate::Wire) mentions it.
#[derive(Debug)]
pub struct Reader<'a> {
    buffer: &'a [u8],
    at: usize,
    field: &'static str,
}

/// What stands behind a marker: bytes, or further values.
enum Shape {
    Bytes(usize),
    Items(usize),
}

impl<'a> Reader<'a> {
    pub(crate) fn new(buffer: &'a [u8], field: &'static str) -> Self {
        Self { buffer, at: 0, field }
    }

    /// Reads one envelope that has to fill `buffer`.
    pub(crate) fn whole<T>(
        buffer: &'a [u8],
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut reader = Self::new(buffer, name);
        if buffer.len() > limits::ENVELOPE_BYTES {
            return Err(reader.error(0, Rule::TooLong { max: limits::ENVELOPE_BYTES }));
        }
        let value = read(&mut reader)?;
        if reader.at < buffer.len() {
            reader.enter(name);
            return Err(reader.error(reader.at, Rule::Trailing));
        }
        Ok(value)
    }

    /// Names the field that errors from here on belong to.
    pub(crate) fn enter(&mut self, field: &'static str) {
        self.field = field;
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn error(&self, offset: usize, rule: Rule) -> Error {
        Error { field: self.field, offset: Some(offset), rule }
    }

    /// Reads past a nil, if one is next.
    pub(crate) fn nil(&mut self) -> bool {
        let nil = self.buffer.get(self.at) == Some(&Marker::Null.to_u8());
        self.at += usize::from(nil);
        nil
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Error> {
        let at = self.at;
        let Some(bytes) = self.text_bytes()? else { return Err(self.error(at, Rule::Type("text"))) };
        std::str::from_utf8(bytes).map_err(|_| self.error(at, Rule::Utf8))
    }

    /// The next key of a map, unchecked, since it is only compared. `None`: it was no text, and has been skipped.
    pub(crate) fn key(&mut self) -> Result<Option<&'a [u8]>, Error> {
        let at = self.at;
        let key = self.text_bytes()?;
        if key.is_none() {
            self.at = at;
            self.skip()?;
        }
        Ok(key)
    }

    pub(crate) fn bin(&mut self) -> Result<&'a [u8], Error> {
        let at = self.at;
        let length = match self.marker()? {
            Marker::Bin8 => self.length::<1>()?,
            Marker::Bin16 => self.length::<2>()?,
            Marker::Bin32 => self.length::<4>()?,
            _ => return Err(self.error(at, Rule::Type("binary"))),
        };
        self.take(length)
    }

    pub(crate) fn boolean(&mut self) -> Result<bool, Error> {
        let at = self.at;
        match self.marker()? {
            Marker::True => Ok(true),
            Marker::False => Ok(false),
            _ => Err(self.error(at, Rule::Type("a boolean"))),
        }
    }

    /// The number of items of the list that is next.
    pub(crate) fn list(&mut self) -> Result<usize, Error> {
        let at = self.at;
        let items = match self.marker()? {
            Marker::FixArray(n) => usize::from(n),
            Marker::Array16 => self.length::<2>()?,
            Marker::Array32 => self.length::<4>()?,
            _ => return Err(self.error(at, Rule::Type("a list"))),
        };
        self.claim(at, items)?;
        Ok(items)
    }

    /// The number of pairs of the map that is next.
    pub(crate) fn map(&mut self) -> Result<usize, Error> {
        let at = self.at;
        let pairs = match self.marker()? {
            Marker::FixMap(n) => usize::from(n),
            Marker::Map16 => self.length::<2>()?,
            Marker::Map32 => self.length::<4>()?,
            _ => return Err(self.error(at, Rule::Type("a map"))),
        };
        self.claim(at, pairs.saturating_mul(2))?;
        Ok(pairs)
    }

    /// The bytes of the next value, whatever it is: well-formed, and not nested too deeply.
    pub(crate) fn raw(&mut self) -> Result<&'a [u8], Error> {
        let at = self.at;
        self.skip()?;
        Ok(self.since(at))
    }

    /// The bytes from `at` to here.
    pub(crate) fn since(&self, at: usize) -> &'a [u8] {
        self.buffer.get(at..self.at).unwrap_or_default()
    }

    /// Reads past the next value, whatever it is.
    pub(crate) fn skip(&mut self) -> Result<(), Error> {
        self.skip_at(limits::DEPTH_LEVELS)
    }

    /// Recursive, and bounded: `levels` containers may still open.
    fn skip_at(&mut self, levels: usize) -> Result<(), Error> {
        let at = self.at;
        let items = match self.shape()? {
            Shape::Bytes(length) => return self.take(length).map(|_| ()),
            Shape::Items(items) => items,
        };
        let Some(levels) = levels.checked_sub(1) else {
            return Err(self.error(at, Rule::TooDeep { max: limits::DEPTH_LEVELS }));
        };
        self.claim(at, items)?;
        (0..items).try_for_each(|_| self.skip_at(levels))
    }

    fn shape(&mut self) -> Result<Shape, Error> {
        let at = self.at;
        Ok(match self.marker()? {
            Marker::Null | Marker::True | Marker::False | Marker::FixPos(_) | Marker::FixNeg(_) => Shape::Bytes(0),
            Marker::U8 | Marker::I8 => Shape::Bytes(1),
            Marker::U16 | Marker::I16 | Marker::FixExt1 => Shape::Bytes(2),
            Marker::FixExt2 => Shape::Bytes(3),
            Marker::U32 | Marker::I32 | Marker::F32 => Shape::Bytes(4),
            Marker::FixExt4 => Shape::Bytes(5),
            Marker::U64 | Marker::I64 | Marker::F64 => Shape::Bytes(8),
            Marker::FixExt8 => Shape::Bytes(9),
            Marker::FixExt16 => Shape::Bytes(17),
            Marker::FixStr(n) => Shape::Bytes(usize::from(n)),
            Marker::Str8 | Marker::Bin8 => Shape::Bytes(self.length::<1>()?),
            Marker::Str16 | Marker::Bin16 => Shape::Bytes(self.length::<2>()?),
            Marker::Str32 | Marker::Bin32 => Shape::Bytes(self.length::<4>()?),
            // One more byte than the length says: the extension's type.
            Marker::Ext8 => Shape::Bytes(self.length::<1>()?.saturating_add(1)),
            Marker::Ext16 => Shape::Bytes(self.length::<2>()?.saturating_add(1)),
            Marker::Ext32 => Shape::Bytes(self.length::<4>()?.saturating_add(1)),
            Marker::FixArray(n) => Shape::Items(usize::from(n)),
            Marker::Array16 => Shape::Items(self.length::<2>()?),
            Marker::Array32 => Shape::Items(self.length::<4>()?),
            Marker::FixMap(n) => Shape::Items(usize::from(n) * 2),
            Marker::Map16 => Shape::Items(self.length::<2>()? * 2),
            Marker::Map32 => Shape::Items(self.length::<4>()?.saturating_mul(2)),
            Marker::Reserved => return Err(self.error(at, Rule::Reserved)),
        })
    }

    /// The next value's bytes if it is a text; otherwise only its marker has been read.
    fn text_bytes(&mut self) -> Result<Option<&'a [u8]>, Error> {
        let length = match self.marker()? {
            Marker::FixStr(n) => usize::from(n),
            Marker::Str8 => self.length::<1>()?,
            Marker::Str16 => self.length::<2>()?,
            Marker::Str32 => self.length::<4>()?,
            _ => return Ok(None),
        };
        self.take(length).map(Some)
    }

    /// Each item takes a byte at least, so a larger count is false and need not be walked to its end.
    fn claim(&self, at: usize, items: usize) -> Result<(), Error> {
        if items > self.buffer.len() - self.at { Err(self.error(at, Rule::Truncated)) } else { Ok(()) }
    }

    pub(crate) fn marker(&mut self) -> Result<Marker, Error> {
        self.array().map(|[byte]| Marker::from_u8(byte))
    }

    /// A big-endian length of `N` bytes.
    fn length<const N: usize>(&mut self) -> Result<usize, Error> {
        Ok(self.array::<N>()?.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)))
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let array = self.buffer.get(self.at..).and_then(<[u8]>::first_chunk);
        let array = *array.ok_or_else(|| self.error(self.at, Rule::Truncated))?;
        self.at += N;
        Ok(array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let bytes = self.buffer.get(self.at..).and_then(|rest| rest.get(..length));
        let bytes = bytes.ok_or_else(|| self.error(self.at, Rule::Truncated))?;
        self.at += length;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8]) -> Reader<'_> {
        Reader::new(bytes, "value")
    }

    #[test]
    fn claims_are_held_against_what_is_left() {
        let truncated = |error: Error| assert_eq!(error.rule, Rule::Truncated);
        truncated(reader(&[0xdb, 0xff, 0xff, 0xff, 0xff, b'a']).text().unwrap_err());
        truncated(reader(&[0xc6, 0xff, 0xff, 0xff, 0xff]).bin().unwrap_err());
        truncated(reader(&[0xdd, 0xff, 0xff, 0xff, 0xff]).list().unwrap_err());
        truncated(reader(&[0xdf, 0xff, 0xff, 0xff, 0xff]).map().unwrap_err());
        truncated(reader(&[0xdf, 0xff, 0xff, 0xff, 0xff]).skip().unwrap_err());
        truncated(reader(&[0xc9, 0xff, 0xff, 0xff, 0xff, 0]).skip().unwrap_err());
        truncated(reader(&[]).skip().unwrap_err());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| [vec![0x91; levels], vec![0xc0]].concat();
        assert_eq!(reader(&nested(limits::DEPTH_LEVELS)).skip(), Ok(()));
        let error = reader(&nested(limits::DEPTH_LEVELS + 1)).skip().unwrap_err();
        assert_eq!(error.rule, Rule::TooDeep { max: limits::DEPTH_LEVELS });
        assert_eq!(error.offset, Some(limits::DEPTH_LEVELS));
        reader(&vec![0x91; 1 << 20]).skip().unwrap_err();
    }

    #[test]
    fn every_first_byte_is_read_or_refused() {
        for byte in 0..=u8::MAX {
            let bytes = [vec![byte], vec![0; 64]].concat();
            let mut reader = reader(&bytes);
            assert_eq!(reader.skip().is_err(), byte == 0xc1, "{byte:#x}");
        }
    }
}
