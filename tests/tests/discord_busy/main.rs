//! A busy server: many channels in which people talk, ask, change and take back what they said, on a Discord that limits, fails
//! and loses sockets, while the two gateways and the worker are restarted one by one and one of them is killed. In the end every
//! channel is compared with what was asked in it.
//!
//! `SG_BUSY="<channels> <events> <seconds>"` says how busy, `SG_SEED` what is drawn.
#![expect(clippy::panic, reason = "a test that cannot go on says so at once")]
#![expect(clippy::print_stdout, reason = "what a run came through is what it is worth")]

mod answers;
mod checker;
mod crowd;

use std::{collections::BTreeMap, time::Duration};

use checker::Reading;
use crowd::Crowd;
use tests::{
    ModelServer, Pair, Process, Program, RedisServer, Settings, Signal,
    discord::{BotHandle, BotRules, DiscordServer, Odds, SocketFault},
    until,
};
use tokio::time::Instant;

pub(crate) const BOT: &str = "crab";
/// Connections of the bot: one for each gateway.
const SHARDS: u64 = 2;
/// After the last event: nothing new is answered for so long, and the run has failed.
const STANDSTILL_MAX: Duration = Duration::from_secs(120);

/// How busy it is.
#[derive(Debug, Clone, Copy)]
struct Plan {
    channels: usize,
    events: u64,
    lasts: Duration,
    seed: u64,
}

impl Plan {
    /// In CI: a minute's worth.
    const USUAL: Self = Self { channels: 120, events: 1_500, lasts: Duration::from_secs(45), seed: 1 };

    #[expect(clippy::disallowed_methods, reason = "a wish of who runs the tests, not a setting of the service")]
    fn wished() -> Self {
        let wish = |name: &str| std::env::var(name).ok();
        let seed = wish("SG_SEED").and_then(|seed| seed.parse().ok()).unwrap_or(Self::USUAL.seed);
        let Some(busy) = wish("SG_BUSY") else { return Self { seed, ..Self::USUAL } };
        let numbers: Vec<u64> = busy.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        let [channels, events, seconds] = numbers[..] else { panic!("SG_BUSY is three numbers: {busy:?}") };
        Self { channels: channels as usize, events, lasts: Duration::from_secs(seconds), seed }
    }
}

/// Two gateways and a worker.
struct Fleet {
    redis: RedisServer,
    processes: Vec<Process>,
}

impl Fleet {
    async fn new(server: &DiscordServer, bot: &BotHandle, model: &ModelServer) -> Self {
        let redis = RedisServer::new().await;
        let mut settings: Settings = Pair::settings_on(&redis);
        let more = [
            ("SG_PLATFORM__DISCORD__TYPE", "discord".to_owned()),
            ("SG_PLATFORM__DISCORD__TOKEN", bot.token.clone()),
            ("SG_PLATFORM__DISCORD__API_URL", server.rest_url()),
            ("SG_PLATFORM__WEBCHAT__ENABLED", "false".to_owned()),
            ("SG_MODEL_BASE_URL", model.base_url()),
            ("SG_MODEL_NAME", ModelServer::MODEL.to_owned()),
            ("SG_MEDIA__ALLOW", "127.0.0.0/8".to_owned()),
            ("SG_LOG__FILTER", "warn,serenity=off".to_owned()),
        ];
        settings.extend(more.map(|(name, value)| (name.to_owned(), value)));
        let programs = [Program::Gateway, Program::Gateway, Program::Inference];
        let mut fleet =
            Self { redis, processes: programs.map(|program| Process::start(program, settings.clone())).into() };
        for process in &mut fleet.processes {
            process.wait_ready().await;
        }
        fleet
    }

    /// As a new version is rolled out: told to stop, waited for, started.
    async fn roll(&mut self, which: usize) {
        self.processes[which].signal(Signal::TERM);
        assert_eq!(self.processes[which].exit_code().await, 0);
        self.processes[which].restart();
        self.processes[which].wait_ready().await;
    }

    /// Killed, and started again.
    async fn kill(&mut self, which: usize) {
        self.processes[which].restart();
        self.processes[which].wait_ready().await;
    }

    async fn unfinished(&self) -> i64 {
        tests::unfinished(&self.redis).await
    }
}

/// What happens to the processes, in this order, spread over the run.
async fn happenings(fleet: &mut Fleet, lasts: Duration) {
    let begin = Instant::now();
    for (number, share) in [0.25, 0.4, 0.55, 0.7].into_iter().enumerate() {
        tokio::time::sleep_until(begin + lasts.mul_f64(share)).await;
        match number {
            3 => fleet.kill(0).await,
            which => fleet.roll(which).await,
        }
    }
}

/// Everything that happens on the server, at an even pace, and what happens to the bot's sockets: every twelfth of the time.
async fn life(plan: &Plan, crowd: &mut Crowd<'_>, server: &DiscordServer, bot: &BotHandle) -> BTreeMap<String, u32> {
    let (begin, mut met) = (Instant::now(), BTreeMap::new());
    let (mut disturbed_at, mut disturbances) = (begin + plan.lasts / 12, 0);
    while crowd.done.events < plan.events {
        crowd.act();
        let due = begin + plan.lasts.mul_f64(crowd.done.events as f64 / plan.events as f64);
        tokio::time::sleep_until(due).await;
        if Instant::now() >= disturbed_at && crowd.done.events < plan.events {
            disturbed_at += plan.lasts / 12;
            let fault = fault(disturbances, crowd.draw());
            disturbances += 1;
            server.befall(bot.id, fault);
            *met.entry(format!("{fault:?}")).or_default() += 1;
        }
    }
    met
}

/// In turn all that may happen to sockets, but for what Discord itself loses: no client can know of that.
fn fault(number: u32, count: u32) -> SocketFault {
    match number % 7 {
        0 => SocketFault::Close(4000),
        1 => SocketFault::Close(4009),
        2 => SocketFault::Cut,
        3 => SocketFault::Stall,
        4 => SocketFault::Reconnect,
        5 => SocketFault::Invalidate(number >= 7),
        _ => SocketFault::Double(1 + u64::from(count % 4)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_question_is_answered_once_in_order_and_in_full() {
    let plan = Plan::wished();
    let server = DiscordServer::builder(plan.seed).heartbeat(Duration::from_secs(5)).start().await;
    let bot = server.add_bot(BOT, BotRules { shards: SHARDS, ..BotRules::default() });
    let mut crowd = Crowd::new(&server, &bot, plan.channels, plan.seed);
    let model = ModelServer::speaking(answers::answer).await;
    let mut fleet = Fleet::new(&server, &bot, &model).await;
    server.chances(Odds { status: 5, cut: 3, slow: 10, slow_max: Duration::from_secs(2), shared: 3, global: 1 });
    let (met, ()) = tokio::join!(life(&plan, &mut crowd, &server, &bot), happenings(&mut fleet, plan.lasts));
    server.chances(Odds::default());
    let messages = settled(&crowd).await;
    until("nothing is left to do", || async { fleet.unfinished().await == 0 }).await;
    // Once more, now that nothing comes any more.
    assert_eq!(settled(&crowd).await, messages);
    report(&plan, &crowd, &server, &met, messages);
    assert_eq!(tests::dead_letters(&fleet.redis).await, Vec::<String>::new());
    let broken: Vec<_> = server.exchanges().into_iter().filter(|exchange| exchange.broke_limit).collect();
    assert!(broken.is_empty(), "requests met a limit that an earlier answer had told of: {broken:#?}");
}

/// Waits until everything is answered: how many messages that took.
async fn settled(crowd: &Crowd<'_>) -> usize {
    let (mut best, mut since) = (usize::MAX, Instant::now());
    loop {
        let (mut messages, mut waiting) = (0, Vec::new());
        for (number, room) in crowd.rooms.iter().enumerate() {
            match checker::read(&room.asked, &crowd.shown(room)) {
                Reading::Complete { messages: more } => messages += more,
                Reading::Waiting => waiting.push(number),
                Reading::Wrong(what) => {
                    panic!("channel {number}: {what}\nasked: {:?}\nshown: {:#?}", room.asked, crowd.shown(room))
                }
            }
        }
        if waiting.is_empty() {
            return messages;
        }
        if waiting.len() < best {
            (best, since) = (waiting.len(), Instant::now());
        }
        let first = &crowd.rooms[waiting[0]];
        assert!(
            since.elapsed() < STANDSTILL_MAX,
            "{} channels wait for an answer, the first {}\nasked: {:?}\nshown: {:#?}",
            waiting.len(),
            waiting[0],
            first.asked,
            crowd.shown(first)
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn report(plan: &Plan, crowd: &Crowd<'_>, server: &DiscordServer, met: &BTreeMap<String, u32>, messages: usize) {
    let done = &crowd.done;
    println!("{} channels, {} events in {:?}, seed {}", plan.channels, done.events, plan.lasts, plan.seed);
    for (what, count) in [
        ("questions", done.questions),
        ("messages that answer them, each once, in order and complete", messages as u64),
        ("edits", done.edits),
        ("messages taken back", done.deletes),
        ("reactions", done.reactions),
        ("files", done.files),
        ("bursts", done.bursts),
    ] {
        println!("{count:>8} {what}");
    }
    let mut by_status: BTreeMap<String, u64> = BTreeMap::new();
    for exchange in server.exchanges() {
        *by_status.entry(exchange.status.map_or_else(|| "cut".to_owned(), |status| status.to_string())).or_default() +=
            1;
    }
    println!("requests by answer: {by_status:?}; that broke a limit: {}", server.limits_broken());
    println!("sockets met: {met:?}");
}
