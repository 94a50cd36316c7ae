//! `stargazer`: runs the pair on one machine ([`up`]), and the operator's tools.
//!
//! It knows the daemons only from outside: their programs beside its own, their settings, their exit codes, what they tell
//! a supervisor, and what they leave in Redis. It never publishes an envelope of its own.
#![forbid(unsafe_code)]

mod arguments;
mod environment;
mod refusal;
mod say;
mod written;

mod child;
mod config;
mod operate;
mod prompt;
mod up;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use clap::Parser;
use environment::Environment;
use refusal::Refusal;
use service::Exit;

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(said) => {
            // Help was asked for, or something was written wrong. As everywhere, nobody may listen.
            let _ = said.print();
            return if said.use_stderr() { Exit::Configuration } else { Exit::Clean }.into();
        }
    };
    let environment = Environment::from_process();
    let done = match arguments.command {
        Command::Up(arguments) => up::up(&arguments, &environment),
        Command::Config(arguments) => config::config(&arguments, &environment),
        Command::Prompt(arguments) => prompt::prompt(&arguments, &environment),
        Command::Dlq(arguments) => operate::dlq(&arguments, &environment),
        Command::Lag(arguments) => operate::lag(&arguments, &environment),
        Command::Shards(arguments) => operate::shards(&arguments, &environment),
        Command::Version => {
            say::answer(concat!("stargazer ", env!("CARGO_PKG_VERSION")));
            Ok(Exit::Clean)
        }
        Command::Child(arguments) => child::become_program(&arguments),
    };
    done.unwrap_or_else(|refusal| refusal.tell()).into()
}
