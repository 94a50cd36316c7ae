//! The status line of a daemon: a list like `chat http://127.0.0.1:8080/, metrics http://127.0.0.1:9090/metrics`.

use std::net::{Ipv4Addr, SocketAddr};

/// Somewhere to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The daemon's name.
    pub(super) of: String,
    label: String,
    url: String,
}

/// The addresses in the status of the daemon `of`; what is no address is left out.
pub(super) fn places(of: &str, status: &str) -> Vec<Place> {
    let labelled = status.split(", ").filter_map(|item| item.split_once(' '));
    let addresses = labelled.filter(|(_, url)| url.starts_with("http://") || url.starts_with("https://"));
    addresses.map(|(label, url)| Place { of: of.into(), label: label.into(), url: url.into() }).collect()
}

impl Place {
    const METRICS: &'static str = "metrics";

    /// Label and text for people. Several daemons have metrics, so theirs say whose they are.
    pub(super) fn row(self) -> (String, String) {
        let text = if self.label == Self::METRICS { format!("{}  ({})", self.url, self.of) } else { self.url };
        (self.label, text)
    }

    /// Where its health endpoints are, if this is the place that tells.
    pub(super) fn health(&self) -> Option<SocketAddr> {
        if self.label != Self::METRICS {
            return None;
        }
        let address: SocketAddr = self.url.strip_prefix("http://")?.split('/').next()?.parse().ok()?;
        // One that listens everywhere listens here as well.
        let is_everywhere = address.ip().is_unspecified();
        Some(if is_everywhere { (Ipv4Addr::LOCALHOST, address.port()).into() } else { address })
    }
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn addresses_are_found_in_a_status() {
        let all =
            places("gateway", "chat http://127.0.0.1:8080/, model echo, metrics http://0.0.0.0:9090/metrics, odd");
        let [chat, metrics] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(chat.health(), None);
        assert_eq!(metrics.health(), Some("127.0.0.1:9090".parse().unwrap()));
        assert_eq!(chat.clone().row(), ("chat".into(), "http://127.0.0.1:8080/".into()));
        assert_eq!(metrics.clone().row().1, "http://0.0.0.0:9090/metrics  (gateway)");
    }
}
