//! A simulated Discord on loopback: the gateway socket and the HTTP API as the platform documents them, with faults from a seed
//! or a script, and people who do what a test says.
//!
//! Every rule names the document that it comes from; where the documents leave a number open, the code says so. The documents are
//! those of 2026, and an independent client (`tests/tests/discord_client.rs`) runs its usual flow against it.

mod clock;
mod id;

mod world;

mod gateway;

mod interactions;
mod ledger;
mod limits;
mod nonces;

mod cdn;
mod faults;
mod rest;

mod server;
mod state;

mod actors;
mod client;
mod home;
mod raw;
mod seen;
mod sockets;

pub use actors::Person;
pub use client::DiscordPy;
pub use clock::Clock;
pub use faults::{Fault, Odds, SocketFault, When};
pub use gateway::{CloseCode, Intents};
pub use home::Home;
pub use id::Snowflake;
pub use ledger::Exchange;
pub use limits::{Group, Scope};
pub use raw::{RawBot, RawReply, RawSocket};
pub use seen::Seen;
pub use server::{BotHandle, BotRules, DiscordBuilder, DiscordServer};
pub use world::Permissions;
