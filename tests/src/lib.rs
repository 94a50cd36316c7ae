//! What the end-to-end tests stand on: real servers started on unix sockets or free ports, stopped by process id.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so at once")]

mod redis_server;
mod wait;

pub use redis_server::RedisServer;
pub use wait::{eventually, within};
