//! Real processes on a real Redis, each behind a fault proxy of its own, and what can be done to them.

use std::{net::SocketAddr, time::Duration};

use tests::{FaultProxy, FreePort, Pair, Process, Program, RedisServer, Saboteur, Signal};
use tokio::sync::watch;

use super::{
    Plan,
    model::Model,
    schedule::{Fault, Kind, Target},
};

/// As [`Pair::settings_on`] has it.
pub(crate) const LEASE: Duration = Duration::from_secs(1);
const WORKERS: usize = 3;
const GATEWAYS: usize = 2;
const SHARDS: u16 = 16;

/// A process and its way to Redis.
struct Member {
    process: Process,
    proxy: FaultProxy,
}

pub(crate) struct Fleet {
    // In this order they end: clients before what they connect to.
    workers: Vec<Member>,
    gateways: Vec<Member>,
    ports: Vec<FreePort>,
    pub(crate) redis: RedisServer,
    pub(crate) model: Model,
    /// Counts the starts of Redis after the first.
    pub(crate) restarts: watch::Sender<u64>,
    /// What no fault explains.
    pub(crate) violations: Vec<String>,
    may_forget: bool,
    /// Bytes of its append-only file that Redis has forgotten.
    pub(crate) forgotten_bytes: u64,
}

impl Fleet {
    pub(crate) async fn new(plan: &Plan, saboteur: Option<&Saboteur>) -> Self {
        let redis = RedisServer::with_fsync(if plan.may_forget { "everysec" } else { "always" }).await;
        let model = Model::new(plan.may_forget).await;
        let ports: Vec<_> = (0..GATEWAYS).map(|_| FreePort::new()).collect();
        let mut fleet = Self {
            workers: Vec::new(),
            gateways: Vec::new(),
            ports,
            redis,
            model,
            restarts: watch::Sender::new(0),
            violations: Vec::new(),
            may_forget: plan.may_forget,
            forgotten_bytes: 0,
        };
        for index in 0..GATEWAYS {
            let address = fleet.ports[index].to_string();
            let member = fleet.start(Program::Gateway, &[("SG_WEBCHAT_ADDR", &address)], saboteur).await;
            fleet.gateways.push(member);
        }
        for _ in 0..WORKERS {
            let member = fleet.start(Program::Inference, &[], saboteur).await;
            fleet.workers.push(member);
        }
        fleet.whole().await;
        fleet
    }

    async fn start(&self, program: Program, more: &[(&str, &str)], saboteur: Option<&Saboteur>) -> Member {
        let proxy = FaultProxy::new(self.redis.socket(), saboteur.cloned()).await;
        let mut settings = Pair::settings_on(&self.redis);
        let (url, model) = (proxy.url(), self.model.base_url());
        let own = [
            ("SG_REDIS_URL", url.as_str()),
            ("SG_MODEL_BASE_URL", &model),
            ("SG_MODEL_NAME", tests::ModelServer::MODEL),
            // Enough to see what was remembered twice, and little enough to be read with every request.
            ("SG_HISTORY__MESSAGES", "30"),
            ("SG_PLATFORM__WEBCHAT__MESSAGES_PER_MINUTE", "100000"),
        ];
        settings.extend(own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Member { process: Process::start(program, settings), proxy }
    }

    /// Where visitors find the gateways.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.ports.iter().map(FreePort::address).collect()
    }

    /// Waits until every process is ready.
    pub(crate) async fn whole(&mut self) {
        for member in self.workers.iter_mut().chain(&mut self.gateways) {
            member.process.wait_ready().await;
        }
    }

    /// Entries that no process has finished, of all streams.
    pub(crate) async fn unfinished(&self) -> i64 {
        let mut count = 0;
        for shard in 0..SHARDS {
            for stream in ["sg:stream:inbound", "sg:stream:outbound:webchat"] {
                let groups = self.redis.command(["XINFO", "GROUPS", &format!("{stream}:{{{shard}}}")]).await;
                for group in groups.list() {
                    let fields = group.list();
                    let named = |name: &str| fields.chunks(2).find(|pair| pair[0].text() == name);
                    count += ["pending", "lag"]
                        .iter()
                        .filter_map(|name| named(name))
                        .map(|pair| pair[1].number())
                        .sum::<i64>();
                }
            }
        }
        count
    }

    /// Dead letters of all shards.
    pub(crate) async fn dead_letters(&self) -> i64 {
        let mut count = 0;
        for shard in 0..SHARDS {
            count += self.redis.command(["XLEN", &format!("sg:stream:dlq:{{{shard}}}")]).await.number();
        }
        count
    }

    /// Lets a fault happen, from its begin to its end.
    pub(crate) async fn suffer(&mut self, fault: &Fault) {
        if fault.kind == Kind::Rolling || !fault.hasty {
            self.whole().await;
        }
        match fault.target {
            Target::Redis => self.interrupt_redis(fault).await,
            Target::Worker => hit(&mut self.workers, fault).await,
            Target::Gateway => hit(&mut self.gateways, fault).await,
        }
        self.supervise();
    }

    /// Starts again what ended by itself, as a supervisor does: a process that finds no Redis at its start ends with 1.
    fn supervise(&mut self) {
        for member in self.workers.iter_mut().chain(&mut self.gateways) {
            match member.process.has_ended() {
                None => {}
                Some(1) => member.process.restart(),
                Some(code) => {
                    let log = member.process.log().lines();
                    let last = &log[log.len().saturating_sub(8)..];
                    self.violations.push(format!("a process ended by itself with code {code}: {last:#?}"));
                    member.process.restart();
                }
            }
        }
    }

    async fn interrupt_redis(&mut self, fault: &Fault) {
        let safe = self.redis.written();
        if self.may_forget {
            // What is written from here on may not be on the disk yet.
            tokio::time::sleep(Duration::from_millis(900).mul_f64(fault.detail)).await;
        }
        self.redis.kill();
        if self.may_forget {
            let lost = ((self.redis.written() - safe) as f64 * fault.amount) as u64;
            self.redis.forget_after(self.redis.written() - lost);
            self.forgotten_bytes += lost;
        }
        tokio::time::sleep(fault.between(Duration::ZERO, Duration::from_millis(1500))).await;
        self.redis.start().await;
        self.restarts.send_modify(|count| *count += 1);
    }
}

/// Does to processes of one kind what the fault says.
async fn hit(members: &mut [Member], fault: &Fault) {
    let victim = fault.victim % members.len();
    let is_hit = |index: usize| fault.everyone || index == victim;
    let (mut hit, mut others): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
    for (index, member) in members.iter_mut().enumerate() {
        if is_hit(index) { hit.push(member) } else { others.push(member) }
    }
    let beyond_the_lease = fault.between(LEASE.mul_f64(1.3), LEASE.mul_f64(3.0));
    match fault.kind {
        Kind::Killed => {
            hit.iter_mut().for_each(|member| member.process.kill9());
            tokio::time::sleep(fault.between(Duration::ZERO, LEASE * 2)).await;
            hit.iter_mut().for_each(|member| member.process.restart());
        }
        Kind::Frozen => {
            hit.iter().for_each(|member| member.process.signal(Signal::STOP));
            tokio::time::sleep(beyond_the_lease).await;
            hit.iter().for_each(|member| member.process.signal(Signal::CONT));
        }
        Kind::Held => {
            hit.iter().for_each(|member| member.proxy.hold());
            tokio::time::sleep(beyond_the_lease).await;
            // Who took over stands still for less than a lease: what comes now is there for a stale reader to take.
            others.iter().for_each(|member| member.process.signal(Signal::STOP));
            tokio::time::sleep(LEASE.mul_f64(0.2 + 0.4 * fault.detail)).await;
            hit.iter().for_each(|member| member.proxy.heal());
            tokio::time::sleep(LEASE.mul_f64(0.1)).await;
            others.iter().for_each(|member| member.process.signal(Signal::CONT));
        }
        Kind::Unanswered => {
            hit.iter().for_each(|member| member.proxy.lose_replies_after((fault.detail * 4000.0) as u32));
            tokio::time::sleep(fault.between(Duration::from_millis(50), LEASE)).await;
            hit.iter().for_each(|member| {
                member.proxy.reset();
                member.proxy.heal();
            });
        }
        Kind::Reset => hit.iter().for_each(|member| member.proxy.reset()),
        Kind::HalfOpen => hit.iter().for_each(|member| member.proxy.half_open()),
        Kind::CutOff => {
            hit.iter().for_each(|member| member.proxy.refuse());
            tokio::time::sleep(fault.between(LEASE.mul_f64(0.3), LEASE * 3)).await;
            hit.iter().for_each(|member| member.proxy.heal());
        }
        Kind::Slow => {
            hit.iter().for_each(|member| member.proxy.delay(fault.between(Duration::from_millis(5), LEASE / 8)));
            tokio::time::sleep(LEASE.mul_f64(1.0 + fault.detail)).await;
            hit.iter().for_each(|member| member.proxy.heal());
        }
        Kind::Rolling => {
            for member in members {
                member.process.signal(Signal::TERM);
                assert_eq!(member.process.exit_code().await, 0, "a process that is told to stop ends well");
                member.process.restart();
                member.process.wait_ready().await;
            }
        }
    }
}
