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
    /// Show what the model would be asked.
    Prompt(Prompt),
    /// Look at what was given up (dead letters), put it back, or remove it.
    Dlq(Dlq),
    /// Show what waits in the streams, by role and shard.
    Lag(Look),
    /// Show who owns which shard, since when, and what is stuck and why.
    Shards(Look),
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
        /// Also ask Redis, the model and each platform whether they take what is set: tokens, keys, intents, permissions.
        #[arg(long)]
        online: bool,
    },
    /// Print the whole settings file with every key, its default and its meaning.
    Default,
}

/// Which deployment is meant. Its Redis is the one that is set (`SG_REDIS_URL`, or `redis.url` in the file), else that of a
/// running `stargazer up`.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The settings file of the daemons (else `SG_CONFIG`, else `stargazer.toml` here).
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// The data folder of the `stargazer up` that is meant.
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Look {
    #[command(flatten)]
    pub(crate) place: Place,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Prompt {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) command: PromptCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PromptCommand {
    /// Render the prompt of the settings with a message as somebody might write it.
    Render(Render),
}

#[derive(Debug, Args)]
pub(crate) struct Render {
    /// What is written.
    #[arg(default_value = "Hello!")]
    pub(crate) text: String,
    /// The name of the room that it is written in; without one it is written in private.
    #[arg(long, value_name = "NAME")]
    pub(crate) room: Option<String>,
    /// Who writes it.
    #[arg(long, value_name = "NAME", default_value = "someone")]
    pub(crate) user: String,
    /// The platform that it is written on.
    #[arg(long, value_name = "NAME", default_value = "webchat", conflicts_with = "conversation")]
    pub(crate) platform: String,
    /// After what is remembered of this conversation in Redis, like `webchat:abc`.
    #[arg(long, value_name = "KEY")]
    pub(crate) conversation: Option<String>,
    /// The messages as the endpoint gets them.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Dlq {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) command: DlqCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DlqCommand {
    /// List dead letters, the oldest first.
    List {
        #[command(flatten)]
        which: Which,
        /// How many are shown.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show one dead letter with its envelope.
    Show {
        /// As `list` shows it, like 7/1763700000123-0.
        id: String,
        /// One JSON object, with the envelope's bytes in hex.
        #[arg(long)]
        json: bool,
    },
    /// Put dead letters back at the end of the streams that they came from, in the order of their lanes.
    ///
    /// A message that is replayed is answered as if it had come now; what its turn had done before it was given up is not
    /// done twice.
    Replay(Handle),
    /// Remove dead letters for good.
    Purge(Handle),
}

/// Which dead letters are meant: all those that pass every filter.
#[derive(Debug, Default, Args)]
pub(crate) struct Which {
    /// Only these, as `list` shows them.
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// From the stream of this role: `inbound`, `outbound:<platform>`, or a plain stream's, `plain:inbound` and
    /// `plain:outbound:<platform>`.
    #[arg(long)]
    pub(crate) role: Option<String>,
    /// With this code, the word that their error begins with.
    #[arg(long)]
    pub(crate) code: Option<String>,
    /// Of this conversation, like `webchat:abc`.
    #[arg(long, value_name = "KEY")]
    pub(crate) lane: Option<String>,
    /// Of this trace.
    #[arg(long, value_name = "ID")]
    pub(crate) trace: Option<String>,
    /// Given up at least so long ago, like `2h`.
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub(crate) older_than: Option<humantime::Duration>,
    /// Given up at most so long ago.
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub(crate) newer_than: Option<humantime::Duration>,
}

impl Which {
    /// Whether some filter is set.
    pub(crate) fn is_narrow(&self) -> bool {
        let filters = [&self.role, &self.code, &self.trace, &self.lane];
        filters.iter().any(|filter| filter.is_some()) || self.older_than.is_some() || self.newer_than.is_some()
    }
}

fn age(text: &str) -> Result<humantime::Duration, String> {
    text.parse().map_err(|_| "expected a number with its unit, like 90s, 15m, 2h or 30days".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Handle {
    #[command(flatten)]
    pub(crate) which: Which,
    /// All there are.
    #[arg(long)]
    pub(crate) all: bool,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
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
