//! The gateway socket: discord.com/developers/docs/topics/gateway.

mod close;
mod event;
mod handshake;
mod hub;
mod intents;
mod packing;
mod session;
mod socket;

pub use close::CloseCode;
pub(crate) use event::{Event, blank};
pub(crate) use hub::{Hub, Order, Rules, invalid_session};
pub use intents::Intents;
pub(crate) use session::Session;
pub(crate) use socket::{Wanted, serve};
