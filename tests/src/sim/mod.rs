//! A Redis in memory, for simulations: the commands that our crates use, with the replies of a real one, and their own Lua
//! scripts run by a real Lua. It knows virtual time (that of `tokio`) and faults on demand.
//!
//! It answers as redis-server does as far as `tests/conformance` compares the two. Approximate trimming is exact here, as
//! in a server with `stream-node-max-entries 1`. What is published reaches its subscribers at once, or is lost: by chance, and while
//! their process is frozen. `PUBLISH` answers 0 all the same.

mod commands;
mod fault;
mod gate;
mod script;
mod server;
mod store;
mod stream;

pub use fault::{Fault, Faults, Sabotage};
pub use gate::SimProcess;
pub use server::SimServer;
