//! Where files are fetched: on loopback, by addresses that expire.
//!
//! discord.com/developers/docs/reference#signed-attachment-cdn-urls: `ex` is when it expires, `is` when it was given out, both as
//! hexadecimal Unix seconds, `hm` the signature.

use std::{fmt::Write as _, net::SocketAddr, time::Duration};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::id::Snowflake;

/// Signs addresses and checks them.
#[derive(Debug, Clone)]
pub(crate) struct Cdn {
    address: SocketAddr,
    key: [u8; 8],
    /// How long an address is good.
    life: Duration,
}

impl Cdn {
    pub(crate) fn new(address: SocketAddr, seed: u64, life: Duration) -> Self {
        Self { address, key: seed.to_be_bytes(), life }
    }

    /// An address that is good from `now` on for its time.
    pub(crate) fn url(&self, now: Duration, channel: Snowflake, file: Snowflake, name: &str) -> String {
        let path = format!("/attachments/{channel}/{file}/{name}");
        let (from, until) = (now.as_secs(), (now + self.life).as_secs());
        let signed = self.sign(&path, from, until);
        format!("http://{}{path}?ex={until:x}&is={from:x}&hm={signed}&", self.address)
    }

    /// Whether `query` was given out for `path` and is still good.
    pub(crate) fn is_good(&self, now: Duration, path: &str, query: &str) -> bool {
        let part = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        let seconds = |name| part(name).and_then(|text| u64::from_str_radix(text, 16).ok());
        let (Some(from), Some(until), Some(signed)) = (seconds("is"), seconds("ex"), part("hm")) else { return false };
        signed == self.sign(path, from, until) && now.as_secs() < until
    }

    fn sign(&self, path: &str, from: u64, until: u64) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any key is good");
        mac.update(format!("{path} {from} {until}").as_bytes());
        mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
