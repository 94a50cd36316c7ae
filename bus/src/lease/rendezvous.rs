//! Which member should own which shard: rendezvous hashing, so that joining and leaving move only what must move.

use xxhash_rust::xxh3::xxh3_64;

use crate::Shard;

/// The member that should own `shard`, or `None` when there is none. Every process computes the same from the same members.
pub(super) fn owner(shard: Shard, members: &[String]) -> Option<&String> {
    members.iter().max_by_key(|member| (xxh3_64(format!("{member}/{shard}").as_bytes()), member.as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Shards;

    fn members(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("worker-{i:08x}")).collect()
    }

    #[test]
    fn nobody_owns_a_shard_without_members() {
        assert!(Shards::DEFAULT.all().all(|shard| owner(shard, &[]).is_none()));
    }

    proptest! {
        #[test]
        fn a_member_that_leaves_moves_only_its_own(count in 2usize..12, gone in 0usize..12) {
            let before = members(count);
            let gone = &before[gone % count];
            let after: Vec<_> = before.iter().filter(|m| *m != gone).cloned().collect();
            for shard in Shards::new(64).unwrap().all() {
                let was = owner(shard, &before).unwrap();
                if was != gone {
                    prop_assert_eq!(was, owner(shard, &after).unwrap());
                }
            }
        }

        #[test]
        fn the_order_of_members_does_not_matter(count in 1usize..12) {
            let forward = members(count);
            let backward: Vec<_> = forward.iter().rev().cloned().collect();
            for shard in Shards::DEFAULT.all() {
                prop_assert_eq!(owner(shard, &forward), owner(shard, &backward));
            }
        }
    }
}
