//! A cursor over msgpack bytes.
//!
//! It never panics, reads past the end or reserves memory: a length or a count from the wire is a claim, held against
//! the bytes that are left before anything is done with it. Its errors carry the field that [`Reader::enter`] named
//! last.

use crate::error::{Error, Rule};
use crate::fault::{Fault, Refused};
use crate::out::Key;
use crate::unchecked::text;

/// The cursor. Made by `decode` only; it is public in name because [`Wire`](crate::Wire) mentions it.
///
/// What is read most is inlined, and goes apart into calls that get a copy of it: so it stays in registers.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a, E: Fault> {
    rest: &'a [u8],
    /// Length of the whole buffer.
    length: usize,
    field: E::Field,
}

/// Reads one map that has to fill `buffer`, of at most `max` bytes, into a view of defaults, quickly if it is sound. Both ways are the same
/// function.
#[inline(always)]
pub(crate) fn whole<'a, V: Default>(
    buffer: &'a [u8],
    name: &'static str,
    max: usize,
    view: &mut V,
    quickly: impl FnOnce(&mut V, &mut Reader<'a, Refused>) -> Result<(), Refused>,
    precisely: impl FnOnce(&mut V, &mut Reader<'a, Error>) -> Result<(), Error>,
) -> Result<(), Error> {
    fill(buffer, name, max, |reader| quickly(view, reader)).or_else(|Refused| {
        *view = V::default();
        fill(buffer, name, max, |reader| precisely(view, reader))
    })
}

/// The same in one way only.
#[inline(always)]
pub(crate) fn fill<'a, E: Fault>(
    buffer: &'a [u8],
    name: &'static str,
    max: usize,
    read: impl FnOnce(&mut Reader<'a, E>) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = Reader::new(buffer, name);
    if buffer.len() > max {
        return Err(reader.error(0, Rule::TooLong { max }));
    }
    read(&mut reader)?;
    if !reader.is_at_end() {
        reader.enter(name);
        return Err(reader.error(reader.at(), Rule::Trailing));
    }
    Ok(())
}

impl<'a, E: Fault> Reader<'a, E> {
    #[inline(always)]
    pub(crate) fn new(buffer: &'a [u8], field: &'static str) -> Self {
        Self { rest: buffer, length: buffer.len(), field: E::field(field) }
    }

    /// Names the field that errors from here on belong to.
    #[inline(always)]
    pub(crate) fn enter(&mut self, field: &'static str) {
        self.field = E::field(field);
    }

    #[inline(always)]
    pub(crate) fn at(&self) -> usize {
        self.length - self.rest.len()
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline(always)]
    pub(crate) fn error(&self, offset: usize, rule: Rule) -> E {
        E::new(self.field, offset, rule)
    }

    /// The same reader, to say what is wrong.
    pub(crate) fn precise(&self, field: &'static str) -> Reader<'a, Error> {
        Reader { rest: self.rest, length: self.length, field }
    }

    /// Does what is large, or seldom done, with a copy.
    #[inline(always)]
    pub(crate) fn apart<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let mut copy = *self;
        let value = read(&mut copy)?;
        *self = copy;
        Ok(value)
    }

    /// Reads past these bytes, if they are next.
    #[inline(always)]
    pub(crate) fn eat(&mut self, key: &Key) -> bool {
        match self.rest.strip_prefix(key.as_bytes()) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Reads past the next `N` bytes, if `accept` makes a value of them.
    #[inline(always)]
    pub(crate) fn take_if<const N: usize, T>(&mut self, accept: impl FnOnce(&[u8; N]) -> Option<T>) -> Option<T> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        let value = accept(bytes)?;
        self.rest = rest;
        Some(value)
    }

    /// Reads past a nil, if one is next.
    #[inline(always)]
    pub(crate) fn nil(&mut self) -> bool {
        match self.rest {
            [0xc0, rest @ ..] => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    #[inline(always)]
    pub(crate) fn text(&mut self) -> Result<&'a str, E> {
        let at = self.at();
        let Ok(bytes) = self.text_or_byte()? else { return Err(self.error(at, Rule::Type("text"))) };
        text::utf8(bytes).ok_or_else(|| self.error(at, Rule::Utf8))
    }

    /// The next key of a map, unchecked, since it is only compared. `None`: it was no text, and has been skipped.
    #[inline(always)]
    pub(crate) fn key(&mut self) -> Result<Option<&'a [u8]>, E> {
        let at = self.at();
        match self.text_or_byte()? {
            Ok(key) => Ok(Some(key)),
            Err(byte) => self.skip_behind(at, byte).map(|()| None),
        }
    }

    pub(crate) fn bin(&mut self) -> Result<&'a [u8], E> {
        let at = self.at();
        let length = match self.byte()? {
            0xc4 => self.length::<1>()?,
            0xc5 => self.length::<2>()?,
            0xc6 => self.length::<4>()?,
            _ => return Err(self.error(at, Rule::Type("binary"))),
        };
        self.take(length)
    }

    #[inline(always)]
    pub(crate) fn boolean(&mut self) -> Result<bool, E> {
        let at = self.at();
        match self.byte()? {
            0xc3 => Ok(true),
            0xc2 => Ok(false),
            _ => Err(self.error(at, Rule::Type("a boolean"))),
        }
    }

    /// The number of items of the list that is next.
    pub(crate) fn list(&mut self) -> Result<usize, E> {
        let at = self.at();
        let items = match self.byte()? {
            short @ 0x90..=0x9f => usize::from(short & 0x0f),
            0xdc => self.length::<2>()?,
            0xdd => self.length::<4>()?,
            _ => return Err(self.error(at, Rule::Type("a list"))),
        };
        self.claim(at, items)?;
        Ok(items)
    }

    /// The number of pairs of the map that is next.
    #[inline(always)]
    pub(crate) fn map(&mut self) -> Result<usize, E> {
        let at = self.at();
        let pairs = match self.byte()? {
            short @ 0x80..=0x8f => usize::from(short & 0x0f),
            0xde => self.length::<2>()?,
            0xdf => self.length::<4>()?,
            _ => return Err(self.error(at, Rule::Type("a map"))),
        };
        self.claim(at, pairs.saturating_mul(2))?;
        Ok(pairs)
    }

    /// The bytes of the next value, whatever it is: well-formed, and not nested too deeply.
    pub(crate) fn raw(&mut self) -> Result<&'a [u8], E> {
        let before = *self;
        self.skip()?;
        Ok(self.since(&before))
    }

    /// The bytes from where the reader was to where it is now.
    #[inline(always)]
    pub(crate) fn since(&self, before: &Self) -> &'a [u8] {
        let length = before.rest.len().saturating_sub(self.rest.len());
        before.rest.get(..length).unwrap_or_default()
    }

    /// The next value's bytes if it is a text; otherwise its first byte, behind which the reader is then.
    #[inline(always)]
    fn text_or_byte(&mut self) -> Result<Result<&'a [u8], u8>, E> {
        let length = match self.byte()? {
            short @ 0xa0..=0xbf => usize::from(short & 0x1f),
            0xd9 => self.length::<1>()?,
            0xda => self.length::<2>()?,
            0xdb => self.length::<4>()?,
            other => return Ok(Err(other)),
        };
        self.take(length).map(Ok)
    }

    /// Each item takes a byte at least, so a larger count is false and need not be walked to its end.
    pub(crate) fn claim(&self, at: usize, items: usize) -> Result<(), E> {
        if items > self.rest.len() { Err(self.error(at, Rule::Truncated)) } else { Ok(()) }
    }

    /// The next byte, a marker.
    #[inline(always)]
    pub(crate) fn byte(&mut self) -> Result<u8, E> {
        self.array().map(|[byte]| byte)
    }

    /// A big-endian length of `N` bytes.
    #[inline(always)]
    pub(crate) fn length<const N: usize>(&mut self) -> Result<usize, E> {
        Ok(self.array::<N>()?.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)))
    }

    #[inline(always)]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], E> {
        let Some((array, rest)) = self.rest.split_first_chunk() else {
            return Err(self.error(self.at(), Rule::Truncated));
        };
        self.rest = rest;
        Ok(*array)
    }

    #[inline(always)]
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], E> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.error(self.at(), Rule::Truncated));
        };
        self.rest = rest;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8]) -> Reader<'_, Error> {
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
}
