//! One turn from start to settlement.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    ConsumerConfig, Handler,
    turn::{Delivery, Facts, Failure, Outcome, Turn},
};
use crate::{
    Bus, EntryId, Error, Next,
    lane::Verdict,
    ledger::{Action, Attempt, Commit, Committed, DeadLetter, Ledger, Started},
};

/// Pause before a turn that failed is tried again: doubles from here, up to the most.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// Pause before a step is repeated that Redis did not answer.
const STEP_AGAIN: Duration = Duration::from_millis(100);
/// Pause before a step is repeated that Redis refused, which a person may have to mend.
const REFUSED_AGAIN: Duration = Duration::from_secs(1);

/// What all turns of a consumer share.
pub(super) struct Runner<H> {
    pub(super) bus: Bus,
    pub(super) config: ConsumerConfig,
    pub(super) handler: Arc<H>,
    /// Cancelled at the drain deadline: turns are dropped and put back.
    pub(super) abort: CancellationToken,
    pub(super) stages: Stages,
}

/// Handles made once.
pub(super) struct Stages {
    pub(super) read: metrics::Histogram,
    lane_wait: metrics::Histogram,
    turn: metrics::Histogram,
    commit: metrics::Histogram,
}

impl Stages {
    pub(super) fn new(role: &str) -> Self {
        let stage = |name: &'static str| metrics::histogram!("stargazer_stage_seconds", "stage" => name, "role" => role.to_owned());
        Self { read: stage("read"), lane_wait: stage("lane_wait"), turn: stage("turn"), commit: stage("commit") }
    }
}

/// What is left of a turn for its lane.
pub(super) struct Ended {
    pub(super) verdict: Verdict<Delivery>,
    /// Controls that the turn took; they share its fate.
    pub(super) absorbed: Vec<Delivery>,
    /// Controls that it did not take.
    pub(super) unheard: Vec<Delivery>,
    pub(super) delivery: Delivery,
}

impl<H: Handler> Runner<H> {
    /// Runs one entry's turn. Never fails: what cannot be settled stays pending.
    pub(super) async fn run(self: Arc<Self>, delivery: Delivery, mailbox: mpsc::Receiver<Delivery>) -> Ended {
        let ledger = Ledger::new(self.bus.clone(), self.config.role.clone(), Arc::clone(&delivery.tenure));
        let cause = match self.handler.cause(&delivery.entry.data) {
            Ok(cause) => cause,
            Err(error) => {
                let failure = Failure { code: "undecodable", error: error.0 };
                self.bury_unread(&ledger, &delivery, &failure).await;
                return ended(delivery, mailbox, Vec::new());
            }
        };
        let attempt = match self.start(&ledger, &delivery, &cause).await {
            Ok(Started::Run(attempt)) => attempt,
            Ok(Started::Wait(pause)) => return again(delivery, mailbox, pause),
            Ok(Started::Copy) => {
                metrics::counter!("stargazer_copies_total", "role" => self.config.role.to_string()).increment(1);
                return ended(delivery, mailbox, Vec::new());
            }
            Err(_) => return ended(delivery, mailbox, Vec::new()),
        };
        self.stages.lane_wait.record(delivery.read_at.elapsed());
        if attempt.deaths >= self.config.deaths_max {
            let error = format!("its owner died {} times while it ran", attempt.deaths);
            self.bury(&ledger, &delivery, attempt, &Failure { code: "owner_died", error }).await;
            return ended(delivery, mailbox, Vec::new());
        }

        let facts = Facts {
            payload: delivery.entry.data.clone(),
            lane: Arc::clone(&delivery.route.lane),
            cause: Arc::clone(&cause),
            trace_id: delivery.trace_id(),
            entry: delivery.entry.id,
            attempt,
            appended_ms: delivery.entry.ts_ms,
        };
        let tenure = Arc::clone(&delivery.tenure);
        let mut turn = Turn { facts, ledger: ledger.clone(), tenure, mailbox, absorbed: Vec::new() };
        let began = Instant::now();
        let outcome = tokio::select! {
            biased;
            () = delivery.tenure.lost().cancelled() => None,
            () = self.abort.cancelled() => None,
            outcome = AssertUnwindSafe(self.handler.run(&mut turn)).catch_unwind() => Some(outcome.unwrap_or_else(|_| {
                Outcome::Retry(Failure { code: "panic", error: "the turn panicked".into() })
            })),
        };
        self.stages.turn.record(began.elapsed());
        let Turn { mailbox, absorbed, .. } = turn;
        let Some(outcome) = outcome else {
            if !delivery.tenure.is_lost() {
                let put_back = || ledger.put_back(delivery.entry.id, attempt);
                let _ = tokio::time::timeout(STEP_AGAIN, put_back()).await;
            }
            return ended(delivery, mailbox, absorbed);
        };
        self.settle(&ledger, (delivery, &cause), attempt, outcome, mailbox, absorbed).await
    }

    async fn start(&self, ledger: &Ledger, delivery: &Delivery, cause: &str) -> Result<Started, Error> {
        loop {
            // Nothing is started on a lease that may have run out, though the fence would still refuse its effects.
            let is_current = tokio::select! {
                biased;
                () = self.abort.cancelled() => return Err(Error::Unreachable("the process stops".into())),
                is_current = delivery.tenure.current() => is_current,
            };
            if !is_current {
                return Err(delivery.tenure.fenced());
            }
            match ledger.start(delivery.entry.id, cause).await {
                Err(error) if error.next() != Next::Leave => self.pause(&error, "the start of a turn").await,
                other => return other,
            }
        }
    }

    async fn settle(
        &self,
        ledger: &Ledger,
        (delivery, cause): (Delivery, &str),
        attempt: Attempt,
        outcome: Outcome,
        mailbox: mpsc::Receiver<Delivery>,
        absorbed: Vec<Delivery>,
    ) -> Ended {
        match outcome {
            Outcome::Commit(commit) => {
                let own = (delivery.entry.id, cause);
                let entries: Vec<_> = std::iter::once(own).chain(causes(&absorbed)).collect();
                self.commit(ledger, &delivery.route.lane, &entries, &commit).await;
                ended(delivery, mailbox, absorbed)
            }
            Outcome::Retry(failure) if attempt.failures + 1 < self.config.failures_max => {
                let failures = attempt.failures + 1;
                let pause = RETRY_MAX.min(RETRY_MIN * 2u32.saturating_pow(attempt.failures));
                self.report(&delivery, failures, &failure);
                let noted =
                    self.persist(ledger, "a failure", || ledger.failed(delivery.entry.id, attempt, failures, pause));
                noted.await;
                again_with(delivery, mailbox, absorbed, pause)
            }
            Outcome::Retry(failure) | Outcome::Dead(failure) => {
                let attempt = Attempt { failures: attempt.failures + 1, ..attempt };
                self.report(&delivery, attempt.failures, &failure);
                self.bury(ledger, &delivery, attempt, &failure).await;
                // Controls that the dead turn took have nothing left to act on.
                self.commit_controls(ledger, &absorbed).await;
                ended(delivery, mailbox, absorbed)
            }
            Outcome::Wait(pause) => {
                self.persist(ledger, "a pause", || ledger.put_back(delivery.entry.id, attempt)).await;
                again_with(delivery, mailbox, absorbed, pause)
            }
        }
    }

    async fn commit(&self, ledger: &Ledger, lane: &str, entries: &[(EntryId, &str)], commit: &Commit) {
        let began = Instant::now();
        self.persist(ledger, "a commit", || async {
            if ledger.commit(lane, entries, commit).await? == Committed::Before {
                metrics::counter!("stargazer_copies_total", "role" => self.config.role.to_string()).increment(1);
            }
            Ok(())
        })
        .await;
        self.stages.commit.record(began.elapsed());
    }

    async fn commit_controls(&self, ledger: &Ledger, absorbed: &[Delivery]) {
        if let Some(first) = absorbed.first() {
            let entries: Vec<_> = causes(absorbed).collect();
            self.commit(ledger, &first.route.lane, &entries, &Commit::default()).await;
        }
    }

    /// Writes the dead letter and tells the user.
    async fn bury(&self, ledger: &Ledger, delivery: &Delivery, attempt: Attempt, failure: &Failure) {
        let notice = self.handler.notice(&delivery.entry.data, failure);
        self.write_letter(ledger, delivery, attempt, failure, notice).await;
    }

    /// Writes the dead letter of an entry that nobody could read, or that belongs elsewhere: there is nobody to tell.
    pub(super) async fn bury_unread(&self, ledger: &Ledger, delivery: &Delivery, failure: &Failure) {
        self.write_letter(ledger, delivery, Attempt::default(), failure, None).await;
    }

    async fn write_letter(
        &self,
        ledger: &Ledger,
        delivery: &Delivery,
        attempt: Attempt,
        failure: &Failure,
        notice: Option<Action>,
    ) {
        let trace_id = delivery.trace_id();
        let error = format!("{}: {}", failure.code, failure.error);
        tracing::error!(%trace_id, shard = %delivery.tenure.shard(), lane = &*delivery.route.lane, entry = %delivery.entry.id, %error, "given up, see the dead letters");
        metrics::counter!("stargazer_dead_letters_total", "role" => self.config.role.to_string(), "code" => failure.code)
            .increment(1);
        let letter = DeadLetter {
            entry: delivery.entry.id,
            error: &error,
            attempt: attempt.failures.max(attempt.deaths),
            data: &delivery.entry.data,
            ts_ms: delivery.entry.ts_ms,
            trace_id: &trace_id,
            notice,
        };
        self.persist(ledger, "a dead letter", || ledger.dead_letter(&letter)).await;
    }

    fn report(&self, delivery: &Delivery, failures: u32, failure: &Failure) {
        tracing::warn!(
            trace_id = %delivery.trace_id(), lane = &*delivery.route.lane, failures, max = self.config.failures_max,
            code = failure.code, error = %failure.error, "a turn failed"
        );
        metrics::counter!("stargazer_turn_failures_total", "role" => self.config.role.to_string(), "code" => failure.code)
            .increment(1);
    }

    /// Repeats a step until it is done or the shard is lost.
    async fn persist<F: Future<Output = Result<(), Error>>>(
        &self,
        ledger: &Ledger,
        step: &str,
        mut attempt: impl FnMut() -> F,
    ) {
        while let Err(error) = attempt().await {
            if error.next() == Next::Leave || ledger.is_lost() || self.abort.is_cancelled() {
                tracing::warn!(%error, "{step} was not made; its entry stays pending for the next owner");
                return;
            }
            self.pause(&error, step).await;
        }
    }

    async fn pause(&self, error: &Error, step: &str) {
        let pause = match error.next() {
            Next::Retry => STEP_AGAIN,
            Next::Leave | Next::Report => {
                tracing::error!(role = %self.config.role, %error, "{step} was refused, trying again");
                REFUSED_AGAIN
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Controls with their causes. Only controls get into a mailbox, and each has one.
fn causes(controls: &[Delivery]) -> impl Iterator<Item = (EntryId, &str)> {
    controls.iter().filter_map(|control| Some((control.entry.id, control.route.control.as_deref()?)))
}

fn unheard(mut mailbox: mpsc::Receiver<Delivery>) -> Vec<Delivery> {
    mailbox.close();
    std::iter::from_fn(|| mailbox.try_recv().ok()).collect()
}

fn ended(delivery: Delivery, mailbox: mpsc::Receiver<Delivery>, absorbed: Vec<Delivery>) -> Ended {
    Ended { verdict: Verdict::Done, absorbed, unheard: unheard(mailbox), delivery }
}

fn again(delivery: Delivery, mailbox: mpsc::Receiver<Delivery>, pause: Duration) -> Ended {
    again_with(delivery, mailbox, Vec::new(), pause)
}

/// The entry waits at the head of its lane, and the controls that its turn took go back behind it.
fn again_with(
    delivery: Delivery,
    mailbox: mpsc::Receiver<Delivery>,
    mut absorbed: Vec<Delivery>,
    pause: Duration,
) -> Ended {
    absorbed.extend(unheard(mailbox));
    let verdict = Verdict::Again(delivery.clone(), Instant::now() + pause);
    Ended { verdict, absorbed: Vec::new(), unheard: absorbed, delivery }
}
