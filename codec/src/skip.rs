//! Reading past values of any type, which is how unknown keys are met.
//!
//! A map may hold millions of values of one byte, so a step has to cost next to nothing whatever it meets: sizes come
//! from a table, and open lists and maps are numbers on a small stack.

use crate::error::Rule;
use crate::fault::Fault;
use crate::limits;
use crate::read::Reader;

/// What follows a first byte.
#[derive(Clone, Copy)]
enum Shape {
    /// So many bytes.
    Bytes(u8),
    /// So many values.
    Values(u8),
    /// A length of so many bytes, and then as many bytes, and so many more.
    Length(u8, u8),
    /// A count of so many bytes, and then as many times so many values.
    Count(u8, u8),
    /// A byte that no writer uses.
    Reserved,
}

const SHAPES: [Shape; 256] = {
    let mut shapes = [Shape::Reserved; 256];
    let mut byte = 0;
    while byte < 256 {
        shapes[byte] = shape(byte as u8);
        byte += 1;
    }
    shapes
};

const fn shape(byte: u8) -> Shape {
    match byte {
        0x80..=0x8f => Shape::Values((byte & 0x0f) * 2),
        0x90..=0x9f => Shape::Values(byte & 0x0f),
        0xa0..=0xbf => Shape::Bytes(byte & 0x1f),
        0xc1 => Shape::Reserved,
        0xc4 | 0xd9 => Shape::Length(1, 0),
        0xc5 | 0xda => Shape::Length(2, 0),
        0xc6 | 0xdb => Shape::Length(4, 0),
        // One byte more than the length says: the extension's type.
        0xc7 => Shape::Length(1, 1),
        0xc8 => Shape::Length(2, 1),
        0xc9 => Shape::Length(4, 1),
        0xcc | 0xd0 => Shape::Bytes(1),
        0xcd | 0xd1 | 0xd4 => Shape::Bytes(2),
        0xd5 => Shape::Bytes(3),
        0xca | 0xce | 0xd2 => Shape::Bytes(4),
        0xd6 => Shape::Bytes(5),
        0xcb | 0xcf | 0xd3 => Shape::Bytes(8),
        0xd7 => Shape::Bytes(9),
        0xd8 => Shape::Bytes(17),
        0xdc => Shape::Count(2, 1),
        0xdd => Shape::Count(4, 1),
        0xde => Shape::Count(2, 2),
        0xdf => Shape::Count(4, 2),
        0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => Shape::Bytes(0),
    }
}

impl<E: Fault> Reader<'_, E> {
    /// Reads past the next value, whatever it is.
    #[inline(always)]
    pub(crate) fn skip(&mut self) -> Result<(), E> {
        let at = self.at();
        let byte = self.byte()?;
        self.skip_behind(at, byte)
    }

    /// Reads past the rest of a value whose first byte, at `at`, has been read.
    #[inline(always)]
    pub(crate) fn skip_behind(&mut self, at: usize, byte: u8) -> Result<(), E> {
        match self.behind(at, byte)? {
            None | Some(0) => Ok(()),
            Some(values) => self.skip_values(at, values),
        }
    }

    /// Reads past the values of a list or a map that begins at `at`.
    #[inline(never)]
    fn skip_values(&mut self, mut at: usize, mut values: usize) -> Result<(), E> {
        // Values to come in each list or map that is open.
        let mut open = [0_usize; limits::DEPTH_LEVELS];
        let mut levels = 0;
        loop {
            let Some(place) = open.get_mut(levels) else {
                return Err(self.error(at, Rule::TooDeep { max: limits::DEPTH_LEVELS }));
            };
            self.claim(at, values)?;
            *place = values;
            levels += 1;
            // On to the next list or map inside.
            values = loop {
                let Some(left) = open.get_mut(levels - 1) else { return Ok(()) };
                if *left == 0 {
                    levels -= 1;
                    if levels == 0 {
                        return Ok(());
                    }
                    continue;
                }
                *left -= 1;
                at = self.at();
                let byte = self.byte()?;
                if let Some(values) = self.behind(at, byte)? {
                    break values;
                }
            };
        }
    }

    /// Reads past the bytes behind a first byte. For a list or a map, past its head, and the number of its values.
    #[inline(always)]
    fn behind(&mut self, at: usize, byte: u8) -> Result<Option<usize>, E> {
        let bytes = match SHAPES[usize::from(byte)] {
            Shape::Bytes(bytes) => bytes.into(),
            Shape::Values(values) => return Ok(Some(values.into())),
            Shape::Length(width, more) => self.big_endian(width)?.saturating_add(more.into()),
            Shape::Count(width, times) => return Ok(Some(self.big_endian(width)?.saturating_mul(times.into()))),
            Shape::Reserved => return Err(self.error(at, Rule::Reserved)),
        };
        self.take(bytes).map(|_| None)
    }

    fn big_endian(&mut self, width: u8) -> Result<usize, E> {
        match width {
            1 => self.length::<1>(),
            2 => self.length::<2>(),
            _ => self.length::<4>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rmp::Marker;

    use super::*;
    use crate::error::Error;

    fn reader(bytes: &[u8]) -> Reader<'_, Error> {
        Reader::new(bytes, "value")
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

    /// What comes behind each first byte, held against what `rmp` takes it for.
    #[test]
    fn every_first_byte_is_read_or_refused() {
        for byte in 0..=u8::MAX {
            let bytes = [vec![byte], vec![0; 64]].concat();
            let mut reader = reader(&bytes);
            assert_eq!(reader.skip().is_err(), byte == 0xc1, "{byte:#x}");
            let expected = match Marker::from_u8(byte) {
                Marker::FixMap(n) => 1 + 2 * usize::from(n),
                Marker::FixArray(n) | Marker::FixStr(n) => 1 + usize::from(n),
                Marker::U8 | Marker::I8 | Marker::Str8 | Marker::Bin8 => 2,
                Marker::U16 | Marker::I16 | Marker::Str16 | Marker::Bin16 | Marker::Array16 | Marker::Map16 => 3,
                Marker::U32 | Marker::I32 | Marker::F32 | Marker::Str32 | Marker::Bin32 | Marker::Array32 => 5,
                Marker::Map32 => 5,
                Marker::U64 | Marker::I64 | Marker::F64 => 9,
                Marker::Ext8 => 3,
                Marker::Ext16 => 4,
                Marker::Ext32 => 6,
                Marker::FixExt1 => 3,
                Marker::FixExt2 => 4,
                Marker::FixExt4 => 6,
                Marker::FixExt8 => 10,
                Marker::FixExt16 => 18,
                _ => 1,
            };
            assert_eq!(reader.at(), expected, "{byte:#x}");
        }
    }

    #[test]
    fn values_inside_one_another_are_counted() {
        let mut reader = reader(&[0x82, 0x01, 0x92, 0x90, 0x80, 0x02, 0x91, 0x91, 0xc0, 0xff]);
        assert_eq!(reader.skip(), Ok(()));
        assert_eq!(reader.at(), 9);
    }
}
