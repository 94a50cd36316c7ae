//! What a type has to do to stand in a field: its borrowed view, its size, its bytes, its bounds.
//!
//! | owned | view | on the wire |
//! |---|---|---|
//! | `String` | `&str` | str |
//! | [`Bytes`] | `&[u8]` | bin |
//! | `bool`, `u64`, `f64` | itself | bool, uint, float |
//! | `Vec<T>` | [`List`](crate::List) | array |
//! | [`Raw`](crate::Raw) | [`RawView`](crate::RawView) | any |
//! | an enum of [`choice`](crate::choice) | itself | str |
//! | `Option<T>` | `Option` of `T`'s view | as `T`; absent or nil where `None` |
//!
//! In an `Option`, an empty text is an absent one: who sends `thread_id: ""` means that there is no thread, and the
//! lane must not come out as another one. So a `Some` text is never empty in a view.

use std::fmt::Debug;

use bytes::Bytes;

use crate::error::{Error, Rule};
use crate::fault::Fault;
use crate::out::{Key, Out};
use crate::read::Reader;
use crate::schema::{Bound, Type};
use crate::write;

/// The borrowed form of a field of type `T`; [`Wire`] says which it is.
pub type View<'a, T> = <T as Wire>::View<'a>;

/// A type that a field may have: `String` (read as `&str`), [`Bytes`] (`&[u8]`), `bool`, `u64`, `f64`, `Vec`
/// ([`List`](crate::List)), [`Raw`](crate::Raw) ([`RawView`](crate::RawView)), the enums and nested maps of this crate,
/// and `Option` of these.
///
/// Its methods are the schema's own tools. Callers use those of the envelopes.
pub trait Wire: Default {
    /// What a reader gets: borrowed from the buffer, without allocation.
    type View<'a>: Copy + Default + PartialEq + Debug;
    /// The type's name in the field tables.
    const TYPE: Type;
    /// What an absent field reads as, in the field tables. Empty: it reads as absent.
    const DEFAULT: &'static str;
    /// An empty value in an `Option` counts as an absent one.
    const EMPTY_IS_ABSENT: bool = false;

    /// Whether an absent field would read as this value.
    fn is_default(&self) -> bool;
    /// Bytes that [`write`](Self::write) will append.
    fn size(&self) -> usize;
    /// Appends the value, behind the `key` of its field where there is one.
    fn write(&self, key: &'static Key, out: &mut impl Out);
    /// Holds the value against `bound`, as [`read`](Self::read) would. `path` names the field in the error.
    fn check(&self, path: &'static str, bound: &Bound) -> Result<(), Error>;
    /// Reads one value that is not nil.
    fn read<'a, E: Fault>(reader: &mut Reader<'a, E>, bound: &Bound) -> Result<Self::View<'a>, E>;
    /// Copies a view out of the buffer.
    fn own(view: Self::View<'_>) -> Self;
}

/// Puts a broken rule of a value without bytes into words.
pub(crate) fn broken(path: &'static str, rule: Rule) -> Error {
    Error { field: path, offset: None, rule }
}

impl Wire for String {
    type View<'a> = &'a str;
    const TYPE: Type = Type::Text;
    const DEFAULT: &'static str = "\"\"";
    const EMPTY_IS_ABSENT: bool = true;

    #[inline(always)]
    fn is_default(&self) -> bool {
        self.is_empty()
    }

    #[inline(always)]
    fn size(&self) -> usize {
        write::text_size(self.len())
    }

    #[inline(always)]
    fn write(&self, key: &'static Key, out: &mut impl Out) {
        write::put_text(out, key, self);
    }

    fn check(&self, path: &'static str, bound: &Bound) -> Result<(), Error> {
        bound.text(self).map_err(|rule| broken(path, rule))
    }

    #[inline(always)]
    fn read<'a, E: Fault>(reader: &mut Reader<'a, E>, bound: &Bound) -> Result<&'a str, E> {
        let at = reader.at();
        let text = reader.text()?;
        bound.text(text).map_err(|rule| reader.error(at, rule))?;
        Ok(text)
    }

    fn own(view: &str) -> Self {
        view.to_owned()
    }
}

impl Wire for Bytes {
    type View<'a> = &'a [u8];
    const TYPE: Type = Type::Binary;
    const DEFAULT: &'static str = "b\"\"";

    #[inline(always)]
    fn is_default(&self) -> bool {
        self.is_empty()
    }

    #[inline(always)]
    fn size(&self) -> usize {
        write::bin_size(self.len())
    }

    #[inline(always)]
    fn write(&self, key: &'static Key, out: &mut impl Out) {
        write::put_bin(out, key, self);
    }

    fn check(&self, path: &'static str, bound: &Bound) -> Result<(), Error> {
        bound.length(self.len()).map_err(|rule| broken(path, rule))
    }

    #[inline(always)]
    fn read<'a, E: Fault>(reader: &mut Reader<'a, E>, bound: &Bound) -> Result<&'a [u8], E> {
        let at = reader.at();
        let bytes = reader.apart(Reader::bin)?;
        bound.length(bytes.len()).map_err(|rule| reader.error(at, rule))?;
        Ok(bytes)
    }

    fn own(view: &[u8]) -> Self {
        Self::copy_from_slice(view)
    }
}

impl Wire for bool {
    type View<'a> = Self;
    const TYPE: Type = Type::Bool;
    const DEFAULT: &'static str = "false";

    #[inline(always)]
    fn is_default(&self) -> bool {
        !self
    }

    #[inline(always)]
    fn size(&self) -> usize {
        1
    }

    #[inline(always)]
    fn write(&self, key: &'static Key, out: &mut impl Out) {
        write::put_bool(out, key, *self);
    }

    fn check(&self, _: &'static str, _: &Bound) -> Result<(), Error> {
        Ok(())
    }

    #[inline(always)]
    fn read<E: Fault>(reader: &mut Reader<'_, E>, _: &Bound) -> Result<Self, E> {
        reader.boolean()
    }

    fn own(view: Self) -> Self {
        view
    }
}

impl Wire for u64 {
    type View<'a> = Self;
    const TYPE: Type = Type::Uint;
    const DEFAULT: &'static str = "0";

    #[inline(always)]
    fn is_default(&self) -> bool {
        *self == 0
    }

    #[inline(always)]
    fn size(&self) -> usize {
        write::uint_size(*self)
    }

    #[inline(always)]
    fn write(&self, key: &'static Key, out: &mut impl Out) {
        write::put_uint(out, key, *self);
    }

    fn check(&self, _: &'static str, _: &Bound) -> Result<(), Error> {
        Ok(())
    }

    #[inline(always)]
    fn read<E: Fault>(reader: &mut Reader<'_, E>, _: &Bound) -> Result<Self, E> {
        reader.uint()
    }

    fn own(view: Self) -> Self {
        view
    }
}

impl Wire for f64 {
    type View<'a> = Self;
    const TYPE: Type = Type::Float;
    const DEFAULT: &'static str = "0";

    #[inline(always)]
    fn is_default(&self) -> bool {
        *self == 0.0
    }

    #[inline(always)]
    fn size(&self) -> usize {
        write::FLOAT_SIZE
    }

    #[inline(always)]
    fn write(&self, key: &'static Key, out: &mut impl Out) {
        write::put_float(out, key, *self);
    }

    fn check(&self, path: &'static str, _: &Bound) -> Result<(), Error> {
        if self.is_finite() {
            Ok(())
        } else {
            Err(broken(path, Rule::Range("a finite number that 64 bits of float hold exactly")))
        }
    }

    #[inline(always)]
    fn read<E: Fault>(reader: &mut Reader<'_, E>, _: &Bound) -> Result<Self, E> {
        reader.float()
    }

    fn own(view: Self) -> Self {
        view
    }
}

impl<T: Wire> Wire for Option<T> {
    type View<'a> = Option<T::View<'a>>;
    const TYPE: Type = T::TYPE;
    const DEFAULT: &'static str = "";

    #[inline(always)]
    fn is_default(&self) -> bool {
        self.as_ref().is_none_or(|value| T::EMPTY_IS_ABSENT && value.is_default())
    }

    #[inline(always)]
    fn size(&self) -> usize {
        self.as_ref().map_or(1, T::size)
    }

    #[inline(always)]
    fn write(&self, key: &'static Key, out: &mut impl Out) {
        match self {
            Some(value) => value.write(key, out),
            None => write::put_nil(out, key),
        }
    }

    fn check(&self, path: &'static str, bound: &Bound) -> Result<(), Error> {
        match self {
            Some(value) if !self.is_default() => value.check(path, bound),
            _ => Ok(()),
        }
    }

    #[inline(always)]
    fn read<'a, E: Fault>(reader: &mut Reader<'a, E>, bound: &Bound) -> Result<Option<T::View<'a>>, E> {
        let view = T::read(reader, bound)?;
        let absent = T::EMPTY_IS_ABSENT && view == T::View::default();
        Ok((!absent).then_some(view))
    }

    fn own(view: Option<T::View<'_>>) -> Self {
        view.map(T::own)
    }
}
