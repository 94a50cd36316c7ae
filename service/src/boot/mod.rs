//! The boot contract that both daemons share.

mod contract;
mod daemon;
mod heartbeat;
mod process;
mod signals;

pub use daemon::{Context, Daemon, Phase, StartError};
pub use process::main;
