//! What each kind of envelope needs beyond its required fields: one table per envelope, which validation and docs
//! share.
//!
//! A field that a kind neither needs nor uses is no error: it is read and left alone, so that a later version may give
//! it a meaning.

use crate::error::Rule;
use crate::schema::{Field, find};

/// The row of one kind.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// The kind or type, as written on the wire.
    pub by: &'static str,
    /// What has to be there, with something else than its default.
    pub needed: &'static [Need],
    /// What else the kind makes use of.
    pub used: &'static [&'static str],
}

/// One thing that has to be there.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    /// The fields of which one is enough.
    pub one_of: &'static [&'static str],
    bits: u64,
}

/// Asks for one of the fields of these names. A name that `fields` lacks does not compile.
pub(crate) const fn need(fields: &'static [Field], one_of: &'static [&'static str]) -> Need {
    let mut bits = 0;
    let mut at = 0;
    while at < one_of.len() {
        bits |= find(fields, one_of[at]).bit;
        at += 1;
    }
    Need { one_of, bits }
}

/// Holds the set of `given` fields against the row at `place`; a broken rule comes with the field that is missing.
#[inline(always)]
pub(crate) fn check(table: &[Needs], place: usize, given: u64) -> Result<(), (&'static str, Rule)> {
    let Some(row) = table.get(place) else { return Ok(()) };
    match row.needed.iter().find(|need| need.bits & given == 0) {
        Some(Need { one_of: [field, others @ ..], .. }) => {
            Err((field, Rule::Needed { by: row.by, or: others.first().copied() }))
        }
        _ => Ok(()),
    }
}
