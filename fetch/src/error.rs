//! Why something was not fetched, as a person is told of it: what happened, at which host, and what to do.

use std::{net::IpAddr, time::Duration};

/// A fetch that brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no address that can be fetched.
    #[error("this is no address that is fetched: {0}")]
    Address(&'static str),
    /// The host is not on the public internet.
    #[error("`{host}` is at {address}, which is {what}: it is fetched from only if {setting} lists it")]
    Private {
        /// The host.
        host: String,
        /// Where it is.
        address: IpAddr,
        /// What that is.
        what: &'static str,
        /// The setting that lists such hosts.
        setting: &'static str,
    },
    /// The host has no address.
    #[error("`{host}` cannot be found: {cause}")]
    Unresolved {
        /// The host.
        host: String,
        /// What the resolver said.
        cause: String,
    },
    /// No connection could be made, or it broke before an answer.
    #[error("`{host}` cannot be reached: {cause}")]
    Unreachable {
        /// The host.
        host: String,
        /// What went wrong.
        cause: String,
    },
    /// There is no TLS on this machine.
    #[error(
        "`{host}` cannot be reached by https: {cause}; install the system's certificates (package ca-certificates)"
    )]
    NoTls {
        /// The host.
        host: String,
        /// What went wrong when it was set up.
        cause: String,
    },
    /// It took too long.
    #[error("`{host}` did not {what} within {limit:?}")]
    TimedOut {
        /// The host.
        host: String,
        /// What it was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
    /// The host refuses.
    #[error("`{host}` answered with status {status}")]
    Status {
        /// The host.
        host: String,
        /// Status of HTTP.
        status: u16,
    },
    /// The host sends us elsewhere once more than is followed.
    #[error("`{host}` redirects once more after {max} redirects")]
    Redirects {
        /// The host of the last answer.
        host: String,
        /// Redirects that are followed.
        max: u32,
    },
    /// A redirect that cannot be followed.
    #[error("`{host}` redirects to where it is not followed: {why}")]
    Redirect {
        /// The host.
        host: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The body is longer than is taken.
    #[error("`{host}` sends more than {max} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// Bytes that are taken.
        max: usize,
    },
    /// The body is in a form that was not asked for.
    #[error("`{host}` sends its bytes compressed, which was not asked for and is not taken")]
    Compressed {
        /// The host.
        host: String,
    },
    /// The body ended before its end.
    #[error("`{host}` broke off: {cause}")]
    Broken {
        /// The host.
        host: String,
        /// What went wrong.
        cause: String,
    },
}

impl Error {
    /// The word for metrics, out of a short list.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Private { .. } => "private",
            Self::Unresolved { .. } => "unresolved",
            Self::Unreachable { .. } => "unreachable",
            Self::NoTls { .. } => "no_tls",
            Self::TimedOut { .. } => "timed_out",
            Self::Status { .. } => "status",
            Self::Redirects { .. } | Self::Redirect { .. } => "redirect",
            Self::TooLarge { .. } => "too_large",
            Self::Compressed { .. } => "compressed",
            Self::Broken { .. } => "broken",
        }
    }

    /// The one question a caller asks: whether the same fetch may go well in a moment.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unresolved { .. } | Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Broken { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
            _ => false,
        }
    }
}
