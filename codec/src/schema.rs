//! The description of an envelope as data: one [`Field`] for each key, from which reader, writer, validation and the
//! tables of `docs/wire.md` all take what they need.

use std::fmt;

use crate::error::Rule;
use crate::out::Key;

/// One key of an envelope or a nested map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// The name that errors give: the key, with the parent's in front in a nested map (`attachments.size`).
    pub path: &'static str,
    /// What the value is.
    pub ty: Type,
    /// Whether the key has to be there.
    pub presence: Presence,
    /// What an absent key reads as; empty where it reads as absent.
    pub default: &'static str,
    /// How large the value may be.
    pub bound: Bound,
    /// What the field means, and its unit.
    pub doc: &'static str,
    /// The key as it is written.
    pub(crate) key: Key,
    /// The field's place as a bit, for sets of fields.
    pub(crate) bit: u64,
}

impl Field {
    /// Whether the key is written even where the value is its default.
    pub(crate) const fn is_always_written(&self) -> bool {
        !matches!(self.presence, Presence::Optional)
    }
}

/// The type of a value, as the wire has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// UTF-8 text.
    Text,
    /// Bytes.
    Binary,
    /// True or false.
    Bool,
    /// A whole number from 0 to 2^64 - 1.
    Uint,
    /// A finite number.
    Float,
    /// Any value, kept as it is.
    Any,
    /// A text out of these.
    Choice(&'static [&'static str]),
    /// A map with its own table of this name.
    Map(&'static str),
    /// A list of these.
    List(&'static Type),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text | Self::Choice(_) => f.write_str("str"),
            Self::Binary => f.write_str("bin"),
            Self::Bool => f.write_str("bool"),
            Self::Uint => f.write_str("uint"),
            Self::Float => f.write_str("float"),
            Self::Any => f.write_str("any"),
            Self::Map(name) => f.write_str(name),
            Self::List(item) => write!(f, "[{item}]"),
        }
    }
}

/// Whether a key has to be there. To a reader an optional and a written field are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Always there; a reader refuses an envelope without it.
    Required,
    /// We always write it, its default included; a reader takes the default for an absent one.
    Written,
    /// We leave it out where it has its default.
    Optional,
}

/// How large a value may be. The bounds on bytes hold for each item of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Least length of a text, in bytes.
    pub bytes_min: usize,
    /// Greatest length of a text, binary or raw value, in bytes.
    pub bytes_max: usize,
    /// Greatest length of a list, and of each list inside it.
    pub items_max: usize,
    /// What a text has to look like.
    pub pattern: Option<Pattern>,
}

/// What a text has to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// The name of a platform: `[a-z0-9-]{1,24}`.
    Platform,
}

impl Pattern {
    /// The pattern as a regular expression.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "[a-z0-9-]{1,24}",
        }
    }

    pub(crate) fn matches(self, text: &str) -> bool {
        match self {
            Self::Platform => {
                (1..=24).contains(&text.len())
                    && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            }
        }
    }
}

impl Bound {
    pub(crate) const ANY: Self = Self { bytes_min: 0, bytes_max: usize::MAX, items_max: usize::MAX, pattern: None };
    pub(crate) const PLATFORM: Self = Self { pattern: Some(Pattern::Platform), ..Self::ANY };

    /// At most `max` bytes.
    pub(crate) const fn up_to(max: usize) -> Self {
        Self { bytes_max: max, ..Self::ANY }
    }

    /// From one to `max` bytes.
    pub(crate) const fn some(max: usize) -> Self {
        Self { bytes_min: 1, bytes_max: max, ..Self::ANY }
    }

    /// At most `items` items, each of at most `max` bytes.
    pub(crate) const fn list(items: usize, max: usize) -> Self {
        Self { bytes_max: max, items_max: items, ..Self::ANY }
    }

    #[inline(always)]
    pub(crate) fn text(&self, text: &str) -> Result<(), Rule> {
        if text.len() < self.bytes_min {
            return Err(Rule::Empty);
        }
        self.length(text.len())?;
        match self.pattern {
            Some(pattern) if !pattern.matches(text) => Err(Rule::Pattern(pattern.as_str())),
            _ => Ok(()),
        }
    }

    #[inline(always)]
    pub(crate) fn length(&self, bytes: usize) -> Result<(), Rule> {
        if bytes > self.bytes_max { Err(Rule::TooLong { max: self.bytes_max }) } else { Ok(()) }
    }

    #[inline(always)]
    pub(crate) fn items(&self, items: usize) -> Result<(), Rule> {
        if items > self.items_max { Err(Rule::TooMany { max: self.items_max }) } else { Ok(()) }
    }
}

/// Numbers the fields in their order. 64 are enough for one envelope; more would not compile.
pub(crate) const fn number<const N: usize>(mut fields: [Field; N]) -> [Field; N] {
    let mut at = 0;
    while at < N {
        fields[at].bit = 1 << at;
        at += 1;
    }
    fields
}

/// The field of this name. Evaluated at compile time only, where a wrong name is an error.
pub(crate) const fn find(fields: &'static [Field], name: &str) -> &'static Field {
    let mut at = 0;
    while !same(fields[at].name, name) {
        at += 1;
    }
    &fields[at]
}

/// The set of fields of this presence.
pub(crate) const fn all(fields: &[Field], presence: Presence) -> u64 {
    let mut bits = 0;
    let mut at = 0;
    while at < fields.len() {
        if fields[at].presence as u8 == presence as u8 {
            bits |= fields[at].bit;
        }
        at += 1;
    }
    bits
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platform_names() {
        let check = |text: &str| Bound::PLATFORM.text(text);
        assert_eq!(check("discord-2"), Ok(()));
        for bad in ["", "Discord", "a_b", "a:b", "abcdefghijklmnopqrstuvwxy", "ä"] {
            assert_eq!(check(bad), Err(Rule::Pattern("[a-z0-9-]{1,24}")), "{bad}");
        }
    }

    #[test]
    fn bounds_include_their_ends() {
        let bound = Bound::some(3);
        assert_eq!(bound.text(""), Err(Rule::Empty));
        assert_eq!(bound.text("abc"), Ok(()));
        assert_eq!(bound.text("abcd"), Err(Rule::TooLong { max: 3 }));
        let bound = Bound::list(2, 1);
        assert_eq!(bound.items(2), Ok(()));
        assert_eq!(bound.items(3), Err(Rule::TooMany { max: 2 }));
    }
}
