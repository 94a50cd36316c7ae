//! Shards: the fixed number of slices that lanes are hashed onto.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

use crate::Error;

/// How many shards a deployment has: a power of two from 1 to 4096, the same in every process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shards(u16);

/// One shard's number, `0..shards`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u16);

impl Shards {
    /// The layout that the design fixes when nothing is set.
    pub const DEFAULT: Self = Self(16);
    /// The most that a deployment may have.
    pub const MOST: Self = Self(4096);

    /// # Errors
    /// When `count` is not a power of two from 1 to 4096.
    pub fn new(count: u16) -> Result<Self, Error> {
        if count.is_power_of_two() && count <= Self::MOST.0 {
            Ok(Self(count))
        } else {
            Err(Error::Setting(format!("bus.shards is {count}; it has to be a power of two from 1 to 4096")))
        }
    }

    /// The number of shards.
    #[must_use]
    pub fn count(self) -> u16 {
        self.0
    }

    /// The shard of a lane: XXH3-64 of the key's UTF-8 bytes, seed 0, modulo the number of shards.
    #[must_use]
    pub fn of(self, lane: &str) -> Shard {
        // The count is a power of two, so the mask is the modulo, and the masked value fits.
        #[expect(clippy::cast_possible_truncation, reason = "masked to at most 12 bits")]
        Shard((xxh3_64(lane.as_bytes()) & u64::from(self.0 - 1)) as u16)
    }

    /// The shard of this number, if there is one.
    #[must_use]
    pub fn get(self, number: u16) -> Option<Shard> {
        (number < self.0).then_some(Shard(number))
    }

    /// All shards, in order.
    pub fn all(self) -> impl Iterator<Item = Shard> + Clone {
        (0..self.0).map(Shard)
    }
}

impl Shard {
    /// Its number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_fall_where_the_contract_says() {
        let of = |lane| Shards::DEFAULT.of(lane).number();
        assert_eq!(of("webchat:abc"), 14);
        assert_eq!(of("discord:123456789012345678"), 7);
        assert_eq!(of("matrix:!room:example.org"), 15);
    }

    #[test]
    fn one_shard_takes_every_lane() {
        let one = Shards::new(1).unwrap();
        assert!(["", "a", "webchat:abc"].iter().all(|lane| one.of(lane) == Shard(0)));
    }

    #[test]
    fn only_powers_of_two_are_layouts() {
        for count in [0, 3, 12, 4097, 8192] {
            assert!(Shards::new(count).is_err(), "{count}");
        }
        for count in [1, 2, 16, 4096] {
            assert_eq!(Shards::new(count).unwrap().all().count(), usize::from(count));
        }
    }
}
