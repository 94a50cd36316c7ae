//! A value of any shape that the codec carries without looking inside, beyond making sure that it is one value.

use bytes::Bytes;

use crate::error::{Error, Rule};
use crate::fault::Fault;
use crate::limits;
use crate::out::{Head, Key, Out};
use crate::read::{self, Reader};
use crate::schema::{Bound, Type};
use crate::wire::{Wire, broken};

/// One encoded msgpack value: well-formed, not nil, at most [`limits::DEPTH_LEVELS`] deep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw(Bytes);

impl Raw {
    /// Takes the bytes of one value. A nil is refused, since on the wire a nil field is an absent one.
    ///
    /// # Errors
    /// `bytes` is not exactly one well-formed value, is nil, or is longer or nested deeper than the limits allow.
    pub fn new(bytes: Bytes) -> Result<Self, Error> {
        let refused = |rule| Error { field: "raw value", offset: Some(0), rule };
        read::fill(&bytes, "raw value", limits::ENVELOPE_BYTES, |reader: &mut Reader<'_, Error>| match reader.nil() {
            true => Err(refused(Rule::Missing)),
            false => reader.raw().map(|_| ()),
        })?;
        if bytes.len() > limits::RAW_BYTES {
            return Err(refused(Rule::TooLong { max: limits::RAW_BYTES }));
        }
        Ok(Self(bytes))
    }

    /// The encoded value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A [`Raw`] value in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawView<'a>(&'a [u8]);

impl<'a> RawView<'a> {
    /// The encoded value.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// An empty map. Needed by the schema only: a field of this type is always an `Option`.
impl Default for RawView<'_> {
    fn default() -> Self {
        Self(&[0x80])
    }
}

/// An empty map, as for [`RawView`].
impl Default for Raw {
    fn default() -> Self {
        Self::own(RawView::default())
    }
}

impl Wire for Raw {
    type View<'a> = RawView<'a>;
    const TYPE: Type = Type::Any;
    const DEFAULT: &'static str = "{}";

    #[inline(always)]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    #[inline(always)]
    fn size(&self) -> usize {
        self.0.len()
    }

    #[inline(always)]
    fn write(&self, key: &'static Key, out: &mut impl Out) {
        out.bytes(key, Head::NONE, &self.0);
    }

    fn check(&self, path: &'static str, bound: &Bound) -> Result<(), Error> {
        bound.length(self.0.len()).map_err(|rule| broken(path, rule))
    }

    fn read<'a, E: Fault>(reader: &mut Reader<'a, E>, bound: &Bound) -> Result<RawView<'a>, E> {
        let at = reader.at();
        let bytes = reader.apart(Reader::raw)?;
        bound.length(bytes.len()).map_err(|rule| reader.error(at, rule))?;
        Ok(RawView(bytes))
    }

    fn own(view: RawView<'_>) -> Self {
        Self(Bytes::copy_from_slice(view.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_exactly_one_value() {
        let raw = |bytes: &'static [u8]| Raw::new(Bytes::from_static(bytes));
        assert_eq!(raw(&[0x81, 0xa1, b'k', 0x01]).unwrap().as_bytes(), [0x81, 0xa1, b'k', 0x01]);
        let refused = |bytes| raw(bytes).unwrap_err().rule;
        assert_eq!(refused(&[]), Rule::Truncated);
        assert_eq!(refused(&[0xc0]), Rule::Missing);
        assert_eq!(refused(&[0x01, 0x02]), Rule::Trailing);
        assert_eq!(refused(&[0xc1]), Rule::Reserved);
        assert_eq!(refused(&[0x91; 40]), Rule::TooDeep { max: limits::DEPTH_LEVELS });
    }
}
