//! The boot contract that both daemons share.

mod contract;
mod daemon;
mod heartbeat;
mod phase;
mod process;
mod reload;
mod signals;

pub use contract::run;
pub use daemon::{Context, Daemon, StartError};
pub use phase::{Phase, Phases};
pub use process::main;
pub use reload::Origin;
