//! The command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs Stargazer on one machine, and helps to operate it.
#[derive(Debug, Parser)]
#[command(name = "stargazer", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway, the worker and a Redis of their own; Ctrl-C stops them.
    ///
    /// When a Redis is set (`SG_REDIS_URL`, or `redis.url` in the file), that one is used instead.
    Up(Up),
    /// Check the settings, or print all of them with their defaults.
    Config(Config),
    /// Print the version.
    Version,
    #[command(hide = true)]
    Child(Child),
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Where the conversations are kept (else the user's data folder, as ~/.local/share/stargazer).
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The settings file (else `SG_CONFIG`, else `stargazer.toml` here).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How many workers answer.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) workers: u16,
    /// Show only warnings and errors of the daemons.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// The command that hints should name.
    #[arg(long, hide = true, default_value = "stargazer up")]
    pub(crate) called: String,
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every problem of the settings; exit code 64 when there is one.
    Check {
        /// The settings file (else `SG_CONFIG`, else `stargazer.toml` here).
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print the whole settings file with every key, its default and its meaning.
    Default,
}

/// How `up` starts a program; see [`crate::child`].
#[derive(Debug, Args)]
pub(crate) struct Child {
    /// The process that the program must not outlive.
    #[arg(long, value_name = "PID")]
    pub(crate) parent: i32,
    /// The signal that the program gets when the parent has died.
    #[arg(long, value_enum)]
    pub(crate) on_death: DeathSignal,
    /// A file that is locked as long as the program runs; waits while another one holds it.
    #[arg(long, value_name = "FILE")]
    pub(crate) hold: Option<PathBuf>,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

/// How a program is told that its parent has died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeathSignal {
    /// It may still put its house in order.
    Term,
    /// At once.
    Kill,
}

impl DeathSignal {
    /// As the command line has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Term => "term",
            Self::Kill => "kill",
        }
    }
}
