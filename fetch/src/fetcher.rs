//! One fetch: hop by hop to where it ends.
#![expect(
    clippy::disallowed_types,
    reason = "the one place for it: what it may connect to is checked in `resolve` and `target`"
)]

use std::{fmt, sync::Arc};

use bytes::Bytes;
use reqwest::{
    Client, Response,
    header::{self, HeaderValue},
    redirect,
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    Error, Policy, Resolver, System,
    body::{self, Deadline},
    resolve::Checked,
    target::Target,
};

/// Connections to one host that wait to be used again.
const IDLE_MAX: usize = 2;

/// See the crate. Clones share one pool of connections.
#[derive(Clone)]
pub struct Fetcher {
    client: Client,
    policy: Arc<Policy>,
    /// Why there is no TLS, where there is none.
    no_tls: Option<String>,
}

/// What to fetch.
pub struct Request<'a> {
    url: &'a str,
    authorization: Option<SecretString>,
}

/// What was fetched.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The bytes.
    pub data: Bytes,
    /// Their media type, as the last host says.
    pub mimetype: Option<String>,
}

impl<'a> Request<'a> {
    /// What is at an address.
    #[must_use]
    pub fn new(url: &'a str) -> Self {
        Self { url, authorization: None }
    }

    /// The same with a header `Authorization`. It goes to the address's own origin, and to no other that it redirects to.
    #[must_use]
    pub fn with_authorization(self, value: SecretString) -> Self {
        Self { authorization: Some(value), ..self }
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the address: it may be a signed link.
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// A fetcher that asks the system where hosts are.
    ///
    /// # Errors
    /// When no client can be made at all. One without TLS, on a machine without certificates, fetches what is plain http.
    pub fn new(policy: Policy) -> Result<Self, Error> {
        Self::with_resolver(policy, Arc::new(System))
    }

    /// The same, which asks `resolver`.
    ///
    /// # Errors
    /// As [`Fetcher::new`].
    pub fn with_resolver(policy: Policy, resolver: Arc<dyn Resolver>) -> Result<Self, Error> {
        // For a process that has not chosen; the client panics without one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let policy = Arc::new(policy);
        let checked = Checked::new(resolver, Arc::clone(&policy));
        let builder = || {
            Client::builder()
                .tls_backend_rustls()
                .dns_resolver(checked.clone())
                .redirect(redirect::Policy::none())
                .referer(false)
                .no_proxy()
                .connect_timeout(policy.connect_timeout)
                .pool_max_idle_per_host(IDLE_MAX)
                .user_agent("stargazer")
        };
        let (client, no_tls) = match builder().build() {
            Ok(client) => (client, None),
            Err(error) => {
                let cause = causes(&error);
                tracing::warn!(%cause, "no TLS: what is behind https is not fetched; install the system's certificates (package ca-certificates)");
                let client = builder().tls_certs_only([]).build();
                let refuse = |error| Error::NoTls { host: "everything".into(), cause: causes(&error) };
                (client.map_err(refuse)?, Some(cause))
            }
        };
        Ok(Self { client, policy, no_tls })
    }

    /// Fetches what is at an address.
    ///
    /// # Errors
    /// What happened, at which host, and what to do about it.
    pub async fn fetch(&self, request: Request<'_>) -> Result<Fetched, Error> {
        let policy = &*self.policy;
        let deadline = Deadline::of(policy);
        let first = Target::new(request.url, policy)?;
        let mut target = first.clone();
        for _ in 0..=policy.redirects_max {
            let authorization = request.authorization.as_ref().filter(|_| target.has_origin_of(&first));
            let response = self.ask(&target, authorization, deadline).await?;
            let status = response.status();
            match response.headers().get(header::LOCATION) {
                Some(location) if matches!(status.as_u16(), 301..=303 | 307 | 308) => {
                    target = target.redirected(location, policy)?;
                }
                _ if status.is_success() => return whole(response, &target, policy, deadline).await,
                _ => return Err(Error::Status { host: target.host().to_owned(), status: status.as_u16() }),
            }
        }
        Err(Error::Redirects { host: target.host().to_owned(), max: policy.redirects_max })
    }

    /// One request and the head of its answer.
    async fn ask(
        &self,
        target: &Target,
        authorization: Option<&SecretString>,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        let host = target.host();
        if let (true, Some(cause)) = (target.is_https(), &self.no_tls) {
            return Err(Error::NoTls { host: host.to_owned(), cause: cause.clone() });
        }
        let mut request = self.client.get(target.url().clone()).header(header::ACCEPT_ENCODING, "identity");
        if let Some(value) = authorization {
            let value = HeaderValue::from_str(value.expose_secret());
            let mut value = value.map_err(|_| Error::Address("what authorizes it cannot stand in a header"))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        let limit = self.policy.connect_timeout.saturating_add(self.policy.read_timeout);
        let answered = deadline.within(limit, host, "answer", request.send()).await?;
        answered.map_err(|error| told(&error, host))
    }
}

async fn whole(response: Response, target: &Target, policy: &Policy, deadline: Deadline) -> Result<Fetched, Error> {
    let host = target.host();
    let encoding = response.headers().get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Error::Compressed { host: host.to_owned() });
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    Ok(Fetched { data: body::read(response, host, policy, deadline).await?, mimetype: kind })
}

/// What the client says of a request without an answer. Our own resolver's refusal is somewhere in it.
fn told(error: &reqwest::Error, host: &str) -> Error {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(ours) = cause.downcast_ref::<Error>() {
            return ours.clone();
        }
        source = cause.source();
    }
    Error::Unreachable { host: host.to_owned(), cause: causes(error) }
}

/// What caused an error of the client's. Its own text says little, and has the address, which is nobody's to read.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    if causes.is_empty() { "the client gives no reason".into() } else { causes.join(": ") }
}
