//! Visitor and chat ids: unguessable, and made with a key that all gateways share.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bus::Records;
use cookie::{Cookie, CookieJar, Key, SameSite, time::Duration};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// The record of the key.
const KEY: &str = "sg:webchat:key";
const COOKIE: &str = "sg_visitor";
/// Length of ids in characters: 128 bits.
pub(super) const ID_LEN: usize = 22;

/// See the module.
#[derive(Clone)]
pub(super) struct Ids {
    key: Key,
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ids")
    }
}

impl Ids {
    /// The key that is in Redis, or a new one put there.
    pub(super) async fn agree(records: &Records) -> Result<Self, bus::Error> {
        let candidate: Vec<u8> = (0..4).flat_map(|_| Uuid::new_v4().into_bytes()).collect();
        let agreed = records.agree(KEY, &candidate).await?;
        let key = Key::try_from(agreed.as_ref()).map_err(|_| {
            bus::Error::Setting(format!("{KEY} in Redis holds no key of 64 bytes; remove it to have a new one made"))
        })?;
        Ok(Self { key })
    }

    /// The visitor that a request's `Cookie` header tells of, if its cookie was signed by us.
    pub(super) fn visitor(&self, header: &str) -> Option<Arc<str>> {
        let cookies = Cookie::split_parse(header.to_owned()).filter_map(Result::ok);
        cookies.filter(|cookie| cookie.name() == COOKIE).find_map(|cookie| {
            let jar = CookieJar::new();
            let signed = jar.signed(&self.key).verify(cookie.into_owned())?;
            is_id(signed.value()).then(|| signed.value().into())
        })
    }

    /// A `Set-Cookie` header for a visitor, new or known.
    pub(super) fn set_cookie(&self, visitor: &str, path: &str, secure: bool) -> String {
        let cookie = Cookie::build((COOKIE, visitor.to_owned()))
            .path(if path.is_empty() { "/".to_owned() } else { path.to_owned() })
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(secure)
            .max_age(Duration::days(365));
        let mut jar = CookieJar::new();
        jar.signed_mut(&self.key).add(cookie);
        jar.get(COOKIE).map(ToString::to_string).unwrap_or_default()
    }

    /// A visitor nobody has met.
    pub(super) fn new_visitor() -> Arc<str> {
        URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes()).into()
    }

    /// The chat that this request of this visitor makes: the same however often it is sent.
    pub(super) fn chat(&self, visitor: &str, request: &str) -> String {
        // The key has 64 bytes, a length that HMAC always takes; an error here would make ids that nobody can guess either.
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key.signing()).unwrap_or_else(|_| Hmac::new(&Default::default()));
        for part in ["chat", visitor, request] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..16])
    }
}

/// Whether a text has the form of a visitor's or a chat's id.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == ID_LEN && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether a text has the form of a request id.
pub(super) fn is_request_id(text: &str) -> bool {
    (8..=36).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Ids {
        Ids { key: Key::generate() }
    }

    #[test]
    fn only_our_own_cookies_are_believed() {
        let (ours, theirs, visitor) = (ids(), ids(), Ids::new_visitor());
        let set = ours.set_cookie(&visitor, "/chat", true);
        for part in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/chat"] {
            assert!(set.contains(part), "{set}");
        }
        let header = format!("other=1; {}", set.split(';').next().unwrap());
        assert_eq!(ours.visitor(&header), Some(Arc::clone(&visitor)));
        assert_eq!(theirs.visitor(&header), None);
        assert_eq!(ours.visitor(&format!("{COOKIE}={visitor}")), None);
        assert_eq!(ours.visitor(""), None);
    }

    #[test]
    fn a_chat_is_its_request_s() {
        let ids = ids();
        let chat = ids.chat("visitor", "request-1");
        assert!(is_id(&chat));
        assert_eq!(chat, ids.chat("visitor", "request-1"));
        assert_ne!(chat, ids.chat("visitor", "request-2"));
        assert_ne!(chat, ids.chat("another", "request-1"));
    }
}
