//! Lists: a `Vec` for the writer, an iterator over the buffer for the reader.
//!
//! `decode` walks every item and holds it against its bounds, so that walking the list again cannot fail and allocates
//! nothing.

use std::fmt;
use std::marker::PhantomData;

use crate::error::{Error, Rule};
use crate::fault::{Fault, Refused};
use crate::out::{Key, Out};
use crate::read::Reader;
use crate::schema::{Bound, Type};
use crate::wire::{Wire, broken};
use crate::write;

/// The items of a list, still in the buffer. `T` is what an item would be when owned; the iterator gives its view.
pub struct List<'a, T> {
    /// The encoded items without the list's head. Invariant: `len` items that `T` has read before, and nothing else.
    items: &'a [u8],
    len: usize,
    item: PhantomData<fn() -> T>,
}

impl<'a, T: Wire> List<'a, T> {
    /// Number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no items. An absent list is an empty one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The items in their order.
    #[must_use]
    pub fn iter(&self) -> Items<'a, T> {
        Items { reader: Reader::new(self.items, ""), left: self.len, item: PhantomData }
    }
}

/// The iterator of a [`List`].
#[derive(Debug)]
pub struct Items<'a, T> {
    reader: Reader<'a, Refused>,
    left: usize,
    item: PhantomData<fn() -> T>,
}

impl<'a, T: Wire> Iterator for Items<'a, T> {
    type Item = T::View<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let item = T::read(&mut self.reader, &Bound::ANY);
        debug_assert!(item.is_ok(), "decode has read this item before");
        item.ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Wire> ExactSizeIterator for Items<'_, T> {}

impl<'a, T: Wire> IntoIterator for List<'a, T> {
    type Item = T::View<'a>;
    type IntoIter = Items<'a, T>;

    fn into_iter(self) -> Items<'a, T> {
        self.iter()
    }
}

impl<'a, T: Wire> IntoIterator for &List<'a, T> {
    type Item = T::View<'a>;
    type IntoIter = Items<'a, T>;

    fn into_iter(self) -> Items<'a, T> {
        self.iter()
    }
}

// By hand, since derived ones would ask the same of `T`, which is never held.
impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self { items: &[], len: 0, item: PhantomData }
    }
}

/// By meaning: two writers may have encoded the same items in different widths.
impl<T: Wire> PartialEq for List<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<T: Wire> fmt::Debug for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Wire> Wire for Vec<T> {
    type View<'a> = List<'a, T>;
    const TYPE: Type = Type::List(&T::TYPE);
    const DEFAULT: &'static str = "[]";

    fn is_default(&self) -> bool {
        self.is_empty()
    }

    fn size(&self) -> usize {
        slice_size(self)
    }

    fn write(&self, key: &'static Key, out: &mut impl Out) {
        out.apart(|out| write_slice(self, key, out));
    }

    fn check(&self, path: &'static str, bound: &Bound) -> Result<(), Error> {
        bound.items(self.len()).map_err(|rule| broken(path, rule))?;
        self.iter().try_for_each(|item| item.check(path, bound))
    }

    fn read<'a, E: Fault>(reader: &mut Reader<'a, E>, bound: &Bound) -> Result<List<'a, T>, E> {
        reader.apart(|reader| {
            let at = reader.at();
            let len = reader.list()?;
            bound.items(len).map_err(|rule: Rule| reader.error(at, rule))?;
            let before = *reader;
            for _ in 0..len {
                T::read(reader, bound)?;
            }
            Ok(List { items: reader.since(&before), len, item: PhantomData })
        })
    }

    fn own(view: List<'_, T>) -> Self {
        view.iter().map(T::own).collect()
    }
}

/// Bytes of `items` as a list.
fn slice_size<T: Wire>(items: &[T]) -> usize {
    write::head_size(items.len()) + items.iter().map(T::size).sum::<usize>()
}

/// Appends `items` as a list.
fn write_slice<T: Wire>(items: &[T], key: &'static Key, out: &mut impl Out) {
    write::put_list(out, key, items.len());
    items.iter().for_each(|item| item.write(Key::NONE, out));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_read_from_the_buffer() {
        let rows = vec![vec!["a".to_owned(), String::new()], vec![], vec!["b".to_owned()]];
        let mut out = Vec::new();
        rows.write(Key::NONE, &mut out);
        assert_eq!(out.len(), rows.size());
        let view = Vec::<Vec<String>>::read(&mut Reader::<Refused>::new(&out, "rows"), &Bound::ANY).unwrap();
        assert_eq!(view.iter().map(|row| row.len()).collect::<Vec<_>>(), [2, 0, 1]);
        assert_eq!(Vec::own(view), rows);
        assert_eq!(format!("{view:?}"), r#"[["a", ""], [], ["b"]]"#);
        assert_eq!(view.into_iter().len(), 3);
    }

    #[test]
    fn a_nil_is_no_item() {
        let error = Vec::<String>::read(&mut Reader::<Error>::new(&[0x91, 0xc0], "roles"), &Bound::ANY).unwrap_err();
        assert_eq!(error.to_string(), "field `roles` at byte 1: is not text");
    }
}
