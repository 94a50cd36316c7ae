//! What a reader of a map keeps about the keys that it has come by.

use crate::error::Rule;
use crate::fault::Fault;
use crate::read::Reader;
use crate::schema::Field;
use crate::wire::Wire;

/// Which fields a reader has met so far, as sets of their bits.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Met {
    keys: u64,
    /// Not nil.
    values: u64,
    /// Something else than the default.
    pub(crate) given: u64,
}

impl Met {
    /// Reads the value of `field`, whose key begins at `at`, into its place in a view.
    #[inline(never)]
    pub(crate) fn read<'a, T: Wire, E: Fault>(
        &mut self,
        reader: &mut Reader<'a, E>,
        at: usize,
        field: &'static Field,
        place: &mut T::View<'a>,
    ) -> Result<(), E> {
        reader.enter(field.path);
        if self.keys & field.bit != 0 {
            return Err(reader.error(at, Rule::Twice));
        }
        self.next::<T, E>(reader, field, place)
    }

    /// The same for a field that has not been met.
    #[inline(always)]
    pub(crate) fn next<'a, T: Wire, E: Fault>(
        &mut self,
        reader: &mut Reader<'a, E>,
        field: &'static Field,
        place: &mut T::View<'a>,
    ) -> Result<(), E> {
        self.keys |= field.bit;
        if reader.nil() {
            return Ok(());
        }
        let value = T::read(reader, &field.bound)?;
        self.values |= field.bit;
        if value != T::View::default() {
            self.given |= field.bit;
        }
        *place = value;
        Ok(())
    }

    /// At the end of the map: every required field has been met.
    #[inline(always)]
    pub(crate) fn complete<E: Fault>(&self, reader: &Reader<'_, E>, fields: &[Field], required: u64) -> Result<(), E> {
        let missing = required & !self.values;
        if missing == 0 {
            return Ok(());
        }
        let path = fields.iter().find(|field| field.bit & missing != 0).map_or("", |field| field.path);
        Err(E::new(E::field(path), reader.at(), Rule::Missing))
    }
}
