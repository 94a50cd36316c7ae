//! One turn from start to settlement.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    ConsumerConfig, Handler,
    mailbox::Mailbox,
    turn::{Delivery, Facts, Failure, Outcome, Turn},
};
use crate::{
    Bus, EntryId, Error, Next,
    lane::Verdict,
    lease::Pass,
    ledger::{Action, Attempt, Commit, Committed, DeadLetter, Ledger, Started},
};

/// Pause before a turn that failed is tried again: doubles from here, up to the most.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// Pause before a step is repeated that Redis did not answer.
const STEP_AGAIN: Duration = Duration::from_millis(100);
/// Pause before a step is repeated that Redis refused, which a person may have to mend.
const REFUSED_AGAIN: Duration = Duration::from_secs(1);

/// Runs of this process so far. Of two of one turn the later has the larger number.
static RUNS: AtomicU64 = AtomicU64::new(1);

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
    pub(super) commit: metrics::Histogram,
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
    /// Nothing of it could be settled any more.
    pub(super) is_lost: bool,
    /// Controls that the turn took; they share its fate.
    pub(super) absorbed: Vec<Delivery>,
    /// Controls that it did not take.
    pub(super) unheard: Vec<Delivery>,
    pub(super) delivery: Delivery,
}

impl<H: Handler> Runner<H> {
    /// Runs one entry's turn. Never fails: what cannot be settled stays pending.
    pub(super) async fn run(self: Arc<Self>, delivery: Delivery, mailbox: mpsc::Receiver<Delivery>) -> Ended {
        let pass = Pass::new(Arc::clone(&delivery.tenure), Arc::clone(&delivery.route.lane));
        let ended = self.run_by(&pass, delivery, mailbox).await;
        Ended { is_lost: pass.is_lost(), ..ended }
    }

    async fn run_by(&self, pass: &Arc<Pass>, delivery: Delivery, mailbox: mpsc::Receiver<Delivery>) -> Ended {
        let ledger = Ledger::new(self.bus.clone(), self.config.role.clone(), Arc::clone(pass));
        let mailbox = Mailbox::new(mailbox);
        // Where its lane is left to a guest, that is told of what waits for this turn.
        let attempt = match self.start(&ledger, &delivery, pass, &mailbox.entries()).await {
            Ok(Started::Run(attempt)) => attempt,
            Ok(Started::Wait(pause)) => return again(delivery, mailbox, Vec::new(), pause),
            Ok(Started::Left(pause)) => {
                let verdict = Verdict::Left(delivery.clone(), Instant::now() + pause);
                return Ended { verdict, ..ended(delivery, mailbox, Vec::new()) };
            }
            Ok(Started::Copy) => {
                self.copies(1);
                return ended(delivery, mailbox, Vec::new());
            }
            Ok(Started::Gone) | Err(_) => return ended(delivery, mailbox, Vec::new()),
        };
        self.stages.lane_wait.record(delivery.read_at.elapsed());
        if attempt.deaths >= self.config.deaths_max {
            let error = format!("its owner died {} times while it ran", attempt.deaths);
            self.bury(&ledger, &delivery, attempt, &Failure { code: "owner_died", error }, &[]).await;
            return ended(delivery, mailbox, Vec::new());
        }

        let facts = Facts {
            payload: delivery.entry.data.clone(),
            lane: Arc::clone(&delivery.route.lane),
            cause: Arc::clone(&delivery.route.cause),
            trace_id: delivery.trace_id(),
            entry: delivery.entry.id,
            attempt,
            appended_ms: delivery.entry.ts_ms,
            waits: delivery.waits,
        };
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        let mut turn =
            Turn { facts, number, ledger: ledger.clone(), pass: Arc::clone(pass), mailbox, absorbed: Vec::new() };
        let began = Instant::now();
        let outcome = tokio::select! {
            biased;
            () = pass.lost().cancelled() => None,
            () = self.abort.cancelled() => None,
            outcome = AssertUnwindSafe(self.handler.run(&mut turn)).catch_unwind() => Some(outcome.unwrap_or_else(|_| {
                Outcome::Retry(Failure { code: "panic", error: "the turn panicked".into() })
            })),
        };
        self.stages.turn.record(began.elapsed());
        let Turn { mailbox, absorbed, .. } = turn;
        let Some(outcome) = outcome else {
            if !pass.is_lost() {
                let put_back = || ledger.put_back(delivery.entry.id, attempt);
                let _ = tokio::time::timeout(STEP_AGAIN, put_back()).await;
            }
            return ended(delivery, mailbox, absorbed);
        };
        self.settle(&ledger, delivery, attempt, outcome, mailbox, absorbed).await
    }

    async fn start(&self, ledger: &Ledger, delivery: &Delivery, pass: &Pass, controls: &str) -> Result<Started, Error> {
        loop {
            // Nothing is started on a lease that may have run out, though the fence would still refuse its effects.
            let is_current = tokio::select! {
                biased;
                () = self.abort.cancelled() => return Err(Error::Unreachable("the process stops".into())),
                is_current = delivery.tenure.current() => is_current,
            };
            if !is_current {
                return Err(pass.refused());
            }
            match ledger.start(delivery.entry.id, &delivery.route.cause, controls).await {
                Err(error) if error.next() != Next::Leave => self.pause(&error, "the start of a turn").await,
                other => return other,
            }
        }
    }

    async fn settle(
        &self,
        ledger: &Ledger,
        delivery: Delivery,
        attempt: Attempt,
        outcome: Outcome,
        mailbox: Mailbox,
        absorbed: Vec<Delivery>,
    ) -> Ended {
        match outcome {
            Outcome::Commit(commit) => {
                let entries: Vec<_> = std::iter::once(&delivery).chain(&absorbed).map(named).collect();
                self.commit(ledger, &entries, &commit).await;
                ended(delivery, mailbox, absorbed)
            }
            Outcome::Retry(failure) if attempt.failures + 1 < self.config.failures_max => {
                let failures = attempt.failures + 1;
                let pause = RETRY_MAX.min(RETRY_MIN * 2u32.saturating_pow(attempt.failures));
                self.report(&delivery, failures, &failure);
                let note = || ledger.failed(delivery.entry.id, attempt, failures, pause);
                self.persist("a failure", || ledger.is_lost(), note).await;
                again(delivery, mailbox, absorbed, pause)
            }
            Outcome::Retry(failure) | Outcome::Dead(failure) => {
                let attempt = Attempt { failures: attempt.failures + 1, ..attempt };
                self.report(&delivery, attempt.failures, &failure);
                // What the dead turn took has nothing left to act on.
                let joined: Vec<_> = absorbed.iter().map(named).collect();
                self.bury(ledger, &delivery, attempt, &failure, &joined).await;
                ended(delivery, mailbox, absorbed)
            }
            Outcome::Wait(pause) => {
                let note = || ledger.put_back(delivery.entry.id, attempt);
                self.persist("a pause", || ledger.is_lost(), note).await;
                let delivery = Delivery { waits: delivery.waits.saturating_add(1), ..delivery };
                again(delivery, mailbox, absorbed, pause)
            }
        }
    }

    async fn commit(&self, ledger: &Ledger, entries: &[(EntryId, &str)], commit: &Commit) {
        let began = Instant::now();
        let is_lost = || ledger.is_lost();
        if self.persist("a commit", is_lost, || ledger.commit(entries, commit)).await == Some(Committed::Before) {
            self.copies(1);
        }
        self.stages.commit.record(began.elapsed());
    }

    /// Entries were acknowledged whose cause was done before.
    pub(super) fn copies(&self, count: u64) {
        metrics::counter!("stargazer_copies_total", "role" => self.config.role.to_string()).increment(count);
    }

    /// Writes the dead letter and tells the user.
    async fn bury(
        &self,
        ledger: &Ledger,
        delivery: &Delivery,
        attempt: Attempt,
        failure: &Failure,
        joined: &[(EntryId, &str)],
    ) {
        let notice = self.handler.notice(&delivery.entry.data, failure);
        self.write_letter(ledger, delivery, attempt, failure, (joined, notice)).await;
    }

    /// Writes the dead letter of an entry that nobody could read, or that belongs elsewhere: there is nobody to tell.
    pub(super) async fn bury_unread(&self, ledger: &Ledger, delivery: &Delivery, failure: &Failure) {
        self.write_letter(ledger, delivery, Attempt::default(), failure, (&[], None)).await;
    }

    async fn write_letter(
        &self,
        ledger: &Ledger,
        delivery: &Delivery,
        attempt: Attempt,
        failure: &Failure,
        (joined, notice): (&[(EntryId, &str)], Option<Action>),
    ) {
        let trace_id = delivery.trace_id();
        let error = format!("{}: {}", failure.code, failure.error);
        tracing::error!(%trace_id, shard = %delivery.tenure.shard(), lane = &*delivery.route.lane, entry = %delivery.entry.id, %error, "given up, see the dead letters");
        metrics::counter!("stargazer_dead_letters_total", "role" => self.config.role.to_string(), "code" => failure.code)
            .increment(1);
        let letter = DeadLetter {
            entry: delivery.entry.id,
            cause: &delivery.route.cause,
            error: &error,
            attempt: attempt.failures.max(attempt.deaths),
            data: &delivery.entry.data,
            ts_ms: delivery.entry.ts_ms,
            trace_id: &trace_id,
            joined,
            notice,
        };
        self.persist("a dead letter", || ledger.is_lost(), || ledger.dead_letter(&letter)).await;
    }

    fn report(&self, delivery: &Delivery, failures: u32, failure: &Failure) {
        tracing::warn!(
            trace_id = %delivery.trace_id(), lane = &*delivery.route.lane, failures, max = self.config.failures_max,
            code = failure.code, error = %failure.error, "a turn failed"
        );
        metrics::counter!("stargazer_turn_failures_total", "role" => self.config.role.to_string(), "code" => failure.code)
            .increment(1);
    }

    /// Repeats a step until it is done or nothing can be done any more.
    pub(super) async fn persist<T, F: Future<Output = Result<T, Error>>>(
        &self,
        step: &str,
        is_lost: impl Fn() -> bool,
        mut attempt: impl FnMut() -> F,
    ) -> Option<T> {
        loop {
            match attempt().await {
                Ok(done) => return Some(done),
                Err(error) if error.next() == Next::Leave || is_lost() || self.abort.is_cancelled() => {
                    tracing::warn!(%error, "{step} was not made; its entry stays pending for the next owner");
                    return None;
                }
                Err(error) => self.pause(&error, step).await,
            }
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

fn named(delivery: &Delivery) -> (EntryId, &str) {
    (delivery.entry.id, &delivery.route.cause)
}

fn ended(delivery: Delivery, mailbox: Mailbox, absorbed: Vec<Delivery>) -> Ended {
    Ended { verdict: Verdict::Done, is_lost: false, absorbed, unheard: mailbox.unheard(), delivery }
}

/// The entry waits at the head of its lane, and the controls that its turn took go back behind it.
fn again(delivery: Delivery, mailbox: Mailbox, mut absorbed: Vec<Delivery>, pause: Duration) -> Ended {
    absorbed.extend(mailbox.unheard());
    let verdict = Verdict::Again(vec![delivery.clone()], Instant::now() + pause);
    Ended { verdict, is_lost: false, absorbed: Vec::new(), unheard: absorbed, delivery }
}
