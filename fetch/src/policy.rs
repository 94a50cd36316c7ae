//! What a fetch may reach, bring and take.

use std::{net::IpAddr, time::Duration};

use crate::{Allow, Error, special};

/// See the module.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What may be fetched from although it is not on the public internet.
    pub allow: Vec<Allow>,
    /// Name of the setting that holds this list, for errors to say.
    pub allow_setting: &'static str,
    /// Whether plain http is taken as well as https.
    pub is_http_allowed: bool,
    /// Bytes of a body; a longer one is refused, before it is read where its length is told.
    pub bytes_max: usize,
    /// Redirects that are followed.
    pub redirects_max: u32,
    /// How long a connection may take, the look-up of its host among it.
    pub connect_timeout: Duration,
    /// How long nothing may come: an answer's head after the connection, and each further piece of its body.
    pub read_timeout: Duration,
    /// How long all of it may take.
    pub total_timeout: Duration,
}

impl Policy {
    /// The addresses that `host` was found at, if it may be fetched from at each. A name that is here and there is refused:
    /// nobody but somebody who tries whether we look gives a public and a private address.
    pub(crate) fn check(&self, host: &str, addresses: &[IpAddr]) -> Result<(), Error> {
        if self.allow.iter().any(|allow| allow.has_host(host)) {
            return Ok(());
        }
        let is_listed = |address: IpAddr| self.allow.iter().any(|allow| allow.has_address(address));
        for address in addresses.iter().copied().filter(|address| !is_listed(*address)) {
            if let Some(what) = special(address) {
                return Err(Error::Private { host: host.to_owned(), address, what, setting: self.allow_setting });
            }
        }
        Ok(())
    }
}
