//! What a platform is to the gateway, and which there are.

mod factory;
mod supervise;
#[cfg(feature = "webchat")]
mod webchat;

use std::fmt::Debug;

use async_trait::async_trait;
use codec::{OutboundView, PlatformName};
use tokio_util::sync::CancellationToken;

pub(crate) use factory::{create, refuse};
pub(crate) use supervise::{Started, supervise};

/// A live connection to where people are.
#[async_trait]
pub(crate) trait Platform: Send + Sync + Debug {
    /// Its name on the wire.
    fn name(&self) -> &PlatformName;

    /// Connects and takes events in until `stop` is cancelled. Says by `started` when it is connected. May be run again
    /// after it failed.
    async fn run(&self, started: &Started, stop: CancellationToken) -> Result<(), RunError>;

    /// Carries out one action. Repeating an action that was carried out changes nothing.
    async fn deliver(&self, action: &OutboundView<'_>) -> Result<(), SendError>;

    /// Where people find it.
    fn address(&self) -> Option<String>;
}

/// Why a platform is not connected.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct RunError(pub(crate) String);

/// Why an action was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// It could not be taken now: again, in its place in the lane.
    #[error("the platform is away: {0}")]
    Away(String),
    /// It can never be taken: to the dead letters.
    #[error("the platform has no way to do this: {0}")]
    Unsupported(String),
}
