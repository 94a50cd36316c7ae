//! Platforms to streams and back. The gateway is the only process that holds live platform connections.
//!
//! The way of a message: [`platform`] takes an event, [`ingress`] makes it a checked envelope for the lane's shard; what the
//! worker committed comes back through [`egress`], which gives each action to its platform in lane order. Files travel beside
//! the streams ([`media`]).
#![forbid(unsafe_code)]
#![cfg_attr(
    not(any(feature = "discord", feature = "webchat")),
    allow(
        dead_code,
        unused_mut,
        unused_variables,
        reason = "without any platform in the build a gateway only refuses what it lacks"
    )
)]

mod daemon;
pub mod egress;
mod growing;
pub mod ingress;
pub mod inventory;
pub mod media;
pub mod pacing;
pub mod platform;

pub use daemon::Gateway;
