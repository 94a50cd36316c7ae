//! A body as it comes in: bounded in bytes, each piece in time.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use reqwest::Response;
use tokio::time::{Instant, timeout_at};

use crate::{Error, Policy, fetcher::causes};

/// Until when something may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    ends_at: Instant,
    total: Duration,
}

impl Deadline {
    pub(crate) fn of(policy: &Policy) -> Self {
        // A time that no clock shows is no bound.
        let far = Duration::from_secs(365 * 24 * 3600);
        let total = policy.total_timeout.min(far);
        Self { ends_at: Instant::now() + total, total }
    }

    /// What `work` comes to, if it does within `limit` and the whole.
    pub(crate) async fn within<T>(
        self,
        limit: Duration,
        host: &str,
        what: &'static str,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let step = Instant::now().checked_add(limit).filter(|step| *step < self.ends_at);
        let done = timeout_at(step.unwrap_or(self.ends_at), work).await;
        done.map_err(|_| {
            let (what, limit) = if step.is_some() { (what, limit) } else { ("send all of it", self.total) };
            Error::TimedOut { host: host.to_owned(), what, limit }
        })
    }
}

/// Reads all of it. What a length claims is refused where it is too much, and reserves nothing where it is not.
pub(crate) async fn read(
    mut response: Response,
    host: &str,
    policy: &Policy,
    deadline: Deadline,
) -> Result<Bytes, Error> {
    let too_large = || Error::TooLarge { host: host.to_owned(), max: policy.bytes_max };
    let broken = |error: reqwest::Error| Error::Broken { host: host.to_owned(), cause: causes(&error) };
    if response.content_length().is_some_and(|claimed| claimed > policy.bytes_max as u64) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    loop {
        let next = deadline.within(policy.read_timeout, host, "send anything more", response.chunk()).await?;
        let Some(piece) = next.map_err(broken)? else { break };
        if body.len() + piece.len() > policy.bytes_max {
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    // It may be kept for long, so without what it was to grow into.
    body.shrink_to_fit();
    Ok(body.into())
}
