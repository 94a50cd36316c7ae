//! How fast visitors may be.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
};

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Visitors behind one address, such as an office, may together be this many times as fast as one.
const ADDRESS_FACTOR: u32 = 10;
/// Frames of any kind that one socket may send.
const FRAMES_PER_MINUTE: u32 = 600;

/// Limits of all visitors of this gateway.
#[derive(Debug)]
pub(super) struct Limits {
    visitors: DefaultKeyedRateLimiter<Arc<str>>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
}

impl Limits {
    pub(super) fn new(messages_per_minute: u32) -> Self {
        Self {
            visitors: RateLimiter::keyed(per_minute(messages_per_minute)),
            addresses: RateLimiter::keyed(per_minute(messages_per_minute.saturating_mul(ADDRESS_FACTOR))),
        }
    }

    /// Whether a message of this visitor may be taken now.
    pub(super) fn allow_message(&self, visitor: &Arc<str>, address: IpAddr) -> bool {
        self.visitors.check_key(visitor).is_ok() && self.addresses.check_key(&network(address)).is_ok()
    }

    /// The limit of one socket's frames.
    pub(super) fn frames() -> DefaultDirectRateLimiter {
        RateLimiter::direct(per_minute(FRAMES_PER_MINUTE))
    }

    /// Forgets who has not been fast lately, so that nothing is kept for those who left.
    pub(super) fn forget_quiet(&self) {
        self.visitors.retain_recent();
        self.addresses.retain_recent();
        self.visitors.shrink_to_fit();
        self.addresses.shrink_to_fit();
    }
}

/// Who has an IPv6 address has a whole /64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address => address,
    }
}

fn per_minute(count: u32) -> Quota {
    Quota::per_minute(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN))
}
