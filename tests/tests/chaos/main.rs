//! Chaos: real daemons and a real Redis, which are killed, frozen, cut off and restarted while visitors talk, and every
//! conversation compared with what was said in it.
//!
//! `SG_FAULTS` says how many faults, `SG_SEED` which ones, `SG_FSYNC=everysec` lets Redis forget what was not on its disk yet,
//! `SG_SABOTAGE=commit-fence|watch|claim|guest-removal|done-mark` takes a safeguard out instead, which has to be noticed.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so at once")]
#![expect(clippy::print_stdout, reason = "what a run came through is what it is worth")]

mod checked;
mod checker;
mod conversations;
mod fleet;
mod model;
mod report;
mod schedule;
mod witness;

use std::{sync::Arc, time::Duration};

use conversations::{Board, Calls, Visitor};
use fastrand::Rng;
use fleet::Fleet;
use report::Report;
use schedule::{Kind, Schedule, Target};
use tests::{Sabotage, Saboteur, WebChatClient, eventually, until};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};
use witness::Witness;

/// In CI: a whole deck, so that every kind of fault is met.
const FAULTS: usize = 22;
const CHATS: usize = 16;
/// How long after a fault some conversation may be without an answer before it counts as lost.
const RECOVERY_MAX: Duration = Duration::from_secs(60);
/// The same where a safeguard is out, and what is lost is what is waited for.
const MISSED_WITHIN: Duration = Duration::from_secs(12);
/// Faults of one safeguard's kind in which its absence has to be noticed.
const NOTICED_WITHIN: usize = 30;

/// What is tried.
pub(crate) struct Plan {
    seed: u64,
    faults: usize,
    /// Redis may forget what was not on its disk yet.
    may_forget: bool,
    recovery_max: Duration,
    /// It ends with the first thing that must not be.
    ends_early: bool,
}

async fn run(plan: &Plan, schedule: Schedule, saboteur: Option<&Saboteur>) -> Report {
    let begin = Instant::now();
    let mut fleet = Fleet::new(plan, saboteur).await;
    let witness = Witness::new(fleet.redis.socket());
    let board = Arc::new(Board::new(vec![begin; CHATS]));
    let (stop, stopped) = watch::channel(false);
    let calls = Calls { stop: stopped, restarts: fleet.restarts.subscribe() };
    let mut report = Report { seed: plan.seed, ..Report::default() };
    let (mut visitors, mut cookies) = (JoinSet::new(), Vec::new());
    for index in 0..CHATS {
        let visitor = visitor(plan, &fleet, index, &board, &calls).await;
        cookies.push((visitor.chat.clone(), visitor.cookie.clone()));
        visitors.spawn(visitor.talk());
    }
    for (index, fault) in schedule.take(plan.faults).enumerate() {
        if index.is_multiple_of(10)
            && let Ok(time) = recovered(&board, Instant::now(), plan.recovery_max).await
        {
            report.calm.push(time);
        }
        tokio::time::sleep(fault.pause).await;
        let at = Instant::now();
        let recovery = recovered(&board, at, plan.recovery_max);
        let (recovery, ()) = tokio::join!(recovery, fleet.suffer(&fault));
        let recovery = recovery.unwrap_or_else(|chats| {
            report.violations.push(format!("chats {chats:?} had no answer {:?} after {fault:?}", plan.recovery_max));
            plan.recovery_max
        });
        println!(
            "{:6.1} s  {fault}{}: {recovery:.1?}",
            begin.elapsed().as_secs_f64(),
            if fault.everyone { ", all" } else { "" }
        );
        report.recoveries.entry(fault.to_string()).or_default().push(recovery);
        report.violations.append(&mut fleet.violations);
        let seen = fleet.model.violations().len() + witness.seen().violations.len();
        // What was seen once is enough where it is waited for; elsewhere the whole table is worth having.
        if !report.violations.is_empty() || plan.ends_early && seen > 0 {
            break;
        }
    }
    report.violations.extend(fleet.model.violations());
    report.violations.extend(witness.seen().violations);
    stop.send_replace(true);
    fleet.whole().await;
    if !plan.ends_early || report.violations.is_empty() {
        rest(plan, &fleet, visitors, &cookies, &mut report).await;
    }
    report.seen = witness.seen();
    report.forgotten_bytes = fleet.forgotten_bytes;
    report.took = begin.elapsed();
    report
}

async fn visitor(plan: &Plan, fleet: &Fleet, index: usize, board: &Arc<Board>, calls: &Calls) -> Visitor {
    let gateways = fleet.addresses();
    let mut client = WebChatClient::new(gateways[index % gateways.len()]).await;
    let (chat, cookie) = (client.new_chat().await, client.cookie().to_owned());
    let rng = Rng::with_seed(plan.seed ^ (index as u64) << 32);
    let (board, calls) = (Arc::clone(board), calls.clone());
    // Every third chat has more than one question waiting at once.
    let burst = if index.is_multiple_of(3) { 4 } else { 1 };
    let (may_forget, log) = (plan.may_forget, conversations::Log::default());
    Visitor { index, gateways, cookie, chat, rng, board, calls, burst, may_forget, log }
}

/// How long after `at` every chat had an answer to something that was said after it; or the chats that have none in time.
async fn recovered(board: &Board, at: Instant, max: Duration) -> Result<Duration, Vec<usize>> {
    let mut board = board.subscribe();
    let all = board.wait_for(|last| last.iter().all(|last| *last >= at));
    if timeout(max, all).await.is_ok() {
        return Ok(at.elapsed());
    }
    let last = board.borrow();
    Err((0..CHATS).filter(|chat| last[*chat] < at).collect())
}

/// When nothing goes wrong any more, everything has to end: all is answered, nothing is left, and the logs are right.
async fn rest(
    plan: &Plan,
    fleet: &Fleet,
    mut visitors: JoinSet<checker::Conversation>,
    cookies: &[(String, String)],
    report: &mut Report,
) {
    let mut conversations = Vec::new();
    while let Ok(Some(conversation)) = timeout(RECOVERY_MAX, visitors.join_next()).await {
        conversations.push(conversation.expect("a visitor does not panic"));
    }
    if conversations.len() < CHATS {
        report.violations.push(format!("{} visitors wait for an answer for ever", CHATS - conversations.len()));
        return;
    }
    until("nothing is left", || async { fleet.unfinished().await == 0 }).await;
    if fleet.dead_letters().await > 0 {
        report.violations.push("something was given up".into());
    }
    let address = fleet.addresses()[0];
    for mut conversation in conversations {
        let (chat, cookie) = cookies.iter().find(|(chat, _)| *chat == conversation.chat).expect("it was begun here");
        let kept = eventually("a log is read", || conversations::reread(address, cookie, chat)).await;
        conversation.complete(kept, plan.may_forget);
        report.verdict.add(checker::judge(&conversation, plan.may_forget));
    }
}

#[expect(clippy::disallowed_methods, reason = "a wish of who runs the tests, not a setting of the service")]
fn wish(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn number(name: &str) -> Option<u64> {
    wish(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name} has to be a number, and is {text}")))
}

/// A safeguard that is taken out, the faults that need it, and what its absence is seen by.
struct Safeguard {
    name: &'static str,
    sabotage: Sabotage,
    faults: (Kind, Target),
    seen_by: &'static str,
}

const SAFEGUARDS: [Safeguard; 5] = [
    Safeguard {
        name: "commit-fence",
        sabotage: Sabotage::COMMIT_FENCE,
        faults: (Kind::Held, Target::Worker),
        seen_by: "sg:fence:",
    },
    Safeguard {
        name: "watch",
        sabotage: Sabotage::Watch,
        faults: (Kind::Held, Target::Worker),
        seen_by: "was read by worker-",
    },
    Safeguard {
        name: "claim",
        sabotage: Sabotage::Claim,
        faults: (Kind::Killed, Target::Worker),
        seen_by: "had no answer",
    },
    Safeguard {
        name: "guest-removal",
        sabotage: Sabotage::GUEST_REMOVAL,
        faults: (Kind::Silenced, Target::Worker),
        seen_by: "which is left to",
    },
    Safeguard {
        name: "done-mark",
        sabotage: Sabotage::DONE_MARK,
        faults: (Kind::Unanswered, Target::Worker),
        seen_by: "remembered twice",
    },
];

/// The checks can fail: the daemons as they are, and a safeguard taken out of what they send to Redis.
async fn is_missed(name: &str, seed: u64) {
    let Safeguard { sabotage, faults, seen_by, .. } = (SAFEGUARDS.iter().find(|safeguard| safeguard.name == name))
        .unwrap_or_else(|| {
            panic!("there is no safeguard {name}; there are {}", SAFEGUARDS.map(|one| one.name).join(", "))
        });
    let saboteur = Saboteur::new(*sabotage);
    let plan = Plan { seed, faults: NOTICED_WITHIN, may_forget: false, recovery_max: MISSED_WITHIN, ends_early: true };
    let report = run(&plan, Schedule::of(seed, vec![*faults]), Some(&saboteur)).await;
    println!("without {name}\n{report}");
    assert!(saboteur.met() > 0, "{name} is in nothing that was sent to Redis: its text has changed");
    let all = report.violations.iter().chain(&report.verdict.details);
    let seen = all.filter(|violation| violation.contains(seen_by)).count();
    assert!(seen > 0, "{} faults without {name} were not seen by `{seen_by}`, seed {seed}", report.faults());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_its_fence_is_noticed() {
    is_missed("commit-fence", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_watches_nothing_is_noticed() {
    is_missed("watch", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_claims_nothing_is_noticed() {
    is_missed("claim", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_that_is_not_removed_is_noticed() {
    is_missed("guest-removal", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cause_that_leaves_no_mark_is_noticed() {
    is_missed("done-mark", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chaos_costs_nothing() {
    let seed = number("SG_SEED").unwrap_or(1);
    if let Some(name) = wish("SG_SABOTAGE") {
        return is_missed(&name, seed).await;
    }
    let faults = number("SG_FAULTS").map_or(FAULTS, |faults| faults as usize);
    let may_forget = wish("SG_FSYNC").is_some_and(|fsync| fsync == "everysec");
    println!("{faults} faults, seed {seed}");
    let plan = Plan { seed, faults, may_forget, recovery_max: RECOVERY_MAX, ends_early: false };
    let report = run(&plan, Schedule::new(seed), None).await;
    println!("{report}");
    assert!(report.is_flawless(), "see above; SG_SEED={seed} draws these faults again");
    assert!(report.verdict.sent > CHATS * report.faults(), "too little was said to see anything");
}
