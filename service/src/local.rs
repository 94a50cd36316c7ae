//! Which addresses are this machine's own: what is there needs no proxy and no certificates.

use std::net::IpAddr;

/// Whether a URL leads to this machine.
#[must_use]
pub fn is_local(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_addresses() {
        for local in
            ["http://127.0.0.1:1/x", "ws://[::1]:5", "http://localhost", "ws://127.0.0.9", "http://a:b@localhost:1/v1"]
        {
            assert!(is_local(local), "{local}");
        }
        for other in [
            "https://discord.com",
            "wss://gateway.discord.gg",
            "ws://127.0.0.1@evil.example",
            "ws://127.0.0.1.example:80",
            "http://localhost.example.org",
            "http://10.0.0.1",
            "",
        ] {
            assert!(!is_local(other), "{other}");
        }
    }
}
