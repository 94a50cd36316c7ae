//! One run of a program, from its start to its end.

use std::{collections::VecDeque, io, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal};
use tokio::{
    net::unix::pipe::Receiver,
    process::{Child, Command},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    ended::{Ended, LastWords},
    lines::Lines,
    program::{Program, Readiness},
};
use crate::say::Screen;

/// Lines of a program that is not shown, kept for the case that it fails.
const KEPT_LINES_MAX: usize = 20;
/// How long the last lines of a program that ended may take; something that it started may hold the pipe for ever.
const LAST_LINES: Duration = Duration::from_millis(500);

/// How a run is to end before its time.
#[derive(Debug, Clone)]
pub(super) struct Stops {
    /// It is told to end, and has its deadline for that.
    pub(super) gently: CancellationToken,
    /// It is ended.
    pub(super) at_once: CancellationToken,
}

/// A program that runs. Dropped, it is ended.
#[derive(Debug)]
pub(super) struct Running<'a> {
    program: &'a Program,
    screen: Screen,
    child: Child,
    lines: Lines,
    kept: VecDeque<String>,
    last_words: LastWords,
}

impl<'a> Running<'a> {
    pub(super) fn start(program: &'a Program, screen: Screen) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(&program.starter);
        command.arg("child").args(["--parent", &std::process::id().to_string(), "--on-death", program.on_death.word()]);
        if let Some(path) = &program.hold {
            command.arg("--hold").arg(path);
        }
        command.arg("--").arg(&program.path).args(&program.arguments);
        for (name, value) in &program.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Readiness::Notifies(socket) = &program.readiness {
            command.env("NOTIFY_SOCKET", socket);
        }
        // A process group of its own: a terminal's Ctrl-C is for us, and we tell the others in their order.
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).process_group(0).kill_on_drop(true);
        let child = command.spawn()?;
        let lines = Lines::new(Receiver::from_owned_fd(reader.into())?);
        Ok(Self { program, screen, child, lines, kept: VecDeque::new(), last_words: LastWords::default() })
    }

    /// Shows its lines until it ends by itself or is stopped.
    pub(super) async fn until_end(&mut self, stops: &Stops) -> Ended {
        let mut told = None;
        let mut has_lines = true;
        let status = loop {
            tokio::select! {
                biased;
                () = stops.at_once.cancelled() => {
                    // Fails only when it has ended already.
                    let _ = self.child.start_kill();
                    break self.child.wait().await;
                }
                () = stops.gently.cancelled(), if told.is_none() => {
                    self.signal(Signal::TERM);
                    told = Some(Instant::now() + self.program.deadline);
                }
                () = sleep_until(told.unwrap_or_else(Instant::now)), if told.is_some() => {
                    let (name, deadline) = (&self.program.name, self.program.deadline);
                    self.screen.own(format_args!("{name} did not end within {deadline:?} and is ended at once"));
                    let _ = self.child.start_kill();
                    break self.child.wait().await;
                }
                line = self.lines.next(), if has_lines => match line {
                    Some(line) => self.hear(line),
                    None => has_lines = false,
                },
                status = self.child.wait() => break status,
            }
        };
        let patience = if stops.at_once.is_cancelled() { Duration::ZERO } else { LAST_LINES };
        let _ = timeout(patience, async {
            while let Some(line) = self.lines.next().await {
                self.hear(line);
            }
        })
        .await;
        match status {
            Ok(status) if self.program.is_daemon => Ended::Daemon { status, last_words: self.last_words.take() },
            Ok(status) => Ended::Other { status },
            Err(error) => Ended::NotStarted(error),
        }
    }

    /// Shows what was kept back.
    pub(super) fn show_kept(&mut self) {
        self.kept.drain(..).for_each(|line| self.screen.relay(&self.program.name, &line));
    }

    fn hear(&mut self, line: String) {
        self.last_words.hear(&line);
        if self.program.is_daemon {
            return self.screen.relay(&self.program.name, &line);
        }
        if self.kept.len() == KEPT_LINES_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(line);
    }

    fn signal(&self, signal: Signal) {
        // The id is ours until the child has been waited for; then there is none.
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            let _ = rustix::process::kill_process(id, signal);
        }
    }
}
