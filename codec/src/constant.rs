//! Fields that every writer fills in the same way. They take no room in an envelope and nobody can set them wrong.

use crate::error::{Error, Rule};
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

    fn is_default(&self) -> bool {
        true
    }

    fn size(&self) -> usize {
        write::uint_size(VERSION)
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::put_uint(out, VERSION);
    }

    fn check(&self, _: &'static str, _: &Bound) -> Result<(), Error> {
        Ok(())
    }

    fn read(reader: &mut Reader<'_>, _: &Bound) -> Result<Self, Error> {
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

    fn is_default(&self) -> bool {
        true
    }

    fn size(&self) -> usize {
        write::text_size(STRANGLER_ROUTE.len())
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::put_text(out, STRANGLER_ROUTE);
    }

    fn check(&self, _: &'static str, _: &Bound) -> Result<(), Error> {
        Ok(())
    }

    fn read(reader: &mut Reader<'_>, _: &Bound) -> Result<Self, Error> {
        reader.skip().map(|()| Self)
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
        assert_eq!(Version::read(&mut Reader::new(&[0x01], "v"), &Bound::ANY), Ok(Version));
        let error = Version::read(&mut Reader::new(&[0xcc, 0x02], "v"), &Bound::ANY).unwrap_err();
        assert_eq!(error.to_string(), "field `v` at byte 0: is version 2, and only 1 is known");
    }

    #[test]
    fn any_route_is_read() {
        assert_eq!(StranglerRoute::read(&mut Reader::new(&[0x07], ""), &Bound::ANY), Ok(StranglerRoute));
    }
}
