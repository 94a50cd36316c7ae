//! Fields that every writer fills in the same way. They take no room in an envelope and nobody can set them wrong.

use crate::error::{Error, Rule};
use crate::fault::Fault;
use crate::out::{Key, Out};
use crate::read::Reader;
use crate::schema::{Bound, Type};
use crate::wire::Wire;
use crate::write;

/// The version of the envelopes, 1. Additive changes keep it; a reader refuses any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Version;

const VERSION: u64 = 1;

impl Wire for Version {
    type View<'a> = Self;
    const TYPE: Type = Type::Uint;
    const DEFAULT: &'static str = "1";

    #[inline(always)]
    fn is_default(&self) -> bool {
        true
    }

    #[inline(always)]
    fn size(&self) -> usize {
        write::uint_size(VERSION)
    }

    #[inline(always)]
    fn write(&self, key: &'static Key, out: &mut impl Out) {
        write::put_uint(out, key, VERSION);
    }

    fn check(&self, _: &'static str, _: &Bound) -> Result<(), Error> {
        Ok(())
    }

    #[inline(always)]
    fn read<E: Fault>(reader: &mut Reader<'_, E>, _: &Bound) -> Result<Self, E> {
        let at = reader.at();
        match reader.uint()? {
            VERSION => Ok(Self),
            other => Err(reader.error(at, Rule::Version(other))),
        }
    }

    fn own(view: Self) -> Self {
        view
    }
}

/// `strangler_route`: readers of the original system send a message to this service only where it says `microservice`.
/// We always write that, and read past whatever stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StranglerRoute;

const STRANGLER_ROUTE: &str = "microservice";

impl Wire for StranglerRoute {
    type View<'a> = Self;
    const TYPE: Type = Type::Text;
    const DEFAULT: &'static str = "microservice";

    #[inline(always)]
    fn is_default(&self) -> bool {
        true
    }

    #[inline(always)]
    fn size(&self) -> usize {
        write::text_size(STRANGLER_ROUTE.len())
    }

    #[inline(always)]
    fn write(&self, key: &'static Key, out: &mut impl Out) {
        write::put_text(out, key, STRANGLER_ROUTE);
    }

    fn check(&self, _: &'static str, _: &Bound) -> Result<(), Error> {
        Ok(())
    }

    #[inline(always)]
    fn read<E: Fault>(reader: &mut Reader<'_, E>, _: &Bound) -> Result<Self, E> {
        const ENCODED: &Key = &Key::new(STRANGLER_ROUTE);
        if !reader.eat(ENCODED) {
            reader.apart(Reader::skip)?;
        }
        Ok(Self)
    }

    fn own(view: Self) -> Self {
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_version_1_is_read() {
        assert_eq!(Version::read(&mut Reader::<Error>::new(&[0x01], "v"), &Bound::ANY), Ok(Version));
        let error = Version::read(&mut Reader::<Error>::new(&[0xcc, 0x02], "v"), &Bound::ANY).unwrap_err();
        assert_eq!(error.to_string(), "field `v` at byte 0: is version 2, and only 1 is known");
    }

    #[test]
    fn any_route_is_read() {
        assert_eq!(StranglerRoute::read(&mut Reader::<Error>::new(&[0x07], ""), &Bound::ANY), Ok(StranglerRoute));
    }
}
