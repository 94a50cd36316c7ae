//! The macros that turn one description of a map into everything that handles it.
//!
//! `envelope!` describes a map that we write and read. It makes the owned struct and the borrowed view, and for them
//! `FIELDS`, `encoded_len`, `encode`, `decode`, `validate`. `view!` makes the reading half alone, for a reader that
//! wants part of an envelope. A description reads
//!
//! ```text
//! /// What the map is.
//! Owned, View, named "inbound", under "", by kind in NEEDS;    // `, at most bytes` before `by`: another bound of the whole
//! //                 |                |      the field that chooses a row of needs, if one does
//! //                 |                what errors put in front of a field: the parent and a dot, for a nested map
//! //                 what errors call the map itself
//!
//! /// What the field means.
//! field: Type, Presence, bound, example;    // `field ("key")` where the key is another word
//! ```
//!
//! The example is a value of the field's type: those of all fields make `example()`, from which the tables of
//! `docs/wire.md` and the vectors for other languages come. A description for `view!` has none.
//!
//! The macros only enumerate the fields. What happens to one is decided by its type (`wire`), presence and bound
//! (`schema`), where it can be read as ordinary code.

macro_rules! view {
    (
        $(#[doc = $doc:expr])+
        $View:ident, named $title:literal, under $parent:literal $(, at most $max:expr)? $(, by $by:ident in $needs:expr)?;
        $($(#[doc = $field_doc:literal])+ $field:ident $(($name:literal))?: $Type:ty, $Presence:ident, $bound:expr;)+
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, Default, PartialEq)]
        pub struct $View<'a> {
            $($(#[doc = $field_doc])+ pub $field: $crate::wire::View<'a, $Type>,)+
        }

        impl<'a> $View<'a> {
            /// The fields in the order in which they are written.
            pub const FIELDS: &'static [$crate::schema::Field] = &$crate::schema::number([$($crate::schema::Field {
                name: $crate::envelope::key_name!($field $($name)?),
                key: $crate::out::Key::new($crate::envelope::key_name!($field $($name)?)),
                path: concat!($parent, $crate::envelope::key_name!($field $($name)?)),
                ty: <$Type as $crate::wire::Wire>::TYPE,
                presence: $crate::schema::Presence::$Presence,
                default: <$Type as $crate::wire::Wire>::DEFAULT,
                bound: $bound,
                doc: concat!($($field_doc),+),
                bit: 0,
            }),+]);

            /// Reads and validates the one map that has to fill `buffer`. Allocates nothing.
            ///
            /// # Errors
            /// The first rule that the bytes break, in their order. What is missing is told last.
            pub fn decode(buffer: &'a [u8]) -> Result<Self, $crate::error::Error> {
                // Made where it will be returned, since a view is large enough for copies of it to show.
                let mut decoded = Ok(Self::default());
                if let Ok(view) = &mut decoded {
                    let max = $crate::envelope::bytes_max!($($max)?);
                    if let Err(error) = $crate::read::whole(buffer, $title, max, view, Self::read_into, Self::read_into) {
                        decoded = Err(error);
                    }
                }
                decoded
            }

            /// Reads one map. Its keys are expected in the contract's order, as our own writers have them; from the
            /// first that comes otherwise, in any. Expects a view of defaults.
            fn read_into<E: $crate::fault::Fault>(
                &mut self,
                reader: &mut $crate::read::Reader<'a, E>,
            ) -> Result<(), E> {
                const REQUIRED: u64 = $crate::schema::all($View::FIELDS, $crate::schema::Presence::Required);

                // In registers, which what `reader` points at is not.
                let mut cursor = *reader;
                let mut met = $crate::met::Met::default();
                cursor.enter($title);
                let mut left = cursor.map()?;
                if !E::IS_PRECISE {
                    $(if left > 0 {
                        const FIELD: &$crate::schema::Field = $crate::envelope::field!($View, $field $($name)?);
                        if cursor.eat(&FIELD.key) {
                            left -= 1;
                            met.next::<$Type, E>(&mut cursor, FIELD, &mut self.$field)?;
                        }
                    })+
                }
                if left > 0 {
                    (cursor, met) = self.read_in_any_order(cursor, met, left)?;
                }
                met.complete(&cursor, Self::FIELDS, REQUIRED)?;
                $($crate::needs::check($needs, self.$by as usize, met.given)
                    .map_err(|(field, rule)| E::new(E::field(field), cursor.at(), rule))?;)?
                *reader = cursor;
                Ok(())
            }

            /// Reads the pairs that are `left`.
            #[inline(never)]
            #[expect(non_upper_case_globals, reason = "one constant a field, named as the field, to match keys against")]
            fn read_in_any_order<E: $crate::fault::Fault>(
                &mut self,
                mut reader: $crate::read::Reader<'a, E>,
                mut met: $crate::met::Met,
                left: usize,
            ) -> Result<($crate::read::Reader<'a, E>, $crate::met::Met), E> {
                $(const $field: &[u8] = $crate::envelope::key_name!($field $($name)?).as_bytes();)+

                for _ in 0..left {
                    reader.enter($title);
                    let at = reader.at();
                    match reader.key()? {
                        $(Some($field) => {
                            const FIELD: &$crate::schema::Field = $crate::envelope::field!($View, $field $($name)?);
                            met.read::<$Type, E>(&mut reader, at, FIELD, &mut self.$field)?;
                        })+
                        _ => reader.skip()?,
                    }
                }
                reader.enter($title);
                Ok((reader, met))
            }
        }
    };
}

macro_rules! envelope {
    (
        $(#[doc = $doc:literal])+
        $Owned:ident, $View:ident, named $title:literal, under $parent:literal $(, at most $max:expr)? $(, by $by:ident in $needs:expr)?;
        $(
            $(#[doc = $field_doc:literal])+
            $field:ident $(($name:literal))?: $Type:ty, $Presence:ident, $bound:expr, $example:expr;
        )+
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $Owned {
            $($(#[doc = $field_doc])+ pub $field: $Type,)+
        }

        $crate::envelope::view! {
            #[doc = concat!(" A [`", stringify!($Owned), "`] that borrows from the buffer it was read from.")]
            $View, named $title, under $parent $(, at most $max)? $(, by $by in $needs)?;
            $($(#[doc = $field_doc])+ $field $(($name))?: $Type, $Presence, $bound;)+
        }

        impl $Owned {
            /// Every field filled, as the tables of `docs/wire.md` show it.
            #[must_use]
            pub fn example() -> Self {
                Self { $($field: $example),+ }
            }
        }

        impl $View<'_> {
            /// Copies everything out of the buffer.
            #[must_use]
            pub fn into_owned(self) -> $Owned {
                $Owned { $($field: <$Type as $crate::wire::Wire>::own(self.$field)),+ }
            }
        }

        impl $Owned {
            /// The fields in the order in which they are written.
            pub const FIELDS: &'static [$crate::schema::Field] = $View::FIELDS;

            /// The bytes that [`encode`](Self::encode) will append, exactly.
            #[must_use]
            pub fn encoded_len(&self) -> usize {
                let mut size = $crate::write::head_size(self.pairs());
                $({
                    const FIELD: &$crate::schema::Field = $crate::envelope::field!($View, $field $($name)?);
                    if FIELD.is_always_written() || !$crate::wire::Wire::is_default(&self.$field) {
                        size += FIELD.key.len() + $crate::wire::Wire::size(&self.$field);
                    }
                })+
                size
            }

            /// Appends the envelope to `out`. Where that has not the room, it grows once, by
            /// [`encoded_len`](Self::encoded_len) and [`ENCODE_SPARE`](crate::ENCODE_SPARE). Expects an envelope that [`validate`](Self::validate) accepts; readers refuse any other.
            pub fn encode(&self, out: &mut Vec<u8>) {
                $crate::unchecked::room::fill(
                    out,
                    || self.encoded_len(),
                    |room| $crate::out::Out::apart(room, |room| self.put($crate::out::Key::NONE, room)),
                    |out| self.encode_safely(out),
                );
            }

            /// Appends the same bytes as [`encode`](Self::encode) without its wide stores, and slower: what it is
            /// compared with.
            #[cold]
            #[inline(never)]
            pub fn encode_safely(&self, out: &mut Vec<u8>) {
                out.reserve(self.encoded_len());
                self.put($crate::out::Key::NONE, out);
            }

            /// The encoded envelope in a buffer of its own.
            #[must_use]
            pub fn to_bytes(&self) -> bytes::Bytes {
                let mut out = Vec::with_capacity(self.encoded_len() + $crate::unchecked::room::ENCODE_SPARE);
                self.encode(&mut out);
                out.into()
            }

            /// Holds the envelope against the rules that its readers apply.
            ///
            /// # Errors
            /// The first field that readers would refuse, and the rule.
            pub fn validate(&self) -> Result<(), $crate::error::Error> {
                $({
                    const FIELD: &$crate::schema::Field = $crate::envelope::field!($View, $field $($name)?);
                    $crate::wire::Wire::check(&self.$field, FIELD.path, &FIELD.bound)?;
                })+
                $($crate::needs::check($needs, self.$by as usize, self.given())
                    .map_err(|(field, rule)| $crate::wire::broken(field, rule))?;)?
                let max = $crate::envelope::bytes_max!($($max)?);
                if self.encoded_len() <= max {
                    Ok(())
                } else {
                    Err($crate::wire::broken($title, $crate::error::Rule::TooLong { max }))
                }
            }

            /// The number of pairs that will be written.
            #[inline(always)]
            fn pairs(&self) -> usize {
                0 $(+ usize::from({
                    const FIELD: &$crate::schema::Field = $crate::envelope::field!($View, $field $($name)?);
                    FIELD.is_always_written() || !$crate::wire::Wire::is_default(&self.$field)
                }))+
            }

            /// Writes the map.
            #[inline(always)]
            fn put(&self, key: &'static $crate::out::Key, out: &mut impl $crate::out::Out) {
                let before = out.place();
                let mut head = const { $crate::write::MapHead::guess($Owned::FIELDS) };
                loop {
                    let place = head.leave(key, out);
                    let mut pairs = 0;
                    $({
                        const FIELD: &$crate::schema::Field = $crate::envelope::field!($View, $field $($name)?);
                        if FIELD.is_always_written() || !$crate::wire::Wire::is_default(&self.$field) {
                            $crate::wire::Wire::write(&self.$field, &FIELD.key, out);
                            pairs += 1;
                        }
                    })+
                    match head.set(place, pairs, out) {
                        Ok(()) => break,
                        Err(other) => head = other,
                    }
                    out.rewind(before);
                }
            }

            /// The set of fields that have something else than their default.
            fn given(&self) -> u64 {
                let mut given = 0;
                $({
                    const FIELD: &$crate::schema::Field = $crate::envelope::field!($View, $field $($name)?);
                    if !$crate::wire::Wire::is_default(&self.$field) {
                        given |= FIELD.bit;
                    }
                })+
                given
            }
        }

        impl $crate::wire::Wire for $Owned {
            type View<'a> = $View<'a>;
            const TYPE: $crate::schema::Type = $crate::schema::Type::Map(stringify!($Owned));
            const DEFAULT: &'static str = "{}";

            fn is_default(&self) -> bool {
                self.given() == 0
            }

            fn size(&self) -> usize {
                self.encoded_len()
            }

            fn write(&self, key: &'static $crate::out::Key, out: &mut impl $crate::out::Out) {
                self.put(key, out);
            }

            fn check(&self, _: &'static str, _: &$crate::schema::Bound) -> Result<(), $crate::error::Error> {
                self.validate()
            }

            fn read<'a, E: $crate::fault::Fault>(
                reader: &mut $crate::read::Reader<'a, E>,
                _: &$crate::schema::Bound,
            ) -> Result<$View<'a>, E> {
                let mut view = $View::default();
                view.read_into(reader)?;
                Ok(view)
            }

            fn own(view: $View<'_>) -> Self {
                view.into_owned()
            }
        }
    };
}

/// The key of a field, as a literal.
macro_rules! key_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $name:literal) => {
        $name
    };
}

/// The bound of a whole map.
macro_rules! bytes_max {
    () => {
        $crate::limits::ENVELOPE_BYTES
    };
    ($max:expr) => {
        $max
    };
}

/// The description of a field, found at compile time.
macro_rules! field {
    ($View:ident, $field:ident $($name:literal)?) => {
        $crate::schema::find($View::FIELDS, $crate::envelope::key_name!($field $($name)?))
    };
}

pub(crate) use {bytes_max, envelope, field, key_name, view};
