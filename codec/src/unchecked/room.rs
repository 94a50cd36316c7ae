//! The fast writer: room that was reserved beforehand, filled by a pointer that only moves forward.
//!
//! Its wide stores may write past the end of what they were asked for, into room that is overwritten next or never
//! seen.
//!
//! Sound whatever its users do: every method holds what it writes against the end of the room. Of a writer that asks for
//! more than there is nothing is seen, and [`fill`] goes another way.

use std::marker::PhantomData;
use std::ptr;

use crate::out::{Head, Key, Out};

/// Bytes that a wide store may touch behind what it was asked to write.
const SLACK: usize = Key::ROOM;
/// Bytes that may be written and taken back: what a false guess at a map's head is too long by.
const GUESSED: usize = 2;
/// What the quick way needs in a buffer beyond [`encoded_len`](crate::Inbound::encoded_len). Whoever makes a buffer for one
/// envelope reserves both; a buffer without this grows once.
pub const ENCODE_SPARE: usize = GUESSED + SLACK;

/// Appends what `write` puts, quickly where `out` has the room for that. Where it has not, it grows once, by the exact
/// number of bytes that `size` gives and [`ENCODE_SPARE`]. `write_safely` is the way out where that number was a lie.
#[inline(always)]
pub(crate) fn fill(
    out: &mut Vec<u8>,
    size: impl Fn() -> usize,
    write: impl Fn(&mut Room<'_>),
    write_safely: impl Fn(&mut Vec<u8>),
) {
    let mut has_grown = false;
    // One place that writes, so that it is compiled into the caller.
    while !try_fill(out, &write) {
        if has_grown {
            return write_safely(out);
        }
        out.reserve(size().saturating_add(ENCODE_SPARE));
        has_grown = true;
    }
}

#[inline(always)]
fn try_fill(out: &mut Vec<u8>, write: impl Fn(&mut Room<'_>)) -> bool {
    let spare = out.spare_capacity_mut();
    let Some(size) = spare.len().checked_sub(SLACK) else { return false };
    let start: *mut u8 = spare.as_mut_ptr().cast();
    // SAFETY: `size` is no more than the spare capacity.
    let end = unsafe { start.add(size) };
    let mut room = Room { start, at: start, end, is_over: false, borrow: PhantomData };
    write(&mut room);
    if room.is_over {
        return false;
    }
    let written = room.place();
    // SAFETY: `at` moves over bytes that were written and no others, and they are inside the capacity.
    unsafe { out.set_len(out.len() + written) };
    true
}

/// The room that [`fill`] lends: from `start` to `end`, with [`SLACK`] bytes behind them that belong to it as well.
/// Invariant: `start <= at <= end`.
pub(crate) struct Room<'a> {
    start: *mut u8,
    /// How far the writer is.
    at: *mut u8,
    end: *mut u8,
    /// Something did not fit. From there on the room is an empty one, and what was written in it is not looked at.
    is_over: bool,
    borrow: PhantomData<&'a mut [u8]>,
}

impl Room<'_> {
    /// Moves forward by `length`, and says where that many bytes are to be written, if they fit. [`SLACK`] bytes behind
    /// them may be written as well.
    #[inline(always)]
    fn advance(&mut self, length: usize) -> Option<*mut u8> {
        let to = self.at;
        if length > self.end.addr() - to.addr() {
            unlikely();
            (self.at, self.end, self.is_over) = (self.start, self.start, true);
            return None;
        }
        // SAFETY: there are `length` bytes up to `end`.
        self.at = unsafe { to.add(length) };
        Some(to)
    }
}

impl Out for Room<'_> {
    #[inline(always)]
    fn key(&mut self, key: &'static Key) {
        self.array(key, []);
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self, key: &'static Key, bytes: [u8; N]) {
        let Some(to) = self.advance(key.len() + N) else { return };
        // SAFETY: `to` has as many bytes, and `SLACK` behind them.
        unsafe {
            put(key, to);
            ptr::copy_nonoverlapping(bytes.as_ptr(), to.add(key.len()), N);
        }
    }

    #[inline(always)]
    fn bytes(&mut self, key: &'static Key, head: Head, bytes: &[u8]) {
        let before = key.len() + head.len();
        let Some(to) = self.advance(before + bytes.len()) else { return };
        // SAFETY: `to` has as many bytes, and `SLACK` behind them. It is borrowed mutably, so it is no part of `bytes`.
        unsafe {
            put(key, to);
            to.add(key.len()).cast::<[u8; Head::ROOM]>().write(head.padded());
            copy(bytes.as_ptr(), to.add(before), bytes.len());
        }
    }

    #[inline(always)]
    fn text(&mut self, key: &'static Key, text: &str) {
        let length = text.len();
        if length >= 32 {
            unlikely();
            return self.bytes(key, Head::text(length), text.as_bytes());
        }
        let Some(to) = self.advance(key.len() + 1 + length) else { return };
        // SAFETY: as in `bytes`.
        unsafe {
            put(key, to);
            to.add(key.len()).write(0xa0 | length as u8);
            short(text.as_ptr(), to.add(key.len() + 1), length);
        }
    }

    #[inline(always)]
    fn place(&self) -> usize {
        self.at.addr() - self.start.addr()
    }

    fn rewind(&mut self, place: usize) {
        if place < self.place() {
            // SAFETY: that is between `start` and `at`.
            self.at = unsafe { self.start.add(place) };
        }
    }

    #[inline(always)]
    fn set<const N: usize>(&mut self, place: usize, bytes: [u8; N]) {
        if place.checked_add(N).is_none_or(|end| end > self.place()) {
            return unlikely();
        }
        // SAFETY: the bytes from `place` on have been written, so they are inside the room.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.add(place), N) };
    }

    #[inline(always)]
    fn apart(&mut self, write: impl FnOnce(&mut Self)) {
        let mut copy = Room { borrow: PhantomData, ..*self };
        write(&mut copy);
        (self.at, self.end, self.is_over) = (copy.at, copy.end, copy.is_over);
    }
}

/// Tells the compiler to lay out the code for the other branch.
#[cold]
const fn unlikely() {}

/// Copies a key, and padding behind it.
///
/// # Safety
/// `to` has room for the key, and for `SLACK` bytes behind it.
#[inline(always)]
unsafe fn put(key: &'static Key, to: *mut u8) {
    let from = key.padded().as_ptr();
    // SAFETY: a padded key is `Key::ROOM` long, which is the slack.
    unsafe {
        match key.len() {
            0 => {}
            1..=16 => ptr::copy_nonoverlapping(from, to, 16),
            _ => ptr::copy_nonoverlapping(from, to, Key::ROOM),
        }
    }
}

/// Copies the first and the last `size_of::<T>()` bytes.
///
/// # Safety
/// Both have `length` bytes, at least as many as `T`, and do not overlap. `T` is an integer or made of such.
#[inline(always)]
unsafe fn ends<T: Copy>(from: *const u8, to: *mut u8, length: usize) {
    let last = length - size_of::<T>();
    // SAFETY: as the caller promises. An integer is any bytes.
    unsafe {
        let parts = (from.cast::<T>().read_unaligned(), from.add(last).cast::<T>().read_unaligned());
        to.cast::<T>().write_unaligned(parts.0);
        to.add(last).cast::<T>().write_unaligned(parts.1);
    }
}

/// Copies up to 32 bytes by two moves that overlap in the middle, without a call.
///
/// # Safety
/// Both have `length` bytes, and do not overlap.
#[inline(always)]
unsafe fn short(from: *const u8, to: *mut u8, length: usize) {
    // Ids and names first, which a `match` would not be laid out for.
    // SAFETY: each arm copies no more than its least length, from either end.
    unsafe {
        if length < 16 {
            if length < 8 {
                unlikely();
                if length < 4 {
                    unlikely();
                    if length < 2 {
                        if length == 1 {
                            to.write(from.read());
                        }
                        return;
                    }
                    return ends::<u16>(from, to, length);
                }
                return ends::<u32>(from, to, length);
            }
            return ends::<u64>(from, to, length);
        }
        ends::<u128>(from, to, length);
    }
}

/// Copies `length` bytes.
///
/// # Safety
/// Both have `length` bytes, and do not overlap.
#[inline(never)]
unsafe fn copy(from: *const u8, to: *mut u8, length: usize) {
    // SAFETY: as the caller promises; each arm copies no more than its least length, from either end.
    unsafe {
        match length {
            0..=32 => short(from, to, length),
            33..=64 => ends::<[u128; 2]>(from, to, length),
            _ => ptr::copy_nonoverlapping(from, to, length),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

    use super::*;

    const KEYS: [&Key; 4] =
        [Key::NONE, &Key::new("v"), &Key::new("fifteen_letters"), &Key::new("thirty-one-letters-are-the-most")];

    /// One call of a writer.
    #[derive(Debug, Clone)]
    enum Put {
        Key(usize),
        Array(usize, [u8; 9]),
        Bytes(usize, Vec<u8>),
        Text(usize, String),
        /// Without a head of ours, as raw values are; also of nothing.
        Raw(Vec<u8>),
        /// Three bytes, which are then set.
        Set([u8; 3]),
        /// A false guess, which is then taken back.
        Rewind([u8; GUESSED]),
    }

    impl Put {
        fn run(&self, out: &mut impl Out) {
            match self {
                Self::Key(key) => out.key(KEYS[*key]),
                Self::Array(key, bytes) => out.array(KEYS[*key], *bytes),
                Self::Bytes(key, bytes) => out.bytes(KEYS[*key], Head::bin(bytes.len()), bytes),
                Self::Text(key, text) => out.text(KEYS[*key], text),
                Self::Raw(bytes) => out.bytes(Key::NONE, Head::NONE, bytes),
                Self::Set(bytes) => {
                    let place = out.place();
                    out.array(Key::NONE, [0; 3]);
                    out.set(place, *bytes);
                }
                Self::Rewind(bytes) => {
                    let place = out.place();
                    out.array(Key::NONE, *bytes);
                    out.rewind(place);
                }
            }
        }
    }

    /// Each with whether it goes apart.
    fn run(puts: &[(bool, Put)], out: &mut impl Out) {
        for (is_apart, put) in puts {
            if *is_apart { out.apart(|out| put.run(out)) } else { put.run(out) }
        }
    }

    fn puts() -> impl Strategy<Value = Vec<(bool, Put)>> {
        let key = 0..KEYS.len();
        // Around every length at which another way is taken.
        let length = prop_oneof![0..70_usize, 250..260_usize, Just(70_000)];
        let put = prop_oneof![
            key.clone().prop_map(Put::Key),
            any::<[u8; 3]>().prop_map(Put::Set),
            vec(any::<u8>(), 0..40).prop_map(Put::Raw),
            any::<[u8; GUESSED]>().prop_map(Put::Rewind),
            (key.clone(), any::<[u8; 9]>()).prop_map(|(key, bytes)| Put::Array(key, bytes)),
            (key.clone(), length.clone())
                .prop_map(|(key, length)| Put::Text(key, "abcdefgh".repeat(length / 8 + 1)[..length].to_owned())),
            (key, length, any::<u8>()).prop_map(|(key, length, first)| {
                Put::Bytes(key, (0..length).map(|at| first.wrapping_add(at as u8)).collect())
            }),
        ];
        vec((any::<bool>(), put), 0..12)
    }

    proptest! {
        /// With room for it, where the size is not asked for, and without; some of it apart.
        #[test]
        fn the_fast_writer_writes_what_its_safe_twin_does(
            puts in puts(),
            before in vec(any::<u8>(), 0..40),
            spare in 0..400_usize,
        ) {
            let mut safe = before.clone();
            run(&puts, &mut safe);
            let size = safe.len() - before.len();
            let fast = |capacity: usize| {
                let mut fast = Vec::with_capacity(before.len() + capacity);
                fast.extend_from_slice(&before);
                fast
            };
            let write = |room: &mut Room<'_>| run(&puts, room);

            let mut told = fast(spare);
            fill(&mut told, || size, write, |out| run(&puts, out));
            prop_assert_eq!(&told, &safe);

            let mut tried = fast(spare);
            let is_whole = try_fill(&mut tried, write);
            prop_assert!(is_whole || tried.capacity() < safe.len() + GUESSED + SLACK);
            prop_assert_eq!(&tried, if is_whole { &safe } else { &before });
        }
    }

    /// What does not fit leaves no trace, and nothing after it does either.
    #[test]
    fn an_overrun_ends_the_writing() {
        let mut out = Vec::with_capacity(100);
        let is_whole = try_fill(&mut out, |room| {
            room.bytes(Key::NONE, Head::bin(1000), &[0; 1000]);
            room.bytes(Key::NONE, Head::NONE, &[]);
            room.key(Key::NONE);
            room.apart(|room| room.text(Key::NONE, "a"));
            room.set(0, [1]);
            room.rewind(0);
            room.array(Key::NONE, [1]);
        });
        assert!(!is_whole && out.is_empty());
    }

    /// A size that was a lie costs speed, and nothing else.
    #[test]
    fn a_false_size_is_made_up_for() {
        let mut out = Vec::new();
        fill(&mut out, || 1, |room| room.bytes(Key::NONE, Head::NONE, &[7; 90]), |out| out.extend([7; 90]));
        assert_eq!(out, [7; 90]);
    }

    /// A buffer that was made just large enough grows once, and is then written in the quick way as well.
    #[test]
    fn an_exact_buffer_grows_once() {
        let mut out = Vec::with_capacity(90);
        let write = |room: &mut Room<'_>| room.bytes(Key::NONE, Head::NONE, &[7; 90]);
        fill(&mut out, || 90, write, |_| unreachable!("the size was right"));
        assert_eq!(out, [7; 90]);
        let room = (out.as_ptr(), out.capacity());
        out.clear();
        fill(&mut out, || unreachable!("there is room"), write, |_| unreachable!("there is room"));
        assert_eq!((out.as_ptr(), out.capacity()), room);
    }

    #[test]
    fn what_goes_apart_goes_on() {
        let mut out = Vec::new();
        fill(
            &mut out,
            || 3,
            |room| {
                room.array(Key::NONE, [1]);
                room.apart(|room| room.array(Key::NONE, [2]));
                room.array(Key::NONE, [3]);
            },
            |_| {},
        );
        assert_eq!(out, [1, 2, 3]);
    }
}
