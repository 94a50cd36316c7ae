//! What may be fetched from although it is not on the public internet.

use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;

/// One entry of the list: a host by its name, or addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allow {
    /// This host, wherever it is. In lower case, without a dot at its end.
    Host(String),
    /// Whatever is at one of these addresses.
    Network(IpNet),
}

impl FromStr for Allow {
    type Err = String;

    /// Reads a host (`files.example.org`), an address or a network (`10.0.0.0/8`).
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wanted =
            || format!("is `{text}`, but has to be a host like files.example.org or a network like 10.0.0.0/8");
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(IpNet::from(address.to_canonical())));
        }
        let host = plain(text);
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        // What ends in a number is read as an address wherever addresses are read, so as a name it would match nothing.
        let is_name = host.split('.').all(is_label) && host.len() <= 253;
        let ends_in_number = host.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
        if is_name && !ends_in_number { Ok(Self::Host(host)) } else { Err(wanted()) }
    }
}

impl Allow {
    pub(crate) fn has_host(&self, host: &str) -> bool {
        matches!(self, Self::Host(listed) if *listed == plain(host))
    }

    pub(crate) fn has_address(&self, address: IpAddr) -> bool {
        matches!(self, Self::Network(network) if network.contains(&address.to_canonical()))
    }
}

fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_host_an_address_or_a_network() {
        assert_eq!("Files.Example.org.".parse(), Ok(Allow::Host("files.example.org".into())));
        assert_eq!("localhost".parse(), Ok(Allow::Host("localhost".into())));
        assert_eq!("10.0.0.0/8".parse(), Ok(Allow::Network("10.0.0.0/8".parse().unwrap())));
        assert_eq!("::1".parse(), Ok(Allow::Network("::1/128".parse().unwrap())));
        assert_eq!("::ffff:10.0.0.1".parse(), Ok(Allow::Network("10.0.0.1/32".parse().unwrap())));
        for bad in ["", ".", "a..b", "10.0.0.0/33", "http://a", "a:80", "*.a", "10.0.0", "0x7f.1", "a b"] {
            assert!(bad.parse::<Allow>().unwrap_err().contains("has to be a host"), "{bad}");
        }
    }

    #[test]
    fn a_network_has_the_mapped_forms_of_its_addresses() {
        let allow: Allow = "10.0.0.0/8".parse().unwrap();
        assert!(
            allow.has_address("10.1.2.3".parse().unwrap()) && allow.has_address("::ffff:10.1.2.3".parse().unwrap())
        );
        assert!(!allow.has_address("11.0.0.1".parse().unwrap()) && !allow.has_host("10.1.2.3"));
    }
}
