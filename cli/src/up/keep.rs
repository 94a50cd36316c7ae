//! Keeping one program alive.

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    backoff::Backoff,
    ended::Ended,
    program::Program,
    readiness::Waiting,
    running::{Running, Stops},
};
use crate::say::Screen;

/// What happened to a program that is kept.
#[derive(Debug)]
pub(super) enum Report {
    /// It is ready, and says this of itself.
    Ready { name: String, status: String },
    /// It never became ready, and starting it again would not help.
    Refused { name: String, ended: Ended },
}

/// Runs `program` again and again until it is stopped, or until it is clear that it cannot run.
pub(super) async fn keep(program: Program, screen: Screen, reports: mpsc::Sender<Report>, stops: Stops) {
    let mut backoff = Backoff::new();
    let mut was_ready = false;
    loop {
        let started = Instant::now();
        let ended = run_once(&program, screen, &reports, &stops, &mut was_ready).await;
        if stops.gently.is_cancelled() || stops.at_once.is_cancelled() {
            return;
        }
        let name = program.name.clone();
        if !was_ready && (!program.is_daemon || ended.is_configuration()) {
            let _ = reports.send(Report::Refused { name, ended }).await;
            return;
        }
        let pause = backoff.after(started.elapsed());
        screen.own(format_args!("{name} {ended}; starting it again in {:.1} s", pause.as_secs_f64()));
        if stops.gently.run_until_cancelled(sleep(pause)).await.is_none() {
            return;
        }
    }
}

async fn run_once(
    program: &Program,
    screen: Screen,
    reports: &mpsc::Sender<Report>,
    stops: &Stops,
    was_ready: &mut bool,
) -> Ended {
    let started = Waiting::new(&program.readiness).and_then(|waiting| Ok((waiting, Running::start(program, screen)?)));
    let (waiting, mut running) = match started {
        Ok(both) => both,
        Err(error) => return Ended::NotStarted(error),
    };
    let announce = async {
        let status = waiting.ready().await;
        *was_ready = true;
        let _ = reports.send(Report::Ready { name: program.name.clone(), status }).await;
        std::future::pending::<()>().await;
    };
    let ended = tokio::select! {
        biased;
        ended = running.until_end(stops) => ended,
        () = announce => Ended::NotStarted(std::io::Error::other("unreachable")),
    };
    if ended.is_own_doing() && !stops.gently.is_cancelled() {
        running.show_kept();
    }
    ended
}
