//! `main` of a daemon, read from top to bottom: arguments, settings, telemetry, runtime, contract.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

use super::{contract::run, daemon::Daemon, phase::Phases, reload::Origin};
use crate::{Exit, Settings, Source, telemetry::start_logs};

#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The settings file (else `SG_CONFIG`, else `stargazer.toml` here). `stargazer config default` prints one with every key.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the daemon `D` as this process.
#[must_use]
pub fn main<D: Daemon>() -> ExitCode {
    let arguments = Arguments::parse();
    let source = Source::from_process(arguments.config.as_deref());
    let origin = Origin::of(arguments.config, &source);
    let settings = match Settings::read(source) {
        Ok(settings) => settings,
        Err(problems) => return refuse(&problems),
    };
    let refusals = D::refuse(&settings);
    if !refusals.is_empty() {
        return refuse(&refusals);
    }
    let logs = start_logs(&settings.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&[format!("the runtime cannot be made: {error}")]),
    };
    runtime.block_on(run::<D>(settings, origin, Some(logs.dropped()), &Phases::default())).into()
}

/// Settings are read before there is a log to write to.
#[expect(clippy::print_stderr, reason = "the log's own settings may be among what is wrong")]
fn refuse(problems: &[impl std::fmt::Display]) -> ExitCode {
    for problem in problems {
        eprintln!("cannot start: {problem}");
    }
    eprintln!("`stargazer config check` lists every problem, `stargazer config default` every key.");
    Exit::Configuration.into()
}
