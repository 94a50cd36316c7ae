//! One turn of a conversation: history, context, prompt, model, reply.
//!
//! The worker holds no platform and no state of its own: it takes turns from the inbound shards that it leases, and
//! everything that a turn did leaves it in one commit. [`turn`] reads as the turn does: gather, render, infer, act.
#![forbid(unsafe_code)]

mod conversation;
mod daemon;
pub mod drain;
pub mod model;
mod prompt;
mod rooms;
mod setup;
mod subject;
pub mod turn;

pub use daemon::Inference;
pub use setup::Setup;
