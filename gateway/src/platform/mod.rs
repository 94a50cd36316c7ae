//! What a platform is to the gateway, and which there are.

mod capabilities;
#[cfg(feature = "discord")]
mod discord;
mod factory;
mod send;
mod supervise;
#[cfg(feature = "webchat")]
mod webchat;

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use codec::{OutboundView, PlatformName};
use tokio_util::sync::CancellationToken;

pub use crate::egress::split::{Count, Limits};
use crate::inventory::Inventory;
pub use capabilities::{ButtonLimits, Capabilities, FileLimits};
pub use factory::{Found, check};
pub(crate) use factory::{create, refuse};
pub use send::{Accepted, File, Part, Permanent, SendError, Settling, Sought, Until};
pub use supervise::Started;
pub(crate) use supervise::supervise;

/// A live connection to where people are.
#[async_trait]
pub trait Platform: Send + Sync + Debug {
    /// Its name on the wire.
    fn name(&self) -> &PlatformName;

    /// Connects and takes events in until `stop` is cancelled. Says by `started` when it is connected. May be run again
    /// after it failed.
    async fn run(&self, started: &Started, stop: CancellationToken) -> Result<(), RunError>;

    /// How it is found out here what became of a send that was not answered.
    fn settling(&self) -> Settling;

    /// What it can show and take, the same as long as it lives. It is asked for nothing else.
    fn capabilities(&self) -> &Capabilities;

    /// Makes a new message of a part.
    async fn send(&self, part: &Part<'_, '_>) -> Result<Accepted, SendError>;

    /// Carries out an action that makes no new message. Repeating it changes nothing.
    async fn apply(&self, action: &OutboundView<'_>) -> Result<(), SendError>;

    /// Looks for what a send left whose answer is not known. Asked only where [`Settling::can_be_asked`].
    async fn look_up(&self, sought: &Sought<'_, '_>) -> Result<Option<Accepted>, SendError>;

    /// Gives a message the text of a part, where it has another one, and tells what it shows then. One that is not there any more
    /// is [`SendError::Gone`].
    async fn amend(&self, part: &Part<'_, '_>, id: &str) -> Result<Accepted, SendError>;

    /// Takes a message of its own away, in the place of this action. One that is not there any more is as good.
    async fn retract(&self, action: &OutboundView<'_>, id: &str) -> Result<(), SendError>;

    /// How long it is not tried again after it has ended with an error, where that is longer than usual.
    fn again_in(&self) -> Option<Duration> {
        None
    }

    /// An action that was to be shown ends without anything: takes away what the platform shows in its place by itself, by the
    /// action's `target_key`.
    async fn give_way(&self, _action: &OutboundView<'_>) -> Result<(), SendError> {
        Ok(())
    }

    /// How long to wait at least, for now, between two texts of one message that shows what is being written. None where that is
    /// not shown by edits. Asked again for each look, so that it may follow what is left of a budget.
    ///
    /// Such a message is a [`Part`] whose key is [`names::preview_key`](codec::names::preview_key), with the text so far, or
    /// as much of it as the first part of its action will have. It takes a platform that can be asked ([`Settling::can_be_asked`]): a preview whose answer was lost is
    /// looked up, and where none is found there is none.
    fn preview_every(&self) -> Option<Duration> {
        None
    }

    /// Whether its bot is in servers that have channels, which can be listed.
    fn has_servers(&self) -> bool {
        false
    }

    /// Lists them all, whichever of them this process hears of.
    async fn list(&self, _inventory: &mut Inventory) -> Result<(), SendError> {
        Ok(())
    }

    /// Answers a question about the live platform, or does for a worker what only a live connection can. `docs/wire.md` lists
    /// the methods, their arguments and answers; one that changes something does so once for each `key`.
    async fn call(&self, method: &str, _args: &serde_json::Value, _key: &str) -> Result<serde_json::Value, CallError> {
        Err(CallError::UnknownMethod(method.to_owned()))
    }

    /// Where people find it.
    fn address(&self) -> Option<String>;
}

/// Why a call was not answered with a result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The platform has no such method.
    #[error("there is no method `{0}` here")]
    UnknownMethod(String),
    /// The arguments are not what the method takes.
    #[error("{0}")]
    BadArguments(String),
    /// The platform refused, or could not.
    #[error(transparent)]
    Platform(#[from] SendError),
}

/// Why a platform is not connected.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RunError(pub String);
