//! Which addresses are not somewhere on the public internet: the special-purpose registries of IANA, as tables.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(segments: [u16; 8], length: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), length)
}

/// Of version 4 everything is public that stands in no row.
const SPECIAL_V4: [(Ipv4Net, &str); 15] = [
    (v4(0, 0, 0, 0, 8), "this machine itself"),
    (v4(10, 0, 0, 0, 8), "a private network"),
    (v4(100, 64, 0, 0, 10), "a provider's inner network"),
    (v4(127, 0, 0, 0, 8), "this machine itself"),
    // Among them the metadata services of clouds, which give out credentials.
    (v4(169, 254, 0, 0, 16), "on the local link"),
    (v4(172, 16, 0, 0, 12), "a private network"),
    (v4(192, 0, 0, 0, 24), "reserved for protocols"),
    (v4(192, 0, 2, 0, 24), "for documentation"),
    (v4(192, 88, 99, 0, 24), "a relay that is no longer in use"),
    (v4(192, 168, 0, 0, 16), "a private network"),
    (v4(198, 18, 0, 0, 15), "for benchmarks"),
    (v4(198, 51, 100, 0, 24), "for documentation"),
    (v4(203, 0, 113, 0, 24), "for documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
];

/// All that is handed out to networks.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
/// What a network without version 4 calls an address of version 4: behind the prefix.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
/// Behind the prefix comes the address of version 4 that packets are sent to.
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);

/// Of version 6 nothing is public but what was handed out, and of that what stands in no row.
const SPECIAL_V6: [(Ipv6Net, &str); 3] = [
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "reserved for protocols"),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "for documentation"),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "for documentation"),
];

/// Names for what was not handed out, for people; all of it is refused.
const OTHER_V6: [(Ipv6Net, &str); 5] = [
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 127), "this machine itself"),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "a private network"),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "on the local link"),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "a private network"),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast"),
];

/// What an address is if it is not on the public internet, for "`host` is at `address`, which is ..". One that holds another
/// (mapped, NAT64, 6to4) is what that one is.
#[must_use]
pub fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    SPECIAL_V4.iter().find(|(network, _)| network.contains(&address)).map(|(_, what)| *what)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let [_, a, b, .., y, z] = address.segments();
    if address.to_ipv4_mapped().is_some() || NAT64.contains(&address) {
        return special_v4(joined(y, z));
    }
    if SIX_TO_FOUR.contains(&address) {
        return special_v4(joined(a, b));
    }
    let row = |table: &[(Ipv6Net, &'static str)]| {
        table.iter().find(|(network, _)| network.contains(&address)).map(|(_, what)| *what)
    };
    if GLOBAL_V6.contains(&address) { row(&SPECIAL_V6) } else { Some(row(&OTHER_V6).unwrap_or("reserved")) }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Option<&'static str> {
        special(text.parse().unwrap())
    }

    #[test]
    fn addresses_of_the_public_internet() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2a00:1450:4001:82b::200e",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert_eq!(of(public), None, "{public}");
        }
    }

    #[test]
    fn addresses_that_are_somewhere_else() {
        for (address, what) in [
            ("0.0.0.0", "this machine itself"),
            ("0.1.2.3", "this machine itself"),
            ("127.0.0.1", "this machine itself"),
            ("127.255.255.254", "this machine itself"),
            ("10.0.0.1", "a private network"),
            ("172.16.0.1", "a private network"),
            ("172.31.255.255", "a private network"),
            ("192.168.1.1", "a private network"),
            ("100.64.0.1", "a provider's inner network"),
            ("100.127.255.255", "a provider's inner network"),
            ("169.254.169.254", "on the local link"),
            ("192.0.0.8", "reserved for protocols"),
            ("192.0.2.1", "for documentation"),
            ("198.51.100.1", "for documentation"),
            ("203.0.113.1", "for documentation"),
            ("192.88.99.1", "a relay that is no longer in use"),
            ("198.19.255.255", "for benchmarks"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "reserved"),
            ("::", "this machine itself"),
            ("::1", "this machine itself"),
            ("::2", "reserved"),
            ("::127.0.0.1", "reserved"),
            ("::8.8.8.8", "reserved"),
            ("::ffff:127.0.0.1", "this machine itself"),
            ("::ffff:a9fe:a9fe", "on the local link"),
            ("64:ff9b::10.0.0.1", "a private network"),
            ("64:ff9b:1::8.8.8.8", "reserved"),
            ("100::1", "reserved"),
            ("2001::1", "reserved for protocols"),
            ("2001:0:808:808::1", "reserved for protocols"),
            ("2001:1ff::1", "reserved for protocols"),
            ("2001:db8::1", "for documentation"),
            ("3fff:fff::1", "for documentation"),
            ("2002:7f00:1::1", "this machine itself"),
            ("2002:c0a8:101::1", "a private network"),
            ("fc00::1", "a private network"),
            ("fdff::1", "a private network"),
            ("fe80::1", "on the local link"),
            ("fec0::1", "a private network"),
            ("ff02::1", "multicast"),
            ("4000::1", "reserved"),
            ("5f00::1", "reserved"),
        ] {
            assert_eq!(of(address), Some(what), "{address}");
        }
    }

    /// Any address, those near the edges of the tables' networks among them.
    fn near_v4() -> impl Strategy<Value = Ipv4Addr> {
        let edge = (0..SPECIAL_V4.len(), any::<bool>(), -2_i64..=2).prop_map(|(row, is_first, by)| {
            let network = SPECIAL_V4[row].0;
            let edge = if is_first { network.network() } else { network.broadcast() };
            Ipv4Addr::from((i64::from(u32::from(edge)) + by).clamp(0, i64::from(u32::MAX)) as u32)
        });
        prop_oneof![any::<Ipv4Addr>(), edge]
    }

    proptest! {
        #[test]
        fn the_standard_library_finds_nothing_private_that_passes(address in near_v4()) {
            let is_known = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_broadcast() || address.is_documentation() || address.is_multicast()
                || address.is_unspecified();
            prop_assert!(!is_known || special(address.into()).is_some(), "{address}");
        }

        #[test]
        fn an_address_in_another_is_what_it_is_alone(address in near_v4()) {
            let (alone, [a, b, c, d]) = (special(address.into()), address.octets());
            let [high, low] = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
            for holder in [
                address.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                prop_assert_eq!(special(holder.into()), alone, "{}", holder);
            }
        }

        #[test]
        fn of_version_6_only_what_was_handed_out_passes(address in any::<Ipv6Addr>()) {
            let holds_another = address.to_ipv4_mapped().is_some() || NAT64.contains(&address);
            if !GLOBAL_V6.contains(&address) && !holds_another {
                prop_assert!(special(address.into()).is_some());
            }
            let is_known = address.is_loopback() || address.is_multicast() || address.is_unspecified()
                || address.is_unique_local() || address.is_unicast_link_local();
            prop_assert!(!is_known || special(address.into()).is_some());
        }
    }
}
