//! The macros that turn one description of a map into everything that handles it.
//!
//! `envelope!` describes a map that we write and read. It makes the owned struct and the borrowed view, and for them
//! `FIELDS`, `encoded_len`, `encode`, `decode`, `validate`. `view!` makes the reading half alone, for a reader that
//! wants part of an envelope. A description reads
//!
//! ```text
//! /// What the map is.
//! Owned, View, named "inbound", under "", by kind in NEEDS;
//! //                 |                |      the field that chooses a row of needs, if one does
//! //                 |                what errors put in front of a field: the parent and a dot, for a nested map
//! //                 what errors call the map itself
//!
//! /// What the field means.
//! field: Type, Presence, bound;    // `field ("key")` where the key is another word
//! ```
//!
//! The macros only enumerate the fields. What happens to one is decided by its type (`wire`), presence and bound
//! (`schema`), where it can be read as ordinary code.

macro_rules! view {
    (
        $(#[doc = $doc:expr])+
        $View:ident, named $title:literal, under $parent:literal $(, by $by:ident in $needs:expr)?;
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
                key: &$crate::write::key::<{ $crate::envelope::key_name!($field $($name)?).len() + 1 }>(
                    $crate::envelope::key_name!($field $($name)?),
                ),
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
                $crate::read::Reader::whole(buffer, $title, Self::read)
            }

            #[expect(non_upper_case_globals, reason = "one constant a field, named as the field, to match keys against")]
            pub(crate) fn read(reader: &mut $crate::read::Reader<'a>) -> Result<Self, $crate::error::Error> {
                const REQUIRED: u64 = $crate::schema::all($View::FIELDS, $crate::schema::Presence::Required);
                $(const $field: &[u8] = $crate::envelope::key_name!($field $($name)?).as_bytes();)+

                let mut view = Self::default();
                let mut met = $crate::schema::Met::default();
                reader.enter($title);
                for _ in 0..reader.map()? {
                    reader.enter($title);
                    let at = reader.at();
                    match reader.key()? {
                        $(Some($field) => {
                            const FIELD: &$crate::schema::Field = $crate::envelope::field!($View, $field $($name)?);
                            met.read::<$Type>(reader, at, FIELD, &mut view.$field)?;
                        })+
                        _ => reader.skip()?,
                    }
                }
                met.complete(reader, Self::FIELDS, REQUIRED)?;
                $($crate::needs::check($needs, view.$by as usize, met.given)
                    .map_err(|(field, rule)| $crate::error::Error { field, offset: Some(reader.at()), rule })?;)?
                Ok(view)
            }
        }
    };
}

macro_rules! envelope {
    (
        $(#[doc = $doc:literal])+
        $Owned:ident, $View:ident, named $title:literal, under $parent:literal $(, by $by:ident in $needs:expr)?;
        $($(#[doc = $field_doc:literal])+ $field:ident $(($name:literal))?: $Type:ty, $Presence:ident, $bound:expr;)+
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $Owned {
            $($(#[doc = $field_doc])+ pub $field: $Type,)+
        }

        $crate::envelope::view! {
            #[doc = concat!(" A [`", stringify!($Owned), "`] that borrows from the buffer it was read from.")]
            $View, named $title, under $parent $(, by $by in $needs)?;
            $($(#[doc = $field_doc])+ $field $(($name))?: $Type, $Presence, $bound;)+
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

            const ALWAYS: u64 = $crate::schema::all(Self::FIELDS, $crate::schema::Presence::Required)
                | $crate::schema::all(Self::FIELDS, $crate::schema::Presence::Written);

            /// The bytes that [`encode`](Self::encode) will append, exactly.
            #[must_use]
            pub fn encoded_len(&self) -> usize {
                let written = self.given() | Self::ALWAYS;
                let mut size = $crate::write::head_size(written.count_ones() as usize);
                $({
                    const FIELD: &$crate::schema::Field = $crate::envelope::field!($View, $field $($name)?);
                    if written & FIELD.bit != 0 {
                        size += FIELD.key.len() + $crate::wire::Wire::size(&self.$field);
                    }
                })+
                size
            }

            /// Appends the envelope to `out`, which grows once at most. Expects one that [`validate`](Self::validate)
            /// accepts; readers refuse any other.
            pub fn encode(&self, out: &mut Vec<u8>) {
                out.reserve($crate::wire::Wire::size(self));
                $crate::wire::Wire::write(self, out);
            }

            /// The encoded envelope in a buffer of its own.
            #[must_use]
            pub fn to_bytes(&self) -> bytes::Bytes {
                let mut out = Vec::new();
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
                match self.encoded_len() {
                    ..=$crate::limits::ENVELOPE_BYTES => Ok(()),
                    _ => Err($crate::wire::broken(
                        $title,
                        $crate::error::Rule::TooLong { max: $crate::limits::ENVELOPE_BYTES },
                    )),
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

            fn write(&self, out: &mut Vec<u8>) {
                let written = self.given() | Self::ALWAYS;
                $crate::write::put_map(out, written.count_ones() as usize);
                $({
                    const FIELD: &$crate::schema::Field = $crate::envelope::field!($View, $field $($name)?);
                    if written & FIELD.bit != 0 {
                        out.extend_from_slice(FIELD.key);
                        $crate::wire::Wire::write(&self.$field, out);
                    }
                })+
            }

            fn check(&self, _: &'static str, _: &$crate::schema::Bound) -> Result<(), $crate::error::Error> {
                self.validate()
            }

            fn read<'a>(
                reader: &mut $crate::read::Reader<'a>,
                _: &$crate::schema::Bound,
            ) -> Result<$View<'a>, $crate::error::Error> {
                $View::read(reader)
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

/// The description of a field, found at compile time.
macro_rules! field {
    ($View:ident, $field:ident $($name:literal)?) => {
        $crate::schema::find($View::FIELDS, $crate::envelope::key_name!($field $($name)?))
    };
}

pub(crate) use {envelope, field, key_name, view};
