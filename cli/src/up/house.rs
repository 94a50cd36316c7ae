//! Everything that `up` runs: started in order, watched, ended in the reverse order.

use std::{collections::BTreeMap, time::Duration};

use service::Exit;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    ended::Ended,
    keep::{Report, keep},
    program::Program,
    running::Stops,
    signals::Signals,
};
use crate::{Refusal, say::Screen};

/// Reports that wait to be read; each program waits for its own to be taken.
const REPORTS_MAX: usize = 64;
/// After so long a person wants to know what is being waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Programs that end together.
#[derive(Debug)]
struct Group {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct House {
    screen: Screen,
    signals: Signals,
    /// In the order in which they were started.
    groups: Vec<Group>,
    /// What each program said when it became ready; nothing while it is not.
    statuses: BTreeMap<String, Option<String>>,
    reports: mpsc::Receiver<Report>,
    reporter: mpsc::Sender<Report>,
    at_once: CancellationToken,
}

/// What ended the watch.
#[derive(Debug)]
pub(super) enum Event {
    /// Every program is ready.
    AllReady,
    /// A person, or who started us, wants the end.
    Signal,
    /// A program cannot run as things are.
    Refused { name: String, ended: Ended },
}

impl House {
    pub(super) fn new(screen: Screen) -> Result<Self, Refusal> {
        let (reporter, reports) = mpsc::channel(REPORTS_MAX);
        let (groups, statuses, at_once) = (Vec::new(), BTreeMap::new(), CancellationToken::new());
        Ok(Self { screen, signals: Signals::new()?, groups, statuses, reports, reporter, at_once })
    }

    /// Starts programs that end together, before all that were started earlier.
    pub(super) fn start(&mut self, programs: impl IntoIterator<Item = Program>) {
        let mut group = Group { stop: CancellationToken::new(), tasks: JoinSet::new() };
        for program in programs {
            self.statuses.insert(program.name.clone(), None);
            let stops = Stops { gently: group.stop.clone(), at_once: self.at_once.clone() };
            group.tasks.spawn(keep(program, self.screen, self.reporter.clone(), stops));
        }
        self.groups.push(group);
    }

    /// What each program said of itself.
    pub(super) fn statuses(&self) -> impl Iterator<Item = (&str, &str)> {
        self.statuses.iter().filter_map(|(name, status)| Some((name.as_str(), status.as_deref()?)))
    }

    /// Watches until all programs are ready for the first time.
    pub(super) async fn until_ready(&mut self) -> Event {
        let patience = Instant::now() + PATIENCE;
        let mut is_patient = true;
        loop {
            let waited_for: Vec<&str> =
                self.statuses.iter().filter(|(_, status)| status.is_none()).map(|(name, _)| name.as_str()).collect();
            if waited_for.is_empty() {
                return Event::AllReady;
            }
            tokio::select! {
                biased;
                _ = self.signals.next() => return Event::Signal,
                Some(report) = self.reports.recv() => if let Some(event) = self.note(report) { return event },
                () = sleep_until(patience), if is_patient => {
                    is_patient = false;
                    self.screen.own(format_args!("still waiting for: {}", waited_for.join(", ")));
                }
            }
        }
    }

    /// Watches until something ends it.
    pub(super) async fn until_end(&mut self) -> Event {
        loop {
            tokio::select! {
                biased;
                _ = self.signals.next() => return Event::Signal,
                Some(report) = self.reports.recv() => if let Some(event) = self.note(report) { return event },
            }
        }
    }

    fn note(&mut self, report: Report) -> Option<Event> {
        match report {
            Report::Ready { name, status } => {
                let is_back = self.statuses.get(&name).is_some_and(Option::is_some);
                if is_back {
                    self.screen.own(format_args!("{name} is back"));
                }
                self.statuses.insert(name, Some(status));
                None
            }
            Report::Refused { name, ended } => Some(Event::Refused { name, ended }),
        }
    }

    /// Ends everything, the last started first. A signal meanwhile ends all at once, and gives the exit code.
    pub(super) async fn end(mut self) -> Exit {
        self.reports.close();
        let at_once = self.at_once.clone();
        let in_order = async {
            while let Some(mut group) = self.groups.pop() {
                group.stop.cancel();
                while group.tasks.join_next().await.is_some() {}
            }
        };
        tokio::pin!(in_order);
        tokio::select! {
            biased;
            () = &mut in_order => Exit::Clean,
            exit = self.signals.next() => {
                at_once.cancel();
                in_order.await;
                exit
            }
        }
    }
}
