//! What was wrong with an envelope: which field, where in the bytes, and which rule it broke.
//!
//! An [`Error`] is plain data, so refusing a hostile entry allocates nothing. No repeat can help: the same bytes fail
//! in the same place, which is why undecodable entries become dead letters at once.

use std::fmt;

/// The field of an envelope that broke a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`{}: {rule}", Place(*offset))]
pub struct Error {
    /// The field by its name on the wire, dotted inside a nested map (`attachments.size`). The envelope's own name
    /// (`inbound`) where no single field is at fault.
    pub field: &'static str,
    /// Byte of the buffer at which the offending value begins, or where a missing one was given up. `None` from
    /// `validate`, whose envelope has no bytes yet.
    pub offset: Option<usize>,
    /// What the field would have had to satisfy.
    pub rule: Rule,
}

/// A rule that an envelope broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// A required field is absent or nil.
    #[error("is required and was not there")]
    Missing,
    /// The kind of envelope needs this field, or another in its place.
    #[error("is needed by `{by}`{}", Instead(*or))]
    Needed {
        /// The kind or type that needs it, as written on the wire.
        by: &'static str,
        /// A field that would serve as well.
        or: Option<&'static str>,
    },
    /// The value has another type.
    #[error("is not {0}")]
    Type(&'static str),
    /// A number that the field's type cannot hold.
    #[error("does not fit {0}")]
    Range(&'static str),
    /// A text without a character where one is needed.
    #[error("must not be empty")]
    Empty,
    /// A text or binary above its bound.
    #[error("is longer than {max} bytes")]
    TooLong {
        /// The bound, in bytes.
        max: usize,
    },
    /// A list above its bound.
    #[error("has more than {max} items")]
    TooMany {
        /// The bound, in items.
        max: usize,
    },
    /// Lists and maps nested above the bound.
    #[error("is nested deeper than {max} levels")]
    TooDeep {
        /// The bound, in levels.
        max: usize,
    },
    /// A text that its pattern refuses.
    #[error("does not match {0}")]
    Pattern(&'static str),
    /// A text that is none of the known ones.
    #[error("is none of {}", Choices(.0))]
    Choice(&'static [&'static str]),
    /// An envelope of a later, incompatible version.
    #[error("is version {0}, and only 1 is known")]
    Version(u64),
    /// A text that is not UTF-8.
    #[error("is not valid utf-8")]
    Utf8,
    /// The byte 0xc1, which msgpack never uses.
    #[error("begins with the reserved byte 0xc1")]
    Reserved,
    /// The buffer ends inside the value, or its length or count claims more than the buffer holds.
    #[error("ends before it is complete")]
    Truncated,
    /// One key twice in a map.
    #[error("appears twice")]
    Twice,
    /// Bytes after the end of the envelope.
    #[error("is followed by bytes that belong to nothing")]
    Trailing,
}

impl Rule {
    /// A short name from a closed list, for metrics and dead letters.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::Needed { .. } => "missing",
            Self::Type(_) => "type",
            Self::Range(_) => "range",
            Self::Empty => "empty",
            Self::TooLong { .. } | Self::TooMany { .. } | Self::TooDeep { .. } => "too_large",
            Self::Pattern(_) | Self::Choice(_) => "unknown_value",
            Self::Version(_) => "version",
            Self::Utf8 | Self::Reserved | Self::Truncated | Self::Twice | Self::Trailing => "malformed",
        }
    }
}

struct Place(Option<usize>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |offset| write!(f, " at byte {offset}"))
    }
}

struct Instead(Option<&'static str>);

impl fmt::Display for Instead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |field| write!(f, ", or `{field}` in its place"))
    }
}

struct Choices<'a>(&'a [&'static str]);

impl fmt::Display for Choices<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, choice) in self.0.iter().enumerate() {
            write!(f, "{}`{choice}`", if place == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_field_offset_and_rule() {
        let error = Error { field: "timestamp", offset: Some(112), rule: Rule::Missing };
        assert_eq!(error.to_string(), "field `timestamp` at byte 112: is required and was not there");
        let error = Error { field: "target", offset: None, rule: Rule::Needed { by: "edit", or: Some("target_key") } };
        assert_eq!(error.to_string(), "field `target`: is needed by `edit`, or `target_key` in its place");
        let error = Error { field: "state", offset: Some(3), rule: Rule::Choice(&["start", "stop"]) };
        assert_eq!(error.to_string(), "field `state` at byte 3: is none of `start`, `stop`");
    }
}
