//! `loadtest`: load on the bus, beside rivals in the same minute, and the goals of delivery.
//!
//! Machines are noisy, so contenders take turns in rounds, and what is told of them is a ratio, or the CPU that Redis spent.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the output of a program")]
#![forbid(unsafe_code)]

mod drive;
mod message;
mod ours;
mod plain;
mod report;
mod sink;
mod target;

mod bus_mode;
mod latency;
mod limit;
mod recovery;
mod stuck;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use report::Report;
use target::Target;
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What can go wrong here: something that the person who measures has to mend, said in words.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Load on the bus, beside rivals in the same minute.
#[derive(Debug, Parser)]
#[command(name = "loadtest")]
struct Options {
    #[command(subcommand)]
    mode: Mode,
    /// A Redis to use instead of one that is started for the run; its database has to be empty, and is emptied again.
    #[arg(long, global = true, value_name = "URL")]
    redis: Option<String>,
    /// Writes the tables and goals to this file as well.
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Times that each contender has its turn.
    #[arg(long, global = true, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Little of everything: whether the tool works, no figures.
    #[arg(long, global = true)]
    smoke: bool,
    /// Says what the bus logs.
    #[arg(long, global = true)]
    log: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum Mode {
    /// Redis alone: XADD, XREADGROUP, XACK, by batch size.
    Limit,
    /// One hop through the bus with a handler that does nothing, beside consumers without order and fencing.
    Bus,
    /// An owner that dies, one that stops, and what a dead one left.
    Recovery,
    /// One lane that does not move, among ten thousand.
    Stuck,
    /// All of them, as one table of goals.
    Goals,
    /// A process that `recovery` starts, and ends.
    #[command(hide = true)]
    Worker {
        /// Its name in the group.
        #[arg(long)]
        instance: String,
    },
}

/// How much is done.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// Turns of each contender.
    rounds: u32,
    /// Entries that need no turn, and entries with a turn, of one contender in one round.
    records: u64,
    turns: u64,
    /// How long one load of a fixed rate lasts.
    seconds: f64,
    /// Entries that a dead consumer leaves.
    pending: u64,
}

impl Scale {
    fn of(options: &Options) -> Self {
        let rounds = options.rounds;
        if options.smoke {
            Self { rounds: 1, records: 2_000, turns: 500, seconds: 0.5, pending: 2_000 }
        } else {
            Self { rounds, records: 100_000, turns: 20_000, seconds: 5.0, pending: 50_000 }
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.log {
        tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("loadtest: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("loadtest: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn stopped() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

async fn run(options: &Options) -> Result<()> {
    if let Mode::Worker { instance } = &options.mode {
        let url = options.redis.as_deref().ok_or("a worker needs --redis")?;
        return recovery::worker::run(url, instance).await;
    }
    // Ended by a signal it drops what it holds as at its end: a Redis of its own goes with it.
    tokio::select! {
        ended = load(options) => ended,
        () = stopped() => Err("stopped by a signal".into()),
    }
}

async fn load(options: &Options) -> Result<()> {
    let target = Target::open(options.redis.as_deref()).await?;
    let scale = Scale::of(options);
    let mut report = Report::new(&target).await?;
    let modes = match options.mode {
        Mode::Goals => vec![Mode::Limit, Mode::Bus, Mode::Recovery, Mode::Stuck],
        ref mode => vec![mode.clone()],
    };
    for mode in modes {
        match mode {
            Mode::Limit => limit::run(&target, scale, &mut report).await?,
            Mode::Bus => {
                bus_mode::run(&target, scale, &mut report).await?;
                latency::run(&target, scale, &mut report).await?;
            }
            Mode::Recovery => recovery::run(&target, scale, &mut report).await?,
            Mode::Stuck => stuck::run(&target, scale, &mut report).await?,
            Mode::Goals | Mode::Worker { .. } => {}
        }
        target.empty().await?;
    }
    report.print_goals();
    if let Some(file) = &options.json {
        report.write(file)?;
    }
    Ok(())
}
