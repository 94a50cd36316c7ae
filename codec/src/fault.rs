//! Two ways to read: quickly, and so as to say what was wrong.
//!
//! Nearly all envelopes are sound. So they are read at first by a reader whose error has no content, which the compiler
//! keeps in a flag; the rest is read once more for an [`Error`]. The code is the same, made twice by the compiler.

use std::fmt::Debug;

use crate::error::{Error, Rule};

/// What a reader returns when a rule is broken.
pub trait Fault: Copy + Debug {
    /// What the reader keeps, to name the field by.
    type Field: Copy + Debug;
    /// Whether the reading serves to find out what is wrong.
    const IS_PRECISE: bool;

    /// The field that is read next.
    fn field(name: &'static str) -> Self::Field;
    /// The value of `field` that begins at `offset` breaks `rule`.
    fn new(field: Self::Field, offset: usize, rule: Rule) -> Self;
}

/// Some rule is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

impl Fault for Refused {
    type Field = ();
    const IS_PRECISE: bool = false;

    #[inline(always)]
    fn field(_: &'static str) {}

    #[inline(always)]
    fn new((): (), _: usize, _: Rule) -> Self {
        Self
    }
}

impl Fault for Error {
    type Field = &'static str;
    const IS_PRECISE: bool = true;

    fn field(name: &'static str) -> &'static str {
        name
    }

    #[cold]
    fn new(field: &'static str, offset: usize, rule: Rule) -> Self {
        Self { field, offset: Some(offset), rule }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
    use proptest::test_runner::TestCaseError;

    use super::*;
    use crate::history::HistoryMessage;
    use crate::inbound::Inbound;
    use crate::inspect::pairs;
    use crate::media::MediaRecord;
    use crate::outbound::Outbound;
    use crate::preview::PreviewFrame;
    use crate::read::Reader;
    use crate::schema::Bound;
    use crate::wire::Wire;

    /// What becomes of one pair of an envelope.
    #[derive(Debug, Clone)]
    enum Fate {
        Kept,
        Dropped,
        Doubled,
        Nil,
        Followed(Vec<u8>),
        Moved,
    }

    fn fates() -> impl Strategy<Value = Vec<Fate>> {
        let fate = prop_oneof![
            12 => Just(Fate::Kept),
            2 => Just(Fate::Dropped),
            1 => Just(Fate::Doubled),
            1 => Just(Fate::Nil),
            1 => vec(any::<u8>(), 2..6).prop_map(Fate::Followed),
            1 => Just(Fate::Moved),
        ];
        vec(fate, 32)
    }

    /// An envelope with its pairs as fate would have it, a count that is off by `off`, and one byte turned into another.
    fn bent(whole: &[u8], fates: &[Fate], off: usize, damage: Option<(usize, u8)>) -> Vec<u8> {
        let mut out = Vec::new();
        let mut moved = Vec::new();
        let mut count = off;
        for ((key, value), fate) in pairs(whole).unwrap().into_iter().zip(fates) {
            let pair = [key, value].concat();
            count += 1;
            match fate {
                Fate::Kept => out.extend(pair),
                Fate::Dropped => count -= 1,
                Fate::Doubled => {
                    out.extend(pair.repeat(2));
                    count += 1;
                }
                Fate::Nil => out.extend([key, &[0xc0]].concat()),
                Fate::Followed(bytes) => {
                    out.extend(pair);
                    out.extend(bytes);
                    count += 1;
                }
                Fate::Moved => moved.extend(pair),
            }
        }
        out.extend(moved);
        if let Some((place, byte)) = damage {
            let place = place % out.len().max(1);
            if let Some(at) = out.get_mut(place) {
                *at = byte;
            }
        }
        [vec![0xde, 0, count as u8], out].concat()
    }

    /// Both readings take the same bytes for the same, and end in the same place.
    fn agree<T: Wire>(bytes: &[u8]) -> Result<(), TestCaseError> {
        let (mut quick, mut precise) = (Reader::<Refused>::new(bytes, ""), Reader::<Error>::new(bytes, ""));
        let quickly = T::read(&mut quick, &Bound::ANY).ok();
        let precisely = T::read(&mut precise, &Bound::ANY).ok();
        prop_assert_eq!(&quickly, &precisely);
        if quickly.is_some() {
            prop_assert_eq!(quick.at(), precise.at());
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn reading_quickly_and_precisely_is_the_same(
            fates in fates(),
            off in prop_oneof![9 => 0..1_usize, 1 => 0..3_usize],
            damage in proptest::option::of((any::<usize>(), any::<u8>())),
        ) {
            agree::<Inbound>(&bent(&Inbound::example().to_bytes(), &fates, off, damage))?;
            agree::<Outbound>(&bent(&Outbound::example().to_bytes(), &fates, off, damage))?;
            agree::<PreviewFrame>(&bent(&PreviewFrame::example().to_bytes(), &fates, off, damage))?;
            agree::<HistoryMessage>(&bent(&HistoryMessage::example().to_bytes(), &fates, off, damage))?;
            agree::<MediaRecord>(&bent(&MediaRecord::example().to_bytes(), &fates, off, damage))?;
        }
    }
}
