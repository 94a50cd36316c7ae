//! Numbers, from any form in which another writer may have put them.
//!
//! Languages choose widths and even kinds by value, so the field's type decides what a number is, not the form that it came
//! in. A number is taken if it fits without changing its value, and refused otherwise; nothing is rounded or cut.

use rmp::Marker;

use crate::error::Rule;
use crate::fault::Fault;
use crate::read::Reader;

/// Whole numbers up to here are exact in 64 bits of float, and none that is larger rounds to one of them. So a number
/// may change between the two types without changing its value.
const EXACT_MAX: u64 = (1 << 53) - 1;
/// The same for 32 bits of float.
const EXACT_MAX_32: f32 = ((1 << 24) - 1) as f32;

/// A number as the wire has it, before the field's type decides whether it fits.
enum Number {
    Uint(u64),
    Negative(i64),
    Float(f64),
    /// From 32 bits, and too large to say which whole number it was.
    Rounded(f64),
}

impl<E: Fault> Reader<'_, E> {
    /// A whole number from 0 up, in any width. Also from a float with nothing behind the point: several JavaScript
    /// libraries write every number above 32 bits as one, milliseconds since the epoch among them.
    #[inline(always)]
    pub(crate) fn uint(&mut self) -> Result<u64, E> {
        match self.take_if(|[byte]| (*byte < 0x80).then_some(u64::from(*byte))) {
            Some(n) => Ok(n),
            None => self.apart(Self::any_uint),
        }
    }

    fn any_uint(&mut self) -> Result<u64, E> {
        let at = self.at();
        match self.number("an unsigned integer")? {
            Number::Uint(n) => Ok(n),
            Number::Float(n) if n.trunc() == n && (0.0..=EXACT_MAX as f64).contains(&n) => Ok(n as u64),
            Number::Negative(_) | Number::Float(_) | Number::Rounded(_) => {
                Err(self.error(at, Rule::Range("an unsigned integer")))
            }
        }
    }

    /// A finite number, from a float or integer of any width.
    #[inline(always)]
    pub(crate) fn float(&mut self) -> Result<f64, E> {
        let quick = self.take_if(|[marker, bytes @ ..]: &[u8; 9]| {
            let n = f64::from_be_bytes(*bytes);
            (*marker == 0xcb && n.is_finite()).then_some(n)
        });
        match quick {
            Some(n) => Ok(n),
            None => self.apart(Self::any_float),
        }
    }

    fn any_float(&mut self) -> Result<f64, E> {
        let at = self.at();
        match self.number("a number")? {
            Number::Float(n) | Number::Rounded(n) if n.is_finite() => Ok(n),
            Number::Uint(n) if n <= EXACT_MAX => Ok(n as f64),
            Number::Negative(n) if n.unsigned_abs() <= EXACT_MAX => Ok(n as f64),
            _ => Err(self.error(at, Rule::Range("a finite number that 64 bits of float hold exactly"))),
        }
    }

    fn number(&mut self, expected: &'static str) -> Result<Number, E> {
        let at = self.at();
        let signed = |n: i64| u64::try_from(n).map_or(Number::Negative(n), Number::Uint);
        Ok(match Marker::from_u8(self.byte()?) {
            Marker::FixPos(n) => Number::Uint(n.into()),
            Marker::U8 => Number::Uint(u8::from_be_bytes(self.array()?).into()),
            Marker::U16 => Number::Uint(u16::from_be_bytes(self.array()?).into()),
            Marker::U32 => Number::Uint(u32::from_be_bytes(self.array()?).into()),
            Marker::U64 => Number::Uint(u64::from_be_bytes(self.array()?)),
            Marker::FixNeg(n) => signed(n.into()),
            Marker::I8 => signed(i8::from_be_bytes(self.array()?).into()),
            Marker::I16 => signed(i16::from_be_bytes(self.array()?).into()),
            Marker::I32 => signed(i32::from_be_bytes(self.array()?).into()),
            Marker::I64 => signed(i64::from_be_bytes(self.array()?)),
            Marker::F32 => match f32::from_be_bytes(self.array()?) {
                n if n <= EXACT_MAX_32 => Number::Float(n.into()),
                n => Number::Rounded(n.into()),
            },
            Marker::F64 => Number::Float(f64::from_be_bytes(self.array()?)),
            _ => return Err(self.error(at, Rule::Type(expected))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn number(bytes: &[u8]) -> Reader<'_, Error> {
        Reader::new(bytes, "value")
    }

    #[test]
    fn numbers_of_any_width_that_fit() {
        for bytes in [&[7][..], &[0xcc, 7], &[0xcd, 0, 7], &[0xce, 0, 0, 0, 7], &[0xd0, 7], &[0xd2, 0, 0, 0, 7]] {
            assert_eq!(number(bytes).uint(), Ok(7));
            assert_eq!(number(bytes).float(), Ok(7.0));
        }
        assert_eq!(number(&[0xca, 0x40, 0xe0, 0, 0]).uint(), Ok(7), "7.0 as a 32-bit float");
        assert_eq!(number(&[0xca, 0x40, 0xf0, 0, 0]).uint().unwrap_err().rule, Rule::Range("an unsigned integer"));
        assert_eq!(number(&[0xff]).float(), Ok(-1.0));
        // 2^24 and 2^53, which the next whole number rounds to as well.
        for rounded in [&[0xca, 0x4b, 0x80, 0, 0][..], &[0xcb, 0x43, 0x40, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(number(rounded).uint().unwrap_err().rule, Rule::Range("an unsigned integer"));
        }
        assert_eq!(number(&[0xca, 0x4b, 0x80, 0, 0]).float(), Ok(16_777_216.0));
        assert_eq!(number(&[0xca, 0x4b, 0x7f, 0xff, 0xff]).uint(), Ok(16_777_215));
        assert_eq!(number(&[0xcb, 0x43, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).uint(), Ok((1 << 53) - 1));
        assert_eq!(number(&[0xff]).uint().unwrap_err().rule, Rule::Range("an unsigned integer"));
        assert_eq!(
            number(&[0xca, 0x7f, 0xc0, 0, 0]).float().unwrap_err().rule,
            Rule::Range("a finite number that 64 bits of float hold exactly")
        );
        assert_eq!(number(&[0xc2]).float().unwrap_err().rule, Rule::Type("a number"));
    }
}
