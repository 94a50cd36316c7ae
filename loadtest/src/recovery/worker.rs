//! A worker as a process of its own, which says of each turn that it began.

use std::{
    io::Write,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use bus::{Action, Bus, BusConfig, Consumer, Failure, Handler, Names, Outcome, Route, RouteError, Turn};
use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Result,
    message::{now_us, parse},
    ours::{answer, config, route},
    target::Target,
};

struct Telling;

impl Handler for Telling {
    fn route(&self, payload: &Bytes) -> std::result::Result<Route, RouteError> {
        route(payload, true)
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        // At once and whole, since a line that waits would be lost with the process.
        let sent_us = parse(&turn.facts().payload).map_or(0, |message| message.sent_us);
        let line = format!("{} {sent_us} {}\n", now_us(), turn.facts().cause);
        if let Err(error) = std::io::stdout().lock().write_all(line.as_bytes()) {
            return Outcome::Dead(Failure { code: "unheard", error: error.to_string() });
        }
        answer(turn)
    }

    fn notice(&self, _: &Bytes, _: &Failure) -> Option<Action> {
        None
    }
}

/// The hidden mode: works until it is told to stop by SIGTERM.
pub(crate) async fn run(url: &str, instance: &str) -> Result<()> {
    let bus = Bus::connect(BusConfig { url: url.into(), names: Names::default() }).await?;
    let (mut terminate, stop) = (signal(SignalKind::terminate())?, CancellationToken::new());
    let stopped = stop.clone();
    let stopping = async {
        terminate.recv().await;
        stop.cancel();
    };
    let consumer = Consumer::new(bus, config(instance), Arc::new(Telling));
    tokio::join!(stopping, consumer.run(stopped));
    Ok(())
}

/// A turn that began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Began {
    /// Microseconds since epoch.
    pub(crate) at_us: u64,
    /// When its message was sent, by the same clock.
    pub(crate) sent_us: u64,
    /// `lane:number`
    pub(crate) cause: String,
    pub(crate) lane: String,
    /// Whose turn it was.
    pub(crate) instance: String,
}

/// What all workers told.
pub(crate) type Told = Arc<Mutex<Vec<Began>>>;

/// A worker that runs, killed with this value.
pub(crate) struct Worker {
    pub(crate) instance: String,
    child: Child,
    listening: JoinSet<()>,
}

impl Worker {
    pub(crate) fn start(target: &Target, instance: &str, told: &Told) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["worker", "--redis", target.url(), "--instance", instance])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("a worker without output")?).lines();
        let (told, name) = (Arc::clone(told), instance.to_owned());
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let Some((at, (sent, cause))) =
                    line.split_once(' ').and_then(|(at, rest)| Some((at, rest.split_once(' ')?)))
                else {
                    continue;
                };
                let (Ok(at_us), Ok(sent_us), Some((lane, _))) = (at.parse(), sent.parse(), cause.split_once(':'))
                else {
                    continue;
                };
                let began = Began { at_us, sent_us, lane: lane.into(), cause: cause.into(), instance: name.clone() };
                told.lock().unwrap_or_else(PoisonError::into_inner).push(began);
            }
        });
        Ok(Self { instance: instance.into(), child, listening })
    }

    /// Ends it as nobody can be prepared for.
    pub(crate) fn kill(&mut self) -> Result<()> {
        Ok(self.child.start_kill()?)
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) -> Result<()> {
        let pid =
            self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())).ok_or("the worker has ended already")?;
        Ok(kill_process(pid, Signal::TERM)?)
    }

    /// Waits until it has ended and all that it said was heard.
    pub(crate) async fn ended(mut self) -> Result<()> {
        self.child.wait().await?;
        while self.listening.join_next().await.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::message::{Kind, payload};

    use super::*;

    #[test]
    fn a_worker_has_a_turn_for_each_message() {
        let payload = payload("load-1", 1, Kind::Plain);
        let route = Telling.route(&payload).unwrap();
        assert_eq!((&*route.lane, &*route.cause, route.way), ("load-1", "load-1:1", bus::Way::Turn));
    }
}
