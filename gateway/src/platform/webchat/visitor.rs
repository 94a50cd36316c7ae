//! Who is asking, and from where: the visitor's cookie, the browser's origin, the address behind trusted proxies.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

use super::Shared;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// One request's asker.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    /// The visitor, where the cookie tells.
    pub(super) visitor: Option<Arc<str>>,
    /// Where they are, as far as trusted proxies tell.
    pub(super) address: IpAddr,
    /// Whether the page they are on may talk to us.
    pub(super) is_welcome: bool,
    /// Whether they came by https.
    pub(super) is_secure: bool,
}

impl Shared {
    pub(super) fn asker(&self, headers: &HeaderMap, peer: SocketAddr) -> Asker {
        let trusted = &self.settings.trusted_proxies;
        let is_proxied = is_trusted(trusted, peer.ip());
        let cookie = text(headers, &header::COOKIE).unwrap_or("");
        let is_secure =
            is_proxied && text(headers, &FORWARDED_PROTO).is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
        Asker {
            visitor: self.ids.visitor(cookie),
            address: if is_proxied { behind(trusted, headers, peer.ip()) } else { peer.ip() },
            is_welcome: is_welcome(headers, is_proxied, &self.settings.allowed_origins),
            is_secure,
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn is_trusted(trusted: &[IpNet], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(&address.to_canonical()))
}

/// The last address of the list that no trusted proxy has: what stands before it may be made up.
fn behind(trusted: &[IpNet], headers: &HeaderMap, peer: IpAddr) -> IpAddr {
    let mut address = peer;
    // A proxy may add a line of its own instead of lengthening the one that came, which may be made up.
    let lines = headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok());
    let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    for hop in hops.into_iter().rev() {
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        address = hop;
        if !is_trusted(trusted, hop) {
            break;
        }
    }
    address
}

/// A browser names the origin of the page that opens a socket; another site's page has another one than our host. What is no
/// browser names none, and has no visitor's cookie to abuse.
fn is_welcome(headers: &HeaderMap, is_proxied: bool, allowed: &[String]) -> bool {
    let Some(origin) = text(headers, &header::ORIGIN) else { return true };
    let forwarded = if is_proxied { text(headers, &FORWARDED_HOST) } else { None };
    let host = forwarded.or_else(|| text(headers, &header::HOST)).unwrap_or("");
    let same = origin.split_once("://").is_some_and(|(_, of)| !of.is_empty() && of.eq_ignore_ascii_case(host));
    same || allowed.iter().any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(HeaderName, &str)]) -> HeaderMap {
        of.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_our_own_pages_are_welcome() {
        let welcome = |origin: &str, host: &str, proxied, allowed: &[&str]| {
            let allowed: Vec<String> = allowed.iter().map(|origin| (*origin).to_owned()).collect();
            let headers = headers(&[(header::ORIGIN, origin), (header::HOST, "inner:8080"), (FORWARDED_HOST, host)]);
            is_welcome(&headers, proxied, &allowed)
        };
        assert!(welcome("http://inner:8080", "", false, &[]));
        assert!(!welcome("http://evil.example", "evil.example", false, &[]), "nobody trusted says so");
        assert!(welcome("https://chat.example", "chat.example", true, &[]));
        assert!(!welcome("null", "", false, &[]));
        assert!(welcome("https://friend.example", "", false, &["https://friend.example/"]));
        assert!(is_welcome(&HeaderMap::new(), false, &[]), "no browser");
    }

    #[test]
    fn proxies_are_believed_as_far_as_they_are_trusted() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        let of = |list: &str| behind(&trusted, &headers(&[(FORWARDED_FOR, list)]), peer).to_string();
        assert_eq!(of("1.1.1.1, 203.0.113.9, 10.0.0.2"), "203.0.113.9");
        let mut lines = headers(&[(FORWARDED_FOR, "1.1.1.1")]);
        lines.append(FORWARDED_FOR, "203.0.113.9".parse().unwrap());
        assert_eq!(behind(&trusted, &lines, peer).to_string(), "203.0.113.9");
        assert_eq!(of("nonsense"), "10.0.0.1");
        assert_eq!(of(""), "10.0.0.1");
    }
}
