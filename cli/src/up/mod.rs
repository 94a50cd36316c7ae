//! `stargazer up`: the whole pair in the foreground, stopped by one Ctrl-C.
//!
//! Everything that is started here ends before this process does, or with it: see [`crate::child`]. Programs are kept
//! alive, each by a task of its own ([`keep`]), in groups that start in one order and end in the reverse ([`house`]).

mod backoff;
mod ended;
mod keep;
mod lines;
mod program;
mod readiness;
mod running;

mod folders;
mod lock;
mod redis;
mod siblings;

mod banner;
mod complaints;
mod discovery;
mod house;
mod http;
mod plan;
mod run;
mod signals;
mod status;

pub(crate) use folders::private_redis;
use service::Exit;

use crate::{Refusal, arguments::Up, environment::Environment};

/// Runs until a signal comes, or until something refuses to start.
pub(crate) fn up(arguments: &Up, environment: &Environment) -> Result<Exit, Refusal> {
    // One thread: the kernel counts a program's parent as dead when the thread that started it ends.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Refusal::internal(format!("the runtime cannot be made: {error}")))?;
    runtime.block_on(run::run(arguments, environment))
}
