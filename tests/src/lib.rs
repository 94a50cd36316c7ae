//! What the end-to-end tests stand on: real servers started on unix sockets or free ports, stopped by process id.
//!
//! A test reads like this: a [`ModelServer`] with a script, a [`Pair`] that uses it, a [`WebChatClient`] or a [`Browser`]
//! that talks to the pair, and then something is killed. All waiting is for events ([`eventually`], [`within`]).
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so at once")]
#![expect(clippy::print_stderr, reason = "what the daemons logged is printed when a test fails")]
#![forbid(unsafe_code)]

pub mod discord;

mod free_port;
mod http;
mod proxy;
mod redis_server;
mod resp;
mod sim;
mod wait;

mod consumer;

mod llama_server;
mod model_server;

mod log;
mod pair;
mod process;

mod browser;
mod webchat_client;

pub use browser::{Browser, Shown, Tab};
pub use consumer::consumer_config;
pub use free_port::FreePort;
pub use http::Response;
pub use llama_server::LlamaServer;
pub use log::Log;
pub use model_server::{Answer, Ended, Gate, ModelServer, Request};
pub use pair::{Pair, dead_letters, unfinished};
pub use process::{Process, Program, Settings};
pub use proxy::{FaultProxy, Saboteur};
pub use redis_server::{RawConnection, RedisServer, Reply};
pub use rustix::process::Signal;
pub use sim::{Fault, Faults, Sabotage, SimProcess, SimServer};
pub use wait::{PATIENCE, eventually, until, within};
pub use webchat_client::{Closed, WebChatClient};
