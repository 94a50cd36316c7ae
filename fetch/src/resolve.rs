//! From a host's name to addresses that may be connected to.
//!
//! The client takes the addresses of each new connection from here and from nowhere else, so what was checked is what is
//! connected to: there is no second look-up that could answer otherwise.

use std::{
    fmt::Debug,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::timeout;

use crate::{Error, Policy};

/// Addresses that one host may have; further ones are not tried.
const ADDRESSES_MAX: usize = 16;

/// Who is asked where a host is.
pub trait Resolver: Debug + Send + Sync {
    /// All addresses of a host.
    ///
    /// # Errors
    /// Why it has none.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// What the system does for every program.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Resolver for System {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// The client's resolver.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    resolver: Arc<dyn Resolver>,
    policy: Arc<Policy>,
}

impl Checked {
    pub(crate) fn new(resolver: Arc<dyn Resolver>, policy: Arc<Policy>) -> Self {
        Self { resolver, policy }
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        let unresolved = |cause: String| Error::Unresolved { host: host.to_owned(), cause };
        let limit = self.policy.connect_timeout;
        let found = (timeout(limit, self.resolver.resolve(host)).await)
            .map_err(|_| unresolved(format!("the resolver did not answer within {limit:?}")))?
            .map_err(|error| unresolved(error.to_string()))?;
        if found.is_empty() {
            return Err(unresolved("it has no address".into()));
        }
        self.policy.check(host, &found)?;
        Ok(found.into_iter().take(ADDRESSES_MAX).collect())
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let checked = self.clone();
        Box::pin(async move {
            let found = checked.addresses(name.as_str()).await?;
            // Port 0: that of the URL.
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}
