//! An address as it was given, checked as far as that goes without a look at the network.

use std::{fmt, net::IpAddr};

use reqwest::{Url, header::HeaderValue};

use crate::{Error, Policy};

/// An address that may be asked. Shown as its host alone: path and query may be secrets.
#[derive(Clone)]
pub(crate) struct Target {
    url: Url,
    host: String,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.host).finish()
    }
}

impl Target {
    /// Reads and checks an address. Numbers in any form that browsers take for an IP address (`2130706433`, `0x7f.1`,
    /// `[::ffff:127.0.0.1]`) are read as what they are.
    pub(crate) fn new(url: &str, policy: &Policy) -> Result<Self, Error> {
        let url = Url::parse(url).map_err(|_| Error::Address("it cannot be read as a URL"))?;
        Self::checked(url, policy)
    }

    /// Where a redirect leads.
    pub(crate) fn redirected(&self, location: &HeaderValue, policy: &Policy) -> Result<Self, Error> {
        let refuse = |why| Error::Redirect { host: self.host.clone(), why };
        let location = location.to_str().map_err(|_| refuse("its Location is no text"))?;
        let url = self.url.join(location).map_err(|_| refuse("its Location cannot be read as a URL"))?;
        if self.is_https() && url.scheme() == "http" {
            return Err(refuse("from https to http"));
        }
        Self::checked(url, policy).map_err(|error| match error {
            Error::Address(why) => refuse(why),
            other => other,
        })
    }

    fn checked(url: Url, policy: &Policy) -> Result<Self, Error> {
        match url.scheme() {
            "https" => {}
            "http" if policy.is_http_allowed => {}
            "http" => return Err(Error::Address("it is http, and only https is taken")),
            _ => return Err(Error::Address("it is neither https nor http")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Address("it holds a name or a password in front of its host"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(Error::Address("it has no host"))?.to_owned();
        // An address that stands there itself is never resolved, so it is checked here.
        if let Some(address) = literal(&host) {
            policy.check(&host, &[address])?;
        }
        Ok(Self { url, host })
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(crate) fn has_origin_of(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }
}

/// The address that a URL's host is, if it is one.
fn literal(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn policy(allow: &[&str]) -> Policy {
        Policy {
            allow: allow.iter().map(|entry| entry.parse().unwrap()).collect(),
            allow_setting: "media.allow",
            is_http_allowed: true,
            bytes_max: 1,
            redirects_max: 1,
            connect_timeout: Duration::MAX,
            read_timeout: Duration::MAX,
            total_timeout: Duration::MAX,
        }
    }

    #[test]
    fn every_form_of_a_private_address_is_refused() {
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://017700000001/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://0/",
            "http://127.0.0.1./",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::127.0.0.1]/",
            "http://[2002:7f00:1::]/",
            "http://[fe80::1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://①⑥⑨.254.169.254/",
            "https://10.1.2.3:8443/x?y",
            "http:127.0.0.1",
            "http:\\\\127.0.0.1\\",
        ] {
            let refused = Target::new(url, &policy(&[])).unwrap_err();
            assert!(matches!(refused, Error::Private { .. }), "{url}: {refused}");
        }
    }

    #[test]
    fn what_is_no_address_of_ours_is_refused() {
        for (url, why) in [
            ("ftp://example.org/", "neither https nor http"),
            ("file:///etc/passwd", "neither https nor http"),
            ("data:text/plain,a", "neither https nor http"),
            ("https://me@example.org/", "in front of its host"),
            ("https://:secret@example.org/", "in front of its host"),
            ("https://example.org@127.0.0.1/", "in front of its host"),
            ("//example.org/", "cannot be read"),
            ("https://", "cannot be read"),
            ("https://a b/", "cannot be read"),
            ("https://[fe80::1%25eth0]/", "cannot be read"),
            ("https://1.2.3.256/", "cannot be read"),
            ("", "cannot be read"),
        ] {
            let refused = Target::new(url, &policy(&[])).unwrap_err().to_string();
            assert!(refused.contains(why), "{url}: {refused}");
        }
        let https = Policy { is_http_allowed: false, ..policy(&[]) };
        assert_eq!(Target::new("http://example.org/", &https).unwrap_err().code(), "address");
    }

    #[test]
    fn what_is_listed_is_taken() {
        let policy = policy(&["127.0.0.0/8", "nas.local"]);
        for url in ["http://127.0.0.1/", "http://0x7f.1/", "http://[::ffff:127.0.0.1]/", "https://example.org/a?b"] {
            assert!(Target::new(url, &policy).is_ok(), "{url}");
        }
        let refused = Target::new("http://192.168.0.1/?secret", &policy).unwrap_err().to_string();
        let expected = "`192.168.0.1` is at 192.168.0.1, which is a private network: it is fetched from only if media.allow lists it";
        assert_eq!(refused, expected);
    }

    #[test]
    fn redirects_are_checked_as_addresses_are() {
        let policy = policy(&[]);
        let from = Target::new("https://example.org/a/b?key=1", &policy).unwrap();
        let to = |location: &str| from.redirected(&HeaderValue::from_str(location).unwrap(), &policy);
        assert_eq!(to("../c").unwrap().url().as_str(), "https://example.org/c");
        assert!(to("/c").unwrap().has_origin_of(&from) && to("//example.org:443/").unwrap().has_origin_of(&from));
        assert!(!to("https://example.com/").unwrap().has_origin_of(&from));
        assert!(!to("https://example.org:8443/").unwrap().has_origin_of(&from));
        assert!(matches!(to("https://[::1]/"), Err(Error::Private { .. })));
        for (location, why) in [
            ("http://example.org/", "from https to http"),
            ("https://me@example.org/", "in front of its host"),
            ("javascript:alert(1)", "neither https nor http"),
            ("https://[", "cannot be read"),
        ] {
            let refused = to(location).unwrap_err().to_string();
            assert!(
                refused.starts_with("`example.org` redirects to") && refused.contains(why),
                "{location}: {refused}"
            );
        }
        assert_eq!(format!("{from:?}"), "Target(\"example.org\")");
    }
}
